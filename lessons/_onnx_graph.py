"""What an ONNX file says, part by part: attributes, types, constants, names, and its functions inlined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lessons._onnx_data import Source, sparse_weight, stored_weight
from lessons.errors import require
from lessons.model import ComputationalGraph, Node, Weight
from lessons.operators import DTYPES, OPSET, Dim, Tensor

OLDEST = 7  # opset
MOST_NODES = 1_000_000  # that local functions, which may call each other, are inlined to


@dataclass
class Draft:
    """The parts of a graph, before it is put together."""

    name: str
    inputs: dict[str, Tensor] = field(default_factory=dict)
    weights: dict[str, Weight] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    declared: dict[str, Tensor] = field(default_factory=dict)

    def build(self) -> ComputationalGraph:
        """The graph. Raises ValueError where two things have one name."""
        model = ComputationalGraph(self.name)
        for name, tensor in self.inputs.items():
            model.input(name, tensor.shape, tensor.dtype)
        for name, weight in self.weights.items():
            model.put(name, weight)
        for node in self.nodes:
            model.place(node)
        for computed in (t for node in self.nodes for t in node.outputs if t in self.declared):
            model.declare(computed, self.declared[computed].shape, self.declared[computed].dtype)
        model.output(*self.outputs)
        return model


class Opaque(Node):
    """A node whose attributes were graphs, which are not kept."""


def drafted(source: Source) -> Draft:
    """All that is in the file, with its functions inlined and its constants as weights."""
    graph = source.proto.graph
    draft = Draft(graph.name)
    for name, weight in _initialisers(graph, source):
        if name in draft.weights:
            raise ValueError(f"there are two initialisers {name!r}: give one another name")
        draft.weights[name] = weight
    for info in graph.input:
        if info.name in draft.inputs:
            raise ValueError(f"there are two inputs {info.name!r}: give one another name")
        if info.name not in draft.weights:
            draft.inputs[info.name] = _tensor(info.type)
    draft.outputs = [info.name for info in graph.output]
    draft.declared = {info.name: _tensor(info.type) for info in (*graph.value_info, *graph.output)}
    nodes = []
    for node in _Inlining(source).nodes():
        if (node.op, node.domain) != ("Constant", ""):
            nodes.append(_settled(node, source))
        elif any(node.outputs):
            _state(draft, node, source)
    draft.nodes = _named(nodes)
    return draft


def _state(draft: Draft, node: Node, source: Source) -> None:
    name = node.outputs[0]
    if name in draft.weights or name in draft.inputs:
        raise ValueError(f"there is a tensor {name!r} already: give the constant another name")
    draft.weights[name] = _constant(node, source)


def _initialisers(graph: Any, source: Source) -> Iterator[tuple[str, Weight]]:
    for proto in graph.initializer:
        yield proto.name, stored_weight(proto, source)
    for sparse in graph.sparse_initializer:
        yield sparse.values.name, sparse_weight(sparse, source)


def _tensor(told: Any) -> Tensor:
    """What a type in the file says; nothing for sequences, maps and optional values."""
    if told.WhichOneof("value") != "tensor_type":
        return Tensor()
    told = told.tensor_type
    shape = tuple(map(_length, told.shape.dim)) if told.HasField("shape") else None
    return Tensor(shape, DTYPES.get(told.elem_type))


def _length(told: Any) -> Dim:
    if told.WhichOneof("value") == "dim_value":
        return told.dim_value if told.dim_value >= 0 else None  # some exporters write -1 for what they do not know
    return told.dim_param or None


def _versions(imports: Iterable[Any]) -> dict[str, int]:
    """The opset of each domain. Raises ValueError for one of the default domain that is not read."""
    newest = require("onnx", "course").defs.onnx_opset_version()
    versions = {_domain(told.domain): told.version for told in imports}
    version = versions.get("", OLDEST)
    if not OLDEST <= version <= newest:
        advice = (
            f"onnx.version_converter.convert_version(model, {OLDEST}) may lift it"
            if version < OLDEST
            else "a newer onnx may read it: pip install -U onnx"
        )
        raise ValueError(f"opset {version}: opsets {OLDEST} to {newest} are read here. {advice}")
    return versions


def _domain(domain: str) -> str:
    return "" if domain == "ai.onnx" else domain


def _node(proto: Any, versions: Mapping[str, int]) -> Node:
    """A node as it stands; tensors among its attributes stay what they are in the file for now."""
    attributes: dict[str, Any] = {}
    inner: dict[str, None] = {}
    graphs = [body for attribute in proto.attribute for body in _bodies(attribute)]
    for body in graphs:
        inner.update(_captured(body))
    for attribute in proto.attribute:
        if attribute.ref_attr_name:
            attributes[attribute.name] = _Reference(attribute.ref_attr_name)
        elif attribute.type not in _GRAPHS:
            attributes[attribute.name] = _value(attribute, proto.name or proto.op_type)
    domain = _domain(proto.domain)
    if domain not in versions and not domain:
        raise ValueError(f"it states no opset, and {proto.op_type} needs one: was the file cut off?")
    inputs = (*proto.input, *(tensor for tensor in inner if tensor not in proto.input))
    op = f"{proto.op_type}:{proto.overload}" if proto.overload else proto.op_type
    kind = Opaque if graphs else Node
    return kind(proto.name, op, inputs, tuple(proto.output), attributes, domain, versions.get(domain, 1))


# how the values of attributes are read, by ONNX's numbers of their kinds; 5 and 10 are graphs
_GRAPHS = (5, 10)
_READERS: dict[int, Callable[[Any], Any]] = {
    1: lambda told: _short(told.f),
    2: lambda told: told.i,
    3: lambda told: _text(told.s),
    4: lambda told: told.t,
    6: lambda told: tuple(map(_short, told.floats)),
    7: lambda told: tuple(told.ints),
    8: lambda told: tuple(map(_text, told.strings)),
    9: lambda told: tuple(told.tensors),
    11: lambda told: told.sparse_tensor,
    12: lambda told: tuple(told.sparse_tensors),
    13: lambda told: told.tp,
    14: lambda told: tuple(told.type_protos),
}


def _value(told: Any, node: str) -> Any:
    if told.type not in _READERS:
        raise ValueError(f"node {node!r} has an attribute {told.name!r} of an unknown kind, {told.type}")
    return _READERS[told.type](told)


def _short(number: float) -> float:
    """The shortest number that means the same in single precision: 1e-5, not 9.999999747378752e-06."""
    return float(str(np.float32(number)))


def _text(raw: bytes) -> str | bytes:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def _bodies(attribute: Any) -> list[Any]:
    return [attribute.g] if attribute.type == _GRAPHS[0] else list(attribute.graphs)


def _captured(body: Any) -> dict[str, None]:
    """The tensors that a graph inside a node reads from outside, in order."""
    given = {info.name for info in (*body.input, *body.initializer)}
    given |= {sparse.values.name for sparse in body.sparse_initializer}
    read: dict[str, None] = {}
    for node in body.node:
        given.update(node.output)
        read.update(dict.fromkeys(node.input))
        for graph in (graph for attribute in node.attribute for graph in _bodies(attribute)):
            read.update(_captured(graph))
    read.update(dict.fromkeys(info.name for info in body.output))
    return {tensor: None for tensor in read if tensor and tensor not in given}


def _settled(node: Node, source: Source) -> Node:
    """The node with arrays for the tensors among its attributes."""
    firsts = (v[0] if isinstance(v, tuple) and v else v for v in node.attributes.values())
    if not any(hasattr(value, "DESCRIPTOR") for value in firsts):  # what messages of protobuf have
        return node
    return replace(node, attributes={key: _arrays(value, source) for key, value in node.attributes.items()})


def _arrays(value: Any, source: Source) -> Any:
    onnx = require("onnx", "course")
    if isinstance(value, tuple):
        return tuple(_arrays(one, source) for one in value)
    if isinstance(value, onnx.TensorProto):
        return stored_weight(value, source).array()
    return sparse_weight(value, source).array() if isinstance(value, onnx.SparseTensorProto) else value


def _constant(node: Node, source: Source) -> Weight:
    """What a Constant states, in whichever of its attributes."""
    try:
        return _value_of(node.attributes, source)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"the Constant {node.outputs[0]!r} states no value: {error}") from error


def _value_of(attributes: Mapping[str, Any], source: Source) -> Weight:
    for key, value in attributes.items():
        match key:
            case "value":
                return stored_weight(value, source, "constant")
            case "sparse_value":
                return sparse_weight(value, source, "constant")
            case "value_float" | "value_floats":
                return held(np.asarray(value, np.float32), "float32")
            case "value_int" | "value_ints":
                return held(np.asarray(value, np.int64), "int64")
            case "value_string" | "value_strings":
                return held(np.asarray(value, object), "string")
    raise LookupError(f"its attributes are {list(attributes)}")


def held(array: NDArray[Any], dtype: str) -> Weight:
    return Weight(Tensor(array.shape, dtype), partial(np.asarray, array), "constant")


def _named(nodes: Sequence[Node]) -> list[Node]:
    """The nodes, each with a name of its own."""
    taken = {node.name for node in nodes}
    seen, numbers, named = {""}, Counter[str](), []
    for node in nodes:
        name = node.name
        while name in seen:
            numbers[node.name or node.op] += 1
            number = numbers[node.name or node.op] - (not node.name)  # Relu_0, Relu_1; but x, x_1
            name = f"{node.name or node.op}_{number}"
            if name in taken:
                name = ""
        seen.add(name)
        named.append(node if name == node.name else replace(node, name=name))
    return named


# ---------------------------------------------------------------------------------------- local functions


@dataclass(frozen=True)
class _Reference:
    """An attribute inside a function that stands for one of the call."""

    name: str


@dataclass(frozen=True)
class _Function:
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    defaults: Mapping[str, Any]
    version: int


class _Inlining:
    """The nodes of a model, with the bodies of its local functions in the place of their calls.

    `onnx.inliner` leaves a call alone where the function is of another opset than the model, and copies all
    weights; here each node keeps the opset that it was written for.
    """

    def __init__(self, source: Source) -> None:
        proto = source.proto
        self.functions = dict(map(_function, proto.functions))
        versions = _versions(proto.opset_import)
        self.outer = [_node(node, versions) for node in proto.graph.node]
        graph, self.taken = (
            proto.graph,
            {tensor for node in self.outer for tensor in (*node.inputs, *node.outputs)},
        )
        self.taken.update(info.name for info in (*graph.input, *graph.output, *graph.initializer))
        self.made = 0

    def nodes(self) -> Iterable[Node]:
        return self._inlined(self.outer, ()) if self.functions else self.outer

    def _inlined(self, nodes: Iterable[Node], within: tuple[Any, ...]) -> Iterator[Node]:
        for node in nodes:
            key = node.domain, node.op
            if key not in self.functions:
                yield node
                continue
            if key in within or len(within) > 100:
                raise ValueError(f"the function {node.op!r} of domain {node.domain!r} calls itself")
            yield from self._inlined(self._body(node, self.functions[key]), (*within, key))

    def _body(self, call: Node, function: _Function) -> Iterator[Node]:
        """The nodes of a function for one call, its tensors renamed."""
        stem = self._unused(call.name or call.op)
        given = (*call.inputs, *[""] * (len(function.inputs) - len(call.inputs)))
        names = {**dict(zip(function.inputs, given, strict=False)), "": ""}
        for inside, outside in zip(function.outputs, call.outputs, strict=False):
            if inside in names:
                yield Node("", "Identity", (names[inside],), (outside,), version=function.version)
            elif outside:
                names[inside] = outside
        attributes = {**function.defaults, **call.attributes}
        for node in function.nodes:
            self.made += 1
            if self.made > MOST_NODES:
                raise ValueError(f"its functions make more than {MOST_NODES:,} nodes of it: they are not inlined")
            for tensor in (*node.inputs, *node.outputs):
                if tensor not in names:
                    names[tensor] = self._unused(f"{stem}/{tensor}")
            yield _renamed(node, stem, names, attributes)

    def _unused(self, stem: str) -> str:
        name, number = stem, 0
        while name in self.taken:
            number += 1
            name = f"{stem}_{number}"
        self.taken.add(name)
        return name


def _function(proto: Any) -> tuple[tuple[str, str], _Function]:
    versions = _versions(proto.opset_import)
    nodes = tuple(_node(node, versions) for node in proto.node)
    defaults = {told.name: _value(told, proto.name) for told in proto.attribute_proto}
    name = f"{proto.name}:{proto.overload}" if proto.overload else proto.name
    function = _Function(tuple(proto.input), tuple(proto.output), nodes, defaults, versions.get("", OPSET))
    return (_domain(proto.domain), name), function


def _renamed(node: Node, stem: str, names: Mapping[str, str], attributes: Mapping[str, Any]) -> Node:
    told = {k: attributes.get(v.name, v) if isinstance(v, _Reference) else v for k, v in node.attributes.items()}
    return replace(
        node,
        name=f"{stem}/{node.name}" if node.name else "",
        inputs=tuple(names[tensor] for tensor in node.inputs),
        outputs=tuple(names[tensor] for tensor in node.outputs),
        attributes={key: value for key, value in told.items() if not isinstance(value, _Reference)},
    )
