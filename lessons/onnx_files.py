"""Read an ONNX file as a computational graph, write one, and fill a graph with random weights.

    model = from_onnx("model.onnx", shapes={"batch": 1})
    model = with_random_weights(model, seed=7)          # where the file has no real ones
    onnx.save(to_onnx(model), "copy.onnx")

Reading computes nothing and copies no weight: an array is made when a `Weight` is asked for it. The format is that
of https://onnx.ai/onnx/repo-docs/IR.html; opsets from 7 to the newest of the installed `onnx` are read.
"""

from __future__ import annotations

import mmap
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lessons._onnx_data import Source
from lessons._onnx_folding import Folding
from lessons._onnx_graph import Opaque, drafted
from lessons._random_weights import with_random_weights
from lessons.errors import FormatError, require
from lessons.model import ComputationalGraph, Node, Weight, as_model
from lessons.operators import DTYPES, OPSET, Tensor

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["OpaqueNodes", "from_onnx", "to_onnx", "with_random_weights"]

Binding = Mapping[str, int | Sequence[int | str | None]]


class OpaqueNodes(UserWarning):
    """Nodes that hold graphs of their own, such as If, Loop and Scan, which are read as one node each."""


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
        draft = drafted(source)
        model = draft.build()
    except FormatError:
        raise
    except (ValueError, UnicodeError) as error:
        raise FormatError(source.name, None, str(error)) from error
    _warn_of([node.name for node in draft.nodes if isinstance(node, Opaque)], source)
    model = model.bind(shapes or {})
    folded = Folding(draft, model).result()
    return model if folded is draft else folded.build().bind(shapes or {})


def _opened(given: Any) -> Source:
    onnx = require("onnx", "course")
    if isinstance(given, onnx.ModelProto):
        source = Source(given, "the model")
    elif isinstance(given, bytes):
        source = Source(_parsed(given, "the bytes"), "the bytes")
    elif isinstance(given, str | os.PathLike):
        source = Source(_loaded(os.fspath(given)), os.fspath(given), Path(given).parent)
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


def _warn_of(opaque: Sequence[str], source: Source) -> None:
    if opaque:
        shown = ", ".join(map(repr, opaque[:8])) + (f" and {len(opaque) - 8} more" if len(opaque) > 8 else "")
        text = f"{source.name}: the graphs inside these nodes are not read, each is one node: {shown}"
        warnings.warn(text, OpaqueNodes, stacklevel=3)


# ---------------------------------------------------------------------------------------- write


def to_onnx(model: ComputationalGraph) -> ModelProto:
    """The model as an ONNX ModelProto: its weights as initialisers, its tensors with the types that were inferred.

    Each domain gets one opset: the newest that one of its nodes was written for. Numbers among the attributes
    become single precision. Nodes that do not stand in an order of computation are put into one. Reading the
    result gives a graph that equals `model`, if that holds nothing that `from_onnx` folds.

    Raises ValueError for weights without values, for inputs that nothing gives, for nodes whose inner graphs were
    not kept (If, Loop, Scan), and for a node whose operator has changed between its opset and the newest.
    O(size of the model), weights copied.
    Notebook 01_computational_graphs.

    >>> model = ComputationalGraph("small")
    >>> model.output(model.add("Relu", model.input("x", ("batch", 4))))
    >>> proto = to_onnx(model)
    >>> [node.op_type for node in proto.graph.node], from_onnx(proto) == model
    (['Relu'], True)
    """
    onnx = require("onnx", "course")
    _check_writable(as_model(model))
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
    model.refuse_dangling()
    opaque = [node.name for node in model.nodes if isinstance(node, Opaque) or node.op in ("If", "Loop", "Scan")]
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
