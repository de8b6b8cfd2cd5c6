"""What the nodes of an ONNX file state, turned into weights: shapes that are known, weights in another form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lessons._onnx_graph import Draft, Opaque, held
from lessons.model import ComputationalGraph, Node, Weight
from lessons.operators import Tensor

RELABELLED = {"Cast", "Flatten", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}  # the numbers stay what they are


class Folding:
    """Turns nodes whose results the file states into weights; `model` tells what is known of each tensor."""

    def __init__(self, draft: Draft, model: ComputationalGraph) -> None:
        self.draft, self.model = draft, model
        self.tensors = model.tensors
        self.weights = dict(draft.weights)
        self.same: dict[str, str] = {}  # what Identity makes of a weight, and that weight
        self.folded: set[str] = set()
        self.readers = Counter(tensor for node in draft.nodes for tensor in node.inputs)
        self.readers.update(draft.outputs)

    def result(self) -> Draft:
        """The draft without the nodes that were folded and the weights that only they have read; the draft itself
        if there are none."""
        touched: set[str] = set()
        for tensor in self.tensors:  # in an order of computation
            node = self.model.producer(tensor)
            if node is None or node.name in self.folded or isinstance(node, Opaque) or node.domain:
                continue
            made = self._fold(node)
            if made is not None:
                self.folded.add(node.name)
                self.weights.update(made)
                touched.update(made, self._inputs(node))
                self.readers.subtract(self._inputs(node))
        if not self.folded:
            return self.draft
        kept = (node for node in self.draft.nodes if node.name not in self.folded)
        nodes = [replace(node, inputs=self._inputs(node)) if self.same else node for node in kept]
        weights = {t: w for t, w in self.weights.items() if t not in touched or self.readers[t] > 0}
        return replace(self.draft, nodes=nodes, weights=weights)

    def _inputs(self, node: Node) -> tuple[str, ...]:
        return tuple(self.same.get(tensor, tensor) for tensor in node.inputs)

    def _fold(self, node: Node) -> dict[str, Weight] | None:
        """The weights that stand for the outputs of a node; None if it has to stay."""
        stated = self._stated(node)
        if stated is not None:
            return stated
        if not node.inputs or len(node.outputs) != 1:
            return None
        if node.op == "ConstantOfShape":
            return self._filled(node)
        if self._inputs(node)[0] not in self.weights:
            return None
        return self._shared(node) if node.op == "Identity" else self._relabelled(node)

    def _stated(self, node: Node) -> dict[str, Weight] | None:
        """Results that are known: shapes and what follows from them, or from constants alone."""
        values = {tensor: self.model.known(tensor) for tensor in node.outputs if tensor}
        constant = all(t in self.weights and self.weights[t].origin == "constant" for t in self._inputs(node) if t)
        made = {}
        for tensor, value in values.items():
            if value is None or value.dtype.kind not in ("iubf" if constant else "iub"):
                return None
            made[tensor] = held(value, str(value.dtype))
        return made

    def _filled(self, node: Node) -> dict[str, Weight] | None:
        shape = self.model.known(node.inputs[0])
        if shape is None or shape.dtype == object or (shape < 0).any():
            return None
        value = np.asarray(node.attributes.get("value", np.float32(0))).reshape(-1)[:1]
        lengths = tuple(map(int, shape.reshape(-1)))
        weight = Weight(Tensor(lengths, str(value.dtype)), partial(np.full, lengths, value), "generated")
        return {node.outputs[0]: weight}

    def _shared(self, node: Node) -> dict[str, Weight] | None:
        """Nothing new: who reads the copy of a weight reads the weight."""
        copy = node.outputs[0]
        if copy in self.draft.outputs:
            return None
        weight = self._inputs(node)[0]
        self.same[copy] = weight
        self.readers[weight] += self.readers[copy]
        return {}

    def _relabelled(self, node: Node) -> dict[str, Weight] | None:
        """A weight in another form, if nobody else reads it: else it would be counted twice."""
        inputs = self._inputs(node)
        tensor = self.tensors[node.outputs[0]]
        fixed = tensor.size is not None and tensor.dtype is not None
        alone = self.readers[inputs[0]] == 1 and all(t in self.weights for t in inputs if t)
        if node.op not in RELABELLED or not (fixed and alone):
            return None
        read = [self.weights[t] if t else None for t in inputs]
        return {node.outputs[0]: Weight(tensor, partial(_computed, node, read), self.weights[inputs[0]].origin)}


def _computed(node: Node, weights: Sequence[Weight | None]) -> NDArray[Any]:
    from lessons.operators.execution import execute

    arrays = [None if weight is None else weight.array() for weight in weights]
    result = execute(node.op, arrays, node.attributes, version=node.version)[0]
    assert result is not None  # none of these operators has optional outputs
    return result
