"""Numbers that remember how they were computed: reverse mode, one number at a time.

    x, y = Value(3.0), Value(-1.0)
    z = (x * y + x).tanh()
    z.backward()
    x.grad                       # how z changes with x

The same walk as that of `Tensor`, on single numbers, written for speed: what it does stands step by step in
notebook 03.
"""

from __future__ import annotations

import math
from functools import partial
from numbers import Real
from typing import Any

from lessons.graph import Graph
from lessons.tape import tape_graph

INNER, LEAF = 0, -1  # `_waits` of a node that no walk is counting
FROM_THE_LEFT = {
    "add": "__radd__",
    "subtract": "__rsub__",
    "multiply": "__rmul__",
    "divide": "__rtruediv__",
    "power": "__rpow__",
}


class Value:
    """A number and, after `backward`, the derivative of something with respect to it.

    A Value made by its class is a leaf; what is computed from values is a value, which holds up to two inputs and
    the derivative with respect to each: all that the way back needs. Plain numbers in between are constants, and
    so is what `float(value)` gives, which functions of `math` ask for: write x.tanh(), not math.tanh(x).

    Raises TypeError for what is not a real number.

    >>> a = Value(2.0)
    >>> b = a + a
    >>> (b * b).backward()
    >>> a.grad, b.grad
    (16.0, 8.0)

    Notebook: 03_backpropagation.
    """

    __slots__ = ("_a", "_b", "_da", "_db", "_waits", "data", "grad", "name", "op")
    data: float
    grad: float
    name: str
    op: str
    _a: Value
    _b: Value
    _da: float
    _db: float
    _waits: int

    def __init__(self, data: float, *, name: str = "") -> None:
        if type(data) is not float and not isinstance(data, Real):
            raise TypeError(f"a Value holds one real number, not {data!r}; for arrays there is Tensor")
        self.data = float(data)
        self.grad = 0.0
        self.name = name
        self.op = ""
        self._waits = LEAF

    # ------------------------------------------------------------------------------------ arithmetic

    def __add__(self, other: Value | float) -> Value:
        if type(other) is not Value:
            return _result("add", self.data + _number(other), self, 1.0)
        out = _blank()  # as `_result` does, without the cost of a call: networks consist of these two
        out.op = "add"
        out.data = self.data + other.data
        out._a, out._b = self, other  # in pairs: Python packs four into a tuple first
        out._da = out._db = 1.0
        out._waits = INNER
        out.grad, out.name = 0.0, ""
        return out

    def __mul__(self, other: Value | float) -> Value:
        if type(other) is not Value:
            return _result("mul", self.data * _number(other), self, float(other))
        out = _blank()
        out.op = "mul"
        out.data = self.data * other.data
        out._a, out._b = self, other
        out._da, out._db = other.data, self.data
        out._waits = INNER
        out.grad, out.name = 0.0, ""
        return out

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Value:
        return _result("neg", -self.data, self, -1.0)

    def __sub__(self, other: Value | float) -> Value:
        if type(other) is Value:
            return _result("sub", self.data - other.data, self, 1.0, other, -1.0)
        return _result("sub", self.data - _number(other), self, 1.0)

    def __rsub__(self, other: float) -> Value:
        return _result("sub", _number(other) - self.data, self, -1.0)

    def __truediv__(self, other: Value | float) -> Value:
        if type(other) is Value:
            ratio = _ratio(self.data, other.data)
            return _result("div", ratio, self, 1.0 / other.data, other, -ratio / other.data)
        divisor = _number(other)
        return _result("div", _ratio(self.data, divisor), self, 1.0 / divisor)

    def __rtruediv__(self, other: float) -> Value:
        ratio = _ratio(_number(other), self.data)
        return _result("div", ratio, self, -ratio / self.data)

    def __pow__(self, exponent: Value | float) -> Value:
        """Real powers; of a negative number whole ones only, and none that is a Value."""
        if type(exponent) is Value:
            if self.data <= 0:
                raise ValueError(f"{self.data} to a power that is a Value: only positive numbers have one")
            power, log = _power(self.data, exponent.data), math.log(self.data)
            return _result("pow", power, self, exponent.data * power / self.data, exponent, power * log)
        k = _number(exponent)
        power = _power(self.data, k)
        if self.data == 0 < k < 1:
            raise ValueError(f"0 ** {k} has no slope: it rises straight up")
        return _result("pow", power, self, k * _power(self.data, k - 1.0) if k else 0.0)

    def __rpow__(self, base: float) -> Value:
        return Value(base) ** self

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **_: Any) -> Value:
        """Numbers of NumPy may stand on the left; an array does not multiply each of its entries by a Value."""
        if method == "__call__" and function.__name__ in FROM_THE_LEFT and inputs[-1] is self:
            return getattr(self, FROM_THE_LEFT[function.__name__])(inputs[0])
        raise TypeError(
            f"NumPy's {function.__name__} of a Value: write x.exp(), x.tanh() and so on, or take a Tensor"
        )

    # ------------------------------------------------------------------------------------ functions

    def exp(self) -> Value:
        try:
            power = math.exp(self.data)
        except OverflowError:
            raise OverflowError(f"exp of {self.data} is more than a float can hold") from None
        return _result("exp", power, self, power)

    def log(self) -> Value:
        if self.data <= 0:
            raise ValueError(f"log of {self.data}: only positive numbers have one")
        return _result("log", math.log(self.data), self, 1.0 / self.data)

    def relu(self) -> Value:
        """max(0, x); its derivative at 0 counts as 0; nan stays nan."""
        return _result("relu", 0.0, self, 0.0) if self.data <= 0 else _result("relu", self.data, self, 1.0)

    def tanh(self) -> Value:
        t = math.tanh(self.data)
        return _result("tanh", t, self, 1.0 - t * t)

    def sigmoid(self) -> Value:
        """1 / (1 + e^-x), by tanh, which overflows nowhere."""
        s = 0.5 + 0.5 * math.tanh(0.5 * self.data)
        return _result("sigmoid", s, self, s * (1.0 - s))

    # ------------------------------------------------------------------------------------ the way back

    def backward(self) -> None:
        """Add to the `grad` of each leaf the derivative of this with respect to it; inner values start at 0 again.

        Kahn's sort along the reversed edges: a value is ready when all that was computed from it has handed its
        part back. May be called again, of another result too: the leaves then hold the sum. After an interrupt
        they hold a part of it: set their `grad` to 0 and call again. One thread at a time. O(n + m) for n values
        and m edges, without recursion.

        >>> x = Value(3.0)
        >>> y = x * x
        >>> y.backward(); y.backward()
        >>> x.grad, y.grad
        (12.0, 1.0)

        Notebook: 03_backpropagation. Source: S. Linnainmaa, Taylor expansion of the accumulated rounding error,
        BIT 16, 1976, pages 146-160, doi:10.1007/BF01931367.
        """
        if self._waits == LEAF:
            self.grad += 1.0
            return
        inner = [self]
        try:
            _count(inner)
            self.grad = 1.0
            _hand_back(self)
        except BaseException:  # interrupted, so that some are still waiting
            for node in inner:
                node._waits = INNER
            raise

    @property
    def _edges(self) -> tuple[tuple[Value, float], ...]:
        """(input, derivative with respect to it), one for each port: what `tape` reads."""
        if self._waits == LEAF:
            return ()
        edges = (self._a, self._da), (self._b, self._db)
        return edges if self._b is not NOTHING else edges[:1]

    def to_graph(self) -> Graph:
        """Its tape as a `Graph`, so that `as_graph(value)` works: see `tape_graph`."""
        return tape_graph(self)

    def __reduce__(self) -> tuple[Any, ...]:
        if self._waits != LEAF:
            raise TypeError(f"the result of {self.op} has a tape, which is not copied: copy leaves, or its data")
        return _leaf, (self.data, self.grad, self.name)

    def __repr__(self) -> str:
        return f"Value({self.data:.6g}, grad={self.grad:.6g})"

    def __float__(self) -> float:
        return self.data


_blank = partial(object.__new__, Value)  # a Value without anything in it, in half the time of the plain call
NOTHING = Value(0.0)  # the second input of what has one: a leaf that nobody looks at


def _result(op: str, data: float, a: Value, da: float, b: Value = NOTHING, db: float = 0.0) -> Value:
    """A value on the tape, from its inputs and the derivative with respect to each."""
    out = _blank()
    out.data = data
    out._a, out._b = a, b
    out._da, out._db = da, db
    out.op = op
    out._waits = INNER
    out.grad, out.name = 0.0, ""
    return out


def _leaf(data: float, grad: float, name: str) -> Value:
    leaf = Value(data, name=name)
    leaf.grad = grad
    return leaf


def _count(inner: list[Value]) -> None:
    """Count for each inner value how many edges lead to it, and list it; nothing waits for a leaf."""
    for node in inner:  # which grows
        source = node._a
        waits = source._waits
        if waits == 0:
            source._waits = 1
            source.grad = 0.0
            inner.append(source)
        elif waits > 0:
            source._waits = waits + 1
        source = node._b
        waits = source._waits
        if waits == 0:
            source._waits = 1
            source.grad = 0.0
            inner.append(source)
        elif waits > 0:
            source._waits = waits + 1


def _hand_back(output: Value) -> None:
    """Kahn's sort: take a value whose gradient is complete, hand each input its part, see whether that was all."""
    ready = [output]
    for node in ready:  # which grows
        grad = node.grad
        source = node._a
        source.grad += grad * node._da
        waits = source._waits
        if waits == 1:
            source._waits = 0
            ready.append(source)
        elif waits > 1:
            source._waits = waits - 1
        source = node._b
        source.grad += grad * node._db
        waits = source._waits
        if waits == 1:
            source._waits = 0
            ready.append(source)
        elif waits > 1:
            source._waits = waits - 1


def _number(value: Any) -> float:
    if isinstance(value, Real):
        return float(value)
    raise TypeError(f"{value!r} with a Value: a Value or a real number is needed")


def _ratio(a: float, b: float) -> float:
    try:
        return a / b
    except ZeroDivisionError:
        raise ZeroDivisionError(f"{a} / {b}: division by zero has no answer and no slope") from None


def _power(base: float, exponent: float) -> float:
    try:
        power = base**exponent
    except ZeroDivisionError:
        raise ZeroDivisionError(f"{base} ** {exponent}: 0 has no negative power") from None
    except OverflowError:
        raise OverflowError(f"{base} ** {exponent} is more than a float can hold") from None
    if isinstance(power, complex):
        raise ValueError(f"{base} ** {exponent} is no real number")
    return power
