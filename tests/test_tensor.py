"""Tensors compute as arrays do, find the gradients that differences find, and refuse what would spoil them."""

from __future__ import annotations

import copy
import gc
import math
import operator
import pickle
import re
import subprocess
import sys
import threading
import tracemalloc

import numpy as np
import pytest
import scipy.sparse
import strategies  # noqa: F401  (the profile of all our tests)
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, basic_indices, mutually_broadcastable_shapes

from lessons import as_graph
from lessons.backpropagation import Tensor, gradcheck, no_grad, record, sum_to
from lessons.errors import TapeError
from lessons.training import SGD

ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv]
shapes = array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)


def numbers(*shape, seed=7):
    """Numbers of both signs, none near zero and no two alike."""
    values = np.random.default_rng(seed).permutation(int(np.prod(shape))) + 1.0
    return (values * (-1.0) ** np.arange(values.size) / max(values.size, 1)).reshape(shape)


def check(function, *arrays):
    """Values as NumPy has them, gradients as differences have them; where nothing is, gradients of that shape."""
    leaves = [Tensor(array) for array in arrays]
    out, wanted = function(*leaves), function(*arrays)
    assert type(out) is Tensor
    assert type(out._data) is np.ndarray
    assert out.shape == np.shape(wanted)
    np.testing.assert_allclose(out.data, wanted, rtol=1e-14)
    out.backward(np.ones(out.shape))
    for leaf, array in zip(leaves, arrays, strict=True):
        assert leaf.grad.shape == array.shape
        assert leaf.grad.dtype == array.dtype
    if any(array.size for array in arrays):
        found = gradcheck(function, *arrays)
        assert found.ok, found


# ---------------------------------------------------------------------------------------- gradients


@pytest.mark.parametrize("apply", ARITHMETIC)
@given(found=mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=3, max_dims=3))
def test_arithmetic_broadcasts(apply, found):
    check(apply, *[numbers(*shape, seed=place) for place, shape in enumerate(found.input_shapes)])


@pytest.mark.parametrize("apply", ARITHMETIC)
@given(found=mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=3, max_dims=3))
def test_arithmetic_with_arrays_on_either_side(apply, found):
    array, other = [numbers(*shape, seed=place) for place, shape in enumerate(found.input_shapes)]
    check(lambda x: apply(x, array), other)
    check(lambda x: apply(array, x), other)


@pytest.mark.parametrize("apply", ARITHMETIC)
@pytest.mark.parametrize("number", [3, -0.5, np.float64(2.5), np.int64(2), np.float32(0.5)], ids=repr)
def test_arithmetic_with_numbers_on_either_side(apply, number):
    check(lambda x: apply(x, number), numbers(2, 3))
    check(lambda x: apply(number, x), numbers(2, 3))


@given(shape=shapes, exponent=st.sampled_from([0, 1, 2, 3, 4, 5, -1, -2, 0.5, -1.5]))
def test_powers(shape, exponent):
    check(lambda x: x**exponent, np.abs(numbers(*shape)))
    if exponent == int(exponent):
        check(lambda x: x**exponent, numbers(*shape))


@pytest.mark.parametrize(("exponent", "slope"), [(0, 0.0), (1, 1.0), (2, 0.0)])
def test_powers_of_zero(exponent, slope):
    x = Tensor(np.zeros(2))
    (x**exponent).backward(np.ones(2))
    assert x.grad.tolist() == [slope] * 2


@given(
    outer=mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=2, max_dims=2),
    n=st.integers(0, 3),
    inner=st.integers(0, 3),
    m=st.integers(0, 3),
)
def test_matrix_products_over_any_batch(outer, n, inner, m):
    left, right = outer.input_shapes
    check(operator.matmul, numbers(*left, n, inner), numbers(*right, inner, m, seed=1))


@given(batch=shapes, n=st.integers(0, 3), inner=st.integers(0, 3))
def test_matrix_products_with_vectors(batch, n, inner):
    vector, matrices = numbers(inner, seed=1), numbers(*batch, n, inner)
    check(operator.matmul, vector, numbers(inner, seed=2))
    check(operator.matmul, matrices, vector)
    check(operator.matmul, vector, numbers(*batch, inner, n, seed=2))


def test_matrix_products_with_arrays_on_either_side():
    check(lambda x: x @ numbers(3, 2), numbers(4, 3))
    check(lambda x: numbers(4, 3) @ x, numbers(3, 2))


AXES = [None, 0, 1, -1, (0, 1), (0, -1), (1, 2), (0, 1, 2), ()]


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min"])
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions(name, axis, keepdims):
    check(lambda x: getattr(x, name)(axis, keepdims=keepdims), numbers(2, 3, 2))


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min"])
def test_reductions_of_a_single_number(name):
    check(lambda x: getattr(x, name)(), numbers())
    check(lambda x: getattr(x, name)(keepdims=True), numbers())


@pytest.mark.parametrize("name", ["sum", "max", "min"])  # NumPy's mean refuses this
def test_the_first_axis_of_a_single_number(name):
    check(lambda x: getattr(x, name)(0), numbers())


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min"])
def test_reductions_that_leave_nothing(name):
    check(lambda x: getattr(x, name)(1), numbers(0, 3))


def test_reductions_over_nothing():
    check(lambda x: x.sum(0), numbers(0, 3))
    check(lambda x: x.sum(), numbers(0))
    with pytest.raises(ValueError, match=re.escape("mean over no entries: a tensor of shape (0, 3), axis 0")):
        Tensor(numbers(0, 3)).mean(0)
    with pytest.raises(ValueError, match=re.escape("mean over no entries: a tensor of shape (0,), axis None")):
        Tensor(numbers(0)).mean()
    with pytest.raises(ValueError, match=re.escape("max over no entries: a tensor of shape (0, 3), axis 0")):
        Tensor(numbers(0, 3)).max(0)


@pytest.mark.parametrize("name", ["max", "min"])
def test_equal_entries_share(name):
    x = Tensor([[2.0, 2.0, 1.0], [5.0, 5.0, 5.0], [0.0, 2.0, 2.0]])
    sign = 1.0 if name == "max" else -1.0
    getattr(sign * x, name)(1).backward([1.0, 3.0, 4.0])
    assert (sign * x.grad).tolist() == [[0.5, 0.5, 0.0], [1.0, 1.0, 1.0], [0.0, 2.0, 2.0]]


def test_where_there_is_a_nan_it_is_the_extreme():
    x = Tensor([[1.0, np.nan], [2.0, 1.0]])
    x.max(1).backward([1.0, 1.0])
    assert x.grad.tolist() == [[0.0, 1.0], [1.0, 0.0]]


@given(data=st.data())
def test_basic_indexing(data):
    shape = data.draw(shapes)
    key = data.draw(basic_indices(shape, allow_newaxis=True))
    check(lambda x: x[key], numbers(*shape))


KEYS = [
    [2, 0, 2],
    np.array([0, 0, 0]),
    np.array([[0, 1], [1, 1]]),
    np.array([True, False, True]),
    [],
    (slice(None), [1, 1]),
    ([0, 2, 0], [1, 1, 1]),
    (np.array([0, 2])[:, None], np.array([1, 0, 1])),
    (..., np.array([1, 1])),
    (None, [0, 0], slice(1, None)),
    numbers(3, 2) > 0,
    np.int64(1),
    np.zeros(3, bool),
    True,
    ([-1, 2], -1),
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_indexing_by_arrays_adds_up_what_is_taken_twice(key):
    check(lambda x: x[key], numbers(3, 2))


@given(shape=shapes)
def test_shapes(shape):
    array = numbers(*shape)
    check(lambda x: x.T, array)
    check(lambda x: x.reshape(-1) if array.size else x.reshape(0), array)
    check(lambda x: x.reshape((1, *shape)), array)
    check(lambda x: x.reshape(1, *shape), array)


@pytest.mark.parametrize("axes", [(2, 0, 1), (1, 0, 2), (-1, -3, -2), (0, 1, 2), ((1, 2, 0),), ()])
def test_transposing(axes):
    check(lambda x: x.transpose(*axes), numbers(2, 3, 4))


def test_axes_may_stand_in_a_list():
    array = numbers(2, 3, 4)
    assert Tensor(array).sum([0, 2]).shape == (3,)
    assert Tensor(array).transpose([2, 0, 1]).shape == (4, 2, 3)


def test_many_steps_together():
    rng = np.random.default_rng(3)

    def network(x, W, b, V):
        hidden = x @ W.T + b
        hidden = hidden * hidden / (1.0 + hidden * hidden)
        scores = hidden @ V.T - hidden.mean(1, keepdims=True)
        return (scores - scores.max(1, keepdims=True))[:, 1:] ** 2

    check(network, rng.random((4, 3)), rng.random((5, 3)), rng.random(5), rng.random((2, 5)))


TORCH = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: 2.0 - x - y,
    "mul": lambda x, y: x * y * x,
    "div": lambda x, y: x / y + 1.0 / x,
    "pow": lambda x, y: (x * x) ** 1.5 + y**3,
    "matmul": lambda x, y: x @ y.reshape(3, 2) - y @ x.reshape(3, 3, 2),
    "sum": lambda x, y: x.sum((0, 2)) + y.sum(),
    "mean": lambda x, y: x.mean(1) * y.mean(),
    "index": lambda x, y: x[1:, :, [0, 2, 2]] * y[0, 1],
    "reshape": lambda x, y: x.reshape(6, 3) @ y.reshape(3, 2),
    "transpose": lambda x, y: x.reshape(6, 3).T @ x.reshape(6, 3),
}


@pytest.mark.parametrize("name", TORCH)
def test_against_torch(name):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    arrays = numbers(3, 2, 3), numbers(2, 3, seed=1)
    ours = [Tensor(array) for array in arrays]
    out = TORCH[name](*ours)
    out.backward(np.ones(out.shape))
    theirs = [torch.tensor(array, requires_grad=True) for array in arrays]
    their_out = TORCH[name](*theirs)
    their_out.backward(torch.ones_like(their_out))
    np.testing.assert_allclose(out.data, their_out.detach().numpy(), rtol=1e-13, atol=1e-15)
    for x, y in zip(ours, theirs, strict=True):
        if x.grad is not None:
            np.testing.assert_allclose(x.grad, y.grad.numpy(), rtol=1e-12)


@given(found=mutually_broadcastable_shapes(num_shapes=1, base_shape=(2, 3, 2), max_side=3))
def test_sum_to_is_the_adjoint_of_broadcasting(found):
    """<broadcast(x), y> = <x, sum_to(y)>"""
    shape = found.input_shapes[0]
    x, y = numbers(*shape), numbers(*found.result_shape, seed=1)
    assert sum_to(y, shape).shape == shape
    assert (np.broadcast_to(x, y.shape) * y).sum() == pytest.approx((x * sum_to(y, shape)).sum())


@pytest.mark.parametrize("shape", [(3, 2), (6,), (3,), (2, 1, 2, 3), (1, 3), ()])
def test_gradients_of_a_wrong_shape_are_refused_with_the_name_of_the_operation(shape):
    """As where a .T is forgotten. Nothing is reshaped, and only what was broadcast is summed."""
    x = Tensor(np.ones((2, 3)))
    result = record("odd", x.data.sum(), (x, lambda g: np.zeros(shape)))
    if shape == (2, 1, 2, 3):  # one that x could have been broadcast to
        result.backward()
        assert x.grad.shape == (2, 3)
        return
    said = re.escape(f"a gradient of shape {shape} for a tensor of shape (2, 3)")
    with pytest.raises(ValueError, match="^" + said):
        sum_to(np.zeros(shape), (2, 3))
    with pytest.raises(ValueError, match="^odd: " + said):
        result.backward()
    assert x.grad is None


@pytest.mark.parametrize(
    "given", [1.0, [1.0, 1.0], None, Tensor([1.0, 1.0])], ids=lambda given: type(given).__name__
)
def test_gradients_are_arrays(given):
    x = Tensor([1.0, 2.0])
    with pytest.raises(TypeError, match=f"^odd: its way back gave {type(given).__name__}; an array"):
        record("odd", x.data.sum(), (x, lambda g: given)).backward()


def test_operations_of_ones_own_may_give_lists_and_numbers_and_join_tensors_only():
    x = Tensor([1.0, 2.0])
    for data in [[4.0, 5.0], (4, 5), 3.0, 3, np.float32(3.0)]:
        out = record("odd", data, (x, lambda g: g))
        assert type(out.data) is np.ndarray
        assert out.data.tolist() == np.asarray(data).tolist()
    with pytest.raises(TypeError, match=r"^odd: each edge is a pair \(input, pull\) whose input is a Tensor"):
        record("odd", x.data, (x.data, lambda g: g))


# ---------------------------------------------------------------------------------------- types


@pytest.mark.parametrize("other", [2, 0.1, True, np.float64(0.1), np.float32(0.1), np.int64(3)], ids=repr)
@pytest.mark.parametrize("apply", ARITHMETIC)
def test_numbers_keep_float32(other, apply):
    x = Tensor(np.ones(3, np.float32))
    for y in [apply(x, other), apply(other, x)]:
        assert y.dtype == np.float32
        y.sum().backward()
        assert x.grad.dtype == np.float32


@pytest.mark.parametrize("other", [np.arange(3), np.ones(3, bool), [1, 2, 3], np.ones(3, np.float32)], ids=repr)
def test_whole_numbers_keep_float32(other):
    x = Tensor(np.ones(3, np.float32))
    assert (x * other).dtype == (other * x).dtype == np.float32


def test_float32_and_float64_together_are_float64_and_gradients_keep_their_type():
    x, y = Tensor(np.ones(3, np.float32)), Tensor(np.ones(3))
    z = x * y
    z.sum().backward()
    assert z.dtype == np.float64
    assert (x.grad.dtype, y.grad.dtype) == (np.float32, np.float64)
    assert (x * np.ones(3)).dtype == np.float64


@pytest.mark.parametrize("method", ["sum", "mean", "max"])
def test_float32_stays_float32_through_every_method(method):
    x = Tensor(np.ones((2, 2), np.float32))
    y = (getattr(x, method)(1) ** 2 @ x.T.reshape(2, 2))[:1] - 0.5
    y.backward([1.0])
    assert y.dtype == x.grad.dtype == np.float32


@pytest.mark.parametrize(
    "data", [3, True, [1, 2], np.arange(3, dtype=np.uint8), range(3), np.ones(2, bool)], ids=repr
)
def test_whole_numbers_become_float64(data):
    x = Tensor(data)
    assert x.dtype == np.float64
    assert x.data.tolist() == np.asarray(data).tolist()


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        (None, TypeError, "a Tensor holds numbers, not object: 'None'"),
        ("3", TypeError, "a Tensor holds numbers, not <U1: '3'"),
        ([1.0, "a"], TypeError, "a Tensor holds numbers"),
        (object(), TypeError, "a Tensor holds numbers, not object"),
        (np.array([1.0, None]), TypeError, "a Tensor holds numbers, not object"),
        (np.array(["2020"], "datetime64[D]"), TypeError, "a Tensor holds numbers, not datetime64[D]"),
        (1j, ValueError, "numbers of type complex128: float32 or float64 are needed"),
        (np.ones(2, np.float16), ValueError, "numbers of type float16: float32 or float64 are needed"),
        ([[1.0], [1.0, 2.0]], ValueError, "rows of different lengths are no array: [[1.0], [1.0, 2.0]]"),
        (np.ma.array([1.0, 2.0], mask=[0, 1]), TypeError, "a masked array is no Tensor: fill what is masked"),
        (scipy.sparse.eye_array(2), TypeError, "a sparse matrix is no Tensor: multiply with sparse_matmul(A, X)"),
        (scipy.sparse.csr_matrix(np.eye(2)), TypeError, "a sparse matrix is no Tensor"),
        (Tensor(1.0), TypeError, "this is a Tensor already: its values are .data"),
        ([Tensor(1.0), Tensor(2.0)], TypeError, "a Tensor is no array"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_array_of_numbers(data, error, said):
    with pytest.raises(error, match=re.escape(said)):
        Tensor(data)
    if not isinstance(data, Tensor):
        with pytest.raises(error):
            Tensor(np.ones(2)) + data
        with pytest.raises((TypeError, ValueError)):
            data + Tensor(np.ones(2))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_numbers_of_another_byte_order_are_turned_round(kind):
    x = Tensor(np.array([1.0, 2.0], kind).astype(np.dtype(kind).newbyteorder(">")))
    assert x.data.dtype == kind
    assert x.data.dtype.isnative
    assert x.data.tolist() == [1.0, 2.0]


def test_a_subclass_is_a_tensor():
    class Parameter(Tensor):
        pass

    x, y = Tensor(3.0), Parameter(2.0)
    for result in [x * y, y * x, y * 3.0]:
        assert result.item() == 6.0
    (x * y).backward()
    assert y.grad == 3.0


# ---------------------------------------------------------------------------------------- shapes that do not fit


@pytest.mark.parametrize(
    ("op", "apply"),
    [("add", operator.add), ("sub", operator.sub), ("mul", operator.mul), ("div", operator.truediv)],
)
def test_shapes_that_do_not_fit_are_both_named(op, apply):
    both = r"(\(2, 3\) and \(4,\)|\(4,\) and \(2, 3\))"  # a + b of an array and a tensor is computed as b + a
    said = rf"^{op}: shapes {both} do not fit; their axes must be equal from the right, or 1$"
    with pytest.raises(ValueError, match=said):
        apply(Tensor(np.ones((2, 3))), Tensor(np.ones(4)))
    with pytest.raises(ValueError, match=said):
        apply(Tensor(np.ones((2, 3))), np.ones(4))
    with pytest.raises(ValueError, match=said):
        apply(np.ones((2, 3)), Tensor(np.ones(4)))


@pytest.mark.parametrize(("left", "right"), [((2, 3), (2, 3)), ((3,), (2,)), ((2, 3), ()), ((2, 2, 3), (3, 3, 2))])
def test_matrices_that_do_not_fit_are_both_named(left, right):
    with pytest.raises(ValueError, match=re.escape(f"matmul: shapes {left} and {right} do not fit")):
        Tensor(np.ones(left)) @ Tensor(np.ones(right))


@pytest.mark.parametrize("exponent", [Tensor(2.0), np.ones(3), None, 1j, "2", [2]])
def test_exponents_are_numbers(exponent):
    with pytest.raises(TypeError, match=re.escape("the exponent is a number; for x ** y of two tensors")):
        Tensor(np.ones(3)) ** exponent


def test_other_shapes_that_do_not_fit():
    x = Tensor(np.ones((2, 3)))
    for wrong, said in [
        (lambda: x.reshape(4, 2), "reshape: (4, 2) for the 6 entries of a tensor of shape (2, 3)"),
        (lambda: x.reshape((-1, 4)), "reshape: (-1, 4) for the 6 entries"),
        (lambda: x.reshape(3.0, 2), "reshape: (3.0, 2) for the 6 entries"),
        (lambda: x.transpose(0), "transpose: axes (0,) of a tensor of shape (2, 3); each is needed once"),
        (lambda: x.transpose(0, 0), "transpose: axis (0, 0) of a tensor of shape (2, 3); each may come once"),
        (lambda: x.transpose(0, 2), "transpose: axis (0, 2) of a tensor of shape (2, 3); it has axes 0 to 1"),
        (lambda: x.sum(2), "sum: axis 2 of a tensor of shape (2, 3); it has axes 0 to 1"),
        (lambda: x.mean((0, -3)), "mean: axis (0, -3) of a tensor of shape (2, 3)"),
        (lambda: x.max((0, -2)), "max: axis (0, -2) of a tensor of shape (2, 3); each may come once"),
        (lambda: x.min("rows"), "min: axis 'rows' of a tensor of shape (2, 3)"),
        (lambda: Tensor(1.0).sum(1), "sum: axis 1 of a tensor of shape ()"),
    ]:
        with pytest.raises(ValueError, match="^" + re.escape(said)):
            wrong()
    for key in [2, (0, 0, 0), 1.5, "a", np.array([0.5])]:
        with pytest.raises(IndexError):
            x[key]


# ---------------------------------------------------------------------------------------- backward's door


def test_backward_from_several_numbers_needs_a_seed():
    x = Tensor(np.ones((2, 1)))
    with pytest.raises(
        ValueError, match=re.escape("backward from (2, 1), which is no single number: give `grad`")
    ):
        (x * 2.0).backward()
    (x[:1] * 2.0).backward()  # of shape (1, 1): a single number
    assert x.grad.tolist() == [[2.0], [0.0]]


@pytest.mark.parametrize("seed", [1.0, np.ones(2), np.ones((3, 1)), np.ones((1, 3))])
def test_a_seed_of_another_shape_is_refused(seed):
    y = Tensor(np.ones(3)) * 2.0
    said = re.escape(f"a gradient of shape {np.shape(seed)} for a result of shape (3,): they must agree")
    with pytest.raises(ValueError, match=said):
        y.backward(seed)
    y.backward(np.ones(3))  # nothing was freed


@pytest.mark.parametrize(
    "seed", [[1, 0, 2], Tensor([1.0, 0.0, 2.0]), np.array([1.0, 0.0, 2.0], np.float32)], ids=type
)
def test_seeds_of_any_kind(seed):
    x = Tensor(np.ones(3))
    (x * 2.0).backward(seed)
    assert x.grad.tolist() == [2.0, 0.0, 4.0]
    assert x.grad.dtype == np.float64


@pytest.mark.parametrize("seed", ["abc", 1j, None, scipy.sparse.eye_array(3)])
def test_seeds_are_numbers(seed):
    with pytest.raises((TypeError, ValueError)):
        (Tensor(np.ones(3)) * 2.0).backward(seed)


def test_where_nothing_wants_a_gradient():
    constant = Tensor(np.ones(3), requires_grad=False)
    with no_grad():
        untaped = Tensor(1.0) * 2.0
    for result in [constant, constant.sum(), untaped]:
        assert not result.requires_grad
        with pytest.raises(ValueError, match="nothing that this was computed from wants a gradient"):
            result.backward()


def test_a_constant_gets_no_gradient():
    x, constant = Tensor(2.0), Tensor(3.0, requires_grad=False)
    calls = []

    def pull(g):
        calls.append(g)
        return g

    record("both", x.data + constant.data, (x, pull), (constant, pull)).backward()
    assert len(calls) == 1
    assert constant.grad is None


def test_backward_from_a_leaf_is_one():
    x = Tensor(2.0)
    x.backward()
    x.backward()
    assert x.grad == 2.0


# ---------------------------------------------------------------------------------------- gradients that add up


def test_gradients_of_two_results_add_up_until_they_are_taken_away():
    x = Tensor([1.0, 2.0])
    (x * 3.0).sum().backward()
    first = x.grad
    (x * x).sum().backward()
    assert x.grad.tolist() == [5.0, 7.0]
    assert first.tolist() == [3.0, 3.0]
    x.grad = None
    x.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_the_gradient_of_a_single_number_is_an_array():
    x = Tensor(2.0)
    for wanted in [4.0, 8.0]:  # two parts, and the sum of two walks
        (x * x).backward()
        assert type(x.grad) is np.ndarray
        assert x.grad == wanted


def test_a_tape_that_is_kept_gives_the_same_again():
    x = Tensor([1.0, 2.0])
    inner = x * x
    y = (inner * inner).sum()
    y.backward(retain_graph=True)
    assert inner.grad is None
    first = x.grad
    y.backward()
    assert np.array_equal(x.grad, 2 * first)


def test_gradients_share_no_memory():
    x, y, z = Tensor(np.ones((2, 2))), Tensor(np.ones((2, 2))), Tensor(np.ones((2, 2)))
    seed = np.ones((2, 2))
    both = (x + y).retain_grad()
    (both.T.reshape(2, 2) + z)[:, :].retain_grad().backward(seed)
    grads = [x.grad, y.grad, z.grad, both.grad, seed, x._data]
    for k, grad in enumerate(grads):
        assert grad.flags.writeable
        assert grad.flags.owndata or grad.base.shape == grad.shape
        for other in grads[k + 1 :]:
            assert not np.shares_memory(grad, other)
    x.grad *= 5.0
    assert y.grad.tolist() == z.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]


@pytest.mark.parametrize(
    "make",
    [
        lambda x: x,
        lambda x: x + 1.0,
        lambda x: x.sum(0),
        lambda x: x.mean(),
        lambda x: x.T,
        lambda x: x[0],
        lambda x: x.reshape(-1),
        lambda x: x + np.ones((3, 2, 2)),
        lambda x: x.max(0),
        lambda x: -x,
    ],
)
def test_gradients_may_be_written_to(make):
    x = Tensor(np.ones((2, 2)))
    y = make(x)
    seed = np.ones(y.shape)
    y.backward(seed)
    x.grad += 1.0
    x.grad[0, 0] = 7.0
    assert (seed == 1.0).all()
    y = make(x)
    y.backward(np.ones(y.shape))


def test_retain_grad_keeps_an_inner_gradient_and_adds_up_too():
    x = Tensor([1.0, 2.0])
    inner = (x * x).retain_grad()
    assert isinstance(inner, Tensor)
    y = (inner * 3.0).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert inner.grad.tolist() == [6.0, 6.0]
    assert x.grad.tolist() == [12.0, 24.0]


# ---------------------------------------------------------------------------------------- freed tapes


def test_a_tape_that_was_walked_is_freed():
    y = (Tensor([1.0, 2.0]) * 2.0).sum()
    y.backward()
    for again in [y.backward, y.to_graph, (y * 2.0).backward]:
        with pytest.raises(TapeError, match=r"a part of this tape is freed.*retain_graph=True"):
            again()


def test_a_shared_trunk_is_freed_with_its_first_branch():
    x = Tensor([1.0, 2.0])
    trunk = x * x
    one, other = trunk.sum(), (trunk * 2.0).sum()
    one.backward()
    assert x.grad.tolist() == [2.0, 4.0]
    with pytest.raises(TapeError, match="a part of this tape is freed"):
        other.backward()
    assert x.grad.tolist() == [2.0, 4.0]
    trunk = x * x
    one, other = trunk.sum(), (trunk * 2.0).sum()
    one.backward(retain_graph=True)
    other.backward()
    assert x.grad.tolist() == [8.0, 16.0]


def test_inner_arrays_are_freed_on_the_way_back():
    """Half of the walk is done when the middle hands back: what came after it is gone."""
    size = 100_000
    x = Tensor(np.ones(size))
    y = x
    for _ in range(8):
        y = y * 1.5
    middle = []

    def pull(g):
        middle.append(tracemalloc.get_traced_memory()[0])
        return g

    tracemalloc.start()
    try:
        z = record("here", y.data, (y, pull))
        for _ in range(8):
            z = z * 1.5
        z = z.sum()
        start = tracemalloc.get_traced_memory()[0]
        z.backward()
    finally:
        tracemalloc.stop()
    assert start > 8 * 8 * size
    assert middle[0] < 3 * 8 * size


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_on_the_way_leaves_no_half_gradients(error):
    x, y = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])

    def broken(g):
        raise error("on the way")

    result = (record("broken", x.data, (x, broken)) * y + x).sum()
    with pytest.raises(error, match="on the way"):
        result.backward()
    assert x.grad is None
    assert y.grad is None
    with pytest.raises(TapeError, match="backward has walked it, to its end or to an error on the way"):
        result.backward()


def test_a_grad_that_does_not_fit_stops_all():
    x, y = Tensor(np.ones(3)), Tensor(np.ones(3))
    for wrong, other in [(x, y), (y, x)]:
        wrong.grad, other.grad = np.ones(5), None
        with pytest.raises(ValueError, match="broadcast"):
            (x * y).sum().backward()
        assert other.grad is None


# ---------------------------------------------------------------------------------------- new values


def test_values_that_change_between_forward_and_backward_are_refused():
    W, x = Tensor(np.ones(3), name="W"), Tensor(np.ones(3))
    y = ((x * W) + x).sum()
    W.data = np.zeros(3)
    with pytest.raises(TapeError, match="the tensor 'W' was given new values after mul had read the old ones"):
        y.backward()
    assert x.grad is None
    assert W.grad is None
    y = ((x * W) + x).sum()
    x.data = np.zeros(3)
    with pytest.raises(TapeError, match=re.escape("a tensor of shape (3,) was given new values")):
        y.backward()


def test_values_that_change_before_or_elsewhere_do_not_matter():
    x, other = Tensor(np.ones(3)), Tensor(np.ones(3))
    x.data = [1.0, 2.0, 3.0]
    y = (x * x).sum()
    other.data = np.zeros(3)
    y.backward()
    assert x.grad.tolist() == [2.0, 4.0, 6.0]
    x.data = np.zeros(3)  # after the walk


def test_a_step_of_an_optimiser_is_a_change():
    x = Tensor(np.ones(3))
    optimiser = SGD([x], 0.1)
    first, second = (x * x).sum(), (x * x).sum()
    first.backward()
    optimiser.step()
    with pytest.raises(TapeError, match="given new values"):
        second.backward()
    assert x.data == pytest.approx(0.8)


def test_the_old_array_is_not_written_to():
    x = Tensor(np.ones(3))
    before = x.data
    x.data = np.zeros(3)
    assert before.tolist() == [1.0, 1.0, 1.0]
    assert x.data.tolist() == [0.0, 0.0, 0.0]


def test_data_is_not_to_be_written_to():
    x = Tensor(np.ones(3))
    for tensor in [x, x * 2.0, x.T, x.sum(), Tensor(1.0, requires_grad=False)]:
        with pytest.raises(ValueError, match="read-only"):
            tensor.data[...] = 0.0
        with pytest.raises(ValueError, match=r"read-only|output array"):
            tensor.data += 1.0
    assert (x.data == 1.0).all()


def test_new_values_are_copied_and_of_the_same_shape_and_type():
    x = Tensor(np.ones(3, np.float32))
    values = np.array([1.0, 2.0, 3.0])
    x.data = values
    values[:] = 9.0
    assert x.data.tolist() == [1.0, 2.0, 3.0]
    assert x.dtype == np.float32
    x.data = [4, 5, 6]
    assert x.data.tolist() == [4.0, 5.0, 6.0]
    for wrong in [1.0, np.ones(2), np.ones((1, 3))]:
        with pytest.raises(
            ValueError, match=re.escape(f"values of shape {np.shape(wrong)} for a tensor of shape (3,)")
        ):
            x.data = wrong
    for wrong in [None, "abc", Tensor(np.ones(3)), scipy.sparse.eye_array(3)]:
        with pytest.raises(TypeError):
            x.data = wrong
    assert x.data.tolist() == [4.0, 5.0, 6.0]


def test_only_leaves_are_given_values():
    x = Tensor(np.ones(3))
    inner = x * 2.0
    with pytest.raises(
        ValueError, match="the result of mul follows from its inputs: only a leaf can be given values"
    ):
        inner.data = np.zeros(3)
    inner.sum().backward()
    with pytest.raises(ValueError, match="only a leaf"):
        inner.data = np.zeros(3)


@pytest.mark.parametrize(
    "use",
    [
        lambda x, a: x * a,
        lambda x, a: a * x,
        lambda x, a: a / x,
        lambda x, a: x @ a,
        lambda x, a: a @ x,
        lambda x, a: x * Tensor(a),
        lambda x, a: x[a > 0] * 2.0,
        lambda x, a: x[a.astype(int)],
    ],
)
def test_an_array_may_be_changed_after_use(use):
    x = Tensor(numbers(3))
    array = np.ones(3)
    out = use(x, array)
    out.backward(np.ones(out.shape))
    wanted, x.grad = x.grad, None
    out = use(x, array)
    array[:] = 2.0
    out.backward(np.ones(out.shape))
    assert np.array_equal(x.grad, wanted)


@pytest.mark.parametrize("key", [[0, 0], np.array([0, 0]), np.array([True, False, False])], ids=repr)
def test_an_index_may_be_changed_after_use(key):
    x = Tensor(numbers(3))
    out = x[key]
    key[:] = [1] * len(key)
    out.backward(np.ones(out.shape))
    assert x.grad.tolist() == [out.size, 0.0, 0.0]


def test_tensors_copy_what_they_are_made_of():
    array = np.ones(3)
    x = Tensor(array)
    array[:] = 5.0
    assert x.data.tolist() == [1.0, 1.0, 1.0]


# ---------------------------------------------------------------------------------------- no_grad


def test_no_grad_nests_and_ends_with_an_error():
    x = Tensor(2.0)
    with no_grad():
        with no_grad():
            assert not (x * x).requires_grad
        assert not (x * x).requires_grad
        with pytest.raises(RuntimeError), no_grad():
            raise RuntimeError
        assert not (x * x).requires_grad
    assert (x * x).requires_grad
    with pytest.raises(RuntimeError), no_grad():
        raise RuntimeError
    assert (x * x).requires_grad


def test_no_grad_of_one_thread_is_not_that_of_another():
    x = Tensor(2.0)
    found = []
    with no_grad():
        thread = threading.Thread(target=lambda: found.append((x * x).requires_grad))
        thread.start()
        thread.join()
    assert found == [True]


def test_a_result_made_within_no_grad_is_a_constant():
    x = Tensor(2.0)
    with no_grad():
        y = x * x
    (y * x).backward()
    assert x.grad == 4.0


def test_leaves_made_within_no_grad_want_gradients():
    with no_grad():
        x = Tensor(2.0)
    (x * x).backward()
    assert x.grad == 4.0


# ---------------------------------------------------------------------------------------- among Python's objects


def test_rows_one_after_the_other():
    x = Tensor(np.arange(6.0).reshape(3, 2))
    rows = list(x)
    assert [row.data.tolist() for row in rows] == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    first, *_ = x
    (first * rows[0]).sum().backward()
    assert x.grad.tolist() == [[0.0, 2.0], [0.0, 0.0], [0.0, 0.0]]
    assert len(x) == 3
    assert list(Tensor(np.ones((0, 2)))) == []
    for number in [Tensor(1.0), x.sum()]:
        with pytest.raises(TypeError):
            list(number)
        with pytest.raises(TypeError):
            len(number)


@pytest.mark.parametrize(
    "compare",
    [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge, lambda x, y: y in [x]],
)
@pytest.mark.parametrize("other", [Tensor([1.0, 2.0]), np.ones(2), 1.0, None])
def test_tensors_are_not_compared(compare, other):
    x = Tensor([1.0, 2.0])
    for left, right in [(x, other), (other, x)]:
        with pytest.raises(TypeError, match=re.escape("a Tensor is not compared: compare its .data")):
            compare(left, right)


def test_tensors_are_keys_by_identity():
    x, y = Tensor(1.0), Tensor(1.0)
    places = {x: "x", y: "y"}
    assert (places[x], places[y]) == ("x", "y")
    assert len({x, y, x}) == 2
    assert x in [x, y]


def test_truth_is_asked_of_single_numbers_only():
    assert Tensor([[2.0]])
    assert not Tensor(0.0)
    for shape in [(2,), (0,), (1, 2)]:
        with pytest.raises(ValueError, match=re.escape(f"a tensor of shape {shape} is neither true nor false")):
            bool(Tensor(np.ones(shape)))


def test_item():
    assert type(Tensor([[2.0]]).item()) is float
    assert Tensor(np.float32(0.5)).item() == 0.5
    for several in [
        Tensor([1.0, 2.0]).item,
        lambda: float(Tensor([1.0, 2.0])),
        lambda: f"{Tensor([1.0, 2.0]):.2f}",
    ]:
        with pytest.raises(
            ValueError, match=re.escape("of shape (2,) is no single number: sum() or mean() it first")
        ):
            several()


def test_attributes():
    x = Tensor(np.ones((2, 3), np.float32), name="x")
    assert (x.shape, x.ndim, x.size, x.dtype, x.name, x.op) == ((2, 3), 2, 6, np.float32, "x", "")
    assert (x * 2.0).op == "mul"
    with pytest.raises(AttributeError):
        x.shape = (3, 2)
    with pytest.raises(AttributeError):
        x.gradient = None


def test_repr():
    assert repr(Tensor([1.0, 2.0])) == "Tensor([1., 2.])"
    assert repr(Tensor([1.0, 2.0]) * 2.0) == "Tensor([2., 4.], mul)"
    assert repr(Tensor(1.0)) == "Tensor(1.)"
    assert len(repr(Tensor(np.ones((100, 100))))) < 300


def test_its_tape_is_a_graph():
    x, W = Tensor(np.ones((2, 3)), name="x"), Tensor(np.ones((4, 3)), name="W")
    graph = as_graph((x @ W.T).sum())
    found = [(source.split()[0], node.split()[0]) for source, node in graph.edges()]
    assert sorted(found) == [("W", "transpose"), ("matmul", "sum"), ("transpose", "matmul"), ("x", "matmul")]


@pytest.mark.parametrize(
    "use",
    [
        np.exp,
        np.asarray,
        np.sum,
        np.mean,
        np.max,
        np.transpose,
        lambda x: np.reshape(x, (1, 3)),
        lambda x: np.concatenate([x, x]),
        lambda x: np.stack([np.ones(3), x]),
        lambda x: np.dot(np.ones((2, 3)), x),
        lambda x: np.add(np.ones(3), x),
        lambda x: np.array([x, x]),
        lambda x: np.where(np.ones(3) > 0, x, 0.0),
        lambda x: np.maximum(x, 0.0),
        lambda x: np.ones(3)[x],
        lambda x: scipy.sparse.eye_array(3).tocsr() @ x,
        lambda x: scipy.sparse.csr_matrix(np.eye(3)) @ x,
    ],
)
def test_numpy_is_kept_from_tensors(use):
    with pytest.raises(TypeError, match=r"a Tensor is no array.*methods of the Tensor.*\.data"):
        use(Tensor(np.ones(3)))


@pytest.mark.parametrize(
    "use", [int, round, lambda x: x // 2, lambda x: x % 2, lambda x: np.ones(1) ** x, lambda x: 2j**x]
)
def test_python_is_kept_from_tensors(use):
    with pytest.raises(TypeError):
        use(Tensor(1.0))


def test_a_single_number_is_one_for_python():
    x = Tensor([[0.25]])
    assert (float(x), math.sqrt(x), f"{x:.1f}", f"{x}") == (0.25, 0.5, "0.2", "Tensor([[0.25]])")
    assert +x is x


@pytest.mark.parametrize("base", [0, -2, -0.5, math.nan])
def test_bases_are_positive(base):
    with pytest.raises(ValueError, match=re.escape(f"{base} ** a tensor: only positive numbers")):
        base ** Tensor([1.0, 2.0])


@pytest.mark.parametrize(
    "step", [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.imatmul]
)
def test_a_leaf_is_not_changed_in_place(step):
    x, constant = Tensor(np.ones((2, 2))), Tensor(np.ones((2, 2)), requires_grad=False)
    with pytest.raises(TypeError, match=re.escape("write x.data = x.data - ...")):
        step(x, np.ones((2, 2)))
    with no_grad(), pytest.raises(TypeError, match="is not changed in place"):
        step(x, np.ones((2, 2)))
    assert step(constant, x).requires_grad


def test_sparse_matrices_from_the_left_are_shown_the_way():
    with pytest.raises(TypeError, match=r"\(sparse_matmul for a sparse matrix\)"):
        scipy.sparse.eye_array(2).tocsr() @ Tensor(np.ones(2))


def test_an_array_from_the_left_gives_a_tensor():
    x, array = Tensor(numbers(3)), np.ones(3)
    for result in [
        array + x,
        array - x,
        array * x,
        array / x,
        array @ x,
        np.float64(2.0) * x,
        np.float32(2.0) - x,
    ]:
        assert type(result) is Tensor
    array += x
    assert type(array) is Tensor


def test_sums_and_steps_in_place_make_new_tensors():
    x = Tensor([1.0, 2.0])
    y = x * 2.0
    total = y
    total += x
    total *= 2.0
    assert y.data.tolist() == [2.0, 4.0]
    sum([total.sum(), x.sum(), 3.0]).backward()
    assert x.grad.tolist() == [7.0, 7.0]
    with pytest.raises(TypeError):
        x[0] = 1.0


# ---------------------------------------------------------------------------------------- copies


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_leaves_are_copied_and_pickled(again):
    x = Tensor(np.ones(3, np.float32), name="x")
    x.sum().backward()
    y = again(x)
    assert (y.name, y.dtype, y.requires_grad, y.op) == ("x", np.float32, True, "")
    assert y.grad.tolist() == [1.0, 1.0, 1.0]
    y.data = np.zeros(3)
    assert x.data.tolist() == [1.0, 1.0, 1.0]
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0]
    constant = again(Tensor(1.0, requires_grad=False))
    assert not constant.requires_grad


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickle.dumps])
def test_tapes_are_not_copied(again):
    y = Tensor(np.ones(3)) * 2.0
    with pytest.raises(
        TypeError, match=re.escape("the result of mul has a tape, which is not copied: copy leaves")
    ):
        again(y)
    y.sum().backward()
    with pytest.raises(TypeError, match="which is not copied"):
        again(y)


def test_a_leaf_that_has_seen_much_can_be_used_in_another_process():
    """Where the time of the tape has only begun."""
    x = Tensor(np.ones(3))
    for _ in range(10):
        x.data = x.data * 2.0
    code = (
        "import pickle, sys\nx = pickle.load(sys.stdin.buffer)\n(x * x).sum().backward()\nprint(x.grad.tolist())\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(x), capture_output=True, timeout=60, check=True
    )
    assert run.stdout.decode().strip() == "[2048.0, 2048.0, 2048.0]"


# ---------------------------------------------------------------------------------------- no leaks


def train(W, b, X, back):
    W.grad = b.grad = None
    hidden = X @ W.T + b
    loss = ((hidden * hidden).mean(0)[1:] / (1.0 + hidden.max())).sum()
    if back:
        loss.backward()
        W.data = W.data - 0.01 * W.grad
        b.data = b.data - 0.01 * b.grad


def cycles_of_ours() -> list[str]:
    """What only the garbage collector frees, of this library: other threads may leave garbage of their own."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        kinds = [getattr(found, "__module__", None) or "" for found in gc.garbage]
        return [kind for kind in kinds if kind.startswith(("lessons", __name__))]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.collect()


def test_a_cycle_of_tensors_would_be_seen():
    gc.collect()
    gc.disable()
    try:
        loop = X = Tensor(numbers(2))
        loop.grad = [X]
        del loop, X
        assert "lessons.tensor" in cycles_of_ours()
        assert cycles_of_ours() == []
    finally:
        gc.enable()


@pytest.mark.parametrize("back", [True, False])
def test_a_thousand_steps_leave_nothing_behind(back):
    """Without the help of the garbage collector: a tape is freed when its last tensor is."""
    W, b, X = Tensor(numbers(8, 6)), Tensor(numbers(8)), numbers(16, 6)
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(500):  # until Python's own stores of small objects are full
            train(W, b, X, back)
        assert cycles_of_ours() == []
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(1000):
            train(W, b, X, back)
        assert cycles_of_ours() == []
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert after - before < 16 * 1000  # not even the smallest object for each step
