"""Execute a computational graph on NumPy in its order, and let go of each tensor after its last use.

run(model, {"x": image})                     # {tensor: array}
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons.errors import UnknownLabel, UnsupportedOperator
from lessons.memory import checked_order, default_order, is_view
from lessons.model import ComputationalGraph, Node, as_model
from lessons.operators import Tensor
from lessons.operators.execution import execute, supports
from lessons.rewriting import LOAD


def run(
    model: ComputationalGraph,
    inputs: Mapping[str, ArrayLike],
    *,
    order: Sequence[str] | None = None,
    outputs: Iterable[str] | None = None,
    observe: Callable[[str, int], object] | None = None,
) -> dict[str, NDArray[Any]]:
    """Compute the outputs of a model, {name: array}, node by node, and free each tensor after its last use.

    `inputs` gives an array for each input that is needed. `outputs` may name any tensors, those in between too;
    without it they are those of the model. Only nodes that these need run, in `order` (all names of the model,
    or of these nodes), else as `topological_sort` puts them. A weight is loaded when the first node reads it.

    `observe(node, bytes)` is called after each node, before anything is freed, with the bytes of all that is
    alive: inputs, outputs and what is in between, without weights, memory that two tensors share once. The
    largest is the peak that `peak_memory` predicts for the part that runs.

    Arrays are computed by NumPy in the types that the model states; an output may share memory with an input.

    Raises UnsupportedOperator with all operators that are not computed here, before anything runs; ValueError
    for inputs that are missing or of another shape or type, for a weight without values, and with the name of
    the node where an operator cannot take what it gets; UnknownLabel for a name that the model does not have.

    >>> model = ComputationalGraph()
    >>> half = model.weight("half", np.float32([0.5]))
    >>> model.output(model.add("Mul", model.add("Relu", model.input("x", ("N",)), name="h"), half, name="y"))
    >>> run(model, {"x": np.float32([-2, 4])}, observe=print)
    h 16
    y 16
    {'y': array([0., 2.], dtype=float32)}

    Notebook: 02_topological_sort.
    """
    wanted = as_model(model).outputs if outputs is None else list(dict.fromkeys(outputs))
    part = model.subgraph(model.inputs, wanted)
    _refuse_what_cannot_run(part)
    part.refuse_dangling()
    arrays = _taken(inputs, part)
    nodes = [part.node(name) for name in _order_of_part(order, part, model)]
    weights, roots = part.weights, {id(array) for array in arrays.values()}
    of_weights = set(weights)  # tensors that hold the data of a weight
    uses = Counter([tensor for node in nodes for tensor in set(node.inputs)] + wanted)
    for node in nodes:
        arrays.update({t: weights[t].array() for t in node.inputs if t in weights and t not in arrays})
        arrays.update(_computed(node, [arrays[t] if t else None for t in node.inputs]))
        if is_view(node, 0) and node.inputs[0] in of_weights:
            of_weights.add(node.outputs[0])
        if observe is not None:
            counted = (array for tensor, array in arrays.items() if tensor not in of_weights)
            observe(node.name, _bytes_alive(counted, roots))
        _free(node, arrays, uses)
    arrays.update({t: weights[t].array() for t in wanted if t in weights})
    return {tensor: arrays[tensor] for tensor in wanted}


def _refuse_what_cannot_run(model: ComputationalGraph) -> None:
    """Raise what `run` raises for operators and weights, before anything is computed."""
    refused = [f"{n.domain}.{n.op}" if n.domain else n.op for n in model.nodes if not _is_known(n)]
    if refused:
        raise UnsupportedOperator(refused)
    loaded = {n.outputs[0]: n.attributes["weight"] for n in model.nodes if (n.domain, n.op) == LOAD}
    empty = [name for name, weight in {**model.weights, **loaded}.items() if weight.make is None]
    if empty:
        others = f" and {len(empty) - 1} others have" if len(empty) > 1 else " has"
        raise ValueError(
            f"the weight {empty[0]!r}{others} a shape but no values: with_random_weights(model, seed) draws some"
        )


def _is_known(node: Node) -> bool:
    return (node.domain, node.op) == LOAD or supports(node.op, node.domain)


def _taken(inputs: Mapping[str, ArrayLike], model: ComputationalGraph) -> dict[str, NDArray[Any]]:
    """The inputs that are needed, as arrays in one piece, once they have been checked."""
    if not isinstance(inputs, Mapping):
        raise TypeError(
            f"inputs are {{name: array}}, not a {type(inputs).__name__}: the names are {[*model.inputs]}"
        )
    for name in inputs:
        if name not in model.inputs:
            raise UnknownLabel(name, model.inputs, what="input")
    needed = {tensor for node in model.nodes for tensor in node.inputs} | set(model.outputs)
    lacking = [name for name in model.inputs if name in needed and name not in inputs]
    if lacking:
        raise ValueError(f"the inputs {lacking} are missing: give an array for each")
    arrays = {name: np.asarray(value, order="C") for name, value in inputs.items() if name in needed}
    lengths: dict[str, tuple[int, str]] = {}
    for name, array in arrays.items():
        _check_input(name, array, model.inputs[name], lengths)
    return arrays


def _check_input(name: str, array: NDArray[Any], told: Tensor, lengths: dict[str, tuple[int, str]]) -> None:
    """Compare shape and type with what the model tells; `lengths` are those with a name, and who gave them."""
    text = told.dtype == "string" and array.dtype.kind in "OUST"
    if told.dtype is not None and array.dtype.name != told.dtype and not text:
        raise ValueError(
            f"input {name!r} is {array.dtype.name}, the model takes {told.dtype}: give x.astype({told.dtype!r})"
        )
    if told.shape is None:
        return
    fits = len(told.shape) == array.ndim
    if not fits or any(isinstance(n, int) and n != m for n, m in zip(told.shape, array.shape, strict=True)):
        raise ValueError(f"input {name!r} has the shape {array.shape}, the model takes {told.shape}: reshape it")
    for length, given in zip(told.shape, array.shape, strict=True):
        if isinstance(length, str) and lengths.setdefault(length, (given, name))[0] != given:
            before, where = lengths[length]
            raise ValueError(
                f"input {name!r} of shape {array.shape} makes {length!r} {given}, and input {where!r} made it "
                f"{before}: both are {length!r} long"
            )


def _order_of_part(order: Sequence[str] | None, part: ComputationalGraph, model: ComputationalGraph) -> list[str]:
    """An order of the nodes of a part, from one of its own or of the whole model."""
    if order is None:
        return default_order(part)
    mine = {node.name for node in part.nodes}
    whole = {node.name for node in model.nodes}
    return checked_order([name for name in order if name in mine or name not in whole], part)


def _computed(node: Node, read: Sequence[NDArray[Any] | None]) -> dict[str, NDArray[Any]]:
    """What a node gives, {tensor: array}, without outputs that are left out."""
    if (node.domain, node.op) == LOAD:
        return {node.outputs[0]: node.attributes["weight"].array()}
    asked = {"domain": node.domain, "outputs": len(node.outputs)}
    try:
        results = execute(node.op, read, node.attributes, version=node.version, **asked)  # type: ignore[arg-type]
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"node {node.name!r}: {error}") from error
    named = {t: array for t, array in zip(node.outputs, results, strict=True) if t}
    lacking = [tensor for tensor, array in named.items() if array is None]
    if lacking:
        raise ValueError(f"node {node.name!r}: {node.op} does not give the outputs {lacking}")
    return {tensor: array for tensor, array in named.items() if array is not None}


def _bytes_alive(arrays: Iterable[NDArray[Any]], roots: set[int]) -> int:
    """The bytes of the buffers that arrays lie in, each once; `roots` are the ids of those given by the caller."""
    owners = {}
    for array in arrays:
        while id(array) not in roots and isinstance(array.base, np.ndarray):
            array = array.base
        owners[id(array)] = array.nbytes
    return sum(owners.values())


def _free(node: Node, arrays: dict[str, NDArray[Any]], uses: Counter[str]) -> None:
    """Let go of what nobody will read after this node; the memory goes with the last array that lies in it."""
    for tensor in {*node.inputs, *node.outputs}:
        uses[tensor] -= tensor in node.inputs
        if not uses[tensor]:
            arrays.pop(tensor, None)
