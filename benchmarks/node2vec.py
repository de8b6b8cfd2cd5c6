"""Walks that remember a step, skip-gram, and both together, beside those who do the same.

- Walks of 80 nodes, one from each node: fastnode2vec, whose graph is made beforehand. Its fastest way is what its
  own walker (compiled by numba) does in a compiled loop over all nodes; "as documented" calls
  `generate_random_walk` from Python, which makes a list of names of each walk.
- Training on the same walks, in 128 dimensions, window 10, 5 negatives, one epoch: gensim's Word2Vec, whose
  sentences and vocabulary are made beforehand. As many walks from a node as the case says.
- From a graph to vectors, 10 walks of 80 from each node: the package node2vec, from a graph of networkx.
- Memory: `Node2Vec.fit` of 15.8 million steps in all; gensim's is what the same walks as sentences, their
  vocabulary and the weights take, without training, which adds little. And a graph of a million nodes and ten
  million edges, which is made and walked on in the same call, with short walks: chunks of walks are thrown away.

Cora, Citeseer and BlogCatalog, without self-loops and without nodes that have no other neighbour, are skipped by
name unless LESSONS_DATA names a folder with them. "Two threads": ours takes two; of the peers gensim does, too.
What the vectors are good for is told by `--accuracy` and `_node_vectors.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._harness import Call, Case, Skipped
from benchmarks._inputs import random_pairs, rmat_pairs, sized
from lessons import Graph, as_graph

LENGTH, DIMENSIONS, WINDOW, NEGATIVES, WALKS = 80, 128, 10, 5, 10
SETTINGS = {"p quarter q 4": (0.25, 4.0), "p 1 q half": (1.0, 0.5)}
TRAINED = (1.0, 0.5)  # p and q of the walks that are trained on
DATA = {"Cora": (2_708, 5_278), "Citeseer": (3_279, 4_552), "BlogCatalog": (10_312, 333_983)}
FILES = {"Cora": "planetoid/ind.cora.graph", "Citeseer": "planetoid/ind.citeseer.graph"}
TRAINED_ON = {"Cora": 2, "Citeseer": 2, "BlogCatalog": 1}  # walks from each node, for repeated training
SPREAD = 6.0  # standard deviations by which steps back, and those that stay near, may be off

Array = NDArray[Any]
Source = Callable[[], Graph]


def cases(scale: float) -> Iterator[Case]:
    small, large = (partial(rmat_graph, size, m, scale) for size, m in ((1_024, 8_000), (65_536, 1_000_000)))
    full = scale == 1
    sizes = {name: (*size, partial(data_graph, name)) for name, size in DATA.items()}
    for name, (n, m, source) in (*sizes.items(), ("RMAT graph", (*size_of(large()), large))):
        yield from walks_cases(name, n, m, source, (3 if name == "RMAT graph" else 9) if full else 1)
    for name, (n, m, source) in (*sizes.items(), ("small RMAT graph", (*size_of(small()), small))):
        yield from training_cases(name, n, m, source, TRAINED_ON.get(name, 2), 5 if full else 1)
    for name, (n, m, source) in {"Cora": sizes["Cora"], "small RMAT graph": (*size_of(small()), small)}.items():
        yield pipeline_case(name, n, m, source)
    yield from memory_cases(scale)


def size_of(graph: Graph) -> tuple[int, int]:
    return graph.n, graph.m


# ---------------------------------------------------------------------------------------- graphs


@lru_cache(maxsize=4)
def data_graph(name: str) -> Graph:
    from lessons.datasets import blogcatalog, planetoid

    file = FILES.get(name, "graphs/blogcatalog.mat")
    if not Path(os.environ.get("LESSONS_DATA", ""), file).is_file():
        raise Skipped(f"LESSONS_DATA names no folder with {file}")
    return without_lone(blogcatalog().graph if name == "BlogCatalog" else planetoid(name.lower()).graph)


@lru_cache(maxsize=2)
def rmat_graph(n: int, m: int, scale: float) -> Graph:
    """An R-MAT graph of at most so many nodes: those without a neighbour are left out."""
    size, edges = sized(n, m, scale)
    return without_lone(rmat_pairs(1 << max(4, size.bit_length() - 1), max(40, edges), seed=0))


def without_lone(source: Graph | Array) -> Graph:
    """The same without self-loops, and without nodes that then have no neighbour; the others in their order."""
    edges = np.array(source.edges()) if isinstance(source, Graph) else source
    kept, number = np.unique(edges[edges[:, 0] != edges[:, 1]], return_inverse=True)
    return as_graph(number.reshape(-1, 2), n=len(kept))


# ---------------------------------------------------------------------------------------- walks


def walks_cases(name: str, n: int, m: int, source: Source, repeats: int) -> Iterator[Case]:
    for setting, (p, q) in SETTINGS.items():
        case = partial(walks_case, name, n, m, source, p, q, repeats)
        yield case(setting, 1, partial(walks_in_loop, source, p, q))
        yield case(f"{setting} two threads", 2, partial(walks_in_loop, source, p, q))
        if name != "RMAT graph":
            yield case(f"{setting} peer as documented", 1, partial(walks_as_documented, source, p, q))


def walks_case(
    name: str,
    n: int,
    m: int,
    source: Source,
    p: float,
    q: float,
    repeats: int,
    variant: str,
    threads: int,
    peer: Callable[[], Call],
) -> Case:
    return Case(
        input=name,
        n=n,
        m=m,
        function="random_walks",
        variant=variant,
        ours=partial(our_walks, source, p, q, threads),
        peers={"fastnode2vec": peer},
        right=partial(are_walks, source, p, q),
        repeats=repeats,
    )


def our_walks(source: Source, p: float, q: float, threads: int) -> Call:
    from lessons.node2vec import random_walks

    return partial(random_walks, source(), LENGTH, walks_per_node=1, p=p, q=q, threads=threads)


def walks_in_loop(source: Source, p: float, q: float) -> Call:
    graph = fast_graph(source)
    from fastnode2vec.graph import _random_walk
    from numba import njit

    @njit(nogil=True)
    def loop(indptr: Array, indices: Array, walks: Array) -> Array:
        for i in range(len(walks)):
            walks[i] = _random_walk(indptr, indices, LENGTH, p, q, i)
        return walks

    return lambda: loop(graph.indptr, graph.indices, np.empty((len(graph.node_names), LENGTH), np.int32))


def walks_as_documented(source: Source, p: float, q: float) -> Call:
    graph = fast_graph(source)
    return lambda: [graph.generate_random_walk(LENGTH, p, q, i) for i in range(len(graph.node_names))]


def fast_graph(source: Source) -> Any:
    """fastnode2vec's graph, numbered as ours is, so that both read memory in the same order."""
    from fastnode2vec import Graph as FastGraph

    graph = source()
    fast = FastGraph(graph.edges(), directed=False, weighted=False, verbose=False)
    fast.indptr, fast.indices = (part.astype(np.int32) for part in (graph.indptr, graph.indices))
    fast.node_names = np.arange(graph.n)
    return fast


def are_walks(source: Source, p: float, q: float, walks: Any) -> bool:
    """Whether from each node a walk goes along edges, and turns back and stays near as often as p and q ask."""
    graph, walks = source(), np.asarray(walks)
    A = graph.to_scipy()
    if walks.shape != (graph.n, LENGTH) or (np.sort(walks[:, 0]) != np.arange(graph.n)).any():
        return False
    if not np.asarray(A[walks[:, :-1].ravel(), walks[:, 1:].ravel()]).all():
        return False
    rows, places = np.random.default_rng(0).integers(0, [[graph.n], [LENGTH - 2]], (2, 20_000))
    before, at, after = (walks[rows, places + k] for k in range(3))
    near = np.asarray(A[before].multiply(A[at]).sum(axis=1)).ravel()
    away = np.diff(graph.indptr)[at] - near - 1
    for seen, weight in ((after == before, 1 / p), (np.asarray(A[before, after]).ravel() > 0, near)):
        chance = weight / (1 / p + near + away / q)
        if (seen.sum() - chance.sum()) ** 2 > SPREAD**2 * max(1.0, (chance * (1 - chance)).sum()):
            return False
    return True


# ---------------------------------------------------------------------------------------- training


def training_cases(name: str, n: int, m: int, source: Source, walks: int, repeats: int) -> Iterator[Case]:
    told = f"{walks} walk{'s' * (walks > 1)} a node"
    for threads, variant in ((1, told), (2, f"{told} two threads")):
        yield Case(
            input=name,
            n=n,
            m=m,
            function="skip_gram",
            variant=variant,
            ours=partial(our_training, source, walks, threads),
            peers={"gensim": partial(gensim_training, source, walks, threads)},
            right=partial(are_vectors, source),
            repeats=repeats,
        )


@lru_cache(maxsize=1)
def shuffled_walks(source: Source, walks: int) -> Array:
    from lessons.node2vec import random_walks

    p, q = TRAINED
    found = random_walks(source(), LENGTH, walks_per_node=walks, p=p, q=q)
    return found[np.random.default_rng(0).permutation(len(found))]


def our_training(source: Source, walks: int, threads: int) -> Call:
    from lessons.node2vec import skip_gram

    given, n = shuffled_walks(source, walks), source().n
    settings = {"dimensions": DIMENSIONS, "window": WINDOW, "negatives": NEGATIVES}
    return lambda: skip_gram(given, n, **settings, threads=threads).vectors


def gensim_training(source: Source, walks: int, workers: int) -> Call:
    model, sentences, names = gensim_model(source, walks, workers)

    def call() -> Array:
        model.init_weights()
        model.train(sentences, total_examples=len(sentences), epochs=1)
        return model.wv[names]

    return call


def gensim_model(source: Source, walks: int, workers: int) -> tuple[Any, list[list[str]], list[str]]:
    """A model with its vocabulary, the walks as sentences, and the names of the nodes."""
    from gensim.models import word2vec

    if word2vec.FAST_VERSION < 0:
        raise Skipped("gensim lacks its compiled core here")
    sentences = shuffled_walks(source, walks).astype(str).tolist()
    model = word2vec.Word2Vec(vector_size=DIMENSIONS, workers=workers, seed=0, epochs=1, **GENSIM)
    model.build_vocab(sentences)
    return model, sentences, [str(row) for row in range(source().n)]


GENSIM = {"sg": 1, "hs": 0, "negative": NEGATIVES, "window": WINDOW, "sample": 0, "min_count": 1}


def are_vectors(source: Source, vectors: Array) -> bool:
    """Whether there is one for each node, and neighbours are nearer to each other than to others' neighbours."""
    graph = source()
    if vectors.shape != (graph.n, DIMENSIONS) or not np.isfinite(vectors).all():
        return False
    rng, units = np.random.default_rng(0), vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    ends = np.array(graph.edges())[rng.integers(0, graph.m, 5_000)]
    others = np.column_stack([ends[:, 0], rng.permutation(ends[:, 1])])  # as often hubs as those are
    near, far = ((units[a] * units[b]).sum(axis=1).mean() for a, b in (ends.T, others.T))
    return bool(near > far or graph.n < 100)


# ---------------------------------------------------------------------------------------- from graph to vectors


def pipeline_case(name: str, n: int, m: int, source: Source) -> Case:
    return Case(
        input=name,
        n=n,
        m=m,
        function="Node2Vec",
        variant="10 walks a node",
        ours=partial(our_fit, source),
        peers={"node2vec": partial(package_fit, source)},
        right=partial(are_vectors, source),
        repeats=1,
    )


def our_fit(source: Source) -> Call:
    from lessons.node2vec import Node2Vec

    graph, (p, q) = source(), TRAINED
    return lambda: Node2Vec(p=p, q=q, progress=False).fit(graph).vectors_


def package_fit(source: Source) -> Call:
    package = import_module("node2vec")
    import networkx as nx

    graph, (p, q) = nx.Graph(source().edges()), TRAINED
    walked = {"dimensions": DIMENSIONS, "walk_length": LENGTH, "num_walks": WALKS, "p": p, "q": q}

    def call() -> Array:
        model = package.Node2Vec(graph, **walked, workers=1, quiet=True, seed=0).fit(workers=1, seed=0, **GENSIM)
        return model.wv[[str(row) for row in range(len(graph))]]

    return call


# ---------------------------------------------------------------------------------------- memory


def memory_cases(scale: float) -> Iterator[Case]:
    n, m = sized(19_750, 100_000, scale)
    source = partial(random_graph, n, m)
    ours, theirs = partial(our_fit, source), partial(gensim_held, source)
    yield memory_case(n, m, "10 walks of 80 a node", ours, theirs)
    n, m = sized(1_000_000, 10_000_000, scale)
    ours, theirs = partial(our_large_fit, n, m), partial(gensim_large, n, m)
    yield memory_case(n, m, "a walk of 10 a node with the graph", ours, theirs)


def memory_case(n: int, m: int, variant: str, ours: Callable[[], Call], theirs: Callable[[], Call]) -> Case:
    return Case(
        input="random graph",
        n=n,
        m=m,
        function="Node2Vec",
        variant=variant,
        quantity="memory",
        ours=partial(loaded, ours),
        peers={"gensim": theirs},
        right=partial(has_rows, n),
        repeats=1,
    )


@lru_cache(maxsize=1)
def random_graph(n: int, m: int) -> Graph:
    return as_graph(random_pairs(n, m, seed=0), n=n)


def loaded(ready: Callable[[], Call]) -> Call:
    """The call once the kernels are there, which else is charged with numba."""
    our_fit(partial(random_graph, 2_000, 8_000))()
    return ready()


def has_rows(n: int, vectors: Array) -> bool:
    return vectors.shape == (n, DIMENSIONS) and bool(np.isfinite(vectors).all())


def gensim_held(source: Source) -> Call:
    """The walks as sentences, their vocabulary and a model's weights."""
    import_module("gensim.models.word2vec")
    source()

    def call() -> Array:
        model, _, names = gensim_model(source, WALKS, workers=1)
        return model.wv[names]

    return call


def our_large_fit(n: int, m: int) -> Call:
    from lessons.node2vec import Node2Vec

    settings = {"length": 10, "walks_per_node": 1, "window": 5}
    return lambda: Node2Vec(**settings, progress=False).fit(random_graph(n, m)).vectors_


def gensim_large(n: int, m: int) -> Call:
    """The same walks as sentences, with the graph, a vocabulary and weights, without training."""
    from gensim.models import word2vec

    from lessons.node2vec import random_walks

    def call() -> Array:
        sentences = random_walks(random_graph(n, m), 10, walks_per_node=1).astype(str).tolist()
        model = word2vec.Word2Vec(vector_size=DIMENSIONS, workers=1, **GENSIM)
        model.build_vocab(sentences)
        return model.wv[[str(row) for row in range(n)]]

    return call
