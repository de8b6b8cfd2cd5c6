"""The shapes that an operator gives, the values that follow before anything is computed, and its multiply-adds.

    infer(call)                         # [Tensor, ...], or ValueError: what does not fit, and what to do
    values(call)                        # of tensors that state shapes, as Shape and Concat give them
    multiply_adds(call)

The rules of ordinary models' operators stand in `shapes`; `onnx` is asked about the rest of its own, where it is
installed. A length may be a name or None (see `Dim`); what a rule cannot tell about a length is None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lessons.operators import DTYPES, Call, Dim, Tensor
from lessons.operators._calls import RULES, int_of, meet, product, tensor_at
from lessons.operators.shape_values import VALUES, is_followed, settled
from lessons.operators.shapes import index_lengths

_OWN = ("", "ai.onnx")  # two names of one domain
_ASKED = (*_OWN, "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training")
_OPAQUE = {"If", "Loop", "Scan"}  # graphs within a node are not looked into


def infer(call: Call) -> list[Tensor]:
    """Shape and element type of each output; [] where there is no rule and `onnx` cannot tell.

    Raises ValueError where the shapes or settings do not fit, with both of them and what to do. O(rank) for most.

    >>> infer(Call("Gemm", [Tensor(("batch", 64), "float32"), Tensor((64, 10), "float32")]))
    [Tensor(shape=('batch', 10), dtype='float32')]
    >>> infer(Call("Add", [Tensor((4, 3)), Tensor((4,))]))
    Traceback (most recent call last):
        ...
    ValueError: Add: the shapes (4, 3) and (4,) do not broadcast, as 3 meets 4 at axis -1: give equal lengths or 1
    """
    rule = RULES.get(call.op) if call.domain in _OWN else None
    if rule is None:
        return _told_by_onnx(call)
    try:
        return rule(call)
    except ValueError as error:
        raise ValueError(f"{call.op}: {error}") from None


def values(call: Call) -> list[NDArray[Any] | None]:
    """The value of each output that follows before anything is computed, None for the others; [] if for none.

    That is so for shapes and what is calculated with them. An array of dtype object holds lengths (`Dim`):
    numbers, names that are not bound, and None for what cannot be told, such as twice an unbound length.

    >>> values(Call("Shape", [Tensor(("batch", 3, 8))]))
    [array(['batch', 3, 8], dtype=object)]
    """
    compute = VALUES.get(call.op) if call.domain in _OWN else None
    free = call.op in ("Shape", "Size")  # these read a shape, not a value
    known = [
        port is None or (k < len(call.values) and call.values[k] is not None) for k, port in enumerate(call.inputs)
    ]
    if compute is None or not (free or all(known)):
        return []
    try:
        told = infer(call)
    except ValueError:
        return []
    if not all(is_followed(tensor) for tensor in told):
        return []
    try:
        with np.errstate(all="ignore"):
            return [settled(value, tensor) for value, tensor in zip(compute(call, told), told, strict=True)]
    except (ArithmeticError, IndexError, TypeError, ValueError):  # 1 // 0, a name as an index, ...
        return []


def multiply_adds(call: Call) -> int | None:
    """The products that are added up: of convolutions and matrix products, a product and its addition as one.

    0 for operators that have none: elementwise ones, pooling, normalisation, Resize, quantisation; so count
    PyTorch's `torch.utils.flop_counter` (as twice as many FLOPs) and the figures on torchvision's model pages.
    The bias of a layer is an addition without a product. Products with the zeros of a padding count, and so do
    those that a transposed convolution cuts off.

    None where a length is not known, and for operators without a rule.

    >>> multiply_adds(Call("MatMul", [Tensor((2, 3, 4)), Tensor((4, 5))]))
    120
    """
    if call.domain not in _OWN:
        return None
    if call.op not in _PRODUCTS:
        return 0 if call.op in RULES or call.op in _WITHOUT_PRODUCTS.split() else None
    try:
        found = _PRODUCTS[call.op](call, [*infer(call), Tensor()][0])
    except ValueError:  # shapes that do not fit: infer tells it
        return None
    return found if isinstance(found, int) else None


# ---------------------------------------------------------------------------------------- multiply-adds


def _conv_products(call: Call, told: Tensor) -> Dim:
    """Each element of the result sums up a window over the channels of its group."""
    w = tensor_at(call, 3 if call.op == "QLinearConv" else 1).shape
    return None if w is None else product([told.size, *w[1:]])


def _conv_transpose_products(call: Call, told: Tensor) -> Dim:
    """Each element of the input is multiplied with the part of the weight that belongs to its channel."""
    w = tensor_at(call, 1).shape
    return None if w is None else product([tensor_at(call, 0).size, *w[1:]])


def _gemm_products(call: Call, told: Tensor) -> Dim:
    a = tensor_at(call, 0).shape
    return None if a is None else product([told.size, a[0 if int_of(call, "transA", 0) else 1]])


def _matmul_products(call: Call, told: Tensor) -> Dim:
    a, b = tensor_at(call, 0).shape, tensor_at(call, 3 if call.op == "QLinearMatMul" else 1).shape
    return None if a is None or b is None else product([told.size, meet(a[-1], b[-2:][0])])


def _einsum_products(call: Call, told: Tensor) -> Dim:
    """One for each value of all indices together, if there are two tensors to multiply."""
    lengths, _ = index_lengths(call)
    if len(call.inputs) != 2:
        return 0 if len(call.inputs) == 1 else None
    return None if lengths is None else product(lengths.values())


def _attention_products(call: Call, told: Tensor) -> Dim:
    """Each query meets each key in their channels, and then each value."""
    _, keys, values, scores = infer(replace(call, outputs=4))
    if keys.shape is None or values.shape is None:
        return None
    products = [product([scores.size, length]) for length in (keys.shape[3], values.shape[3])]
    return sum(n for n in products if isinstance(n, int)) if all(isinstance(n, int) for n in products) else None


def _recurrent_products(call: Call, told: Tensor) -> Dim:
    """At each step each sequence meets the weights of its input and of its state, in all gates and directions."""
    x, w, r = (tensor_at(call, port) for port in range(3))
    if x.shape is None or w.size is None or r.size is None:
        return None
    return product([*x.shape[:2], w.size + r.size])


_PRODUCTS: dict[str, Callable[[Call, Tensor], Dim]] = {
    **dict.fromkeys(("Conv", "ConvInteger", "QLinearConv"), _conv_products),
    **dict.fromkeys(("MatMul", "MatMulInteger", "QLinearMatMul"), _matmul_products),
    **dict.fromkeys(("GRU", "LSTM", "RNN"), _recurrent_products),
    "Attention": _attention_products,
    "ConvTranspose": _conv_transpose_products,
    "Einsum": _einsum_products,
    "Gemm": _gemm_products,
}
_WITHOUT_PRODUCTS = """
    Bernoulli BitCast CenterCropPad Compress CumProd EyeLike GatherND GroupNormalization MaxRoiPool MaxUnpool
    Multinomial NonMaxSuppression NonZero OneHot RandomNormal RandomNormalLike RandomUniform RandomUniformLike
    ReverseSequence RotaryEmbedding Scatter Unique
"""  # beside those with a rule of shapes

# ---------------------------------------------------------------------------------------- what onnx tells


def _told_by_onnx(call: Call) -> list[Tensor]:
    """What `onnx` infers for one of its own operators; [] where it cannot tell or is not installed."""
    if call.domain not in _ASKED or call.op in _OPAQUE:
        return []
    try:
        from onnx.shape_inference import InferenceError
    except ImportError:
        return []
    ports = [port for port in call.inputs if port is not None]
    if any(port.dtype not in DTYPES.values() for port in ports):
        return []
    try:
        return _ask_onnx(call)
    except InferenceError as error:
        if any(port.shape is None for port in ports):  # what it misses is then no fault of the model
            return []
        shapes = ", ".join(str(port.shape) for port in ports)
        raise ValueError(f"{call.op}: onnx finds that inputs of shapes {shapes} do not fit: {error}") from None
    except Exception:  # whatever else onnx raises about a node that it does not take, the node can still be read
        return []


def _ask_onnx(call: Call) -> list[Tensor]:
    import onnx
    from onnx import helper, numpy_helper

    domain = "" if call.domain in _OWN else call.domain
    schema = onnx.defs.get_schema(call.op, call.version, domain)
    names = ["" if port is None else f"in{k}" for k, port in enumerate(call.inputs)]
    results = [f"out{k}" for k in range(call.outputs)]
    node = helper.make_node(call.op, names, results, domain=domain)
    for name, value in call.attributes.items():
        if isinstance(value, np.ndarray):
            value = numpy_helper.from_array(value)
        elif isinstance(value, int) and schema.attributes[name].type == onnx.defs.OpSchema.AttrType.FLOAT:
            value = float(value)
        node.attribute.append(helper.make_attribute(name, value))
    numbers = {dtype: number for number, dtype in DTYPES.items()}
    types = {
        name: helper.make_tensor_type_proto(numbers[port.dtype or ""], port.shape)
        for name, port in zip(names, call.inputs, strict=True)
        if port is not None
    }
    data = {
        name: numpy_helper.from_array(np.asarray(value), name)
        for name, value in zip(names, call.values, strict=False)
        if name and value is not None and value.dtype != object
    }
    opsets = [helper.make_opsetid(domain, call.version)]
    told = onnx.shape_inference.infer_node_outputs(schema, node, types, data, opset_imports=opsets)
    return [_read(told[name]) if name in told else Tensor() for name in results]


def _read(told: Any) -> Tensor:
    """A Tensor of what onnx calls a TypeProto."""
    if not told.HasField("tensor_type"):
        return Tensor()
    tensor = told.tensor_type
    shape = None
    if tensor.HasField("shape"):
        shape = tuple(n.dim_value if n.HasField("dim_value") else n.dim_param or None for n in tensor.shape.dim)
    return Tensor(shape, DTYPES.get(tensor.elem_type))
