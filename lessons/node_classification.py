"""Learn the classes of all nodes from a few that are known.

done = train_node_classifier(model, graph, X, y, train=train, validation=validation)
right = predict(model, graph, X)[test] == y[test]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons._checks import whole
from lessons._device import to_host
from lessons.graph import Graph, as_graph
from lessons.graph_layers import GraphNetwork, checked_mask
from lessons.layers import Layer
from lessons.tensor import Array, Tensor, no_grad
from lessons.tensor_functions import cross_entropy
from lessons.training import Adam, Optimiser, _finite, _mode

RATE, DECAY = 0.01, 5e-4  # of Kipf & Welling, section 5.2


@dataclass(frozen=True)
class NodeTraining:
    """What happened in each epoch, and of which `epoch` (from 0 on) the model holds the weights.

    `losses` are those before each step, with dropout; `validation_losses` and `validation_accuracies` those after
    it, without, and empty where no validation nodes were given.
    """

    losses: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    validation_accuracies: list[float] = field(default_factory=list)
    epoch: int = 0


def train_node_classifier(
    model: Layer,
    graph: object,
    X: Any,
    y: ArrayLike,
    *,
    train: ArrayLike,
    validation: ArrayLike | None = None,
    epochs: int = 200,
    optimiser: Optimiser | None = None,
    patience: int | None = None,
) -> NodeTraining:
    """Fit `model(graph, X)`, scores (n, classes), to the classes y of the nodes where `train` is True.

    `X` (n, n_in) and `y` (n,), integers, are aligned with `graph.nodes`, as are the masks `train` and `validation`
    (n,) of True and False; y is read where a mask is True and nowhere else. Each epoch is one step on all training
    nodes. Without an `optimiser` it is Adam with rate 0.01 and weight decay 5e-4 on the first of the model's
    parameters, the weights of the first layer. With `validation` the model ends with the weights of the epoch of
    the smallest loss there, the earliest of equal ones; `patience` stops after so many epochs without a new one.
    A node may stand in both masks.

    A `GraphNetwork` computes only what the nodes of the masks see (`focus`), at every epoch. Layers are afterwards
    in the mode that they were in.

    Raises TypeError for masks that are none, ValueError where a mask is empty or of another length, y does not
    fit the scores, patience has no validation, or the optimiser moves nothing of this model; ConvergenceError
    where a loss is no longer finite.

    >>> from lessons.graph_layers import GCN
    >>> path = as_graph([(0, 1), (1, 2), (3, 4), (4, 5)], n=6)
    >>> X, y = np.eye(6, dtype=np.float32), [0, -1, -1, -1, -1, 1]
    >>> model = GCN([6, 8, 2], dropout=0.0, seed=0)
    >>> done = train_node_classifier(model, path, X, y, train=[True, False, False, False, False, True])
    >>> predict(model, path, X)
    array([0, 0, 0, 1, 1, 1])

    Notebook: 10_spectral_gcn. Source: T. N. Kipf, M. Welling, ICLR 2017, sections 3.1 and 5.2, arXiv:1609.02907.
    """
    graph, y = as_graph(graph), _classes(y)
    known = _chosen("train", train, graph, y)
    held = None if validation is None else _chosen("validation", validation, graph, y)
    limit = whole("epochs", epochs)
    wait = limit if patience is None else whole("patience", patience)
    if held is None and patience is not None:
        raise ValueError(f"patience={patience} without validation: give validation=, a mask of nodes to watch")
    optimiser = _published(model) if optimiser is None else optimiser
    scores = _scorer(model, graph, X, known)
    watch = None if held is None else _scorer(model, graph, X, held)
    history, best, kept = NodeTraining(), 0, {}
    for epoch in range(limit):
        with _mode(model, True), np.errstate(over="ignore", invalid="ignore"):  # these end as ConvergenceError
            history.losses.append(_step(scores, y[known], optimiser, epoch))
        if watch is None:
            best = epoch
            continue
        loss, right = _validated(model, watch, y[held])
        history.validation_losses.append(_finite(loss, optimiser, epoch, epoch))
        history.validation_accuracies.append(right)
        if loss < min(history.validation_losses[:-1], default=np.inf):
            best, kept = epoch, model.state()
        if epoch - best >= wait:
            break
    if kept:
        model.load(kept)
    return NodeTraining(history.losses, history.validation_losses, history.validation_accuracies, best)


def predict(model: Layer, graph: object, X: Any) -> NDArray[np.int64]:
    """(n,) the class with the highest score for each node, in evaluation mode; of equal ones the first.

    >>> from lessons.graph_layers import GCN
    >>> predict(GCN([2, 3], seed=0), as_graph([(0, 1)], n=2), np.zeros((2, 2)))
    array([0, 0])

    Notebook: 10_spectral_gcn.
    """
    with _mode(model, False), no_grad():
        return to_host(model(graph, X).data).argmax(axis=1)  # type: ignore[call-arg]


# ---------------------------------------------------------------------------------------- one epoch


def _step(scores: Callable[[], Tensor], y: Array, optimiser: Optimiser, epoch: int) -> float:
    optimiser.zero_grad()
    loss = cross_entropy(scores(), y)
    value = _finite(loss.item(), optimiser, epoch, epoch)
    loss.backward()
    if epoch == 0 and all(tensor.grad is None for tensor in optimiser.parameters):
        raise ValueError("no tensor of the optimiser got a gradient: is it made of this model's parameters?")
    optimiser.step()
    return value


def _validated(model: Layer, scores: Callable[[], Tensor], y: Array) -> tuple[float, float]:
    """Loss and accuracy on the nodes that are only watched."""
    with _mode(model, False), no_grad(), np.errstate(over="ignore", invalid="ignore"):
        found = scores()
        return cross_entropy(found, y).item(), float((to_host(found.data).argmax(axis=1) == y).mean())


def _scorer(model: Layer, graph: Graph, X: Any, mask: NDArray[np.bool_]) -> Callable[[], Tensor]:
    """The scores of the nodes in a mask: by what they see, or out of those of all."""
    if isinstance(model, GraphNetwork):
        ways = [(model, "focus"), *((conv, "near") for conv in model.convs)]
        if all(_goes_with_call(layer, method) for layer, method in ways):
            return model.focus(graph, X, mask)
    return lambda: model(graph, X)[mask]  # type: ignore[call-arg]


def _goes_with_call(layer: object, method: str) -> bool:
    """Whether a layer has the method, and no class derived since has changed what a call gives."""
    for kind in type(layer).__mro__:
        if method in vars(kind) or "__call__" in vars(kind):
            return method in vars(kind)
    return False


def _published(model: Layer) -> Adam:
    """The optimiser of Kipf & Welling: only the first layer's weights decay."""
    parameters = model.parameters()
    return Adam(parameters, RATE, weight_decay=[DECAY] + [0.0] * (len(parameters) - 1))


# ---------------------------------------------------------------------------------------- helpers


def _classes(y: ArrayLike) -> NDArray[np.int64]:
    array = np.asarray(y)
    if array.dtype.kind not in "iu":
        raise TypeError(f"y holds {array.dtype}: classes are integers, the places of the scores")
    return array.astype(np.int64)


def _chosen(name: str, mask: ArrayLike, graph: Graph, y: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The mask, if it has nodes and all of them a class."""
    if y.shape != (graph.n,):
        raise ValueError(f"y of shape {y.shape} for {graph.n} nodes: ({graph.n},) is needed, -1 where unknown")
    chosen = checked_mask(name, mask, graph.n)
    if not chosen.any():
        raise ValueError(f"{name} is False everywhere: at least one node is needed")
    if (y[chosen] < 0).any():
        row = int(np.flatnonzero(chosen & (y < 0))[0])
        raise ValueError(f"node {graph.nodes[row]!r} is in {name} and has class {y[row]}: 0 or more is needed")
    return chosen
