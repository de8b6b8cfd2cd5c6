"""Which of millions of graphs are worth a training run each: few, spread evenly over C and L.

every = sweep()                               # 2.7 million WS-flex graphs: n, k / n, p, seed, C, L; minutes
chosen = select(every[:, 4], every[:, 5])     # rows: chosen.fine 3942, chosen.middle 449, chosen.coarse 52

`python -m lessons.graph_selection --out FOLDER` does both and writes the three lists as they were published.

Source: J. You, J. Leskovec, K. He, S. Xie, Graph structure of neural networks, ICML 2020, arXiv:2007.06559, and
its code, github.com/facebookresearch/graph2nn. Neither tells all: the least degree of graphs of 64 nodes, how the
list of 48 graphs of 16 nodes is filled, and in which order C was added up, follow from the lists.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons._checks import real_numbers, whole
from lessons._device import compiled
from lessons._files import replacing
from lessons.graph_measures import batch_measures
from lessons.random_graphs import ws_flex_words

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Cell = tuple[int, int]  # of the fine grid, by C and by L, from 1

SIDE = 9  # fine cells along a coarse one, three of them along a middle one
BLOCK = 4_096  # graphs that are in memory at once, for each thread
COMPILED_FROM = 50_000  # graphs; a block of them alone may be too small to load its kernels
NEAR = 1e-9  # cells from the edge of one; there the order in which a mean is added up tells the cell
LONG = 50_000  # graphs from which on progress is shown


@dataclass(frozen=True)
class Plan:
    """Which settings are drawn, and the grid over C and L by which few are chosen.

    Graphs have n nodes. `degrees` mean degrees go from `least` to n - 2, `chances` p from 0 to 1, both with square
    roots that are evenly spaced; each pair is drawn with the seeds 0 ... `seeds` - 1. The grid has `cells` x
    `cells` coarse cells over C from 0 to 1 and L from 1 to `longest`, each of 9 x 9 fine ones. The empty centre of
    a middle cell is filled where C is above `dense`, of a coarse one where it is above `coarse_dense`.
    """

    n: int
    least: float
    degrees: int
    chances: int
    seeds: int
    cells: int
    longest: float
    dense: float = 0.75
    coarse_dense: float = 0.75


PUBLISHED = {
    64: Plan(64, least=8, degrees=300, chances=300, seeds=30, cells=15, longest=4.5),
    16: Plan(16, least=4, degrees=200, chances=300, seeds=30, cells=12, longest=2.5, coarse_dense=0.0),
}


class Settings(NamedTuple):
    """What `ws_flex` needs for each of G graphs, all (G,): mean degree, chance that an edge is moved, seed."""

    k: Floats
    p: Floats
    seed: Rows


class Selection(NamedTuple):
    """Rows that are chosen: one of each `fine` cell, of each `middle` one of 3 x 3, of each `coarse` one of 9 x 9.

    `middle` rows are all in `fine`, `coarse` ones in both.
    """

    fine: Rows
    middle: Rows
    coarse: Rows


def settings(plan: Plan = PUBLISHED[64]) -> Settings:
    """All settings of the plan: every degree with every p with every seed, seeds fastest, then p. O(G).

    >>> few = settings(Plan(64, least=4, degrees=2, chances=3, seeds=2, cells=15, longest=4.5))
    >>> few.k[::6], few.p[:6], few.seed[:6]
    (array([ 4., 62.]), array([0.  , 0.  , 0.25, 0.25, 1.  , 1.  ]), array([0, 1, 0, 1, 0, 1]))

    Notebook: 11_relational_graphs.
    """
    degrees = np.linspace(sqrt(plan.least), sqrt(plan.n - 2), plan.degrees) ** 2
    chances = np.linspace(0, 1, plan.chances) ** 2
    k, p, seed = np.meshgrid(degrees, chances, np.arange(plan.seeds), indexing="ij")
    return Settings(k.ravel(), p.ravel(), seed.ravel())


def sweep(plan: Plan = PUBLISHED[64], *, threads: int = 1, progress: bool | None = None) -> Floats:
    """(G, 6): for each setting of the plan, in their order, n, k / n, p, seed, and C and L of its graph.

    The published 2.7 million take minutes; the answer is the same on any number of `threads`. A bar shows how far
    it is where that takes long; `progress` True or False asks for one or for none. Memory: 48 bytes a graph. C is
    as published to the last bit where it lies between two cells of the plan's grid, as that bit decides there.

    Raises TypeError or ValueError for fewer than one thread; InfeasibleError where no connected graph is found.

    >>> sweep(Plan(8, least=2, degrees=2, chances=1, seeds=1, cells=15, longest=4.5)).round(3)
    array([[8.   , 0.25 , 0.   , 0.   , 0.   , 2.286],
           [8.   , 0.75 , 0.   , 0.   , 0.8  , 1.143]])

    Notebook: 11_relational_graphs.
    """
    from tqdm import tqdm

    (k, p, seed), size = settings(plan), SIDE * plan.cells
    table = np.column_stack([np.full(len(k), plan.n), k / plan.n, p, seed, np.empty((len(k), 2))])

    def measure(begin: int) -> int:
        part = slice(begin, begin + BLOCK)
        words = ws_flex_words(plan.n, k[part], p[part], seed[part])
        C, L = batch_measures(words)
        between = np.flatnonzero(np.abs(C * size - np.rint(C * size)) < NEAR)
        C[between] = _published_clustering(words[between])
        table[part, 4], table[part, 5] = C, L
        return len(C)

    for room in ("random_graphs", "graph_measures"):
        compiled(room, when=len(k) >= COMPILED_FROM)
    shown = len(k) >= LONG if progress is None else progress
    bar = tqdm(total=len(k), desc="graphs", unit="graph", unit_scale=True, disable=not shown)
    with bar, ThreadPoolExecutor(whole("threads", threads)) as pool:
        for done in pool.map(measure, range(0, len(k), BLOCK)):
            bar.update(done)
    return table


def _published_clustering(words: NDArray[np.uint64]) -> Floats:
    """(graphs,) C of graphs as words, shares of nodes added up from the smallest: to every published bit."""
    n = words.shape[1]
    A = ((words[:, :, None] >> np.arange(n, dtype=np.uint64)) & np.uint64(1)).astype(np.float32)
    d, ends = A.sum(axis=2, dtype=np.float64), ((A @ A) * A).sum(axis=2, dtype=np.float64)
    shares = np.sort(ends / np.maximum(d * (d - 1), 1), axis=1)
    return np.asarray(shares.cumsum(axis=1)[:, -1] / n)


def select(C: ArrayLike, L: ArrayLike, plan: Plan = PUBLISHED[64]) -> Selection:
    """Rows of a sweep that are spread evenly over C and L: of each cell of a grid the first, in random order.

    The order is that of `numpy.random.RandomState(1).permutation`, as published. `fine` has a row of each fine
    cell that is not empty; `middle` those in the centre of 3 x 3 cells, `coarse` those in the centre of 9 x 9. An
    empty centre where C is high is filled: of 3 x 3 by the first of the cells beside it, L - 1 to L + 1; of 9 x 9
    by the first from C - 1 to C + 1, and for each from L - 3 to L + 3. What fills stands at the end of the lists,
    and may be in `middle` twice. Rows outside of the grid, as where L is infinite, are never chosen. `C`, `L` (G,)
    as `sweep` gives them. O(G log G).

    Raises TypeError or ValueError where they are not as many numbers as each other.

    >>> chosen = select([0.5, 0.5, 0.52, 0.9], [2.0, 2.0, 2.0, 9.0])
    >>> chosen.fine.tolist(), chosen.coarse.tolist()
    ([2, 0], [])

    Notebook: 11_relational_graphs. Source: see the top of this module; the lists in its folder `analysis`.
    """
    at = _first_of_cells(*_numbers(C, L), plan)
    middle = [row for (i, j), row in at.items() if i % 3 == j % 3 == 2]
    coarse = [row for (i, j), row in at.items() if i % SIDE == j % SIDE == SIDE // 2 + 1]
    for is_coarse, row in _filled(at, plan):
        middle.append(row)
        if is_coarse:
            coarse.append(row)
    return Selection(*(np.array(rows, np.int64) for rows in (list(at.values()), middle, coarse)))


def _numbers(C: ArrayLike, L: ArrayLike) -> tuple[Floats, Floats]:
    given = [real_numbers(name, values).astype(np.float64) for name, values in (("C", C), ("L", L))]
    if given[0].ndim != 1 or given[0].shape != given[1].shape:
        raise ValueError(f"C of shape {given[0].shape} and L of {given[1].shape}: a number each for every graph")
    return given[0], given[1]


def _first_of_cells(C: Floats, L: Floats, plan: Plan) -> dict[Cell, int]:
    """The first row of each fine cell that has one, rows and cells in the published random order."""
    size = SIDE * plan.cells
    i = np.digitize(C, np.linspace(0, 1, size + 1))
    j = np.digitize(L, np.linspace(1, plan.longest, size + 1))
    order = np.random.RandomState(1).permutation(len(C))
    order = order[((i >= 1) & (i <= size) & (j >= 1) & (j <= size))[order]]
    _, first = np.unique(i[order] * (size + 1) + j[order], return_index=True)
    rows = order[np.sort(first)]
    cells = zip(i[rows].tolist(), j[rows].tolist(), strict=True)
    return dict(zip(cells, rows.tolist(), strict=True))


def _filled(at: Mapping[Cell, int], plan: Plan) -> Iterator[tuple[bool, int]]:
    """For each empty centre where C is high, whether it is a coarse one's, and the row that takes its place."""
    size = SIDE * plan.cells
    for i, j in product(range(2, size + 1, 3), repeat=2):
        is_coarse = i % SIDE == j % SIDE == SIDE // 2 + 1
        across, along = (1, 3) if is_coarse else (0, 1)
        if (i, j) in at or i / size <= (plan.coarse_dense if is_coarse else plan.dense):
            continue
        near = product(range(i - across, i + across + 1), range(j - along, j + along + 1))
        row = next((at[cell] for cell in near if cell in at), None)
        if row is not None:
            yield is_coarse, row


# ---------------------------------------------------------------------------------------- the long command


def main(arguments: Sequence[str] | None = None) -> None:
    """Sweep, choose, and write the three lists: `python -m lessons.graph_selection --out FOLDER`."""
    options = _options(arguments)
    plan = PUBLISHED[options.nodes]
    every = sweep(plan, threads=options.threads)
    print(f"{len(every):,} graphs of {plan.n} nodes, of which were chosen")
    for rows in select(every[:, 4], every[:, 5], plan):
        path = options.out / f"graphs_n{plan.n}_{len(rows)}.npy"
        with replacing(path, "wb") as file:
            np.save(file, every[rows])
        print(f"{len(rows):>6}, written to {path}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m lessons.graph_selection", description="Chooses graphs out of millions, in minutes."
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", required=True, help="where the lists are written")
    parser.add_argument("--nodes", type=int, choices=PUBLISHED, default=64, help="of each graph; 64")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, metavar="N", help="all unless told")
    options = parser.parse_args(arguments)
    if not options.out.is_dir():
        parser.error(f"--out {options.out}: there is no such folder")
    if options.threads < 1:
        parser.error(f"--threads {options.threads}: at least one is needed")
    return options


if __name__ == "__main__":
    main()
