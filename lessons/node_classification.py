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

    losses: list[float]
    validation_losses: list[float]
    validation_accuracies: list[float]
    epoch: int


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
    _check_layer(model)
    graph, y = as_graph(graph), _classes(y)
    known = _chosen("train", train, graph, y)
    limit = whole("epochs", epochs)
    wait = limit if patience is None else whole("patience", patience)
    if validation is None and patience is not None:
        raise ValueError(f"patience={patience} without validation: give validation=, a mask of nodes to watch")
    optimiser = _published(model) if optimiser is None else optimiser
    scores, watch = _scorer(model, graph, X, known), None
    if validation is not None:
        held = _chosen("validation", validation, graph, y)
        watch = _Watch(model, _scorer(model, graph, X, held), y[held])
    losses: list[float] = []
    for epoch in range(limit):
        losses.append(_step(model, scores, y[known], optimiser, epoch))
        if watch is not None and watch.look(epoch, optimiser) >= wait:
            break
    if watch is None:
        return NodeTraining(losses, [], [], len(losses) - 1)
    model.load(watch.state)
    return NodeTraining(losses, watch.losses, watch.accuracies, watch.best)


def predict(model: Layer, graph: object, X: Any) -> NDArray[np.int64]:
    """(n,) the class with the highest score for each node, in evaluation mode; of equal ones the first.

    >>> from lessons.graph_layers import GCN
    >>> predict(GCN([2, 3], seed=0), as_graph([(0, 1)], n=2), np.zeros((2, 2)))
    array([0, 0])

    Notebook: 10_spectral_gcn.
    """
    _check_layer(model)
    with _mode(model, False), no_grad():
        return to_host(model(graph, X).data).argmax(axis=1)  # type: ignore[call-arg]


# ---------------------------------------------------------------------------------------- one epoch


def _step(model: Layer, scores: Callable[[], Tensor], y: Array, optimiser: Optimiser, epoch: int) -> float:
    """One step on the nodes that are known; gives the loss before it."""
    with _mode(model, True), np.errstate(over="ignore", invalid="ignore"):  # these end as ConvergenceError
        optimiser.zero_grad()
        loss = cross_entropy(scores(), y)
        value = _finite(loss.item(), optimiser, epoch, epoch)
        loss.backward()
        if epoch == 0 and all(tensor.grad is None for tensor in optimiser.parameters):
            raise ValueError("no tensor of the optimiser got a gradient: is it made of this model's parameters?")
        optimiser.step()
    return value


@dataclass
class _Watch:
    """Nodes that are only looked at, and what the model held when it did best on them."""

    model: Layer
    scores: Callable[[], Tensor]
    y: Array
    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    best: int = 0
    state: dict[str, Array] = field(default_factory=dict)

    def look(self, epoch: int, optimiser: Optimiser) -> int:
        """Note loss and accuracy after an epoch; gives the epochs since the best."""
        with _mode(self.model, False), no_grad(), np.errstate(over="ignore", invalid="ignore"):
            found = self.scores()
            loss = _finite(cross_entropy(found, self.y).item(), optimiser, epoch, epoch)
        if loss < min(self.losses, default=np.inf):
            self.best, self.state = epoch, self.model.state()
        self.losses.append(loss)
        self.accuracies.append(float((to_host(found.data).argmax(axis=1) == self.y).mean()))
        return epoch - self.best


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


def _check_layer(model: object) -> None:
    if not isinstance(model, Layer):
        raise TypeError(f"model is {type(model).__name__}: a Layer that is called as model(graph, X) comes first")


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
