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
from functools import partial
from inspect import signature
from itertools import chain
from os import PathLike
from typing import Any, Self

import numpy as np

from lessons._checks import whole
from lessons._rng import Seed, key_of, uniforms
from lessons.biased_walks import Rows, Walker, random_walks, step_chances, step_chances_definition, walker
from lessons.graph import as_graph
from lessons.link_prediction import HiddenEdges, hide_edges, link_scores
from lessons.skip_gram import (
    ORDER,
    Embedding,
    Settings,
    Training,
    Vectors,
    derived,
    finite,
    pair_step_definition,
    skip_gram,
    skip_gram_definition,
    untrained,
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


class Node2Vec:
    """Vectors for the nodes of a graph, in the manner of scikit-learn: `fit`, then `transform`.

    `length`, `walks_per_node`, `p` and `q` are those of `random_walks`; `dimensions`, `window`, `negatives` and
    `rate` those of `skip_gram`; `epochs` is how often each walk is passed. In each round the starts are shuffled.
    The walks are made in chunks, once to count how often each node occurs and again each epoch to learn from them,
    so they never take more than 8 MB; walking is a small part of the time. With one thread the answer depends on
    the seed alone, on the same kind of processor; with more the walks stay the same, but the vectors never come
    the same twice.

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
        self.length, self.walks_per_node, self.p, self.q = length, walks_per_node, p, q
        self.dimensions, self.window, self.negatives = dimensions, window, negatives
        self.epochs, self.rate, self.seed, self.threads, self.progress = epochs, rate, seed, threads, progress

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
            chunks = partial(_chunks, walk, graph.n, rounds, settings.length, key, bar)
            counts, done = np.zeros(graph.n, np.int64), 0
            for walks in chunks():
                counts += np.bincount(walks[walks >= 0], minlength=graph.n)
            training, embedding = Training(counts, key), untrained(graph.n, settings.dimensions, key)
            for walks in chain.from_iterable(chunks() for _ in range(epochs)):
                training.passed(embedding, walks, done, epochs * rounds * graph.n, settings, self.threads)
                done += len(walks)
        finite(embedding, self.rate)
        self.nodes_, self.vectors_, self.contexts_ = graph.nodes, embedding.vectors, embedding.contexts
        self._labels = as_graph([], nodes=graph.nodes)
        return self

    def transform(self, nodes: Iterable[Hashable]) -> Vectors:
        """The vectors (len(nodes), dimensions) of these nodes, given by their labels.

        Raises KeyError for an unknown node, TypeError for one label, a text too, in place of a list; RuntimeError
        before `fit`.
        """
        self._fitted()
        if isinstance(nodes, str):
            raise TypeError(f"nodes={nodes!r}: a list of labels is needed, [{nodes!r}] for one")
        return self.vectors_[[self._labels.index(node) for node in nodes]]

    def fit_transform(self, graph: object, y: None = None) -> Vectors:
        """`fit`, then the vectors of all nodes (n, dimensions), in the graph's order."""
        return self.fit(graph).vectors_

    def save(self, path: str | PathLike[str]) -> None:
        """Write the vectors as `save_vectors` does, which could write `contexts_` to a file of their own.

        Raises ValueError for labels that the format cannot hold, RuntimeError before `fit`.
        """
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


def _chunks(walk: Walker, n: int, rounds: int, length: int, key: int, bar: Any) -> Iterator[Rows]:
    """All walks, at most `CHUNK` nodes of them at a time; the starts of each round are shuffled."""
    for i in range(rounds):
        order = np.argsort(uniforms(derived(key, ORDER), [i], n)[0], kind="stable").astype(np.int32)
        for starts in np.array_split(order, -(-n * length // CHUNK)):
            yield walk(starts, i, length)
            bar.update(len(starts) * length)


def _bar(progress: bool | None, steps: int) -> Any:
    from tqdm import tqdm

    shown = steps >= LONG if progress is None else progress
    return tqdm(total=steps, desc="node2vec", unit="node", unit_scale=True, disable=not shown)
