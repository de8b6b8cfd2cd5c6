"""Read a network as a graph: what is computed from what, in which shapes, with how many parameters and products.

    model = from_onnx("model.onnx")                   # or build one: ComputationalGraph()
    total(parameters(model)), total(multiply_adds(model))
    depth(model), width(model)

Every function that takes a `Graph` takes a model too, by its projection `model.to_graph()`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons.errors import CycleError
from lessons.graph import Graph, as_graph
from lessons.model import ComputationalGraph, Node, Weight, as_model
from lessons.onnx_files import from_onnx, to_onnx, with_random_weights
from lessons.operators import Tensor, bits_of, rules

__all__ = [
    "ComputationalGraph",
    "Node",
    "Tensor",
    "TensorRead",
    "Total",
    "Weight",
    "depth",
    "fan_in",
    "from_onnx",
    "levels",
    "multiply_adds",
    "not_counted",
    "parameters",
    "relational_graph",
    "tensors_read",
    "to_onnx",
    "total",
    "width",
    "with_random_weights",
]

_OPAQUE = {"If", "Loop", "Scan"}  # their bodies are not read, so neither are the weights in these


# ---------------------------------------------------------------------------------------- counted at each node


@dataclass(frozen=True)
class Total:
    """A sum over the nodes of a model: its `value`, over all `nodes` but the `left_out` that could not be counted.

    >>> print(Total(25_557_032, 0, 175))
    25,557,032
    >>> print(Total(4_000, 2, 7))
    4,000 (2 of 7 nodes not counted)
    """

    value: int
    left_out: int
    nodes: int

    def __str__(self) -> str:
        missing = f" ({self.left_out} of {self.nodes} nodes not counted)" if self.left_out else ""
        return f"{self.value:,}{missing}"


def total(counts: Sequence[int | None]) -> Total:
    """The sum of what `parameters` or `multiply_adds` found at each node, and how many it could not count.

    >>> total([3, None, 4])
    Total(value=7, left_out=1, nodes=3)
    """
    known = [int(count) for count in counts if count is not None]
    return Total(sum(known), len(counts) - len(known), len(counts))


def parameters(model: ComputationalGraph) -> list[int | None]:
    """How many numbers each node has to learn, in the order of `model.nodes`; None where its inside is not read.

    Counted are the elements of floating-point weights, each weight once, at the first node that reads it, and
    of those of eight bits or fewer, which stand for floating-point ones. Not counted: whole numbers that state
    shapes and the like, single numbers that a node of the model states, and the running mean and variance of
    BatchNormalization, which are observed and not learnt. O(size of the model).

    >>> model = ComputationalGraph()
    >>> x, W = model.input("x", (1, 64)), model.weight("W", shape=(64, 10))
    >>> model.output(model.add("Gemm", x, W, model.weight("b", shape=(10,))))
    >>> parameters(model)
    [650]

    Notebook: 01_computational_graphs.
    """
    weights, counted = as_model(model).weights, set[str]()
    found: list[int | None] = []
    for node in model.nodes:
        learnt = [
            t
            for t in dict.fromkeys(_may_learn(node))
            if t not in counted and t in weights and _is_learnt(weights[t])
        ]
        counted.update(learnt)
        sizes = [weights[tensor].tensor.size or 0 for tensor in learnt]
        found.append(None if node.op in _OPAQUE and not node.domain else sum(sizes))
    return found


def multiply_adds(model: ComputationalGraph) -> list[int | None]:
    """How many products each node adds up, in the order of `model.nodes`; None where that cannot be told.

    Counted are convolutions and matrix products of every kind, a product and its addition as one; operators
    without any, such as Add, Relu, pooling and normalisation, have 0. That is how the totals of published models
    are counted; reports in "FLOPs" may mean these or twice as many. None where a length is not bound or the
    operator has no rule. O(size of the model).

    >>> model = ComputationalGraph()
    >>> x = model.input("x", (1, 3, 32, 32))
    >>> h = model.add("Conv", x, model.weight("W", shape=(8, 3, 5, 5)), pads=[2, 2, 2, 2])
    >>> model.output(model.add("Relu", h))
    >>> multiply_adds(model) == [8 * 32 * 32 * 3 * 5 * 5, 0]
    True

    Notebook: 01_computational_graphs.
    """
    return [rules.multiply_adds(model.call(node.name)) for node in as_model(model).nodes]


def fan_in(model: ComputationalGraph) -> NDArray[np.int64]:
    """How many ports of each node read an input of the model or the result of a node; weights do not count.

    In the order of `model.nodes`. Where a node reads one tensor twice this is more than its in-degree in the
    projection, which has each pair of nodes once.

    >>> model = ComputationalGraph()
    >>> model.output(model.add("Add", model.input("x", (3,)), "x"))
    >>> fan_in(model), model.to_graph().in_degrees()
    (array([2]), array([0]))
    """
    weights = as_model(model).weights
    return np.array([sum(1 for t in node.inputs if t and t not in weights) for node in model.nodes], np.int64)


# ---------------------------------------------------------------------------------------- what flows between nodes


class TensorRead(NamedTuple):
    """A tensor that flows to a node: its `name`, its `bytes` (None if unknown), and rows of `model.nodes`: the
    `maker` that computes it, None for an input of the model, and its `readers`, each once."""

    name: str
    bytes: int | None
    maker: int | None
    readers: list[int]


def tensors_read(model: ComputationalGraph) -> list[TensorRead]:
    """The tensors that nodes read, in the order in which they are first read, without weights, which do not flow.

    Whoever places the nodes of a model on several machines pays for these: a tensor is sent to a machine once,
    however many nodes read it there. O(size of the model).

    Raises ValueError for a node that reads what nothing gives, TypeError for what is no model.

    >>> model = ComputationalGraph()
    >>> h = model.add("Relu", model.input("x", (5,)), name="relu")
    >>> model.output(model.add("Mul", h, h), model.add("Add", h, "x"))
    >>> for tensor in tensors_read(model):
    ...     print(*tensor)
    x 20 None [0, 2]
    relu 20 0 [1, 2]

    Notebooks: 05_graph_partitioning, 06_centrality_and_flow.
    """
    as_model(model).refuse_dangling()
    weights, tensors = model.weights, model.tensors
    readers: dict[str, list[int]] = {}
    for row, node in enumerate(model.nodes):
        for tensor in dict.fromkeys(node.inputs):
            if tensor and tensor not in weights:
                readers.setdefault(tensor, []).append(row)
    makers = {tensor: row for row, node in enumerate(model.nodes) for tensor in node.outputs}
    return [
        TensorRead(tensor, tensors.get(tensor, Tensor()).bytes, makers.get(tensor), read)
        for tensor, read in readers.items()
    ]


def not_counted(nodes: int, tensors: int) -> str:
    """What to say, in brackets, of so many nodes and tensors whose size is unknown; nothing where there are none.

    >>> not_counted(0, 2)
    ' (not counted: 2 tensors of unknown size)'
    """
    counts = ((nodes, "nodes"), (tensors, "tensors"))
    missing = ", ".join(f"{count} {what} of unknown size" for count, what in counts if count)
    return missing and f" (not counted: {missing})"


# ---------------------------------------------------------------------------------------- the shape of a graph


def levels(graph: object) -> NDArray[np.int64]:
    """The level of each node, in the order of `graph.nodes`: edges on a longest path to it, 0 where none enters.

    `graph` is directed, or a model. Raises CycleError with a cycle where there is one. O(n + m).

    >>> levels(as_graph([("a", "b"), ("b", "c"), ("a", "c")], nodes="abc", directed=True))
    array([0, 1, 2])

    Notebook: 01_computational_graphs; lesson 02 finds them by hand.
    """
    import networkx

    graph = as_graph(graph, directed=True)
    rows = networkx.DiGraph()
    rows.add_nodes_from(range(graph.n))
    rows.add_edges_from(graph.edge_rows.tolist())
    found = np.zeros(graph.n, np.int64)
    try:
        for level, nodes in enumerate(networkx.topological_generations(rows)):
            found[nodes] = level
    except networkx.NetworkXUnfeasible:
        cycle = networkx.find_cycle(rows)
        raise CycleError([graph.nodes[u] for u, _ in cycle]) from None
    return found


def depth(graph: object) -> int:
    """The number of nodes on a longest path of a directed graph without cycles, or of a model; 0 if it is empty.

    >>> depth(as_graph([(0, 1), (1, 2), (0, 2)], n=4, directed=True))
    3
    """
    return int(levels(graph).max(initial=-1)) + 1


def width(graph: object) -> int:
    """The number of nodes on the largest level of a directed graph without cycles, or of a model; 0 if empty.

    Nodes of a level do not wait for each other. More nodes than these may not, on different levels.

    >>> width(as_graph([(0, 1), (1, 2), (0, 2)], n=4, directed=True))      # 0 and 3 begin together
    2
    """
    return int(np.bincount(levels(graph)).max(initial=0))


def relational_graph(layers: Sequence[ArrayLike]) -> Graph:
    """The relational graph of a network whose layers all have the same neurons and connect them alike.

    `layers` are (n, n) weights or masks, row = receiver: neuron i hears neuron j of the layer before where
    `layer[i, j]` is not zero. Then neurons are the nodes, those that hear each other are joined, and each layer
    is a round of messages along the same edges; the graph is directed where hearing is not mutual.

    Raises ValueError for layers that are not square or do not connect the same pairs. O(n^2) a layer.

    >>> relational_graph([np.ones((4, 4)), np.ones((4, 4))])      # dense layers: complete, with self-loops
    Graph(n=4, m=10, undirected)

    Notebook: 01_computational_graphs, and 11. Source: J. You, J. Leskovec, K. He, S. Xie, Graph structure of
    neural networks, ICML 2020, arXiv:2007.06559, section 2.
    """
    patterns = [np.asarray(layer) != 0 for layer in layers]
    if not patterns:
        raise ValueError("no layers: give at least one (n, n) array of weights or of a mask")
    for k, pattern in enumerate(patterns):
        if pattern.ndim != 2 or pattern.shape[0] != pattern.shape[1]:
            raise ValueError(f"layer {k} has the shape {pattern.shape}; a round of messages needs (n, n)")
        if pattern.shape != patterns[0].shape or (pattern != patterns[0]).any():
            raise ValueError(f"layer {k} connects other neurons than layer 0: these are not rounds on one graph")
    hears = patterns[0]
    mutual = bool((hears == hears.T).all())
    pairs = np.argwhere(np.triu(hears) if mutual else hears.T)
    return as_graph(pairs, n=len(hears), directed=not mutual)


# ---------------------------------------------------------------------------------------- helpers


def _may_learn(node: Node) -> tuple[str, ...]:
    """The tensors that a node reads, without the running mean and variance of a BatchNormalization."""
    observes = node.op == "BatchNormalization" and not node.domain
    return node.inputs[:3] + node.inputs[5:] if observes else node.inputs


def _is_learnt(weight: Weight) -> bool:
    dtype, stated = weight.tensor.dtype or "", weight.origin == "constant" and weight.tensor.size == 1
    small = (bits_of(dtype or None) or 64) <= 8 and dtype != "bool"
    return not stated and ("float" in dtype or small)
