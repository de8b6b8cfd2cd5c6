"""Communities of a citation graph, meshes and planted graphs beside Leiden and PLM; coordinates beside Spectral.

The graphs: `citations`, of the size of Pubmed; `astro ph`, from the folder that LESSONS_DATA names, else skipped
by name; `plane mesh` and `solid mesh`; and planted ones, where each node has about 12 neighbours in its own group
of 200 and 8 elsewhere. Their nodes are numbered at random, so that no order tells the group. Each repeat takes the
next seed, "modularity" is the mean over them; networkit's PLM knows no seed on one thread.

PLM stands for Louvain, in networkit's words parallel; with `refine` it carries what was found back down, with
moves on each level. igraph's Leiden takes two rounds, as ours does. Spectral embeds for k-means: "rand" is the
adjusted Rand index of what that finds in the coordinates, each row brought to length 1, with the planted groups.
`summary` puts geometric means of time together, and how far modularity is apart at worst.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import count
from statistics import geometric_mean, mean
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks._harness import Call, Case, Row
from benchmarks.graph_partitioning import flat_mesh, from_file, solid_mesh
from lessons import Graph, as_graph
from lessons.communities import adjusted_rand, leiden, louvain, modularity
from lessons.random_graphs import planted_partition
from lessons.spectral_clustering import leading_eigenvectors

ASTRO = (16_706, 121_251)
GROUP, INSIDE, ACROSS = 200, 12, 8  # nodes of a planted group; neighbours there and elsewhere
REPEATS = 7

Floats = NDArray[np.float64]


def cases(scale: float) -> Iterator[Case]:
    """A graph from a file has one size only: at another scale it is left out."""
    for name, n, make in SEEDED:
        graph_of = partial(make, max(400, round(n * scale)))
        yield from cases_of(name, graph_of().n, graph_of().m, graph_of, REPEATS if scale == 1 else 1)
    if scale == 1:
        yield from cases_of("astro ph", *ASTRO, partial(from_file, "astro-ph"), REPEATS)
    for n, k in ((20_000, 20), (5_000, 10)):
        yield embedding_case(max(600, round(n * scale)), k, REPEATS if scale == 1 else 1)


def cases_of(name: str, n: int, m: int, graph_of: Callable[[], Graph], repeats: int) -> Iterator[Case]:
    for function, variant, ours, peers in (
        ("leiden", "two rounds", leiden, {"networkit": by_networkit, "igraph": by_igraph}),
        ("leiden", "beside refined", leiden, {"networkit": partial(by_networkit, refine=True)}),
        ("louvain", "until nothing moves", louvain, {"networkit": by_networkit}),
    ):
        yield Case(
            input=name,
            n=n,
            m=m,
            function=function,
            variant=variant,
            ours=partial(by_lessons, graph_of, ours),
            peers={peer: partial(ready, graph_of) for peer, ready in peers.items()},
            right=partial(is_division, graph_of),
            figures={"modularity": partial(modularity_of, graph_of)},
            together={"modularity": mean},
            repeats=repeats,
        )


# ---------------------------------------------------------------------------------------- graphs


@lru_cache(maxsize=1)
def citations(n: int) -> Graph:
    """Each paper cites an earlier one and a fifth of what that is joined to; one in three any other, too."""
    rng = np.random.default_rng(0)
    near: list[list[int]] = [[]]
    for v in range(1, n):
        u, other = (int(number) for number in rng.integers(v, size=2))
        cited = {u, *(w for w in near[u] if rng.random() < 0.2)}
        if rng.random() < 0.36:
            cited.add(other)
        near.append(sorted(cited))
        for w in near[v]:
            near[w].append(v)
    return as_graph([(u, v) for u in range(n) for v in near[u] if u < v], n=n)


@lru_cache(maxsize=1)
def planted(n: int, group: int = GROUP) -> tuple[Graph, NDArray[np.int32]]:
    """A graph of groups of about this size, its nodes numbered at random, and the group of each node."""
    k = max(n // group, 2)
    graph, groups = planted_partition(n, k, INSIDE * k, ACROSS * k / (k - 1), seed=0)
    place = np.random.default_rng(0).permutation(n)
    numbered = np.empty(n, np.int32)
    numbered[place] = groups
    return as_graph(place[graph.edge_rows], n=n), numbered


def planted_graph(n: int) -> Graph:
    return planted(n)[0]


SEEDED: tuple[tuple[str, int, Callable[[int], Graph]], ...] = (
    ("citations", 19_717, citations),
    ("plane mesh", 2**15, flat_mesh),
    ("solid mesh", 55_000, solid_mesh),
    *((f"planted {n // 1_000}k", n, planted_graph) for n in (20_000, 50_000, 100_000)),
)


# ---------------------------------------------------------------------------------------- communities


def by_lessons(graph_of: Callable[[], Graph], find: Callable[..., Any]) -> Call:
    graph, seeds = graph_of(), count()
    return lambda: find(graph, seed=next(seeds))


def by_networkit(graph_of: Callable[[], Graph], refine: bool = False) -> Call:
    import networkit

    ends = graph_of().edge_rows.astype(np.uint64)
    arrays = np.ones(len(ends)), (ends[:, 0], ends[:, 1])
    graph = networkit.GraphFromCoo(arrays, n=graph_of().n, weighted=False, directed=False)

    def call() -> Sequence[int]:
        found = networkit.community.PLM(graph, refine)
        found.run()
        return found.getPartition().getVector()

    return call


def by_igraph(graph_of: Callable[[], Graph]) -> Call:
    import igraph

    graph = igraph.Graph(n=graph_of().n, edges=graph_of().edge_rows.tolist())
    return lambda: graph.community_leiden("modularity", n_iterations=2).membership


def modularity_of(graph_of: Callable[[], Graph], answer: ArrayLike) -> float:
    return modularity(graph_of(), np.unique(answer, return_inverse=True)[1])


def is_division(graph_of: Callable[[], Graph], answer: ArrayLike) -> bool:
    """Whether each node has a community, and edges are inside more often than by chance."""
    return np.shape(answer) == (graph_of().n,) and modularity_of(graph_of, answer) > 0.1


# ---------------------------------------------------------------------------------------- coordinates


def embedding_case(n: int, k: int, repeats: int) -> Case:
    graph_of = partial(hard, n, k)
    return Case(
        input=f"planted {k} groups",
        n=n,
        m=graph_of()[0].m,
        function="leading_eigenvectors",
        variant="for k means",
        ours=lambda: partial(leading_eigenvectors, graph_of()[0], k),
        peers={"sknetwork": partial(by_sknetwork, n, k)},
        right=lambda X: X.shape == (n, k) and rand(n, k, X) > 0.5,
        figures={"rand": partial(rand, n, k)},
        together={"rand": mean},
        repeats=repeats,
    )


def hard(n: int, k: int) -> tuple[Graph, NDArray[np.int32]]:
    return planted(n, n // k)


def by_sknetwork(n: int, k: int) -> Call:
    from scipy.sparse import csr_matrix
    from sknetwork.embedding import Spectral

    A = csr_matrix(hard(n, k)[0].to_scipy())  # it takes no csr_array
    return lambda: Spectral(k).fit_transform(A)


def rand(n: int, k: int, X: Floats) -> float:
    from sklearn.cluster import KMeans

    rows = X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-12)
    return adjusted_rand(KMeans(k, n_init=3, random_state=0).fit(rows).labels_, hard(n, k)[1])


# ---------------------------------------------------------------------------------------- together


def summary(rows: Sequence[Row]) -> Iterator[str]:
    """Geometric means of time over all graphs, and the worst difference of modularity, beside each peer."""
    for kind in ("leiden two rounds", "leiden beside refined", "louvain until nothing moves"):
        for peer in ("networkit", "igraph"):
            beside = [row for row in rows if row["peer"] == peer and row["case"].endswith(kind)]
            times = [row["ratio"] for row in beside if row["quantity"] == "time"]
            apart = [row["ours"] - row["theirs"] for row in beside if row["quantity"] == "modularity"]
            if beside:
                yield (
                    f"{kind} / {peer}: time {geometric_mean(times):.3f}, geometric mean of {len(times)}; "
                    f"modularity {min(apart):+.4f} at worst, {mean(apart):+.4f} on average"
                )
