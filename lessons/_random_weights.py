"""Random numbers for the weights of a model that has none of its own."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lessons._rng import Seed, key_of
from lessons.model import ComputationalGraph, Node, Weight, as_model
from lessons.operators import Tensor


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
    filled = as_model(model).copy()
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
