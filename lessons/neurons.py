"""A trained network as a graph of neurons: what carries its signals from the inputs to the classes, and pruning.

    graph = neuron_graph(model)                          # labels (layer, unit), weights |w|: strengths, capacities
    scores = betweenness(path_lengths(graph))            # strong weights are short ways
    order = pruning_order(graph, scores, within_layers=True)
    pruning_curve(model, order, [0, 0.25, 0.5], X, y)    # the accuracy without the first of them

Layer 0 are the inputs, the last layer the scores of the classes; the hidden neurons stand between. The graph sees
how strong a connection is, but neither its sign nor how often it is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons._checks import finite_rows, real_numbers
from lessons._csr import Label
from lessons._device import to_host
from lessons.errors import UnknownLabel
from lessons.graph import Graph, as_graph
from lessons.layers import MLP
from lessons.training import accuracy

Floats = NDArray[np.float64]
Neuron = tuple[int, int]  # layer, unit


def weights_of(model: MLP) -> list[Floats]:
    """The weights of a multilayer perceptron, layer by layer: copies, each (receivers, senders), without biases.

    Raises TypeError for another kind of model.

    >>> [W.shape for W in weights_of(MLP([64, 32, 10], seed=0))]
    [(32, 64), (10, 32)]

    Notebook: 06_centrality_and_flow.
    """
    if not isinstance(model, MLP):
        raise TypeError(f"{type(model).__name__}: an MLP is needed, or the list of its weights, (out, in) each")
    return [to_host(layer.W.data).astype(np.float64) for layer in model.steps[::2]]  # type: ignore[attr-defined]


def neuron_graph(weights: MLP | Sequence[ArrayLike]) -> Graph:
    """The neurons of a multilayer perceptron and the strengths of their connections: a directed, weighted graph.

    `weights` is the model, or its weights W_0, W_1, ..., each (receivers, senders). The label of a neuron is
    (layer, unit), layer 0 being the inputs, and an edge (k, i) -> (k + 1, j) weighs |W_k[j, i]|. A weight that is
    exactly 0 is no edge; biases and activations are left out. O(n + m).

    Raises ValueError for weights that are not finite or do not fit one another, TypeError for no numbers.

    >>> graph = neuron_graph([[[1.0, -2.0], [0.0, 3.0]], [[-0.5, 0.25]]])
    >>> graph
    Graph(n=5, m=5, directed, weighted)
    >>> graph.by_edge(graph.edge_weights)[(0, 1), (1, 0)], ((0, 0), (1, 1)) in graph.edges()
    (2.0, False)

    Notebook: 06_centrality_and_flow.
    """
    layers = _chained(weights_of(weights) if isinstance(weights, MLP) else weights)
    sizes = [layers[0].shape[1], *(len(W) for W in layers)]
    first = np.cumsum([0, *sizes])
    sources, targets, strengths = [], [], []
    for k, W in enumerate(layers):
        sender, receiver = np.nonzero(W.T)  # sorted by sender, then by receiver: rows of a CSR
        sources.append(first[k] + sender)
        targets.append(first[k + 1] + receiver)
        strengths.append(np.abs(W[receiver, sender]))
    indptr = np.cumsum([0, *np.bincount(np.concatenate(sources), minlength=first[-1])])
    labels = tuple((k, unit) for k, size in enumerate(sizes) for unit in range(size))
    return Graph(indptr, np.concatenate(targets), np.concatenate(strengths), directed=True, labels=labels)


def path_lengths(graph: object) -> Graph:
    """The same edges with lengths in place of strengths: log(the largest strength) - log(strength), 0 or more.

    Lengths add along a path where strengths multiply. All paths from one layer to another have the same number of
    edges, so the shortest is that with the largest product of strengths, the heaviest path of the chain rule; and
    it stays the shortest where a relu neuron's weights in and bias are multiplied, and its weights out divided, by
    the same number, which changes nothing that the network computes. (With 1 / strength it would not.) On a graph
    without layers every edge more also costs log(the largest strength).

    Raises ValueError for a strength that is not above 0.

    >>> lengths = path_lengths(neuron_graph([[[1.0, -2.0], [4.0, 0.5]]]))
    >>> lengths.edge_weights / np.log(2)
    array([2., 0., 1., 3.])

    Notebook: 06_centrality_and_flow.
    """
    graph = as_graph(graph)
    strengths = np.ones(len(graph.indices)) if graph.weights is None else graph.weights
    if (strengths <= 0).any():
        at = int(np.argmax(graph.edge_weights <= 0))
        raise ValueError(f"edge {graph.edges()[at]!r} has strength {graph.edge_weights[at]}: above 0 is needed")
    logs = np.log(strengths)
    lengths = logs.max(initial=-np.inf) - logs
    return Graph(graph.indptr, graph.indices, lengths, directed=graph.directed, labels=graph.nodes)


def hidden_neurons(graph: Graph) -> list[Label]:
    """The nodes of a `neuron_graph` that are neither inputs nor classes, in the order of `graph.nodes`.

    Raises ValueError for a graph whose labels are not all (layer, unit).

    >>> hidden_neurons(neuron_graph([np.ones((2, 3)), np.ones((1, 2))]))
    [(1, 0), (1, 1)]
    """
    for label in graph.nodes:
        if not (isinstance(label, tuple) and len(label) == 2 and all(isinstance(part, int) for part in label)):
            raise ValueError(f"node {label!r}: the labels of a neuron_graph are (layer, unit)")
    last = max((layer for layer, _ in graph.nodes), default=0)
    return [label for label in graph.nodes if 0 < label[0] < last]


def pruning_order(graph: Graph, scores: ArrayLike, *, within_layers: bool = False) -> list[Label]:
    """The hidden neurons by their score, the lowest first: the order in which to prune them. Ties go by row.

    `scores` (n,) is aligned with `graph.nodes`; those of inputs and classes do not count. With `within_layers`
    neurons are compared within their layer only, and every beginning of the order takes the same part of each
    layer, to within half a neuron: so orders by different scores can be compared fairly. O(n log n).

    Raises ValueError for scores that are not finite, or not one for each node.

    >>> graph = neuron_graph([np.ones((2, 1)), np.ones((2, 2)), np.ones((1, 2))])
    >>> pruning_order(graph, [0, 3, 4, 1, 2, 0])
    [(2, 0), (2, 1), (1, 0), (1, 1)]
    >>> pruning_order(graph, [0, 3, 4, 1, 2, 0], within_layers=True)
    [(1, 0), (2, 0), (1, 1), (2, 1)]

    Notebook: 06_centrality_and_flow.
    """
    values = finite_rows("scores", scores, graph.nodes, "node")
    if values.ndim != 1:
        raise ValueError(f"scores of shape {values.shape}: one for each node, ({graph.n},), is needed")
    score = graph.by_node(values)
    order = sorted(hidden_neurons(graph), key=lambda label: score[label])
    if not within_layers:
        return order
    layers: dict[int, list[Label]] = {}
    for label in order:
        layers.setdefault(label[0], []).append(label)  # type: ignore[index]
    place = {label: (i + 0.5) / len(layer) for layer in layers.values() for i, label in enumerate(layer)}
    return sorted(hidden_neurons(graph), key=lambda label: place[label])


def without_neurons(model: MLP, neurons: Iterable[Label]) -> MLP:
    """A copy of the model in which these hidden neurons are dead: all their weights, in and out, and biases are 0.

    `neurons` are labels (layer, unit) of hidden neurons. What they would hand on no longer arrives, whatever the
    activation. The model itself is not touched.

    Raises UnknownLabel, a KeyError, for what is no hidden neuron of it, TypeError for another kind of model.

    >>> model = MLP([4, 3, 2], seed=0)
    >>> neuron_graph(without_neurons(model, [(1, 0), (1, 2)])).m, neuron_graph(model).m
    (6, 18)

    Notebook: 06_centrality_and_flow.
    """
    alive = [np.ones(len(W), np.bool_) for W in weights_of(model)]  # of the layers 1, 2, ...
    hidden = {(k, unit) for k, layer in enumerate(alive[:-1], 1) for unit in range(len(layer))}
    for neuron in neurons:
        if not isinstance(neuron, tuple) or neuron not in hidden:
            advice = "" if isinstance(neuron, tuple) else "A list of (layer, unit) is needed, [(1, 0)] for one."
            raise UnknownLabel(neuron, sorted(hidden), what="hidden neuron", advice=advice)
        k, unit = neuron
        alive[k - 1][unit] = False
    pruned = deepcopy(model)
    for k, layer in enumerate(pruned.steps[::2]):
        senders = alive[k - 1] if k else np.True_
        layer.W.data = layer.W.data * alive[k][:, None] * senders  # type: ignore[attr-defined]
        layer.b.data = layer.b.data * alive[k]  # type: ignore[attr-defined]
    return pruned


def pruning_curve(
    model: MLP, order: Iterable[Label], fractions: Iterable[float], X: ArrayLike, y: ArrayLike
) -> Floats:
    """The accuracy on X, y that is left without the first neurons of `order`: one for each of the `fractions`.

    For each fraction f, 0 ... 1, the first round(f * len(order)) neurons are taken out, and nothing is trained
    again. X (rows, inputs) and y (rows,) as for `accuracy`; a pass over X for each fraction.

    Raises ValueError for a fraction outside 0 ... 1, and what `without_neurons` and `accuracy` raise.

    >>> model = MLP([2, 2, 2], seed=0)
    >>> model = model.load(model.state() | {"steps.0.W": np.eye(2), "steps.2.W": np.eye(2)})
    >>> pruning_curve(model, [(1, 0), (1, 1)], [0, 0.5, 1], np.eye(2), np.array([0, 1]))
    array([1. , 1. , 0.5])

    Notebook: 06_centrality_and_flow.
    """
    if not isinstance(fractions, Iterable):
        raise TypeError(f"fractions={fractions!r}: a list of numbers is needed, [{fractions!r}] for one")
    order, counts = list(order), []
    for fraction in fractions:
        if not 0 <= fraction <= 1:
            raise ValueError(f"fraction {fraction!r}: 0 to 1, the part of the neurons to be taken out")
        counts.append(round(fraction * len(order)))
    return np.array([accuracy(without_neurons(model, order[:count]), X, y) for count in counts])


# ---------------------------------------------------------------------------------------- helpers


def _chained(weights: Sequence[ArrayLike]) -> list[Floats]:
    """The weights as float64 matrices, each of which reads what the one before it hands on."""
    if not isinstance(weights, Iterable) or isinstance(weights, Mapping):
        raise TypeError(f"weights={weights!r:.60}: an MLP is needed, or the list of its weights, (out, in) each")
    layers: list[Floats] = []
    for k, given in enumerate(weights):
        W = real_numbers(f"weights[{k}]", given).astype(np.float64)
        if W.ndim != 2 or (layers and W.shape[1] != len(layers[-1])):
            senders = len(layers[-1]) if layers else "senders"
            sizes = "; not a size, but the matrix itself" if W.ndim == 0 else ""
            raise ValueError(f"weights[{k}] of shape {W.shape}: (receivers, {senders}) is needed{sizes}")
        if not np.isfinite(W).all():
            receiver, sender = np.argwhere(~np.isfinite(W))[0].tolist()
            raise ValueError(f"weights[{k}][{receiver}, {sender}] is {W[receiver, sender]}: finite is needed")
        layers.append(W)
    if not layers:
        raise ValueError("weights=[]: at least one layer is needed")
    return layers
