"""Making a graph: `as_graph` from every kind of source, in time and in peak memory.

scipy's coo -> csr is the least that reading unordered edges can cost. It and the constructors of the others
start from the edges in the form they read fastest; what converts from networkx starts from the same object as we.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any

import networkx
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from benchmarks._harness import Call, Case
from benchmarks._inputs import random_pairs, sized
from lessons import as_graph

CSR, COO = "csr int32", "coo int64 with duplicates"


def cases(scale: float) -> Iterator[Case]:
    small, large = sized(100_000, 1_000_000, scale), sized(1_000_000, 10_000_000, scale)
    scipy = {"scipy": by_scipy}
    makers = scipy | {"igraph": by_igraph, "rustworkx": by_rustworkx}
    converters = {"networkx": nx_to_scipy, "igraph": nx_to_igraph, "rustworkx": nx_to_rustworkx}
    yield case(CSR, *small, True, makers | {"networkx": by_networkx})
    yield case(CSR, *small, False, makers)
    yield case(COO, *small, True, scipy)
    yield case("edge array", *small, False, makers)
    yield case("networkx", *small, True, converters, repeats=3)
    for variant in (CSR, COO):
        for directed in (True, False):
            yield case(variant, *large, directed, scipy, repeats=3)
            yield case(variant, *large, directed, scipy, repeats=1, quantity="memory")


def case(
    variant: str, n: int, m: int, directed: bool, peers: dict[str, Callable[..., Call]], **options: Any
) -> Case:
    which = (variant, n, m, directed)
    return Case(
        input="random digraph" if directed else "random graph",
        n=n,
        m=m,
        function="as_graph",
        variant=variant,
        ours=partial(by_lessons, *which),
        peers={peer: partial(ready, *which) for peer, ready in peers.items()},
        right=partial(is_right, *which),
        **options,
    )


# ---------------------------------------------------------------------------------------- the sources


@lru_cache(maxsize=2)
def source(variant: str, n: int, m: int, directed: bool) -> Any:
    """What the graph is made of."""
    pairs = random_pairs(n, m, seed=1)
    if variant == "edge array":
        return pairs
    if variant == "networkx":
        graph = networkx.empty_graph(n, networkx.DiGraph if directed else networkx.Graph)
        graph.add_edges_from(pairs.tolist())
        return graph
    if variant == COO:
        pairs = np.concatenate([pairs, pairs[: m // 10]])
    matrix = matrix_of(n, pairs, directed)
    if variant == CSR:
        return matrix.tocsr()
    matrix.coords = tuple(ends.astype(np.int64) for ends in matrix.coords)  # the constructor made them int32
    return matrix


def matrix_of(n: int, pairs: NDArray[np.int64], directed: bool) -> sp.coo_array:
    """The adjacency matrix of pairs, an undirected one twice, in their order; int32 and contiguous."""
    arcs = pairs if directed else np.concatenate([pairs, pairs[:, ::-1]])
    rows, columns = np.ascontiguousarray(arcs.T, np.int32)
    return sp.coo_array((np.ones(len(arcs)), (rows, columns)), shape=(n, n))


# ---------------------------------------------------------------------------------------- the contenders


def by_lessons(variant: str, n: int, m: int, directed: bool) -> Call:
    given = source(variant, n, m, directed)
    return partial(as_graph, given, n=n) if variant == "edge array" else partial(as_graph, given)


def by_scipy(variant: str, n: int, m: int, directed: bool) -> Call:
    if variant == COO:
        return source(variant, n, m, directed).tocsr
    return matrix_of(n, random_pairs(n, m, seed=1), directed).tocsr


def by_igraph(_: str, n: int, m: int, directed: bool) -> Call:
    import igraph

    return partial(igraph.Graph, n, [*map(tuple, random_pairs(n, m, seed=1).tolist())], directed=directed)


def by_rustworkx(_: str, n: int, m: int, directed: bool) -> Call:
    import rustworkx

    pairs = [*map(tuple, random_pairs(n, m, seed=1).tolist())]

    def make() -> Any:
        graph = rustworkx.PyDiGraph() if directed else rustworkx.PyGraph()
        graph.add_nodes_from(range(n))
        graph.extend_from_edge_list(pairs)
        return graph

    return make


def by_networkx(_: str, n: int, m: int, directed: bool) -> Call:
    kind = networkx.DiGraph if directed else networkx.Graph
    return partial(networkx.from_scipy_sparse_array, source(CSR, n, m, directed), create_using=kind)


def nx_to_scipy(*which: Any) -> Call:
    return partial(networkx.to_scipy_sparse_array, source(*which))


def nx_to_igraph(*which: Any) -> Call:
    import igraph

    return partial(igraph.Graph.from_networkx, source(*which))


def nx_to_rustworkx(*which: Any) -> Call:
    import rustworkx

    return partial(rustworkx.networkx_converter, source(*which))


# ---------------------------------------------------------------------------------------- what is right


def is_right(variant: str, n: int, m: int, directed: bool, answer: Any) -> bool:
    """Whether an answer has exactly the edges of the source, and its weights where some are not one."""
    expected = source(variant if variant == COO else CSR, n, m, directed).tocsr()
    found = adjacency(answer)
    return all(
        np.array_equal(getattr(found, part), getattr(expected, part)) for part in ("indptr", "indices", "data")
    )


def adjacency(answer: Any) -> sp.csr_array:
    """The adjacency matrix of an answer of any contender, canonical."""
    library = type(answer).__module__.partition(".")[0]
    if library == "lessons":
        return answer.to_scipy()
    if library == "networkx":
        return networkx.to_scipy_sparse_array(answer, dtype=np.float64)
    if library == "igraph":
        return matrix_of(answer.vcount(), np.array(answer.get_edgelist()), answer.is_directed()).tocsr()
    if library == "rustworkx":
        directed = type(answer).__name__ == "PyDiGraph"
        return matrix_of(answer.num_nodes(), np.array(answer.edge_list()), directed).tocsr()
    return answer
