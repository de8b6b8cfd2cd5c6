"""Walk and embed: a place in space for each node, learned from random walks (node2vec).

    model = Node2Vec(dimensions=128, p=0.25, q=4).fit(graph)
    model.transform(["Valjean", "Javert"])         # (2, 128) float32
    model.save("vectors.txt")                      # word2vec's text format, which gensim reads

Walks are made by `random_walks` and learned from by `skip_gram`; DeepWalk is p = q = 1. `graph` is anything that
`as_graph` reads.

Notebook: 09_node2vec. Reference: A. Grover, J. Leskovec, node2vec: scalable feature learning for networks, KDD
2016, doi:10.1145/2939672.2939754.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from inspect import signature
from os import PathLike
from typing import Any, Self

import numpy as np

from lessons._checks import whole
from lessons._rng import Seed, key_of, start, uniforms
from lessons.biased_walks import Rows, random_walks, step_chances, step_chances_definition, walker
from lessons.graph import Graph, as_graph
from lessons.link_prediction import HiddenEdges, hide_edges, link_scores
from lessons.skip_gram import (
    Embedding,
    Settings,
    Training,
    Vectors,
    finite,
    first_vectors,
    pair_step_definition,
    skip_gram,
    skip_gram_definition,
)
from lessons.vector_files import load_vectors, save_vectors

__all__ = [
    "Embedding",
    "HiddenEdges",
    "Node2Vec",
    "hide_edges",
    "link_scores",
    "load_vectors",
    "pair_step_definition",
    "random_walks",
    "save_vectors",
    "skip_gram",
    "skip_gram_definition",
    "step_chances",
    "step_chances_definition",
]

CHUNK = 2**21  # nodes of walks that are held at once, 8 MB
LONG = 20_000_000  # nodes to be walked from which on a bar shows how far it is: half a minute or so
ORDER = -5  # what the key of the order of starts is derived for


class Node2Vec:
    """Vectors for the nodes of a graph, in the manner of scikit-learn: `fit`, then `transform`.

    `length`, `walks_per_node`, `p` and `q` are those of `random_walks`; `dimensions`, `window`, `negatives` and
    `rate` those of `skip_gram`; `epochs` is how often each walk is passed. In each round the starts are shuffled.
    The walks are made in chunks, once to count how often each node occurs and once each epoch to learn from them,
    so they never take more than 8 MB. With one thread the answer depends on the seed alone, on the same kind of
    processor; with more the walks stay the same, but the vectors never come the same twice.

    `progress` shows a bar on standard error: True, False, or None for where 20 million nodes or more are walked.

    >>> graph = as_graph([("a", "b"), ("b", "c"), ("d", "e")], nodes="abcde")
    >>> model = Node2Vec(dimensions=8, length=10, window=3).fit(graph)
    >>> model.transform(["c", "a"]).shape
    (2, 8)

    Notebook: 09_node2vec.
    """

    def __init__(
        self,
        *,
        dimensions: int = 128,
        length: int = 80,
        walks_per_node: int = 10,
        p: float = 1.0,
        q: float = 1.0,
        window: int = 10,
        negatives: int = 5,
        epochs: int = 1,
        rate: float = 0.025,
        seed: Seed = 0,
        threads: int = 1,
        progress: bool | None = None,
    ) -> None:
        self.dimensions, self.length, self.walks_per_node, self.p, self.q = (
            dimensions,
            length,
            walks_per_node,
            p,
            q,
        )
        self.window, self.negatives, self.epochs, self.rate = window, negatives, epochs, rate
        self.seed, self.threads, self.progress = seed, threads, progress

    def fit(self, graph: object, y: None = None) -> Self:
        """Learn `vectors_` (n, dimensions), aligned with `nodes_`; and `contexts_`, their partners.

        O(n walks_per_node epochs length window (1 + negatives) dimensions). A node without edges keeps its first,
        short vector. Raises ValueError for a graph without nodes, and as `random_walks` and `skip_gram` do.
        """
        graph = as_graph(graph)
        if graph.n == 0:
            raise ValueError("the graph has no nodes: nothing can be embedded")
        rounds, epochs = whole("walks_per_node", self.walks_per_node), whole("epochs", self.epochs)
        settings = Settings(self.dimensions, self.window, self.negatives, self.rate, whole("length", self.length))
        key, steps = key_of(self.seed), graph.n * rounds * settings.length
        walk = walker(graph, steps, p=self.p, q=self.q, key=key, threads=self.threads)
        with _bar(self.progress, steps * (1 + epochs)) as bar:

            def chunks() -> Iterator[Rows]:
                for starts, i in _shuffled(graph, rounds, settings.length, key):
                    yield walk(starts, i, settings.length)
                    bar.update(len(starts) * settings.length)

            counts = sum(
                (np.bincount(walks[walks >= 0], minlength=graph.n) for walks in chunks()), np.zeros(1, int)
            )
            training, done = Training(counts, key), 0
            embedding = Embedding(
                first_vectors(graph.n, settings.dimensions, key),
                np.zeros((graph.n, settings.dimensions), np.float32),
            )
            for _ in range(epochs):
                for walks in chunks():
                    training.passed(embedding, walks, done, epochs * rounds * graph.n, settings, self.threads)
                    done += len(walks)
        finite(embedding, self.rate)
        self.nodes_, self.vectors_, self.contexts_ = graph.nodes, embedding.vectors, embedding.contexts
        self._labels = as_graph([], nodes=graph.nodes)
        return self

    def transform(self, nodes: Iterable[Hashable]) -> Vectors:
        """The vectors (len(nodes), dimensions) of these nodes, given by their labels.

        Raises KeyError for an unknown node, RuntimeError before `fit`.
        """
        self._fitted()
        return self.vectors_[[self._labels.index(node) for node in nodes]]

    def fit_transform(self, graph: object, y: None = None) -> Vectors:
        """`fit`, then the vectors of all nodes (n, dimensions), in the graph's order."""
        return self.fit(graph).vectors_

    def save(self, path: str | PathLike[str]) -> None:
        """Write the vectors as `save_vectors` does. Raises RuntimeError before `fit`."""
        self._fitted()
        save_vectors(path, self.nodes_, self.vectors_)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """What the model was made with, by name; scikit-learn asks for this."""
        return {name: getattr(self, name) for name in signature(type(self)).parameters}

    def set_params(self, **parameters: Any) -> Self:
        """Change some of what the model was made with. Raises ValueError for an unknown name."""
        for name, value in parameters.items():
            if name not in self.get_params():
                raise ValueError(f"{name!r} is no parameter of Node2Vec: {', '.join(self.get_params())}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        changed = {k: v for k, v in self.get_params().items() if v != signature(type(self)).parameters[k].default}
        return f"Node2Vec({', '.join(f'{name}={value!r}' for name, value in changed.items())})"

    def _fitted(self) -> None:
        if not hasattr(self, "vectors_"):
            raise RuntimeError("this model has learned nothing yet: call fit(graph) first")


def _shuffled(graph: Graph, rounds: int, length: int, key: int) -> Iterator[tuple[Rows, int]]:
    """The starts of all walks, in parts of at most `CHUNK` nodes of walks; and the round of each part."""
    for i in range(rounds):
        order = np.argsort(uniforms(start(key, ORDER), [i], graph.n)[0], kind="stable").astype(np.int32)
        for part in np.array_split(order, -(-graph.n * length // CHUNK)):
            yield part, i


def _bar(progress: bool | None, steps: int) -> Any:
    from tqdm import tqdm

    shown = steps >= LONG if progress is None else progress
    return tqdm(total=steps, desc="node2vec", unit="node", unit_scale=True, disable=not shown)
