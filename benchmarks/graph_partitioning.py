"""Cuts of meshes and of social graphs at an imbalance of 3 %, each effort beside METIS's k-way and KaHIP's modes.

The graphs: `4elt` and the social ones, from the folder that LESSONS_DATA names, else skipped by name; `del2d`, a
Delaunay mesh of the plane; `tet3d`, one of an irregular body; `tetdual`, such tetrahedra, joined where they share
a face. Each repeat takes the next seed, from 1000 on: "cut" is the mean over seeds, "heaviest" the heaviest part
that any gave, over its share.

"strong" is left out on the social graphs, where KaHIP's takes minutes for one answer.

METIS starts from the int64 arrays that it takes without a copy. KaHIP takes Python lists: making them is not
measured, reading them is. `summary` puts the geometric means over the meshes together.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import count, islice, product
from pathlib import Path
from statistics import geometric_mean, mean
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks._harness import Call, Case, Row, Skipped
from lessons import Graph, as_graph
from lessons.datasets import mesh_graph
from lessons.graph_partitioning import partition
from lessons.metis import read_metis

IMBALANCE = 0.03
FIRST_SEED = 1000  # the partitioner was tuned on seeds below
EFFORTS = {"fast": 5, "eco": 5, "strong": 1}  # and how many seeds
KS = (2, 4, 8, 16, 32, 64)
FILES = {
    "4elt": (15_606, 45_878),
    "astro-ph": (16_706, 121_251),
    "polblogs": (1_490, 16_715),
    "celegans_metabolic": (453, 2_025),
}

Floats = NDArray[np.float64]


def cases(scale: float) -> Iterator[Case]:
    """A graph from a file has one size only: at another scale it is left out."""
    for name, size in FILES.items() if scale == 1 else ():
        found = cases_of(name, *size, partial(from_file, name), scale)
        yield from found if file_of(name) else islice(found, 1)  # which is skipped, and says so once
    for name, n, make in SEEDED:
        graph_of = partial(make, max(64, round(n * scale)))
        yield from cases_of(name, graph_of().n, graph_of().m, graph_of, scale)


def cases_of(name: str, n: int, m: int, graph_of: Callable[[], Graph], scale: float) -> Iterator[Case]:
    cuts = ("cut", "best cut") if name == "4elt" else ("cut",)  # of its seeds, beside the best cuts known
    efforts = EFFORTS if name in MESHES else {effort: EFFORTS[effort] for effort in ("fast", "eco")}
    for k, (effort, seeds) in product([k for k in KS if 16 * k <= n], efforts.items()):
        yield Case(
            input=name,
            n=n,
            m=m,
            function="partition",
            variant=f"{effort} k {k}",
            ours=partial(by_lessons, graph_of, k, effort),
            peers={"pymetis": partial(by_metis, graph_of, k), "kahip": partial(by_kahip, graph_of, k, effort)},
            right=partial(is_partition, n, k),
            figures=dict.fromkeys(cuts, partial(cut, graph_of)) | {"heaviest": partial(heaviest, n, k)},
            together={"cut": mean, "best cut": min, "heaviest": max},
            repeats=seeds if scale == 1 else 1,
        )


# ---------------------------------------------------------------------------------------- graphs


def file_of(name: str) -> Path | None:
    """Where a graph lies, if it does."""
    path = Path(os.environ.get("LESSONS_DATA", ""), "graphs", f"{name}.graph")
    return path if "LESSONS_DATA" in os.environ and path.exists() else None


@lru_cache(maxsize=1)
def from_file(name: str) -> Graph:
    path = file_of(name)
    if path is None:
        raise Skipped(f"LESSONS_DATA names no folder with graphs/{name}.graph")
    return read_metis(path).graph


@lru_cache(maxsize=1)
def flat_mesh(n: int) -> Graph:
    return mesh_graph(n, seed=0)[0]


@lru_cache(maxsize=1)
def solid_mesh(n: int) -> Graph:
    """The edges of a Delaunay mesh of the body, without the longest hundredth, which bridge its outside."""
    from scipy.spatial import Delaunay

    points = body(n, seed=1)
    corners = Delaunay(points).simplices
    sides = np.concatenate([corners[:, [a, b]] for b in range(4) for a in range(b)])
    length = np.linalg.norm(points[sides[:, 0]] - points[sides[:, 1]], axis=1)
    short = np.sort(sides[length < np.quantile(length, 0.99)], axis=1)
    return as_graph(np.unique(short, axis=0), n=n)


@lru_cache(maxsize=1)
def dual_mesh(n: int) -> Graph:
    """The tetrahedra between n points of the body, joined where they share a face."""
    from scipy.spatial import Delaunay

    faces = Delaunay(body(n, seed=2)).neighbors  # of each tetrahedron, the four beyond its faces; -1 outside
    here = np.arange(len(faces)).repeat(4)
    once = here < faces.ravel()
    return as_graph(np.column_stack([here[once], faces.ravel()[once]]), n=len(faces))


def body(n: int, seed: int) -> Floats:
    """(n, 3) random points of a rod of length 4 and diameter 1, hollow along its axis."""
    points = np.random.default_rng(seed).random((3 * n, 3)) * [4, 1, 1]
    radius = np.hypot(points[:, 1] - 0.5, points[:, 2] - 0.5)
    hollow = 0.12 * np.abs(np.sin(2 * points[:, 0]))
    return points[(hollow < radius) & (radius < 0.5)][:n]


SEEDED = (("del2d", 2**15, flat_mesh), ("tet3d", 55_000, solid_mesh), ("tetdual", 40_000, dual_mesh))
MESHES = ("4elt", *(name for name, *_ in SEEDED))


# ---------------------------------------------------------------------------------------- contenders


def by_lessons(graph_of: Callable[[], Graph], k: int, effort: Any) -> Call:
    graph, seeds = graph_of(), count(FIRST_SEED - 1)  # the first call, which is not measured, takes one of its own
    return lambda: partition(graph, k, IMBALANCE, effort, next(seeds))


def by_metis(graph_of: Callable[[], Graph], k: int) -> Call:
    import pymetis

    graph, seeds = graph_of(), count(FIRST_SEED - 1)
    arrays = pymetis.CSRAdjacency(graph.indptr.astype(np.int64), graph.indices.astype(np.int64))

    def call() -> Sequence[int]:
        options = pymetis.Options(ufactor=round(1000 * IMBALANCE), seed=next(seeds))
        return pymetis.part_graph(k, arrays, recursive=False, options=options).vertex_part

    return call


def by_kahip(graph_of: Callable[[], Graph], k: int, effort: str) -> Call:
    import kahip

    graph, seeds = graph_of(), count(FIRST_SEED - 1)
    lists = [1] * graph.n, graph.indptr.tolist(), [1] * len(graph.indices), graph.indices.tolist()
    mode = getattr(kahip, effort.upper())
    return lambda: kahip.kaffpa(*lists, k, IMBALANCE, True, next(seeds), mode)[1]


# ---------------------------------------------------------------------------------------- answers


def is_partition(n: int, k: int, answer: ArrayLike) -> bool:
    parts = np.asarray(answer)
    return bool(parts.shape == (n,) and np.isin(parts, np.arange(k)).all())


def cut(graph_of: Callable[[], Graph], answer: ArrayLike) -> float:
    """Edges between parts."""
    graph, parts = graph_of(), np.asarray(answer)
    return float(np.count_nonzero(parts[graph.sources] != parts[graph.indices]) / 2)


def heaviest(n: int, k: int, answer: ArrayLike) -> float:
    """The heaviest part over its share. Raises RuntimeError for what is no partition: this sees every answer."""
    if not is_partition(n, k, answer):
        raise RuntimeError(f"a wrong answer: not {k} parts of {n:,} nodes")
    return float(np.bincount(answer).max() / -(-n // k))


# ---------------------------------------------------------------------------------------- geometric means


def summary(rows: Sequence[Row]) -> Iterator[str]:
    """Geometric means over the meshes and k, and the heaviest part on any graph, of each effort beside each peer.

    Raises RuntimeError where a part of ours is heavier than allowed.
    """
    for effort, peer in product(EFFORTS, ("pymetis", "kahip")):
        beside = [row for row in rows if row["peer"] == peer and f" {effort} " in row["case"]]
        if beside:
            yield line(effort, peer, beside)


def line(effort: str, peer: str, rows: Sequence[Row]) -> str:
    ratios = {
        quantity: [row["ratio"] for row in rows if row["quantity"] == quantity and row["case"].startswith(MESHES)]
        for quantity in ("cut", "time")
    }
    ours, theirs = (max(row[side] for row in rows if row["quantity"] == "heaviest") for side in ("ours", "theirs"))
    if ours > 1 + IMBALANCE:
        raise RuntimeError(f"ours, {effort}: a part of {ours:.4f} of its share; {1 + IMBALANCE} is allowed")
    means = ", ".join(f"{quantity} {geometric_mean(found):.4f}" for quantity, found in ratios.items())
    return (
        f"{effort:<6} / {peer:<7} {means}, geometric means of {len(ratios['cut'])}; "
        f"heaviest part {ours:.4f}, theirs {theirs:.4f}"
    )
