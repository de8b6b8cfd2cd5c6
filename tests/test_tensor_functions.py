"""Every operation of tensors, in one table: its gradient against central differences, its dtype, its manners."""

from __future__ import annotations

import copy
import inspect
import math
import re
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import networkx as nx
import numpy as np
import pytest
import scipy.sparse
import scipy.special
import strategies  # noqa: F401  the profile of Hypothesis
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from test_device import cupy_or_skip

from lessons import as_graph, tensor_functions
from lessons._device import module_of
from lessons._rng import key_of, start, uniform
from lessons.backpropagation import gradcheck
from lessons.tensor import Tensor, no_grad
from lessons.tensor_functions import (
    absolute,
    avg_pool2d,
    batch_norm,
    batch_statistics,
    concatenate,
    conv2d,
    cross_entropy,
    dropout,
    exp,
    linear,
    log,
    log_softmax,
    logsumexp,
    max_pool2d,
    maximum,
    minimum,
    mse,
    relu,
    sigmoid,
    softmax,
    sparse_matmul,
    sqrt,
    stack,
    tanh,
    where,
)

# ---------------------------------------------------------------------------------------- the table


@dataclass
class Example:
    """Inputs of an operation that want a gradient, in float64, and what else it is given."""

    arrays: list[np.ndarray]
    options: dict[str, Any] = field(default_factory=dict)


Draw = st.DrawFn
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
FILLED = hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3)


def numbers(draw: Draw, *shapes: tuple[int, ...], positive: bool = False) -> list[np.ndarray]:
    """Arrays whose entries are at least 0.1 from each other and 0.05 from zero: away from every kink."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    values = (rng.permutation(ends[-1]) + (0.5 if positive else 0.5 - ends[-1] // 2)) / 10
    return [part.reshape(shape) for part, shape in zip(np.split(values, ends[:-1]), shapes, strict=True)]


def one(shapes: st.SearchStrategy = SHAPES, positive: bool = False) -> Callable[[Draw], Example]:
    return lambda draw: Example(numbers(draw, draw(shapes), positive=positive))


def pair(draw: Draw) -> Example:
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=0, max_side=3))
    return Example(numbers(draw, *shapes.input_shapes))


def pair_with_a_divisor(draw: Draw) -> Example:
    x, y = pair(draw).arrays
    return Example([x, np.sign(y) * (abs(y) + 0.3)])


def reflected(draw: Draw) -> Example:
    x, y = pair_with_a_divisor(draw).arrays
    return Example([y], {"other": x})


def power(draw: Draw) -> Example:
    return Example(
        numbers(draw, draw(SHAPES), positive=True), {"exponent": draw(st.sampled_from([-2, -1, 0, 0.5, 1, 2, 3]))}
    )


def exponential(draw: Draw) -> Example:
    return Example(numbers(draw, draw(SHAPES)), {"base": draw(st.sampled_from([0.5, 1, 2, np.float64(3.0)]))})


def product(draw: Draw) -> Example:
    shapes = draw(
        hnp.mutually_broadcastable_shapes(signature="(m?,n),(n,p?)->(m?,p?)", max_dims=2, min_side=0, max_side=3)
    )
    return Example(numbers(draw, *shapes.input_shapes))


def reflected_product(draw: Draw) -> Example:
    x, y = product(draw).arrays
    return Example([y], {"other": x})


def indexed(draw: Draw) -> Example:
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3))
    keys = [hnp.basic_indices(shape, allow_newaxis=True, max_dims=5), hnp.arrays(bool, shape)]
    if shape:
        keys.append(hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=3)))
        keys.append(hnp.arrays(bool, shape[:1]))
    return Example(numbers(draw, shape), {"key": draw(st.one_of(keys))})


def reshaped(draw: Draw) -> Example:
    shape = draw(FILLED)
    new = draw(st.permutations((1, *shape)))
    return Example(numbers(draw, shape), {"shape": (*new[:-1], -1) if draw(st.booleans()) else tuple(new)})


def transposed(draw: Draw) -> Example:
    shape = draw(SHAPES)
    axes = draw(st.permutations(range(len(shape))))
    signs = [axis - len(shape) if draw(st.booleans()) else axis for axis in axes]
    return Example(numbers(draw, shape), {"axes": tuple(signs)})


def reduced(shapes: st.SearchStrategy = FILLED) -> Callable[[Draw], Example]:
    def example(draw: Draw) -> Example:
        shape = draw(shapes)
        axes = st.none() | hnp.valid_tuple_axes(len(shape), min_size=1) | st.integers(-len(shape), len(shape) - 1)
        axis = draw(axes if shape else st.none())
        return Example(numbers(draw, shape), {"axis": axis, "keepdims": draw(st.booleans())})

    return example


def normalised(draw: Draw) -> Example:
    example = reduced(SHAPES)(draw)
    del example.options["keepdims"]
    return example


def chosen(draw: Draw) -> Example:
    found = draw(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, min_side=0, max_side=3))
    condition, *shapes = found.input_shapes
    return Example(numbers(draw, *shapes), {"condition": draw(hnp.arrays(bool, condition))})


def labelled(draw: Draw) -> Example:
    n, classes = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    kind = draw(st.sampled_from([np.int64, np.int8, np.uint16]))
    labels = draw(hnp.arrays(kind, n, elements=st.integers(0, classes - 1)))
    return Example(numbers(draw, (n, classes)), {"labels": labels})


def two_of_one_shape(draw: Draw) -> Example:
    return Example(numbers(draw, *[draw(FILLED)] * 2))


def layer(draw: Draw) -> Example:
    lead = draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3))
    n_in, n_out = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    shapes = [(*lead, n_in), (n_out, n_in), (n_out,)]
    return Example(numbers(draw, *shapes[: draw(st.integers(2, 3))]))


def sparse(draw: Draw) -> Example:
    """A directed, asymmetric matrix with rows and columns of different numbers."""
    m, n = draw(st.tuples(st.integers(0, 4), st.integers(0, 4)))
    dense = draw(hnp.arrays(float, (m, n), elements=st.sampled_from([0.0, 0.0, 1.0, -2.5])))
    kind = draw(st.sampled_from(["csr", "csc", "coo", "lil", "dok"]))
    A = getattr(scipy.sparse, kind + draw(st.sampled_from(["_array", "_matrix"])))(dense)
    return Example(numbers(draw, draw(st.sampled_from([(n,), (n, 0), (n, 3)]))), {"A": A})


def joined(draw: Draw) -> Example:
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    lengths = draw(st.lists(st.integers(0, 2), min_size=1, max_size=3))
    place = axis % len(shape)
    return Example(numbers(draw, *((*shape[:place], n, *shape[place + 1 :]) for n in lengths)), {"axis": axis})


def stacked(draw: Draw) -> Example:
    shape = draw(SHAPES)
    axis = draw(st.integers(-len(shape) - 1, len(shape)))
    return Example(numbers(draw, *[shape] * draw(st.integers(1, 3))), {"axis": axis})


def some(draw: Draw, low: int, high: int) -> Any:
    """A number for both axes, or a pair."""
    axis = st.integers(low, high)
    return draw(axis | st.tuples(axis, axis))


def convolved(draw: Draw) -> Example:
    n, channels, features = draw(st.tuples(st.integers(0, 2), st.integers(1, 2), st.integers(1, 2)))
    height, width = draw(st.tuples(st.integers(3, 5), st.integers(3, 5)))
    size = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    shapes = [(n, channels, height, width), (features, channels, *size), (features,)]
    options = {"stride": some(draw, 1, 3), "padding": some(draw, 0, 2)}
    return Example(numbers(draw, *shapes[: draw(st.integers(2, 3))]), options)


def pooled(draw: Draw) -> Example:
    shape = draw(st.tuples(st.integers(0, 2), st.integers(1, 2), st.integers(3, 5), st.integers(3, 5)))
    options = {"size": some(draw, 2, 3), "padding": some(draw, 0, 1)}
    if draw(st.booleans()):
        options["stride"] = some(draw, 1, 4)
    return Example(numbers(draw, shape), options)


def batch(draw: Draw) -> Example:
    shape = draw(st.sampled_from([(2, 1), (4, 3), (2, 0), (1, 2, 3), (2, 3, 2, 2), (1, 1, 3, 3)]))
    options = {"epsilon": draw(st.sampled_from([1e-5, 0.1]))}
    return Example(numbers(draw, shape, shape[1:2], shape[1:2]), options)


def thinned(draw: Draw) -> Example:
    options = {"p": draw(st.sampled_from([0, 0.3, 0.9])), "seed": draw(st.integers(0, 99))}
    return Example(numbers(draw, draw(SHAPES)), options)


EXAMPLES: dict[str, Callable[[Draw], Example]] = {
    "Tensor.T": one(),
    "Tensor.__abs__": one(),
    "Tensor.__add__": pair,
    "Tensor.__getitem__": indexed,
    "Tensor.__iter__": one(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3)),
    "Tensor.__matmul__": product,
    "Tensor.__mul__": pair,
    "Tensor.__neg__": one(),
    "Tensor.__pow__": power,
    "Tensor.__radd__": reflected,
    "Tensor.__rmatmul__": reflected_product,
    "Tensor.__rmul__": reflected,
    "Tensor.__rpow__": exponential,
    "Tensor.__rsub__": reflected,
    "Tensor.__rtruediv__": reflected,
    "Tensor.__sub__": pair,
    "Tensor.__truediv__": pair_with_a_divisor,
    "Tensor.max": reduced(),
    "Tensor.mean": reduced(),
    "Tensor.min": reduced(),
    "Tensor.reshape": reshaped,
    "Tensor.sum": reduced(SHAPES),
    "Tensor.transpose": transposed,
    "absolute": one(),
    "avg_pool2d": pooled,
    "batch_norm": batch,
    "concatenate": joined,
    "conv2d": convolved,
    "cross_entropy": labelled,
    "dropout": thinned,
    "exp": one(),
    "linear": layer,
    "log": one(positive=True),
    "log_softmax": normalised,
    "logsumexp": reduced(SHAPES),
    "max_pool2d": pooled,
    "maximum": pair,
    "minimum": pair,
    "mse": two_of_one_shape,
    "relu": one(),
    "sigmoid": one(),
    "softmax": normalised,
    "sparse_matmul": sparse,
    "sqrt": one(positive=True),
    "stack": stacked,
    "tanh": one(),
    "where": chosen,
}

# what is called in another way than function(*tensors, **options)
CALLS: dict[str, Callable[..., Tensor]] = {
    "Tensor.T": lambda x: x.T,
    "Tensor.__getitem__": lambda x, key: x[key],
    "Tensor.__iter__": lambda x: stack(list(x)),
    "Tensor.__radd__": lambda x, other: other + x,
    "Tensor.__rmatmul__": lambda x, other: other @ x,
    "Tensor.__rmul__": lambda x, other: other * x,
    "Tensor.__rpow__": lambda x, base: base**x,
    "Tensor.__rsub__": lambda x, other: other - x,
    "Tensor.__rtruediv__": lambda x, other: other / x,
    "Tensor.reshape": lambda x, shape: x.reshape(shape),
    "Tensor.transpose": lambda x, axes: x.transpose(*axes),
    "concatenate": lambda *xs, axis: concatenate(xs, axis),
    "sparse_matmul": lambda x, A: sparse_matmul(A, x),
    "stack": lambda *xs, axis: stack(xs, axis),
    "where": lambda a, b, condition: where(condition, a, b),
}

# further methods of Tensor: what is neither here nor in the table makes a test fail
NO_OPERATIONS = {"backward", "data", "dtype", "item", "ndim", "retain_grad", "shape", "size", "to_graph"}
NO_OPERATIONS |= {"__init__", "__len__", "__repr__", "__bool__", "__hash__", "__reduce__"}
NO_OPERATIONS |= {"__float__", "__format__", "__pos__"}
NO_OPERATIONS |= {"__iadd__", "__isub__", "__imul__", "__itruediv__", "__imatmul__", "__ipow__"}
NO_OPERATIONS |= {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__array__", "__array_function__"}


def operation(name: str) -> Callable[..., Tensor]:
    if name in CALLS:
        return CALLS[name]
    return getattr(Tensor, name.removeprefix("Tensor.")) if "." in name else getattr(tensor_functions, name)


def examples(name: str) -> st.SearchStrategy[Example]:
    return st.composite(EXAMPLES[name])()


def test_no_operation_is_forgotten():
    functions = {
        name
        for name, value in vars(tensor_functions).items()
        if inspect.isfunction(value) and value.__module__ == tensor_functions.__name__ and name[0] != "_"
    }
    methods = {
        f"Tensor.{name}"
        for name, value in vars(Tensor).items()
        if (inspect.isfunction(value) or isinstance(value, property))
        and (name[0] != "_" or name[:2] == "__")
        and name not in NO_OPERATIONS
    }
    assert set(EXAMPLES) == functions - {"batch_statistics"} | methods


# ---------------------------------------------------------------------------------------- all of them


each = pytest.mark.parametrize("name", sorted(EXAMPLES))
FEW = settings(max_examples=25)


@each
@FEW
@given(data=st.data())
def test_the_gradient_is_that_of_central_differences(name, data):
    example = data.draw(examples(name))
    function = operation(name)
    if any(array.size for array in example.arrays):
        check = gradcheck(lambda *tensors: function(*tensors, **example.options), *example.arrays)
        assert check.ok, check


@each
@FEW
@given(data=st.data())
def test_values_and_gradients_have_the_dtype_of_the_inputs(name, data):
    example = data.draw(examples(name))
    wide = walked(name, example, np.float64)
    small = walked(name, example, np.float32)
    for exact, rough in zip(wide, small, strict=True):
        assert (exact.dtype, rough.dtype) == (np.float64, np.float32)
        assert exact.shape == rough.shape
        np.testing.assert_allclose(rough, exact, rtol=1e-3, atol=1e-4)


def walked(name: str, example: Example, dtype: Any) -> list[np.ndarray]:
    """The result of an operation and the gradient of each input."""
    tensors = [Tensor(array.astype(dtype)) for array in example.arrays]
    options = {key: value.astype(dtype) if key in "other A" else value for key, value in example.options.items()}
    out = operation(name)(*tensors, **options)
    out.backward(weights_of(out))
    gradients = [tensor.grad for tensor in tensors]
    assert [g.shape for g in gradients] == [tensor.shape for tensor in tensors]
    return [out.data, *gradients]


def weights_of(out: Tensor) -> np.ndarray:
    return np.random.default_rng(5).standard_normal(out.shape)


@each
@FEW
@given(data=st.data())
def test_nothing_that_it_is_given_is_changed_or_trusted_to_stay(name, data):
    example = data.draw(examples(name))
    before = copy.deepcopy(example)
    tensors = [Tensor(array) for array in example.arrays]
    out = operation(name)(*tensors, **example.options)
    weights = weights_of(out)
    out.backward(weights, retain_graph=True)
    same(example, before)
    once = [tensor.grad.copy() for tensor in tensors]
    spoil(example.options)
    out.backward(weights)
    for tensor, grad, array in zip(tensors, once, before.arrays, strict=True):
        np.testing.assert_array_equal(tensor.grad, 2 * grad)  # what the first walk read was not written to
        np.testing.assert_array_equal(tensor.data, array)
    np.testing.assert_array_equal(weights, weights_of(out))


def same(example: Example, before: Example) -> None:
    np.testing.assert_equal(example.arrays, before.arrays)
    for key, value in example.options.items():
        if scipy.sparse.issparse(value):
            assert abs(value - before.options[key]).sum() == 0
        else:
            np.testing.assert_equal(value, before.options[key])


def spoil(options: dict[str, Any]) -> None:
    """Write over arrays that an operation was given, as a caller may who has no more use for them."""
    for value in options.values():
        parts = value if isinstance(value, tuple) else (value,)
        if scipy.sparse.issparse(value):
            parts = (value.data, value.indices, value.indptr) if value.format in ("csr", "csc") else ()
        for part in parts:
            if isinstance(part, np.ndarray) and part.flags.writeable:
                part[...] = 0


@each
@settings(max_examples=5)
@given(data=st.data())
def test_arrays_are_constants_and_give_the_same(name, data):
    example = data.draw(examples(name))
    tensors = [Tensor(array) for array in example.arrays]
    out = operation(name)(*tensors, **example.options)
    with no_grad():
        assert not operation(name)(*tensors, **example.options).requires_grad
    if name.startswith("Tensor."):
        return
    plain = operation(name)(*example.arrays, **example.options)
    assert isinstance(plain, Tensor)
    assert not plain.requires_grad
    np.testing.assert_array_equal(plain.data, out.data)
    for k, array in enumerate(example.arrays):  # one constant at a time
        mixed = [array if k == i else tensor for i, tensor in enumerate(tensors)]
        np.testing.assert_array_equal(operation(name)(*mixed, **example.options).data, out.data)


@each
@settings(max_examples=5)
@given(data=st.data())
def test_all_of_it_runs_where_the_arrays_lie(name, data):
    """On arrays that NumPy refuses, as it refuses those of a device, with the functions of their own module."""
    example = data.draw(examples(name))
    if name == "sparse_matmul":
        return  # has matrices of cupyx
    for a, b in zip(walked(name, example, np.float32), walked_there(name, example, far), strict=True):
        assert type(b) is Far
        np.testing.assert_array_equal(a, b.held)


@pytest.mark.gpu
@each
@settings(max_examples=5)
@given(data=st.data())
def test_all_of_it_runs_on_a_device(name, data):
    cupy = cupy_or_skip()
    example = data.draw(examples(name))
    here = walked(name, example, np.float32)
    if name == "sparse_matmul":
        import cupyx.scipy.sparse

        example.options["A"] = cupyx.scipy.sparse.csr_matrix(example.options["A"].tocsr())
    for a, b in zip(here, walked_there(name, example, cupy.asarray), strict=True):
        assert isinstance(b, cupy.ndarray)
        np.testing.assert_allclose(a, b.get(), rtol=1e-3, atol=1e-4)


def walked_there(name: str, example: Example, take: Callable[[Any], Any]) -> list[Any]:
    """What `walked` gives, of arrays that `take` has taken elsewhere."""
    leaves = [Tensor(take(array.astype(np.float32))) for array in example.arrays]
    options = dict(example.options)
    if "other" in options:
        options["other"] = take(options["other"].astype(np.float32))
    if "key" in options:
        options["key"] = taken_key(options["key"], take)
    out = operation(name)(*leaves, **options)
    out.backward(take(weights_of(out)))
    return [out.data, *(leaf.grad for leaf in leaves)]


def taken_key(key: Any, take: Callable[[Any], Any]) -> Any:
    if isinstance(key, tuple):
        return tuple(taken_key(part, take) for part in key)
    return take(key) if isinstance(key, np.ndarray) else key


# ---------------------------------------------------------------------------------------- arrays far away


class Far:
    """Stands in for an array on a device: has the methods of NumPy's, and does not become one by itself."""

    __array_priority__ = 100
    __cuda_array_interface__ = "what CuPy's have"

    def __init__(self, held: Any) -> None:
        assert isinstance(held, np.ndarray)
        self.held = held

    def __getattr__(self, name: str) -> Any:
        if name in ("held", "base", "__array_interface__", "__array_struct__", "todense"):
            raise AttributeError(name)
        value = getattr(self.held, name)
        return reached(value) if callable(value) else far(value)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("this array lies far away")

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **options: Any) -> Any:
        assert not any(isinstance(value, np.ndarray) for value in inputs), "an array here with one far away"
        return reached(getattr(function, method))(*inputs, **options)

    def __array_function__(self, function: Any, _: Any, inputs: Any, options: Any) -> Any:
        return reached(function)(*inputs, **options)

    def __getitem__(self, key: Any) -> Any:
        return far(self.held[near(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self.held[near(key)] = near(value)

    def __len__(self) -> int:
        return len(self.held)

    @property
    def base(self) -> Any:
        return self.held.base

    def get(self) -> np.ndarray:
        return self.held


def _operator(name: str) -> Callable[..., Any]:
    def apply(self: Far, *others: Any) -> Any:
        if any(isinstance(other, np.ndarray) for other in others):
            return NotImplemented
        return far(getattr(self.held, name)(*near(others)))

    return apply


for _name in ["add", "sub", "mul", "truediv", "pow", "matmul", "and", "or", "xor"]:
    for _prefix in ("", "r", "i"):
        if (_prefix, _name) != ("i", "matmul"):
            setattr(Far, f"__{_prefix}{_name}__", _operator(f"__{_prefix}{_name}__"))
for _name in ["neg", "abs", "invert", "lt", "le", "gt", "ge", "eq", "ne", "bool", "float", "int"]:
    setattr(Far, f"__{_name}__", _operator(f"__{_name}__"))


def far(value: Any) -> Any:
    if isinstance(value, np.generic) and not isinstance(value, np.bool_):
        value = np.asarray(value)
    return Far(value) if isinstance(value, np.ndarray) else value


def near(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return type(value)(map(near, value))
    return value.held if isinstance(value, Far) else value


def reached(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *inputs, **options: far(
        function(*near(inputs), **{key: near(value) for key, value in options.items()})
    )


class FarModule(types.ModuleType):
    """Its functions take and give far arrays; only `array` and `asarray` bring one there."""

    def __getattr__(self, name: str) -> Any:
        if name[0] == "_":
            raise AttributeError(name)

        def call(*inputs: Any, **options: Any) -> Any:
            flat = [part for value in inputs for part in (value if isinstance(value, tuple | list) else [value])]
            if name not in ("array", "asarray"):
                assert not any(isinstance(value, np.ndarray) for value in flat), f"{name} of an array here"
            return reached(getattr(np, name))(*inputs, **options)

        if isinstance(getattr(np, name), np.ufunc):
            call.at = reached(getattr(np, name).at)
        return call


@pytest.fixture(autouse=True, scope="module")
def _far_module() -> Iterator[None]:
    Far.__module__ = "far_away"
    sys.modules["far_away"] = FarModule("far_away")
    yield
    del sys.modules["far_away"]


def test_the_stand_in_refuses_what_a_device_refuses():
    x = far(np.ones(3))
    assert module_of(x) is sys.modules["far_away"]
    with pytest.raises(TypeError, match="far away"):
        np.asarray(x)
    with pytest.raises(AssertionError, match="array here"):
        x + np.ones(3)
    with pytest.raises(AssertionError, match="array here"):
        module_of(x).maximum(x, np.ones(3))
    assert type(np.add(x, x)) is Far


# ---------------------------------------------------------------------------------------- convolution and pooling


def places(x: np.ndarray, size: Any, stride: Any, padding: Any) -> Iterator[tuple[int, int, list[tuple]]]:
    """For each number of a result its row and column, and where in x its window lies, row by row: the definition.
    Entries of the window that lie in the padding are None."""
    (k, m), (s, t), (p, q) = ((v, v) if isinstance(v, int) else v for v in (size, stride, padding))
    height, width = x.shape[2:]
    for i in range((height + 2 * p - k) // s + 1):
        for j in range((width + 2 * q - m) // t + 1):
            window = [(i * s + a - p, j * t + b - q) for a in range(k) for b in range(m)]
            yield i, j, [(a, b) if 0 <= a < height and 0 <= b < width else None for a, b in window]


def looped(x: np.ndarray, size: Any, stride: Any, padding: Any, number: Callable[[list, int, int], Any]) -> dict:
    """{(image, i, j): number of the window}, where `number` takes the window, the image and a channel."""
    return {
        (n, c, i, j): number(window, n, c)
        for i, j, window in places(x, size, stride, padding)
        for n in range(x.shape[0])
        for c in range(x.shape[1])
    }


def as_array(found: dict, like: np.ndarray) -> np.ndarray:
    assert like.size == len(found)
    return np.array([found[at] for at in np.ndindex(like.shape)]).reshape(like.shape)


@settings(max_examples=40)
@given(examples("conv2d"))
def test_convolution_is_a_sum_over_each_window(example):
    x, W, *bias = example.arrays
    out = conv2d(*example.arrays, **example.options).data
    found = {}
    for i, j, window in places(x, W.shape[2:], **example.options):
        for n, o in np.ndindex(len(x), len(W)):
            terms = [
                W[o, c].ravel()[k] * x[n, c, *at] for c in range(x.shape[1]) for k, at in enumerate(window) if at
            ]
            found[n, o, i, j] = sum(terms) + (bias[0][o] if bias else 0)
    np.testing.assert_allclose(out, as_array(found, out), rtol=1e-12, atol=1e-12)


@settings(max_examples=40)
@given(examples("max_pool2d"))
def test_pooling_takes_the_largest_or_the_mean_of_each_window(example):
    (x,), size = example.arrays, example.options["size"]
    options = {"stride": size} | example.options
    entries = math.prod((size, size) if isinstance(size, int) else size)
    top = looped(x, **options, number=lambda window, n, c: max(x[n, c, *at] for at in window if at))
    mean = looped(x, **options, number=lambda window, n, c: sum(x[n, c, *at] for at in window if at) / entries)
    out = max_pool2d(x, **example.options).data
    np.testing.assert_array_equal(out, as_array(top, out))
    out = avg_pool2d(x, **example.options).data
    np.testing.assert_allclose(out, as_array(mean, out), rtol=1e-12, atol=1e-12)


def test_of_equal_entries_the_first_of_the_window_gets_the_gradient():
    x = Tensor(np.zeros((1, 1, 3, 3)))
    max_pool2d(x, 2, stride=1).backward([[[[1.0, 2.0], [3.0, 4.0]]]])
    assert x.grad.tolist() == [[[[1, 2, 0], [3, 4, 0], [0, 0, 0]]]]
    x = Tensor(np.array([[[[-1.0, 5.0], [5.0, 5.0]]]]))
    max_pool2d(x, 2, padding=1).sum().backward()  # four windows with one entry each, and padding
    assert x.grad.tolist() == [[[[1, 1], [1, 1]]]]


def test_a_convolution_of_whole_numbers_and_of_lists():
    out = conv2d([[[[1, 2], [3, 4]]]], [[[[1]]]], [10])
    assert out.data.tolist() == [[[[11, 12], [13, 14]]]]
    W = Tensor(np.ones((1, 1, 1, 1), np.float32))
    assert conv2d(np.arange(4).reshape(1, 1, 2, 2), W).dtype == np.float32


# ---------------------------------------------------------------------------------------- softmax and losses


EXTREMES = hnp.arrays(
    float, st.tuples(st.integers(1, 3), st.integers(1, 4)), elements=st.floats(-1e4, 1e4) | st.just(-math.inf)
)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(x=EXTREMES)
def test_the_softmax_family_is_right_far_out(dtype, x):
    x = x.astype(dtype)
    x[:, 0] = np.where(np.isneginf(x).all(axis=1), 1e4, x[:, 0])
    tight = {"rtol": 10 * np.finfo(dtype).eps, "atol": 1e-30}
    np.testing.assert_allclose(softmax(x).data, scipy.special.softmax(x, axis=-1), **tight)
    np.testing.assert_allclose(logsumexp(x).data, scipy.special.logsumexp(x, axis=-1), **tight)
    expected = x - scipy.special.logsumexp(x, axis=-1, keepdims=True)
    np.testing.assert_allclose(log_softmax(x).data, expected, rtol=1e-4, atol=10 * 1e4 * np.finfo(dtype).eps)
    labels = x.argmax(axis=1)
    loss = Tensor(x)
    out = cross_entropy(loss, labels)
    assert out.item() == pytest.approx(
        -np.take_along_axis(log_softmax(x).data, labels[:, None], 1).mean(), abs=1e-6
    )
    out.backward()
    np.testing.assert_allclose(loss.grad * len(x), softmax(x).data - np.eye(x.shape[1])[labels], atol=1e-6)


def test_rows_of_nothing_but_minus_infinity():
    x = Tensor([[-math.inf, -math.inf]])
    out = logsumexp(x)
    assert out.data.tolist() == [-math.inf]
    out.sum().backward()
    assert np.isnan(x.grad).all()
    for function in (softmax, log_softmax, lambda x: cross_entropy(x, [0])):
        with pytest.warns(RuntimeWarning, match="invalid value"):
            out = function([[-math.inf, -math.inf]])
        assert np.isnan(out.data).all()


def test_over_no_entries_the_sum_of_powers_is_zero():
    assert logsumexp(np.zeros((2, 0))).data.tolist() == [-math.inf] * 2
    assert logsumexp(np.zeros((0, 2))).shape == (0,)
    assert softmax(np.zeros((2, 0))).shape == log_softmax(np.zeros((2, 0))).shape == (2, 0)


def test_a_label_that_is_thought_impossible_costs_infinitely_much():
    logits = Tensor([[-math.inf, 0.0]])
    loss = cross_entropy(logits, [0])
    assert loss.item() == math.inf
    loss.backward()
    assert logits.grad.tolist() == [[-1.0, 1.0]]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([0, 3, 1], "the label 3 for 3 classes; 0 to 2 are known"),
        ([0, -1, 1], "the label -1 for 3 classes"),
        (np.array([0, 1, 200], np.uint8), "the label 200 for 3 classes"),
        (np.array([0, 1, -128], np.int8), "the label -128 for 3 classes"),
        (np.array([0, 1, 2**63], np.uint64), "for 3 classes"),
        ([0, 1], "logits (3, 3) and labels (2,) do not fit"),
        ([[0], [1], [2]], "logits (3, 3) and labels (3, 1) do not fit"),
        ([], "logits (3, 3) and labels (0,) do not fit"),
        (0, "logits (3, 3) and labels () do not fit"),
    ],
)
def test_labels_that_are_none_are_named(labels, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        cross_entropy(np.zeros((3, 3)), labels)


@pytest.mark.parametrize("labels", [[0.0, 1.0], [True, False], ["a", "b"], np.eye(2)])
def test_labels_are_integers(labels):
    with pytest.raises(TypeError, match="labels are integers"):
        cross_entropy(np.zeros((2, 2)), labels)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (3,), (1, 2, 3)])
def test_logits_are_rows_of_classes(shape):
    with pytest.raises(ValueError, match=re.escape(f"logits {shape}")):
        cross_entropy(np.zeros(shape), np.zeros(shape[:1], int))


def test_logits_may_lie_in_any_order():
    """Its gradient is written by places that hold in one order only."""
    logits = Tensor(np.arange(12.0).reshape(3, 4))
    cross_entropy(logits.T, [0, 1, 2, 0]).backward()
    straight = Tensor(logits.data.T.copy())
    cross_entropy(straight, [0, 1, 2, 0]).backward()
    np.testing.assert_array_equal(logits.grad, straight.grad.T)


# ---------------------------------------------------------------------------------------- kinks and bad values


def slopes(function: Callable[..., Tensor], *values: float) -> list[float]:
    leaves = [Tensor(value) for value in values]
    function(*leaves).backward()
    return [leaf.grad.item() for leaf in leaves]


def test_at_a_kink():
    assert slopes(relu, 0.0) == slopes(absolute, 0.0) == [0.0]
    assert slopes(maximum, 2.0, 2.0) == slopes(minimum, 2.0, 2.0) == [0.5, 0.5]


def test_what_has_no_slope_gives_nan_or_inf_on_the_way_back_without_a_warning():
    assert slopes(sqrt, 0.0) == [math.inf]
    assert slopes(lambda x: x**0.5, 0.0) == [math.inf]
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        out = log(x := Tensor(0.0))
    out.backward()
    assert x.grad == math.inf
    with pytest.warns(RuntimeWarning, match="invalid value"):
        assert np.isnan(sqrt(-1.0).data)


def test_sigmoid_is_exact_on_both_sides_and_overflows_nowhere():
    x = np.array([-1e4, -700.0, -40.0, -1.0, 0.0, 1.0, 40.0, 1e4])
    np.testing.assert_allclose(sigmoid(x).data, scipy.special.expit(x), rtol=1e-15)
    leaf = Tensor(x)
    sigmoid(leaf).sum().backward()
    np.testing.assert_allclose(leaf.grad, scipy.special.expit(x) * scipy.special.expit(-x), rtol=1e-14)
    assert sigmoid(np.float32([-1e38, 1e38])).data.tolist() == [0.0, 1.0]


def roots_of(x: Tensor) -> Tensor:
    with np.errstate(divide="ignore"):
        return sqrt(x).sum()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_was_cut_gets_no_gradient_not_even_an_infinite_one(dtype):
    """The root of what relu has cut rises straight up at 0, and 0 times that is no number."""
    for cut in [relu, lambda x: maximum(x, 0.0), lambda x: maximum(0.0, x), lambda x: -minimum(-x, 0.0)]:
        x = Tensor(np.array([-1.0, 4.0], dtype))
        roots_of(cut(x)).backward()
        assert x.grad.tolist() == [0.0, 0.25]
        assert x.grad.dtype == dtype
    image = Tensor(np.array([[[[-1.0, 0.0], [-3.0, -2.0]]]], dtype))
    roots_of(max_pool2d(image, 2)).backward()
    assert image.grad.tolist() == [[[[0.0, math.inf], [0.0, 0.0]]]]


def test_relu_of_what_is_no_number_has_a_gradient():
    assert slopes(relu, math.nan) == [1.0]


def test_numbers_of_numpy_as_options_keep_float32():
    x, ones = np.float32([[1.0], [2.0]]), np.ones(1, np.float32)
    assert dropout(x, np.float64(0.5), seed=0).dtype == np.float32
    assert batch_norm(x, ones, ones, epsilon=np.float64(1e-5)).dtype == np.float32


@pytest.mark.parametrize("rows", [0, 1, 100, 101, 5000])
@pytest.mark.parametrize("take", [np.asarray, far])
def test_the_gradient_of_a_bias_is_the_sum_of_all_rows(rows, take):
    g = np.random.default_rng(7).random((rows, 3)).astype(np.float32)
    x, W, b = (take(np.ones(shape, np.float32)) for shape in [(rows, 2), (3, 2), (3,)])
    linear(x, W, bias := Tensor(b)).backward(take(g))
    assert bias.grad.dtype == np.float32
    np.testing.assert_allclose(near(bias.grad), g.sum(axis=0, dtype=np.float64), rtol=1e-5)


# ---------------------------------------------------------------------------------------- sparse, batches, dropout


def test_a_directed_graph_multiplies_by_its_adjacency_matrix():
    graph = as_graph([("a", "b", 2.0), ("a", "c", 3.0), ("c", "a", 5.0)], nodes="abc", directed=True)
    x = Tensor([1.0, 10.0, 100.0])
    out = sparse_matmul(graph, x)
    assert out.data.tolist() == [320.0, 0.0, 5.0]  # a adds up what its edges lead to
    out.backward([1.0, 7.0, 11.0])
    assert x.grad.tolist() == [55.0, 2.0, 3.0]  # and hands it back along them
    assert sparse_matmul(graph.to_scipy().T, x).data.tolist() == [500.0, 2.0, 3.0]


def test_a_graph_of_networkx_multiplies_too():
    graph = nx.DiGraph()
    graph.add_edges_from([("a", "b"), ("a", "c"), ("c", "a")])
    assert sparse_matmul(graph, Tensor([1.0, 10.0, 100.0])).data.tolist() == [110.0, 0.0, 1.0]


def test_a_sparse_matrix_takes_the_dtype_of_what_it_multiplies():
    A = scipy.sparse.csr_array(np.array([[0, 1], [1, 1]]))
    assert sparse_matmul(A, np.ones((2, 1), np.float32)).dtype == np.float32
    assert sparse_matmul(A.astype(bool), Tensor(np.ones(2))).data.tolist() == [1.0, 2.0]


def test_what_is_not_sparse_or_lies_elsewhere_is_refused():
    with pytest.raises(TypeError, match="ndarray is no sparse matrix"):
        sparse_matmul(np.eye(2), np.ones(2))
    with pytest.raises(TypeError, match="SciPy's go with NumPy's"):
        sparse_matmul(scipy.sparse.eye_array(2), far(np.ones(2)))
    with pytest.raises(ValueError, match="complex128"):
        sparse_matmul(scipy.sparse.csr_array(np.eye(2) * 1j), np.ones(2))


@given(examples("batch_norm"))
def test_a_batch_is_brought_to_mean_zero_and_variance_one(example):
    x, gamma, beta = example.arrays
    axes = (0, *range(2, x.ndim))
    mean, variance = batch_statistics(x)
    np.testing.assert_allclose(mean, x.mean(axes))
    np.testing.assert_allclose(variance, x.var(axes, ddof=1))
    out = batch_norm(x, np.ones_like(gamma), np.zeros_like(beta), epsilon=0.0).data
    np.testing.assert_allclose(out.mean(axes), 0, atol=1e-12)
    np.testing.assert_allclose(out.var(axes), 1)


def test_a_mask_depends_on_the_seed_alone():
    x = np.ones((50, 40), np.float32)
    masks = [dropout(x.astype(dtype), 0.25, seed=3).data for dtype in (np.float32, np.float64)]
    np.testing.assert_array_equal(masks[0] > 0, masks[1] > 0)
    np.testing.assert_allclose(np.unique(masks[0]), [0, 4 / 3], rtol=1e-7)
    assert abs((masks[0] == 0).mean() - 0.25) < 0.03  # three standard deviations of 2000 draws
    assert (dropout(x, 0.25, seed=4).data != masks[0]).any()
    assert np.packbits(dropout(np.ones(64), 0.5, seed=7).data > 0).tobytes().hex() == "e570a69f20272e99"
    stream = start(key_of(3), 0)
    assert [bool(entry) for entry in masks[0].ravel()[:99]] == [uniform(stream, i) >= 0.25 for i in range(99)]


def test_a_generator_moves_on_by_one_draw():
    rng, twin = np.random.default_rng(1), np.random.default_rng(1)
    first, second = (dropout(np.ones(99), 0.5, seed=rng).data for _ in range(2))
    assert (first != second).any()
    np.testing.assert_array_equal(first, dropout(np.ones(99), 0.5, seed=twin).data)
    twin.integers(2**64, dtype=np.uint64)
    assert rng.random() == twin.random()


# ---------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: maximum(np.ones(2), np.ones(3)), "maximum: shapes (2,) and (3,)"),
        (lambda: minimum(np.ones(2), np.ones(3)), "minimum: shapes (2,) and (3,)"),
        (lambda: where(np.ones(4, bool), np.ones(2), 1.0), "where: a condition (4,) and values (2,) and ()"),
        (lambda: mse(np.ones(2), np.ones((2, 1))), "mse: shapes (2,) and (2, 1)"),
        (lambda: mse(np.ones(0), np.ones(0)), "mse: shapes (0,) and (0,)"),
        (lambda: linear(np.ones((5, 3)), np.ones((2, 4))), "linear: x (5, 3) and W (2, 4)"),
        (lambda: linear(1.0, np.ones((2, 4))), "linear: x () and W (2, 4)"),
        (lambda: linear(np.ones(4), np.ones(4)), "linear: x (4,) and W (4,)"),
        (lambda: linear(np.ones(4), np.ones((2, 4)), np.ones(1)), "linear: b (1,) and W (2, 4)"),
        (lambda: sparse_matmul(scipy.sparse.eye_array(3), np.ones(2)), "sparse_matmul: A (3, 3) and X (2,)"),
        (lambda: sparse_matmul(scipy.sparse.eye_array(3), 1.0), "sparse_matmul: A (3, 3) and X ()"),
        (lambda: concatenate([]), "concatenate: no tensors"),
        (lambda: concatenate([np.ones((1, 2)), np.ones((1, 3))]), "concatenate: shapes (1, 2), (1, 3)"),
        (lambda: concatenate([np.ones(2)], axis=1), "concatenate: shapes (2,) do not fit along axis 1"),
        (lambda: stack([]), "stack: no tensors"),
        (lambda: softmax(np.ones((2, 3)), 2), "softmax: axis 2 of a tensor of shape (2, 3)"),
        (lambda: log_softmax(np.ones((2, 3)), (0, 0)), "log_softmax: axis (0, 0) of a tensor of shape (2, 3)"),
        (lambda: logsumexp(np.ones((2, 3)), -3), "logsumexp: axis -3 of a tensor of shape (2, 3)"),
        (lambda: stack([np.ones(2), np.ones(3)]), "stack: shapes (2,), (3,)"),
        (
            lambda: conv2d(np.ones((1, 2, 3, 3)), np.ones((1, 3, 2, 2))),
            "conv2d: x (1, 2, 3, 3) and W (1, 3, 2, 2)",
        ),
        (lambda: conv2d(np.ones((2, 3, 3)), np.ones((1, 3, 2, 2))), "conv2d: x (2, 3, 3) and W (1, 3, 2, 2)"),
        (lambda: conv2d(*[np.ones((1, 1, 2, 2))] * 2, np.ones(2)), "conv2d: b (2,) and W (1, 1, 2, 2)"),
        (
            lambda: conv2d(np.ones((1, 1, 2, 2)), np.ones((1, 1, 1, 5)), padding=1),
            "conv2d: windows (1, 5) find no room in x (1, 1, 2, 2) padded by (1, 1)",
        ),
        (lambda: conv2d(*[np.ones((1, 1, 2, 2))] * 2, stride=0), "conv2d: stride=0; a whole number from 1 on"),
        (lambda: conv2d(*[np.ones((1, 1, 2, 2))] * 2, padding=(1, -1)), "conv2d: padding=(1, -1)"),
        (lambda: conv2d(*[np.ones((1, 1, 2, 2))] * 2, padding=0.5), "conv2d: padding=0.5"),
        (lambda: max_pool2d(np.ones((3, 3)), 2), "max_pool2d: x (3, 3)"),
        (lambda: max_pool2d(np.ones((1, 1, 3, 3)), (4, 2)), "max_pool2d: windows (4, 2) find no room"),
        (lambda: max_pool2d(np.ones((1, 1, 3, 3)), (2, 2, 2)), "max_pool2d: size=(2, 2, 2)"),
        (lambda: max_pool2d(np.ones((1, 1, 3, 3)), 2, padding=2), "max_pool2d: padding=(2, 2) for windows (2, 2)"),
        (lambda: avg_pool2d(np.ones((1, 1, 3, 3)), 0), "avg_pool2d: size=0"),
        (
            lambda: batch_norm(np.ones((2, 3)), np.ones(2), np.ones(3)),
            "batch_norm: x (2, 3), gamma (2,) and beta (3,)",
        ),
        (lambda: batch_norm(np.ones((2, 3)), np.ones(3), 0.0), "batch_norm: x (2, 3), gamma (3,) and beta ()"),
        (lambda: batch_norm(np.ones((1, 3)), np.ones(3), np.ones(3)), "batch_norm: x (1, 3)"),
        (lambda: batch_norm(np.ones(3), np.ones(3), np.ones(3)), "batch_norm: x (3,)"),
        (lambda: batch_norm(np.ones((2, 1)), [1.0], [1.0], epsilon=-1.0), "batch_norm: epsilon=-1.0"),
        (lambda: batch_statistics(np.ones((1, 3))), "batch_statistics: x (1, 3)"),
        (lambda: dropout(np.ones(3), 1.0, seed=0), "dropout: p=1.0"),
        (lambda: dropout(np.ones(3), -0.1, seed=0), "dropout: p=-0.1"),
        (lambda: dropout(np.ones(3), math.nan, seed=0), "dropout: p=nan"),
    ],
)
def test_what_does_not_fit_is_named_with_its_shapes(call, said):
    with pytest.raises(ValueError, match="^" + re.escape(said)):
        call()


@pytest.mark.parametrize("join", [concatenate, stack])
def test_tensors_are_joined_along_one_axis(join):
    with pytest.raises(TypeError, match=f"{join.__name__}: axis=None; a whole number is needed"):
        join([Tensor([1.0]), Tensor([2.0])], axis=None)
    with pytest.raises(TypeError, match="the tensors stand in one list"):
        join(Tensor([1.0]), Tensor([2.0]))


def test_a_condition_holds_true_and_false():
    with pytest.raises(TypeError, match=r"where: a condition holds True and False, not float64"):
        where([1.0, 0.0], [1.0, 2.0], 0.0)


@pytest.mark.parametrize("function", [exp, tanh, relu, softmax, stack])
def test_what_is_no_number_is_refused(function):
    with pytest.raises(TypeError, match="holds numbers"):
        function(["a", "b"])


def test_a_number_takes_the_dtype_of_what_stands_beside_it():
    x = np.float32([1.0, 2.0])
    for given_x in (x, Tensor(x)):
        assert maximum(given_x, 1.5).dtype == np.float32
        assert maximum(2, given_x).dtype == np.float32
        assert where(x > 1, given_x, 0).dtype == np.float32
        assert mse(given_x, [1, 2]).dtype == np.float32
        assert linear([1, 2], given_x.reshape(1, 2), [0]).dtype == np.float32
    assert maximum(1, 2).dtype == np.float64
