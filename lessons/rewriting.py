"""Rewrite a computational graph into another one that computes the same.

fold_batch_norms(model)                      # fewer nodes: each convolution does its normalisation too
weights_as_nodes(model)                      # more nodes: each weight is loaded by a node of its own
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lessons.model import ComputationalGraph, Node, Weight, as_model
from lessons.operators import Tensor

LOAD = ("lessons", "Load")  # domain and operator of the nodes that weights_as_nodes makes


def fold_batch_norms(model: ComputationalGraph) -> ComputationalGraph:
    """A copy where each BatchNormalization that follows a Conv is part of it, as one kernel and one bias.

    Once trained, it maps channel c of its input to scale[c] * (x - mean[c]) / sqrt(var[c] + epsilon) + bias[c].
    With f = scale / sqrt(var + epsilon), that is what the convolution gives whose kernels are f[c] times as
    large and whose biases are f[c] * (b[c] - mean[c]) + bias[c], up to rounding.

    Left alone are those whose convolution someone else reads too or the model puts out, and those where values
    are computed or missing, or that still train. The convolution keeps its name and place and takes over the
    name of the output; its new weights are computed when they are read. `model` stays as it was. O(its size).

    >>> model = ComputationalGraph()
    >>> x, one = model.input("x", (1, 1, 2, 2)), np.ones(1, np.float32)
    >>> h = model.add("Conv", x, model.weight("W", 6 * np.ones((1, 1, 2, 2), np.float32)), name="conv")
    >>> norm = [model.weight(*each) for each in (("scale", one), ("bias", one), ("mean", one), ("var", 9 * one))]
    >>> model.output(model.add("BatchNormalization", h, *norm, name="norm", epsilon=0.0))
    >>> folded = fold_batch_norms(model)
    >>> folded.nodes[0].op, folded.outputs, len(model.nodes), len(folded.nodes)
    ('Conv', ['norm'], 2, 1)
    >>> [float(folded.weights[name].array().max()) for name in folded.nodes[0].inputs[1:]]  # 6 / 3, 1 - 1 / 3
    [2.0, 0.6666666865348816]

    Notebook: 02_topological_sort. Reference: B. Jacob et al., Quantization and training of neural networks for
    efficient integer-arithmetic-only inference, CVPR 2018, section 3.2, arXiv:1712.05877.
    """
    readers = Counter(tensor for node in as_model(model).nodes for tensor in node.inputs) + Counter(model.outputs)
    folded: dict[str, Node] = {}  # by the name of the node that it replaces
    gone: set[str] = set()
    new: dict[str, Weight] = {}
    for norm in model.nodes:
        conv = model.producer(norm.inputs[0]) if norm.op == "BatchNormalization" and norm.inputs else None
        if conv is None or readers[norm.inputs[0]] != 1 or not _can_fold(conv, norm, model):
            continue
        names = f"{conv.name}/folded kernel", f"{conv.name}/folded bias"
        new.update(zip(names, _folded(conv, norm, model.weights), strict=True))
        folded[conv.name] = replace(conv, inputs=(conv.inputs[0], *names), outputs=norm.outputs[:1])
        gone.add(norm.name)
    nodes = [folded.get(node.name, node) for node in model.nodes if node.name not in gone]
    return _rebuilt(model, nodes, {**model.weights, **new})


def _can_fold(conv: Node, norm: Node, model: ComputationalGraph) -> bool:
    """Whether a normalisation of what `conv` gives scales and shifts it by weights whose values are there."""
    plain = conv.op == "Conv" and not conv.domain and not norm.domain
    needed = [tensor for tensor in (*conv.inputs[1:], *norm.inputs[1:]) if tensor]
    weights = model.weights
    valued = all(tensor in weights and weights[tensor].make is not None for tensor in needed)
    trains = norm.attributes.get("training_mode", 0) or len([tensor for tensor in norm.outputs if tensor]) != 1
    whole = norm.attributes.get("spatial", 1)  # until opset 8: one scale a channel, or one an element
    return plain and valued and not trains and bool(whole)


def _folded(conv: Node, norm: Node, weights: dict[str, Weight]) -> tuple[Weight, Weight]:
    """The kernel and the bias of both in one; their values are computed, in float64, when they are read."""
    kernel = weights[conv.inputs[1]]
    before = weights[conv.inputs[2]] if len(conv.inputs) > 2 and conv.inputs[2] else None
    scale, bias, mean, variance = (weights[tensor] for tensor in norm.inputs[1:5])
    epsilon = norm.attributes.get("epsilon", 1e-5)

    def factor() -> NDArray[np.float64]:
        return scale.array().astype(np.float64) / np.sqrt(variance.array().astype(np.float64) + epsilon)

    def new_kernel() -> NDArray[np.floating]:
        values = kernel.array()
        return (values * factor().reshape(-1, *[1] * (values.ndim - 1))).astype(values.dtype)

    def new_bias() -> NDArray[np.floating]:
        shift = mean.array() if before is None else mean.array() - before.array().astype(np.float64)
        return (bias.array() - factor() * shift).astype(kernel.tensor.dtype)

    length = (kernel.tensor.shape or (None,))[0]
    return Weight(kernel.tensor, new_kernel), Weight(Tensor((length,), kernel.tensor.dtype), new_bias)


def weights_as_nodes(model: ComputationalGraph) -> ComputationalGraph:
    """A copy where each weight is loaded by a node without inputs, so that its memory counts and can be planned.

    These nodes stand first, as constants do in many files; they are called after their weights, which are the
    tensors that they give. Weights that state shapes and the like stay what they are: whole numbers, few, that
    shapes are inferred from. `run` executes the copy, `peak_memory` counts it. `model` stays as it was.

    >>> model = ComputationalGraph()
    >>> model.output(model.add("MatMul", model.input("x", (1, 64)), model.weight("W", shape=(64, 8)), name="y"))
    >>> loaded = weights_as_nodes(model)
    >>> [(node.name, node.op, node.inputs) for node in loaded.nodes]
    [('W', 'Load', ()), ('y', 'MatMul', ('x', 'W'))]

    Notebook: 02_topological_sort.
    """
    read = {tensor for node in as_model(model).nodes for tensor in node.inputs} | set(model.outputs)
    moved = {t: w for t, w in model.weights.items() if t in read and not _states_a_shape(t, model)}
    taken, names = {node.name for node in model.nodes}, model.copy()
    domain, op = LOAD
    loads = [
        Node(names.unused(t) if t in taken else t, op, (), (t,), {"weight": weight}, domain)
        for t, weight in moved.items()
    ]
    rest = {t: weight for t, weight in model.weights.items() if t not in moved}
    copy = _rebuilt(model, [*loads, *model.nodes], rest)
    for tensor, weight in moved.items():
        copy.declare(tensor, weight.tensor.shape, weight.tensor.dtype)
    return copy


def _states_a_shape(tensor: str, model: ComputationalGraph) -> bool:
    return model.known(tensor) is not None and "float" not in str(model.tensor(tensor).dtype)


def _rebuilt(model: ComputationalGraph, nodes: list[Node], weights: dict[str, Weight]) -> ComputationalGraph:
    """A model of other nodes on the inputs and outputs of this one, with those of the weights that they read."""
    copy = ComputationalGraph(model.name)
    read = {tensor for node in nodes for tensor in node.inputs} | set(model.outputs)
    for name, told in model.inputs.items():
        copy.input(name, told.shape, told.dtype)
    for name, weight in weights.items():
        if name in read:
            copy.put(name, weight)
    tensors = model.tensors
    for node in nodes:
        copy.place(node)
        for tensor in filter(None, node.outputs):
            told = tensors.get(tensor, Tensor())
            copy.declare(tensor, told.shape, told.dtype)
    copy.output(*model.outputs)
    return copy
