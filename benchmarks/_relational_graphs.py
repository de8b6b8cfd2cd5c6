"""The graphs that networks were made of, and how clustered and how wide three brains are, by each way to measure.

Published lists of graphs, and the three brains, are read from the paper's code; see `lessons._graph2nn`. The lists
of 449 and of 52 graphs are copied as they are, every digit. C and L of a brain depend on what they mean where
edges have a direction:

- C "arcs among neighbours": of the arcs that there could be between the k nodes a node is joined to, either way,
  the share that there is: arcs / (k (k - 1)); the mean over nodes. This comes nearest to what is printed.
- C "directed triangles": as networkx has it, and `lessons.small_world.clustering`.
- C and L "symmetrised": of the undirected graph, as they are told of the graphs that networks are made of.
- L "directed": mean shortest path along arcs, over the ordered pairs of nodes that such a path joins.

`measured` gives the table that `lessons/data/relational_graphs.json` holds; `report` puts it in words.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._harness import provenance
from lessons import Graph
from lessons._graph2nn import BRAINS, graph_list
from lessons.datasets import brain_network
from lessons.paths import distances
from lessons.small_world import average_path_length, clustering

COLUMNS = ("k / n", "p", "seed", "C", "L")  # of a list, after n
PUBLISHED = {
    "source": "J. You, J. Leskovec, K. He, S. Xie, Graph structure of neural networks, ICML 2020, "
    "arXiv:2007.06559",
    "sweet spot": {"C": [0.43, 0.50], "L": [1.82, 2.28]},
    "brains": {
        "cat": {"C": 0.55, "L": 1.81},
        "macaque_visual": {"C": 0.53, "L": 1.73},
        "macaque_whole": {"C": 0.46, "L": 2.38},
    },
}
SOURCE = (
    "lists of graphs and maps of brains of github.com/facebookresearch/graph2nn at b112eb6 (MIT License, "
    "Copyright (c) Facebook, Inc. and its affiliates), see lessons.datasets.published_graphs and .brain_network"
)

# ---------------------------------------------------------------------------------------- figures


def graphs() -> dict[str, Any]:
    """The list of 449 column by column, every digit, and which rows of it are the 52, in their order."""
    rows, few = graph_list(64, 449), graph_list(64, 52)
    place = {tuple(row): i for i, row in enumerate(rows.tolist())}
    table: dict[str, Any] = {"n": 64}
    table |= {name: column.tolist() for name, column in zip(COLUMNS, rows.T[1:], strict=True)}
    table["seed"] = [int(seed) for seed in table["seed"]]
    return table | {"the 52": [place[tuple(row)] for row in few.tolist()]}


def arcs_among_neighbours(graph: Graph) -> NDArray[np.float64]:
    """(n,) of the arcs that could lead between the neighbours of a node, in and out, the share that there is.

    0 where it has fewer than two.

    >>> from lessons import as_graph
    >>> arcs_among_neighbours(as_graph([(0, 1), (2, 0), (1, 2)], n=3, directed=True))
    array([0.5, 0.5, 0.5])
    """
    A = ((graph.to_dense() != 0) & ~np.eye(graph.n, dtype=np.bool_)).astype(np.float64)
    near = np.maximum(A, A.T)
    k = near.sum(axis=1)
    return ((near @ A) * near).sum(axis=1) / np.maximum(k * (k - 1), 1)


def brain(name: str) -> dict[str, Any]:
    """C and L of a brain by each definition, and of how many ordered pairs L is the mean."""
    graph = brain_network(name)  # type: ignore[arg-type]
    both = graph.to_undirected(parallel="max")  # an edge where an arc leads either way or both: one, not two long
    return {
        "nodes": graph.n,
        "arcs": graph.m,
        "edges": both.m,
        "pairs": graph.n * (graph.n - 1),
        "reachable pairs": int(np.isfinite(distances(graph, graph.nodes)).sum()) - graph.n,
        "C": {
            "arcs among neighbours": float(arcs_among_neighbours(graph).mean()),
            "directed triangles": float(clustering(graph).mean()),
            "symmetrised": float(clustering(both).mean()),
        },
        "L": {
            "directed": average_path_length(graph, reachable_only=True),
            "symmetrised": average_path_length(both),
        },
    }


def measured() -> dict[str, Any]:
    """The whole table, in a second."""
    return provenance("relational_graphs", SOURCE, ("numpy", "scipy")) | {
        "published": PUBLISHED,
        "graphs": graphs(),
        "brains": {name: brain(name) for name in BRAINS},
    }


# ---------------------------------------------------------------------------------------- in words


def report(table: dict[str, Any]) -> Iterator[str]:
    """The table's rows as lines of text."""
    return chain(_graph_lines(table), *(_brain_lines(table, name) for name in table["brains"]))


def _graph_lines(table: dict[str, Any]) -> Iterator[str]:
    rows = table["graphs"]
    yield f"\n{len(rows['p'])} graphs of {rows['n']} nodes, {len(rows['the 52'])} of them tried on ImageNet"
    for name in COLUMNS:
        yield f"  {name:<5} from {min(rows[name]):.4g} to {max(rows[name]):.4g}"
    spot = (f"{name} {low:.2f} to {high:.2f}" for name, (low, high) in table["published"]["sweet spot"].items())
    yield f"  published sweet spot: {', '.join(spot)}"


def _brain_lines(table: dict[str, Any], name: str) -> Iterator[str]:
    found, printed = table["brains"][name], table["published"]["brains"][name]
    yield f"\n{name}: {found['nodes']} areas, {found['arcs']} arcs"
    yield f"  {found['reachable pairs']} of {found['pairs']} ordered pairs joined by a path"
    for measure, (low, high) in table["published"]["sweet spot"].items():
        for definition, value in found[measure].items():
            inside = "inside" if low <= value <= high else "outside"
            yield f"  {measure} {definition:<22} {value:.4f}   printed {printed[measure]:.2f}   {inside}"
