"""Read an ONNX file as a computational graph, write one, and fill a graph with random weights.

    model = from_onnx("model.onnx", shapes={"batch": 1})
    model = with_random_weights(model, seed=7)          # where the file has no real ones
    onnx.save(to_onnx(model), "copy.onnx")

Reading computes nothing and copies no weight: an array is made when a `Weight` is asked for it. The format is that
of https://onnx.ai/onnx/repo-docs/IR.html; opsets from 7 to the newest of the installed `onnx` are read.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import stat
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lessons._rng import Seed, key_of
from lessons.errors import DataMissing, FormatError, require
from lessons.model import ComputationalGraph, Node, Weight
from lessons.operators import DTYPES, OPSET, Dim, Tensor

if TYPE_CHECKING:
    from onnx import ModelProto

OLDEST = 7  # opset
MOST_NODES = 1_000_000  # that local functions, which may call each other, are inlined to
RELABELLED = {"Cast", "Flatten", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}  # the numbers stay what they are

Binding = Mapping[str, int | Sequence[int | str | None]]


class OpaqueNodes(UserWarning):
    """Nodes that hold graphs of their own, such as If, Loop and Scan, which are read as one node each."""


# ---------------------------------------------------------------------------------------- read


def from_onnx(
    path_or_proto: str | os.PathLike[str] | bytes | ModelProto, *, shapes: Binding | None = None
) -> ComputationalGraph:
    """The graph of an ONNX file, or of a model in memory; `shapes` binds the lengths that it leaves open.

    `shapes` maps the name of a length to a number or an input to its shape, as `ComputationalGraph.bind` does.
    Nodes and tensors keep their names; a node without a name is called after its operator and a number, one whose
    name is taken gets a number at its end. Not among the nodes, but weights, are what the file states: Constant,
    ConstantOfShape, what follows from known shapes alone (Shape, Gather, Concat, ...), and weights that are only
    cast or reshaped, if nobody else reads them. Local functions are replaced by their bodies. A node with graphs
    inside (If, Loop, Scan) stays one node, which reads what those graphs take from outside; OpaqueNodes warns of
    it. Shapes that the file declares count where an operator has no rule here.

    Data in other files is read when `Weight.array` is called, and only from regular files in the model's folder.
    That raises ValueError for any other path and for lengths that do not fit, DataMissing for a missing file.

    Raises FileNotFoundError; FormatError, a ValueError, for a file that holds no model, or one that contradicts
    itself; ValueError for an opset that is not read and for shapes that do not fit; CycleError; UnknownLabel for
    a length or input in `shapes` that the model does not have; TypeError for another kind of object.
    O(size of the graph). Notebook 01_computational_graphs.

    >>> from onnx.parser import parse_model
    >>> proto = parse_model('''
    ...     <ir_version: 8, opset_import: ["": 17]>
    ...     small (float[batch, 3] x) => (float[batch, 2] y) <float[3, 2] W = {1, 2, 3, 4, 5, 6}>
    ...     { h = MatMul(x, W)  y = Relu(h) }''')
    >>> model = from_onnx(proto, shapes={"batch": 5})
    >>> model
    ComputationalGraph('small', nodes=2, inputs=1, outputs=1, weights=1)
    >>> [(node.name, node.inputs) for node in model.nodes], model.inputs["x"].shape
    ([('MatMul_0', ('x', 'W')), ('Relu_0', ('h',))], (5, 3))
    """
    source = _opened(path_or_proto)
    try:
        draft = _drafted(source)
        model = draft.build()
    except FormatError:
        raise
    except (ValueError, UnicodeError) as error:
        raise FormatError(source.name, None, str(error)) from error
    _warn_of([node.name for node in draft.nodes if isinstance(node, _Opaque)], source)
    model = model.bind(shapes or {})
    return _Folding(draft, model).result().build().bind(shapes or {})


@dataclass(frozen=True)
class _Source:
    """A model as it came: its name for messages, the folder of its external data if it has one."""

    proto: Any
    name: str
    folder: Path | None = None


@dataclass
class _Draft:
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


class _Opaque(Node):
    """A node whose attributes were graphs, which are not kept."""


def _opened(given: Any) -> _Source:
    onnx = require("onnx", "course")
    if isinstance(given, onnx.ModelProto):
        source = _Source(given, "the model")
    elif isinstance(given, bytes):
        source = _Source(_parsed(given, "the bytes"), "the bytes")
    elif isinstance(given, str | os.PathLike):
        source = _Source(_loaded(os.fspath(given)), os.fspath(given), Path(given).parent)
    else:
        raise TypeError(
            f"a path, bytes or an onnx.ModelProto, not {type(given).__name__}: "
            "onnx.helper.make_model(graph) makes a model of a graph"
        )
    if not source.proto.HasField("graph"):
        raise FormatError(
            source.name, None, "no ONNX model: it holds no graph. Was it written by onnx.save(model)?"
        )
    return source


def _loaded(path: str) -> Any:
    """The message in a file, which is mapped and not read, so that its weights are in memory once."""
    with open(path, "rb") as file:
        if not os.fstat(file.fileno()).st_size:
            raise FormatError(path, None, "no ONNX model: it is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as view:
            return _parsed(view, path)


def _parsed(data: bytes | memoryview, name: str) -> Any:
    onnx = require("onnx", "course")
    broken = require("google.protobuf.message", "course").DecodeError
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(data)
    except (broken, RuntimeError) as error:
        raise FormatError(
            name, None, f"no ONNX model, or only part of one ({error}). Export or download it again."
        ) from error
    return proto


# ------------------------------------------------------------------------------- what the file says


def _drafted(source: _Source) -> _Draft:
    """All that is in the file, with its functions inlined and its constants as weights."""
    graph = source.proto.graph
    draft = _Draft(graph.name)
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


def _state(draft: _Draft, node: Node, source: _Source) -> None:
    name = node.outputs[0]
    if name in draft.weights or name in draft.inputs:
        raise ValueError(f"there is a tensor {name!r} already: give the constant another name")
    draft.weights[name] = _constant(node, source)


def _initialisers(graph: Any, source: _Source) -> Iterator[tuple[str, Weight]]:
    for proto in graph.initializer:
        yield proto.name, _stored(proto, source)
    for sparse in graph.sparse_initializer:
        yield sparse.values.name, _sparse(sparse, source)


def _stored(proto: Any, source: _Source, origin: Any = "stored") -> Weight:
    return Weight(Tensor(_lengths(proto), _dtype(proto)), partial(_array, proto, source), origin)


def _sparse(sparse: Any, source: _Source, origin: Any = "stored") -> Weight:
    shape = _lengths(sparse, sparse.values.name)
    return Weight(Tensor(shape, _dtype(sparse.values)), partial(_dense, sparse, shape, source), origin)


def _lengths(proto: Any, name: str = "") -> tuple[int, ...]:
    if any(length < 0 for length in proto.dims):
        raise ValueError(f"tensor {name or proto.name!r} has the shape {tuple(proto.dims)}: no length is below 0")
    return tuple(proto.dims)


def _dtype(proto: Any) -> str:
    if proto.data_type not in DTYPES:
        raise ValueError(f"tensor {proto.name!r} has elements of an unknown type, number {proto.data_type}")
    return DTYPES[proto.data_type]


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
    kind = _Opaque if graphs else Node
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


def _settled(node: Node, source: _Source) -> Node:
    """The node with arrays for the tensors among its attributes."""
    firsts = (v[0] if isinstance(v, tuple) and v else v for v in node.attributes.values())
    if not any(hasattr(value, "DESCRIPTOR") for value in firsts):  # what messages of protobuf have
        return node
    return replace(node, attributes={key: _arrays(value, source) for key, value in node.attributes.items()})


def _arrays(value: Any, source: _Source) -> Any:
    onnx = require("onnx", "course")
    if isinstance(value, tuple):
        return tuple(_arrays(one, source) for one in value)
    if isinstance(value, onnx.TensorProto):
        return _stored(value, source).array()
    return _sparse(value, source).array() if isinstance(value, onnx.SparseTensorProto) else value


def _constant(node: Node, source: _Source) -> Weight:
    """What a Constant states, in whichever of its attributes."""
    for key, value in node.attributes.items():
        match key:
            case "value":
                return _stored(value, source, "constant")
            case "sparse_value":
                return _sparse(value, source, "constant")
            case "value_float" | "value_floats":
                return _held(np.asarray(value, np.float32), "float32")
            case "value_int" | "value_ints":
                return _held(np.asarray(value, np.int64), "int64")
            case "value_string" | "value_strings":
                return _held(np.asarray(value, object), "string")
    raise ValueError(f"the Constant {node.outputs[0]!r} states no value")


def _held(array: NDArray[Any], dtype: str) -> Weight:
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


def _warn_of(opaque: Sequence[str], source: _Source) -> None:
    if opaque:
        shown = ", ".join(map(repr, opaque[:8])) + (f" and {len(opaque) - 8} more" if len(opaque) > 8 else "")
        text = f"{source.name}: the graphs inside these nodes are not read, each is one node: {shown}"
        warnings.warn(text, OpaqueNodes, stacklevel=3)


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

    def __init__(self, source: _Source) -> None:
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
        stem = self._unused(call.name or call.outputs[0])
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


# ---------------------------------------------------------------------------------------- constants


class _Folding:
    """Turns nodes whose results the file states into weights; `model` tells what is known of each tensor."""

    def __init__(self, draft: _Draft, model: ComputationalGraph) -> None:
        self.draft, self.model = draft, model
        self.tensors = model.tensors
        self.weights = dict(draft.weights)
        self.same: dict[str, str] = {}  # what Identity makes of a weight, and that weight
        self.folded: set[str] = set()
        self.readers = Counter(tensor for node in draft.nodes for tensor in node.inputs)
        self.readers.update(draft.outputs)

    def result(self) -> _Draft:
        """The draft without the nodes that were folded, and without the weights that only they have read."""
        touched: set[str] = set()
        for tensor in self.tensors:  # in an order of computation
            node = self.model.producer(tensor)
            if node is None or node.name in self.folded or isinstance(node, _Opaque) or node.domain:
                continue
            made = self._fold(node)
            if made is not None:
                self.folded.add(node.name)
                self.weights.update(made)
                touched.update(made, self._inputs(node))
                self.readers.subtract(self._inputs(node))
        nodes = [replace(n, inputs=self._inputs(n)) for n in self.draft.nodes if n.name not in self.folded]
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
            if value is None or value.dtype == object or not (constant or value.dtype.kind in "iub"):
                return None
            made[tensor] = _held(value, str(value.dtype))
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


# ---------------------------------------------------------------------------------------- values


def _array(proto: Any, source: _Source) -> NDArray[Any]:
    """The values of a tensor of the file. FormatError where they do not fit its shape; else as `_external`."""
    onnx = require("onnx", "course")
    try:
        if proto.data_location == onnx.TensorProto.EXTERNAL:
            return _external(proto, source)
        return onnx.numpy_helper.to_array(proto)
    except (FormatError, OSError):
        raise
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise FormatError(
            source.name, None, f"tensor {proto.name!r} of shape {tuple(proto.dims)}: {error}"
        ) from error


def _dense(sparse: Any, shape: tuple[int, ...], source: _Source) -> NDArray[Any]:
    values, where = _array(sparse.values, source), _array(sparse.indices, source)
    array = np.zeros(shape, values.dtype)
    try:
        if where.ndim == 1:  # counted through the whole tensor, row by row
            where = np.stack(np.unravel_index(where, shape), axis=-1)
        if (where < 0).any():
            raise IndexError(f"index {where.min()}")
        array[tuple(where.T)] = values
    except (ValueError, IndexError) as error:
        name = sparse.values.name
        raise FormatError(source.name, None, f"sparse tensor {name!r} of shape {shape}: {error}") from error
    return array


def _external(proto: Any, source: _Source) -> NDArray[Any]:
    """The values of a tensor that lie in another file. Raises ValueError, DataMissing."""
    onnx = require("onnx", "course")
    told = {entry.key: entry.value for entry in proto.external_data}
    location, dtype = told.get("location", ""), _dtype(proto)
    if source.folder is None:
        raise DataMissing(
            f"the data {location!r} of weight {proto.name!r} of a model in memory",
            "from_onnx(path), which looks into the folder of the file, or onnx.load(path)",
        )
    needed = Tensor(_lengths(proto), dtype).bytes
    if needed is None:
        raise ValueError(f"elements of type {dtype} cannot lie in another file")
    offset, length = int(told.get("offset", "0")), int(told.get("length", needed))
    if offset < 0 or length != needed:
        raise ValueError(f"{needed} bytes are needed of {location!r}; it says {length} from byte {offset} on")
    data = _read_inside(source.folder, location, offset, length)
    if hasattr(np, dtype):
        little = np.dtype(dtype).newbyteorder("<")
        return np.frombuffer(data, little).astype(dtype, copy=False).reshape(proto.dims)
    whole = onnx.TensorProto(dims=proto.dims, data_type=proto.data_type, raw_data=data)
    return onnx.numpy_helper.to_array(whole)


def _read_inside(folder: Path, location: str, offset: int, length: int) -> bytes:
    """Bytes of a regular file inside a folder; nothing is opened that is not one."""
    path = _inside(folder, location)
    descriptor = os.open(path, os.O_RDONLY | sum(getattr(os, flag, 0) for flag in _CAREFULLY))
    with open(descriptor, "rb") as file:
        told = os.fstat(descriptor)
        if not stat.S_ISREG(told.st_mode):
            raise ValueError(f"external data {location!r} is no regular file")
        if offset + length > told.st_size:
            raise ValueError(
                f"external data {location!r} has {told.st_size} bytes; {length} from byte {offset} on do not fit. "
                "Download or export it again."
            )
        file.seek(offset)
        return file.read(length)


_CAREFULLY = ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")  # not every system has all of them


def _inside(folder: Path, location: str) -> Path:
    """The file that a location means, links resolved. Raises ValueError where it is not in the folder."""
    windows, posix = PureWindowsPath(location), PurePosixPath(location)
    refused = f"external data {location!r} is refused: only regular files inside the model's folder are read"
    if not location or "\0" in location or windows.anchor or posix.is_absolute() or ".." in windows.parts:
        raise ValueError(refused)
    try:
        path = (folder / location).resolve(strict=True)
        inside = path.is_relative_to(folder.resolve()) and stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        lost = f"{folder / location}, where weights of the model lie,"
        raise DataMissing(lost, "the download or the export that gave the model") from None
    except (OSError, RuntimeError) as error:  # a circle of links, a name that is too long, a file for a folder
        raise ValueError(f"{refused} ({error})") from error
    if not inside:
        raise ValueError(refused)
    return path


# ---------------------------------------------------------------------------------------- write


def to_onnx(model: ComputationalGraph) -> ModelProto:
    """The model as an ONNX ModelProto: its weights as initialisers, its tensors with the types that were inferred.

    Each domain gets one opset: the newest that one of its nodes was written for. Numbers among the attributes
    become single precision. Nodes that do not stand in an order of computation are put into one. Reading the
    result gives a graph that equals `model`, if that holds nothing that `from_onnx` folds.

    Raises ValueError for weights without values, for nodes whose inner graphs were not kept (If, Loop, Scan), and
    for a node whose operator has changed between its opset and the newest. O(size of the model), weights copied.
    Notebook 01_computational_graphs.

    >>> model = ComputationalGraph("small")
    >>> model.output(model.add("Relu", model.input("x", ("batch", 4))))
    >>> proto = to_onnx(model)
    >>> [node.op_type for node in proto.graph.node], from_onnx(proto) == model
    (['Relu'], True)
    """
    onnx = require("onnx", "course")
    _check_writable(model)
    versions = _one_version_each(model.nodes)
    nodes = [_written(node, versions[node.domain]) for node in _in_order(model)]
    tensors = model.tensors
    produced = [t for node in model.nodes for t in node.outputs if t and t not in model.outputs]
    graph = onnx.helper.make_graph(
        nodes,
        model.name or "graph",
        [_info(name, tensor) for name, tensor in model.inputs.items()],
        [_info(name, tensors.get(name, Tensor())) for name in model.outputs],
        [_initialiser(name, weight) for name, weight in model.weights.items()],
        value_info=[_info(name, tensors[name]) for name in produced if tensors[name].dtype],
    )
    opsets = [onnx.helper.make_opsetid(domain, version) for domain, version in versions.items()]
    oldest = onnx.helper.find_min_ir_version_for(opsets, ignore_unknown=True)
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=max(10, oldest))


def _check_writable(model: ComputationalGraph) -> None:
    empty = [name for name, weight in model.weights.items() if weight.make is None]
    if empty:
        raise ValueError(
            f"{len(empty)} weights have no values, as {empty[0]!r}: with_random_weights(model, seed) draws some"
        )
    opaque = [node.name for node in model.nodes if isinstance(node, _Opaque) or node.op in ("If", "Loop", "Scan")]
    if opaque:
        raise ValueError(f"the graphs inside these nodes were not kept, so they cannot be written: {opaque}")


def _one_version_each(nodes: Iterable[Node]) -> dict[str, int]:
    """The newest opset of each domain. Raises ValueError where a node does not mean the same at that one."""
    nodes = list(nodes)
    newest: dict[str, int] = {}
    for node in nodes:
        newest[node.domain] = max(newest.get(node.domain, 1), node.version)
    for node in nodes:
        target = newest[node.domain]
        if node.version != target and _since(node.op, node.version, node.domain) != _since(
            node.op, target, node.domain
        ):
            raise ValueError(
                f"node {node.name!r} is {node.op} of opset {node.version}, others are of {target}, and it has "
                f"changed in between: add nodes with version={node.version}"
            )
    return newest or {"": OPSET}


@cache
def _schema(op: str, version: int, domain: str) -> Any:
    defs = require("onnx", "course").defs
    try:
        return defs.get_schema(op, version, domain)
    except defs.SchemaError:
        return None


def _since(op: str, version: int, domain: str) -> int | None:
    schema = _schema(op, version, domain)
    return schema and schema.since_version


def _in_order(model: ComputationalGraph) -> Sequence[Node]:
    """Its nodes as they stand if each comes after all that it reads, else in an order of computation."""
    given = {*model.inputs, *model.weights, ""}
    for node in model.nodes:
        if any(model.producer(tensor) and tensor not in given for tensor in node.inputs):
            producers = map(model.producer, model.tensors)
            found = {node.name: node for node in producers if node is not None}
            return [*found.values(), *(node for node in model.nodes if node.name not in found)]
        given.update(node.outputs)
    return model.nodes


def _written(node: Node, version: int) -> Any:
    helper = require("onnx", "course").helper
    proto = helper.make_node(node.op, node.inputs, node.outputs, name=node.name, domain=node.domain or None)
    schema = _schema(node.op, version, node.domain)
    kinds = {name: told.type.value for name, told in schema.attributes.items()} if schema else {}
    proto.attribute.extend(_attribute(key, value, kinds.get(key)) for key, value in node.attributes.items())
    return proto


def _attribute(key: str, value: Any, kind: int | None) -> Any:
    """An attribute, of the kind that its operator asks for: 1 is written as 1.0 where that is a float."""
    onnx = require("onnx", "course")
    if kind == onnx.AttributeProto.FLOAT:
        value = float(value)
    elif kind == onnx.AttributeProto.FLOATS:
        value = [float(number) for number in value]
    elif isinstance(value, np.ndarray):
        value = onnx.numpy_helper.from_array(value)
    elif isinstance(value, tuple):
        value = [onnx.numpy_helper.from_array(v) if isinstance(v, np.ndarray) else v for v in value]
    empty = value == [] and kind is None
    return onnx.helper.make_attribute(key, value, attr_type=onnx.AttributeProto.INTS if empty else kind)


def _info(name: str, tensor: Tensor) -> Any:
    onnx = require("onnx", "course")
    if tensor.dtype is None:
        return onnx.ValueInfoProto(name=name)
    return onnx.helper.make_tensor_value_info(name, _NUMBERS[tensor.dtype], tensor.shape)


def _initialiser(name: str, weight: Weight) -> Any:
    onnx = require("onnx", "course")
    array, number = weight.array(), _NUMBERS.get(weight.tensor.dtype or "")
    proto = onnx.numpy_helper.from_array(array, name)
    if number in (None, proto.data_type):
        return proto
    return onnx.helper.make_tensor(name, number, array.shape, array.ravel())  # a type that NumPy does not have


_NUMBERS = {name: number for number, name in DTYPES.items()}


# ---------------------------------------------------------------------------------------- random weights


def with_random_weights(model: ComputationalGraph, seed: Seed) -> ComputationalGraph:
    """The same graph, with seeded random numbers for every weight that has none of its own.

    These are the floating-point weights that a node of the model has filled with one number, and those of which
    only the shape is known; stored weights and stated constants stay. Kernels and matrices are He-normal: of
    standard deviation sqrt(2 / fan_in), fan_in the products that an output sums up, so that a ReLU network keeps
    the size of its signals (He, Zhang, Ren, Sun, 2015, equation 10, DOI 10.1109/ICCV.2015.123). Scales and
    variances of normalisations, and factors, are uniform in 0.5 ... 1.5; slopes of PRelu in 0 ... 0.5; embeddings
    standard normal; biases, means and all else normal of standard deviation 0.1, so that one that is left out
    shows.

    The values depend on the seed, the name of the weight and its first reader only, whatever else is edited. They
    are made at once and kept: 4 bytes a number (102 MB for ResNet-50). Raises TypeError, ValueError for what is
    no seed, ValueError for a length that is not a number. O(weights). Notebook 01_computational_graphs.

    >>> model = ComputationalGraph()
    >>> model.output(model.add("MatMul", model.input("x", (1, 800)), model.weight("W", shape=(800, 50))))
    >>> W = with_random_weights(model, seed=7).weights["W"].array()
    >>> W.shape, bool(abs(W.std() - 0.05) < 0.001)
    ((800, 50), True)
    """
    key = key_of(seed)
    filled = model.copy()
    readers: dict[str, tuple[Node, int]] = {}
    for node in model.nodes:
        for port, tensor in enumerate(node.inputs):
            readers.setdefault(tensor, (node, port))
    for name, weight in model.weights.items():
        empty = weight.make is None or weight.origin == "generated"
        if empty and weight.tensor.dtype in ("float16", "float32", "float64"):
            array = _drawn(name, weight.tensor, readers.get(name), key)
            filled.put(name, Weight(weight.tensor, partial(np.asarray, array), "generated"))
    return filled


# inputs of operators that multiply: (operator, port)
_FACTORS = {("BatchNormalization", 1), ("BatchNormalization", 4), ("Mul", 0), ("Mul", 1), ("Div", 1)}
_FACTORS |= {(f"{kind}Normalization", 1) for kind in ("Layer", "Instance", "Group", "RMS", "SimplifiedLayer")}
_FACTORS |= {("QuantizeLinear", 1), ("DequantizeLinear", 1)}


def _drawn(name: str, tensor: Tensor, reader: tuple[Node, int] | None, key: int) -> NDArray[Any]:
    if tensor.size is None:
        raise ValueError(f"weight {name!r} has the shape {tensor.shape}: give it a number for each length")
    shape = tuple(int(length) for length in tensor.shape or () if length is not None)
    task = int.from_bytes(hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest(), "little")
    rng = np.random.default_rng([key, task])
    node, port = reader or (Node("", "", (), ()), 0)
    if (node.op, port) in _FACTORS or (node.op, port) == ("PRelu", 1):
        values = rng.random(shape, dtype=np.float32) + np.float32(0.5)
        return (values if node.op != "PRelu" else (values - np.float32(0.5)) / 2).astype(tensor.dtype, copy=False)
    fan_in = _fan_in(node, port, shape)
    std = np.float32(np.sqrt(2 / fan_in) if fan_in else 0.1)
    values = rng.standard_normal(shape, dtype=np.float32)
    values *= std
    return values.astype(tensor.dtype, copy=False)


def _fan_in(node: Node, port: int, shape: tuple[int, ...]) -> int | None:
    """How many products of this weight an output sums up; None where it is added, and not multiplied."""
    size = int(np.prod(shape))
    match node.op, port:
        case "Gather", 0:
            return 2  # one number is picked: standard deviation 1
        case ("MatMul", 1) | ("Gemm", 1):
            column = len(shape) < 2 or node.attributes.get("transB", 0)
            return shape[-1] if column else shape[-2]
        case ("MatMul", 0) | ("Gemm", 0):
            return shape[0] if node.attributes.get("transA", 0) else shape[-1]
        case "ConvTranspose", 1:
            return size // max(shape[1] * node.attributes.get("group", 1), 1)
        case (("LSTM" | "GRU" | "RNN"), (1 | 2)):
            return shape[-1]
        case (("Add" | "Sub" | "Sum" | "Concat"), _):
            return None
    return size // max(shape[0], 1) if len(shape) > 1 and port == 1 else None
