"""The computational graph of a network: nodes apply operators to tensors, in ports whose order matters.

    model = ComputationalGraph()
    x = model.input("x", ("batch", 64))
    h = model.add("Relu", model.add("Gemm", x, model.weight("W", shape=(64, 32))))
    model.output(h)
    model.validate()

It is a multigraph: Add(x, x) has two edges from one tensor. `to_graph()` is its projection to a `Graph` of nodes.
"""

from __future__ import annotations

import graphlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lessons.errors import CycleError, DataMissing, FormatError, UnknownLabel
from lessons.graph import Graph, as_graph
from lessons.operators import OPSET, Call, Shape, Tensor

KNOWN_VALUES = 1024  # elements; a constant of whole numbers up to this size takes part in the inference of shapes
FACTORS = 8  # elements, for other constants


@dataclass(frozen=True)
class Node:
    """One use of an operator: `inputs` and `outputs` name tensors port by port, "" an optional one left out."""

    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    domain: str = ""
    version: int = OPSET


@dataclass(frozen=True)
class Weight:
    """A constant tensor of a model. `make` gives its array, and may read or generate it only then; None where
    only the shape is known.

    `origin` tells where it is from: "stored" in the model, "constant" if a node of the model stated it,
    "generated" if a node filled it with one number, as the models without weights that `onnx` ships do, or if it
    was drawn at random.
    """

    tensor: Tensor
    make: Callable[[], NDArray[Any]] | None = None
    origin: Literal["stored", "constant", "generated"] = "stored"

    def array(self) -> NDArray[Any]:
        """Its values. Raises ValueError where the model has none."""
        if self.make is None:
            raise ValueError(
                f"a weight of shape {self.tensor.shape} has no values: with_random_weights(model, seed) draws some"
            )
        return self.make()


class ComputationalGraph:
    """A network as operators on named tensors, to be built, edited, validated and projected to a `Graph`.

    Operators, attributes and the order of ports are those of ONNX. Tensors are named by strings; every name is
    given once, to an input, a weight, or an output of a node. Nodes keep the order in which they were added,
    which need not be one in which they can be computed.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self._inputs: dict[str, Tensor] = {}
        self._weights: dict[str, Weight] = {}
        self._nodes: dict[str, Node] = {}
        self._outputs: list[str] = []
        self._declared: dict[str, Tensor] = {}
        self._producer: dict[str, str] = {}  # tensor -> name of the node
        self._numbers: Counter[str] = Counter()  # of names that were made up
        self._tensors: dict[str, Tensor] | None = None  # inferred; None after an edit
        self._values: dict[str, NDArray[Any]] = {}
        self._faults: list[str] = []

    # ------------------------------------------------------------------------------------ to look at

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes, in the order in which they were added."""
        return tuple(self._nodes.values())

    @property
    def inputs(self) -> dict[str, Tensor]:
        """What must be given to compute it: {name: Tensor}."""
        return dict(self._inputs)

    @property
    def outputs(self) -> list[str]:
        """The tensors that it is there to compute."""
        return list(self._outputs)

    @property
    def weights(self) -> dict[str, Weight]:
        """Its constant tensors: {name: Weight}."""
        return dict(self._weights)

    def node(self, name: str) -> Node:
        """The node of this name. Raises UnknownLabel, a KeyError that names the nearest one."""
        if name not in self._nodes:
            raise UnknownLabel(name, self._nodes)
        return self._nodes[name]

    def producer(self, tensor: str) -> Node | None:
        """The node that computes a tensor; None for an input, a weight, or what nothing gives."""
        name = self._producer.get(tensor)
        return None if name is None else self._nodes[name]

    def consumers(self, tensor: str) -> list[tuple[Node, int]]:
        """Who reads a tensor, and at which port: (node, port), in the order of the nodes. O(size of the graph)."""
        return [(n, port) for n in self.nodes for port, read in enumerate(n.inputs) if read == tensor and read]

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Shape and type of every tensor, as far as they follow from those of the inputs and weights."""
        return dict(self._inferred())

    def tensor(self, name: str) -> Tensor:
        """Shape and type of one tensor, as far as they follow. Raises UnknownLabel."""
        if not self._has(name):
            raise UnknownLabel(name, [*self._inputs, *self._weights, *self._producer], what="tensor")
        return self._inferred()[name]

    def known(self, tensor: str) -> NDArray[Any] | None:
        """The value of a small tensor of whole numbers that does not depend on the values of the inputs, such as
        a shape. Lengths that are not bound stand in it by name, those that cannot be told as None; its dtype is
        then object. None for every other tensor."""
        self._inferred()
        return self._values.get(tensor)

    def call(self, name: str) -> Call:
        """A node as the rules of its operator see it: with what is known of its inputs. Raises UnknownLabel."""
        return self._call(self.node(name), self._inferred())

    def __repr__(self) -> str:
        name = f"{self.name!r}, " if self.name else ""
        return (
            f"ComputationalGraph({name}nodes={len(self._nodes)}, inputs={len(self._inputs)}, "
            f"outputs={len(self._outputs)}, weights={len(self._weights)})"
        )

    def __eq__(self, other: object) -> bool:
        """The same nodes, tensors and weights by name, shape and type; values of weights are not read."""
        if not isinstance(other, ComputationalGraph):
            return NotImplemented
        mine, theirs = (
            ([*map(_comparable, g.nodes)], g._inputs, g._outputs, {k: w.tensor for k, w in g._weights.items()})
            for g in (self, other)
        )
        return mine == theirs

    __hash__ = None  # type: ignore[assignment]  # it can be edited

    # ------------------------------------------------------------------------------------ to build

    def input(self, name: str, shape: Sequence[int | str | None] | None, dtype: str | None = "float32") -> str:
        """Declare what is to be given: a tensor of this shape; a length may be a name, to be bound later.

        Returns the name. Raises ValueError for a name that is taken or a shape that is none.
        """
        self._claim(name)
        self._inputs[name] = Tensor(_checked_shape(name, shape), dtype)
        return name

    def weight(
        self,
        name: str,
        value: NDArray[Any] | None = None,
        *,
        shape: Sequence[int] | None = None,
        dtype: str = "float32",
    ) -> str:
        """Add a constant tensor: an array, or only its shape where values do not matter.

        Returns the name. Raises ValueError for a name that is taken, or where neither or both are given.
        """
        if (value is None) == (shape is None):
            raise ValueError(f"weight {name!r}: give its array, or shape=... where it has no values")
        if value is None:
            made = Weight(Tensor(_checked_shape(name, shape), dtype))
        else:
            array = np.asarray(value)
            made = Weight(Tensor(array.shape, str(array.dtype)), lambda: array)
        return self.put(name, made)

    def put(self, name: str, weight: Weight) -> str:
        """Add a weight as it is, or put another one in the place of the weight of this name; returns the name."""
        if name not in self._weights:
            self._claim(name)
        self._weights[name] = weight
        self._edited()
        return name

    def add(
        self,
        op: str,
        *inputs: str,
        name: str | None = None,
        outputs: int | Sequence[str] = 1,
        domain: str = "",
        version: int | None = None,
        **attributes: Any,
    ) -> str:
        """Add a node that applies an operator to tensors; returns the name of its first output.

        Without `name` it is called after its operator and a number. Its outputs are called after it, unless
        `outputs` gives their names. Without `version` it is of the opset of the last node of its domain, 20 where
        there is none. Inputs may be added later: `validate` tells what is still missing.

        Raises ValueError for a name that is taken.
        """
        if name is None:
            name = self.unused(op)
        if isinstance(outputs, int):
            outputs = [name if k == 0 else f"{name}.{k}" for k in range(outputs)]
        if version is None:  # a file has one opset for a domain
            version = next((n.version for n in reversed(self._nodes.values()) if n.domain == domain), OPSET)
        return self.place(Node(name, op, tuple(inputs), tuple(outputs), attributes, domain, version))

    def place(self, node: Node) -> str:
        """Add a node as it is, the lists among its attributes as tuples; returns the name of its first output.

        Raises ValueError for a name that is taken.
        """
        if node.name in self._nodes:
            raise ValueError(f"there is a node {node.name!r} already: give this one another name")
        outputs = [tensor for tensor in node.outputs if tensor]
        for tensor in outputs:
            self._claim(tensor)
        if len(set(outputs)) < len(outputs):
            raise ValueError(f"node {node.name!r} gives a tensor twice, of {outputs}: name its outputs apart")
        if node.attributes:
            node = replace(node, attributes={key: _plain(value) for key, value in node.attributes.items()})
        self._nodes[node.name] = node
        self._producer.update(dict.fromkeys(outputs, node.name))
        self._edited()
        return node.outputs[0] if node.outputs else ""

    def output(self, *tensors: str) -> None:
        """State that these tensors are what the graph is there to compute, after those stated before."""
        for tensor in tensors:
            if tensor in self._outputs:
                raise ValueError(f"{tensor!r} is an output already")
            self._outputs.append(tensor)

    def declare(self, tensor: str, shape: Sequence[int | str | None] | None, dtype: str | None = None) -> None:
        """Tell shape and type of a tensor whose operator has no rule here; where there is a rule, that counts."""
        self._declared[tensor] = Tensor(_checked_shape(tensor, shape), dtype)
        self._edited()

    def unused(self, stem: str) -> str:
        """A name that no node and no tensor has: the stem and the next number."""
        while True:
            name = f"{stem}_{self._numbers[stem]}"
            self._numbers[stem] += 1
            if name not in self._nodes and not self._has(name):
                return name

    # ------------------------------------------------------------------------------------ to edit

    def copy(self) -> ComputationalGraph:
        """A graph of the same nodes, inputs, weights and outputs; editing one leaves the other as it was."""
        twin = ComputationalGraph(self.name)
        twin._inputs, twin._weights = dict(self._inputs), dict(self._weights)
        twin._nodes, twin._outputs = dict(self._nodes), list(self._outputs)
        twin._declared, twin._producer = dict(self._declared), dict(self._producer)
        twin._numbers = Counter(self._numbers)
        return twin

    def remove(self, name: str) -> None:
        """Take a node out. Who read its outputs is left dangling, until rewired. Raises UnknownLabel."""
        for tensor in self.node(name).outputs:
            self._producer.pop(tensor, None)
        del self._nodes[name]
        self._edited()

    def rewire(self, name: str, port: int, tensor: str) -> None:
        """Let one input of a node, counted from 0, read another tensor. Raises UnknownLabel, ValueError."""
        node = self.node(name)
        if not 0 <= port < len(node.inputs):
            raise ValueError(f"node {name!r} has the ports 0 to {len(node.inputs) - 1}, not {port}")
        inputs = (*node.inputs[:port], tensor, *node.inputs[port + 1 :])
        self._nodes[name] = replace(node, inputs=inputs)
        self._edited()

    def redirect(self, tensor: str, to: str) -> None:
        """Let everyone who reads a tensor, the outputs of the graph too (each stays once), read another one.

        To put a node behind a tensor, redirect first, to the name that the node is then added under.
        """
        for node in self.nodes:
            if tensor in node.inputs:
                inputs = tuple(to if read == tensor else read for read in node.inputs)
                self._nodes[node.name] = replace(node, inputs=inputs)
        self._outputs = list(dict.fromkeys(to if read == tensor else read for read in self._outputs))
        self._edited()

    def bind(self, shapes: Mapping[str, int | Sequence[int | str | None]]) -> ComputationalGraph:
        """A copy with lengths filled in: {"batch": 1} binds a name wherever it stands, {"x": (1, 3, 224, 224)}
        gives the shape of an input.

        Raises UnknownLabel for what is neither, ValueError for a shape that does not fit, or for a name that would
        stand for two lengths, TypeError for what is neither a number nor a shape.
        """
        _check_binding(shapes)
        bound, found = self.copy(), list[tuple[str, int]]()
        names = {length for t in self._inputs.values() for length in t.shape or () if isinstance(length, str)}
        for key, given in shapes.items():
            if isinstance(given, int | np.integer):
                if key not in names:
                    raise UnknownLabel(key, sorted(names), what="length")
                found += _match(key, (key,), _checked_shape(key, (given,)))
            elif key not in self._inputs and key in names:
                raise ValueError(f"the length {key!r} is bound by a number, not by the shape {given!r}")
            elif key not in self._inputs:
                raise UnknownLabel(key, self._inputs, what="input")
            else:
                found += _match(key, self._inputs[key].shape, _checked_shape(key, given))
        lengths: dict[str, int] = {}
        for name, length in found:
            if lengths.setdefault(name, length) != length:
                raise ValueError(f"the length {name!r} cannot be both {lengths[name]} and {length}: bind it once")
        for key, given in shapes.items():
            if not isinstance(given, int | np.integer):
                bound._inputs[key] = replace(bound._inputs[key], shape=_checked_shape(key, given))
        for place in (bound._inputs, bound._declared):
            place.update({name: replace(t, shape=_filled(t.shape, lengths)) for name, t in place.items()})
        return bound

    def subgraph(self, inputs: Iterable[str], outputs: Iterable[str]) -> ComputationalGraph:
        """The part that computes `outputs` from `inputs`, both tensors of this graph; they are its own ones.

        Raises UnknownLabel for a tensor that is not here, ValueError where an output needs an input of the whole
        graph that was not listed.
        """
        given, wanted = dict.fromkeys(inputs), list(dict.fromkeys(outputs))
        tensors = self.tensors
        for tensor in (*given, *wanted):
            if not self._has(tensor):
                raise UnknownLabel(tensor, [*self._inputs, *self._weights, *self._producer], what="tensor")
        needed = self._needed(wanted, given)
        part = ComputationalGraph(self.name)
        part._inputs = {tensor: tensors.get(tensor, Tensor()) for tensor in given}
        for node in (node for node in self.nodes if node.name in needed):
            part._keep(node, self)
        open_ends = [t for t in (*self._read_by(needed), *wanted) if t in self._inputs and t not in given]
        if open_ends:
            raise ValueError(f"{wanted} needs the input {open_ends[0]!r} too: list it among the inputs")
        part._keep_weights(wanted, self)
        part._outputs, part._numbers = wanted, Counter(self._numbers)
        return part

    def pruned(self) -> ComputationalGraph:
        """The same graph without the nodes and weights that no output needs; its inputs all stay."""
        needed = self._needed(self._outputs, {})
        rest = ComputationalGraph(self.name)
        rest._inputs = dict(self._inputs)
        for node in (node for node in self.nodes if node.name in needed):
            rest._keep(node, self)
        rest._keep_weights(self._outputs, self)
        rest._outputs, rest._numbers = list(self._outputs), Counter(self._numbers)
        return rest

    # ------------------------------------------------------------------------------------ to check

    def problems(self) -> list[str]:
        """What is wrong with it, a sentence each: inputs that nothing gives, cycles, shapes that do not fit."""
        found = self._dangling()
        found += [
            f"the output {tensor!r} is given by nothing" for tensor in self._outputs if not self._has(tensor)
        ]
        if not self._outputs:
            found.append("it has no output: state one with output(...)")
        try:
            self._in_order()
        except CycleError as error:
            return [*found, str(error)]
        return [*found, *self._shape_faults()]

    def validate(self) -> None:
        """Raise ValueError with all `problems()` if there are any, CycleError if a cycle is the only one."""
        found = self.problems()
        if found:
            if len(found) == 1:
                self._in_order()
            raise ValueError("; ".join(found))

    def refuse_dangling(self) -> None:
        """Raise ValueError if a node reads what nothing gives, with the first such port."""
        found = self._dangling()
        if found:
            raise ValueError(f"{found[0]}: rewire or remove it")

    # ------------------------------------------------------------------------------------ to project

    def to_graph(self, weight: Literal["bytes"] | None = None) -> Graph:
        """The directed `Graph` of its nodes: an edge from who computes a tensor to who reads it, each pair once.

        With weight="bytes" an edge weighs what flows along it: every tensor between the two counts once.

        Raises ValueError where the bytes of a tensor between two nodes are not known. O(size of the graph).
        """
        flows: dict[tuple[str, str], set[str]] = defaultdict(set)
        for node in self.nodes:
            for tensor in node.inputs:
                if tensor in self._producer:
                    flows[self._producer[tensor], node.name].add(tensor)
        if weight is None:
            return as_graph(list(flows), nodes=list(self._nodes), directed=True)
        weighted = [(u, v, sum(map(self._bytes, sorted(tensors)))) for (u, v), tensors in flows.items()]
        return as_graph(weighted, nodes=list(self._nodes), directed=True)

    # ------------------------------------------------------------------------------------ helpers

    def _has(self, tensor: str) -> bool:
        return tensor in self._producer or tensor in self._weights or tensor in self._inputs

    def _claim(self, tensor: str) -> None:
        if not isinstance(tensor, str) or not tensor:
            raise ValueError(f"a tensor is named by a text, not by {tensor!r}")
        if self._has(tensor):
            raise ValueError(f"there is a tensor {tensor!r} already: give this one another name")
        self._edited()

    def _edited(self) -> None:
        self._tensors = None

    def _bytes(self, tensor: str) -> int:
        told = self.tensor(tensor)
        if told.bytes is None:
            raise ValueError(
                f"the bytes of tensor {tensor!r} are not known, of shape {told.shape}: "
                "bind its lengths with bind({...}), or tell it with declare(...)"
            )
        return told.bytes

    def _keep(self, node: Node, whole: ComputationalGraph) -> None:
        """Take a node over from another graph, with the weights that it reads; not what is an input here."""
        if any(t in self._inputs for t in node.outputs):
            node = replace(node, outputs=tuple("" if t in self._inputs else t for t in node.outputs))
        self._nodes[node.name] = node
        self._producer.update({t: node.name for t in node.outputs if t})
        self._keep_weights(node.inputs, whole)
        self._declared.update({t: whole._declared[t] for t in node.outputs if t in whole._declared})

    def _keep_weights(self, tensors: Iterable[str], whole: ComputationalGraph) -> None:
        kept = (t for t in tensors if t in whole._weights and t not in self._inputs)
        self._weights.update({t: whole._weights[t] for t in kept})

    def _read_by(self, names: Iterable[str]) -> list[str]:
        return [tensor for name in names for tensor in self._nodes[name].inputs if tensor]

    def _needed(self, tensors: Iterable[str], given: Mapping[str, Any]) -> set[str]:
        """The names of the nodes that these tensors depend on, where what is given need not be computed."""
        needed: set[str] = set()
        waiting = list(tensors)
        while waiting:
            tensor = waiting.pop()
            name = self._producer.get(tensor)
            if name is not None and tensor not in given and name not in needed:
                needed.add(name)
                waiting.extend(self._nodes[name].inputs)
        return needed

    def _in_order(self) -> list[Node]:
        """The nodes in an order in which they can be computed (lesson 02 writes this by hand). CycleError."""
        before = {
            n.name: dict.fromkeys(self._producer[t] for t in n.inputs if t in self._producer) for n in self.nodes
        }
        try:
            return [self._nodes[name] for name in graphlib.TopologicalSorter(before).static_order()]
        except graphlib.CycleError as error:
            raise CycleError(error.args[1][:-1]) from None

    def _dangling(self) -> list[str]:
        return [
            f"node {node.name!r} reads {tensor!r} at port {port}, and nothing gives it"
            for node in self.nodes
            for port, tensor in enumerate(node.inputs)
            if tensor and not self._has(tensor)
        ]

    def _shape_faults(self) -> list[str]:
        self._inferred()
        return self._faults

    def _inferred(self) -> dict[str, Tensor]:
        if self._tensors is None:
            self._tensors = self._infer()
        return self._tensors

    def _infer(self) -> dict[str, Tensor]:
        """Shape and type of each tensor, in order of computation, and the value of those that state shapes."""
        from lessons.operators import rules

        tensors = {**self._inputs, **{name: weight.tensor for name, weight in self._weights.items()}}
        small = {name: self._small(name) for name in self._weights}
        self._values = {name: value for name, value in small.items() if value is not None}
        self._faults = []
        for node in self._in_order():
            call = self._call(node, tensors)
            try:
                found = rules.infer(call)
            except ValueError as error:
                self._faults.append(f"node {node.name!r}: {error}")
                found = []
            for k, tensor in enumerate(node.outputs):
                if tensor:
                    told = found[k] if k < len(found) else Tensor()
                    tensors[tensor] = _merged(told, self._declared.get(tensor, Tensor()))
            for tensor, value in zip(node.outputs, rules.values(call), strict=False):
                if tensor and value is not None and value.size <= KNOWN_VALUES:
                    self._values[tensor] = value
        return tensors

    def _call(self, node: Node, tensors: Mapping[str, Tensor]) -> Call:
        return Call(
            node.op,
            [tensors.get(t, Tensor()) if t else None for t in node.inputs],
            [self._values.get(t) for t in node.inputs],
            node.attributes,
            len(node.outputs),
            node.domain,
            node.version,
        )

    def _small(self, name: str) -> NDArray[Any] | None:
        """The value of a weight that may state a shape: few whole numbers, or the factors of a Resize."""
        weight = self._weights[name]
        most = KNOWN_VALUES if weight.tensor.dtype in ("int64", "int32", "bool") else FACTORS
        if weight.make is None or weight.tensor.size is None or weight.tensor.size > most:
            return None
        try:
            return weight.array()
        except (DataMissing, FormatError):  # told when its values are needed
            return None


def _plain(attribute: Any) -> Any:
    """An attribute as Node keeps it, so that [2, 2], (2, 2) and NumPy's numbers mean the same."""
    if isinstance(attribute, list | tuple):
        return tuple(map(_plain, attribute))
    return attribute.item() if isinstance(attribute, np.generic) else attribute


def _comparable(node: Node) -> tuple[Any, ...]:
    """A node to be compared by ==, its arrays by their bytes."""
    attributes = {
        key: (value.shape, str(value.dtype), value.tobytes()) if isinstance(value, np.ndarray) else value
        for key, value in node.attributes.items()
    }
    return node.name, node.op, node.inputs, node.outputs, attributes, node.domain, node.version


def as_model(given: object) -> ComputationalGraph:
    """The model itself, at the door of what takes nothing else. Raises TypeError."""
    if isinstance(given, ComputationalGraph):
        return given
    kind = type(given).__name__
    raise TypeError(f"a ComputationalGraph is needed, not a {kind}: from_onnx(path) reads one from an ONNX file")


def _checked_shape(name: str, shape: Sequence[int | str | None] | None) -> Shape | None:
    if shape is None:
        return None
    lengths = tuple(int(n) if isinstance(n, np.integer) else n for n in shape)
    for length in lengths:
        if not (length is None or isinstance(length, int | str)) or (isinstance(length, int) and length < 0):
            raise ValueError(f"{name!r}: a length is a number from 0 on or a name, not {length!r} in {lengths}")
    return lengths


def _check_binding(shapes: Mapping[str, Any]) -> None:
    """Raise TypeError where a binding is no mapping to numbers and shapes."""
    if not isinstance(shapes, Mapping):
        raise TypeError(f'shapes are given by name, as {{"batch": 1}} or {{"x": (1, 3)}}, not as {shapes!r}')
    for key, given in shapes.items():
        if isinstance(given, str | bytes) or not isinstance(given, int | np.integer | Iterable):
            raise TypeError(f"{key!r} is bound by a whole number or a shape, not by {given!r}")


def _match(name: str, declared: Shape | None, given: Shape | None) -> list[tuple[str, int]]:
    """What lengths a given shape binds: ("N", 3) against (1, 3) binds N to 1."""
    if declared is None or given is None:
        return []
    fits = len(declared) == len(given) and all(
        not isinstance(d, int) or d == g for d, g in zip(declared, given, strict=True)
    )
    if not fits:
        raise ValueError(f"input {name!r} has the shape {declared}; {given} does not fit it")
    pairs = zip(declared, given, strict=True)
    return [(d, g) for d, g in pairs if isinstance(d, str) and isinstance(g, int)]


def _filled(shape: Shape | None, lengths: Mapping[str, int]) -> Shape | None:
    if shape is None:
        return None
    return tuple(lengths.get(length, length) if isinstance(length, str) else length for length in shape)


def _merged(told: Tensor, declared: Tensor) -> Tensor:
    """What the rule tells, and what was declared where it is silent."""
    shape = told.shape
    if shape is None:
        shape = declared.shape
    elif declared.shape is not None and len(declared.shape) == len(shape):
        shape = tuple(d if s is None else s for s, d in zip(shape, declared.shape, strict=True))
    return Tensor(shape, told.dtype or declared.dtype)
