"""Value computes as floats do, says what it cannot compute, and finds the gradients that others find."""

from __future__ import annotations

import copy
import math
import operator
import pickle
import re
from fractions import Fraction

import numpy as np
import pytest
import strategies  # noqa: F401  (the profile of all our tests)
from hypothesis import given
from hypothesis import strategies as st

from lessons.backpropagation import Value, numerical_gradient

OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
NUMBERS = [3, 2.5, np.float64(2.5), np.float32(1.5), np.int64(3), np.uint8(2), Fraction(1, 4), True]


def slopes(function, *at):
    """The gradient of a function of floats, by differences."""
    return numerical_gradient(lambda x: function(*x.tolist()), at)[0].tolist()


# ---------------------------------------------------------------------------------------- arithmetic


@pytest.mark.parametrize("apply", OPERATORS)
@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: type(number).__name__)
def test_numbers_stand_on_both_sides(apply, number):
    for x, y in [(Value(1.75), number), (number, Value(1.75))]:
        result = apply(x, y)
        result.backward()
        assert type(result) is Value
        assert type(result.data) is float
        assert result.data == pytest.approx(apply(float(x), float(y)), rel=1e-15)
        wanted = slopes(apply, float(x), float(y))[0 if x is not number else 1]
        assert (y if x is number else x).grad == pytest.approx(wanted, rel=1e-8)


@pytest.mark.parametrize("apply", OPERATORS)
@given(x=st.floats(0.5, 3), y=st.floats(0.5, 3))
def test_two_values(apply, x, y):
    a, b = Value(x), Value(y)
    result = apply(a, b)
    result.backward()
    assert result.data == apply(x, y)
    assert [a.grad, b.grad] == pytest.approx(slopes(apply, x, y), rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("apply", OPERATORS)
def test_one_value_on_both_sides(apply):
    x = Value(1.25)
    apply(x, x).backward()
    assert x.grad == pytest.approx(slopes(lambda x: apply(x, x), 1.25)[0], rel=1e-8, abs=1e-12)


FUNCTIONS = {
    "exp": math.exp,
    "log": math.log,
    "relu": lambda x: max(0.0, x),
    "tanh": math.tanh,
    "sigmoid": lambda x: 1.0 / (1.0 + math.exp(-x)),
    "__neg__": lambda x: -x,
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("x", [-2.5, -0.25, 0.125, 3.0])
def test_functions(name, x):
    if name == "log":
        x = abs(x)
    value = Value(x)
    result = getattr(value, name)()
    result.backward()
    assert result.data == pytest.approx(FUNCTIONS[name](x), rel=1e-15)
    assert value.grad == pytest.approx(slopes(FUNCTIONS[name], x)[0], rel=1e-8, abs=1e-12)


def test_what_functions_do_at_their_ends():
    zero = Value(0.0)
    zero.relu().backward()
    assert zero.grad == 0.0
    assert math.isnan(Value(math.nan).relu().data)
    assert [Value(x).sigmoid().data for x in (-1e9, 1e9)] == [0.0, 1.0]
    assert [Value(x).tanh().data for x in (-math.inf, math.inf)] == [-1.0, 1.0]
    assert Value(-math.inf).exp().data == 0.0
    assert (Value(1e300) * Value(1e300)).data == math.inf


@pytest.mark.parametrize(
    ("base", "exponent", "power", "slope"),
    [
        (-2.0, 3, -8.0, 12.0),
        (-2.0, 2, 4.0, -4.0),
        (-2.0, -1, -0.5, -0.25),
        (-2.0, 0, 1.0, 0.0),
        (0.0, 0, 1.0, 0.0),
        (0.0, 1, 0.0, 1.0),
        (0.0, 2, 0.0, 0.0),
        (0.0, 1.5, 0.0, 0.0),
        (4.0, 0.5, 2.0, 0.25),
        (4.0, -0.5, 0.5, -0.0625),
        (math.inf, 0, 1.0, 0.0),
    ],
)
def test_powers(base, exponent, power, slope):
    x = Value(base)
    result = x**exponent
    result.backward()
    assert result.data == power
    assert x.grad == slope


def test_a_power_that_is_a_value():
    x, k = Value(3.0), Value(-1.5)
    (x**k).backward()
    assert [x.grad, k.grad] == pytest.approx([-1.5 * 3**-2.5, math.log(3) * 3**-1.5], rel=1e-14)
    k.grad = 0.0
    (2**k).backward()
    assert k.grad == pytest.approx(math.log(2) * 2**-1.5, rel=1e-14)


# ---------------------------------------------------------------------------------------- what cannot be computed


@pytest.mark.parametrize(
    ("compute", "error", "said"),
    [
        (lambda: Value(-2.0) ** 0.5, ValueError, "-2.0 ** 0.5 is no real number"),
        (lambda: Value(0.0) ** 0.5, ValueError, "0 ** 0.5 has no slope"),
        (lambda: Value(0.0) ** -1, ZeroDivisionError, "0.0 ** -1.0: 0 has no negative power"),
        (lambda: Value(0.0) ** Value(2.0), ValueError, "0.0 to a power that is a Value: only positive"),
        (lambda: Value(-2.0) ** Value(2.0), ValueError, "-2.0 to a power that is a Value: only positive"),
        (lambda: (-2) ** Value(2.0), ValueError, "-2.0 to a power that is a Value: only positive"),
        (lambda: Value(10.0) ** 400, OverflowError, "10.0 ** 400.0 is more than a float can hold"),
        (lambda: Value(800.0).exp(), OverflowError, "exp of 800.0 is more than a float can hold"),
        (lambda: Value(0.0).log(), ValueError, "log of 0.0: only positive numbers have one"),
        (lambda: Value(-1.0).log(), ValueError, "log of -1.0: only positive numbers have one"),
        (lambda: Value(1.0) / 0, ZeroDivisionError, "1.0 / 0.0: division by zero has no answer"),
        (lambda: 1 / Value(0.0), ZeroDivisionError, "1.0 / 0.0: division by zero has no answer"),
        (lambda: Value(1.0) / Value(0.0), ZeroDivisionError, "1.0 / 0.0: division by zero has no answer"),
        (lambda: np.tanh(Value(1.0)), TypeError, "NumPy's tanh of a Value: write x.exp(), x.tanh() and so on"),
        (lambda: np.add(Value(1.0), 2.0), TypeError, "NumPy's add of a Value"),
        (lambda: np.eye(2) @ Value(1.0), TypeError, "NumPy's matmul of a Value"),
        (lambda: Value(10**400), OverflowError, "too large"),
    ],
)
def test_what_has_no_answer_says_so(compute, error, said):
    with pytest.raises(error, match=re.escape(said)):
        compute()


@pytest.mark.parametrize(
    "other",
    ["1", None, [1.0], 1j, np.ones(3), np.array(2.0), np.ones((2, 2), object)],
    ids=lambda other: repr(other)[:20],
)
def test_only_real_numbers_stand_beside_a_value(other):
    for apply in OPERATORS:
        for x, y in [(Value(2.0), other), (other, Value(2.0))]:
            with pytest.raises(TypeError):
                apply(x, y)
    with pytest.raises(TypeError, match="a Value holds one real number"):
        Value(other)


def test_a_value_is_not_made_of_a_value():
    with pytest.raises(TypeError, match=r"a Value holds one real number, not Value\(2, grad=0\)"):
        Value(Value(2.0))


def test_an_array_from_the_left_is_named():
    with pytest.raises(TypeError, match=r"array\(\[1., 1.\]\) with a Value: a Value or a real number is needed"):
        np.ones(2) * Value(2.0)


# ---------------------------------------------------------------------------------------- the way back


def test_an_array_of_values_is_added_and_multiplied():
    x = np.array([Value(2.0), Value(3.0)])
    (x @ x).backward()
    assert [value.grad for value in x] == [4.0, 6.0]


def test_backward_from_a_leaf():
    x = Value(3.0)
    x.backward()
    x.backward()
    assert x.grad == 2.0


def test_inner_values_start_again_from_a_larger_result():
    x = Value(2.0)
    y = x * x
    y.backward()
    (y * 3.0).backward()
    assert y.grad == 3.0
    assert x.grad == 4.0 + 12.0


def test_a_result_in_the_middle_walks_only_what_lies_before_it():
    x = Value(2.0)
    y = x * 3.0
    z = y * y
    y.backward()
    assert (x.grad, y.grad, z.grad) == (3.0, 1.0, 0.0)
    z.backward()
    assert (x.grad, y.grad, z.grad) == (39.0, 12.0, 1.0)


def test_an_infinite_gradient_leaves_no_trace_in_what_comes_after():
    steep = Value(1e-320)
    (1.0 / steep).backward()
    assert steep.grad == -math.inf
    x, y = Value(1.0), Value(2.0)
    (-x + y.relu()).backward()
    assert (x.grad, y.grad) == (-1.0, 1.0)


def test_float_repr_and_names():
    x = Value(2, name="x")
    assert float(x) == 2.0
    assert repr(x) == "Value(2, grad=0)"
    assert x.name == "x"
    assert (x * x).name == ""
    assert (x * x).op == "mul"
    with pytest.raises(AttributeError):
        x.weight = 1.0


def test_leaves_are_copied_and_pickled_and_results_are_not():
    x = Value(2.0, name="x")
    (x * x).backward()
    for again in [copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))]:
        assert (again.data, again.grad, again.name) == (2.0, 4.0, "x")
        (again * again).backward()
        assert again.grad == 8.0
    assert x.grad == 4.0
    for spread in [copy.copy, copy.deepcopy, pickle.dumps]:
        with pytest.raises(TypeError, match="the result of mul has a tape, which is not copied"):
            spread(x * x)


# ---------------------------------------------------------------------------------------- micrograd's cases
# Restated from the two tests of karpathy/micrograd, test/test_engine.py: one result along several ways, with relu
# of a shared node; and every operator, with sums that take the names of their parts. No number is taken over.


def shared_node(relu, x):
    z = 2 * x + 2 + x
    q = relu(z) + z * x
    return relu(z * z) + q + q * x


def every_operator(relu, a, b):
    c, d = a + b, a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + relu(b + a)
    d += 3 * d + relu(b - a)
    f = (c - d) ** 2
    return f / 2.0 + 10.0 / f


CASES = pytest.mark.parametrize(("case", "at"), [(shared_node, [-4.0]), (every_operator, [-4.0, 2.0])])


@CASES
def test_the_cases_of_micrograd(case, at):
    """Slopes from a step along i, which loses no digits: f(x + ih) = f(x) + ih f'(x) + O(h^2)."""
    leaves = [Value(x) for x in at]
    result = case(Value.relu, *leaves)
    result.backward()
    assert result.data == pytest.approx(case(lambda z: z if z > 0 else 0.0, *at), rel=1e-15)
    for k, leaf in enumerate(leaves):
        stepped = [complex(x, 1e-30 if j == k else 0.0) for j, x in enumerate(at)]
        wanted = case(lambda z: z if z.real > 0 else 0.0, *stepped).imag / 1e-30
        assert leaf.grad == pytest.approx(wanted, rel=1e-14)


@CASES
def test_the_cases_of_micrograd_against_torch(case, at):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    leaves = [Value(x) for x in at]
    result = case(Value.relu, *leaves)
    result.backward()
    theirs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in at]
    their_result = case(torch.relu, *[x * 1.0 for x in theirs])  # += would write into a leaf
    their_result.backward()
    assert result.data == pytest.approx(their_result.item(), rel=1e-14)
    assert [leaf.grad for leaf in leaves] == pytest.approx([x.grad.item() for x in theirs], rel=1e-14)
