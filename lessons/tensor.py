"""Arrays that remember how they were computed, and hand gradients back along the way.

    W = Tensor(rng.standard_normal((10, 64)))    # what a gradient is wanted for
    loss = ((X @ W.T - Y) ** 2).mean()           # arrays are constants; every step goes on the tape
    loss.backward()                              # W.grad: how the loss changes with each weight
    W.data = W.data - 0.1 * W.grad               # new values; the old array is never written to

Works on NumPy arrays and, where they lie, on CuPy arrays. Functions of tensors stand in `tensor_functions`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from numbers import Real
from threading import Lock
from types import EllipsisType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons._device import module_of, to_host
from lessons.errors import TapeError
from lessons.graph import Graph
from lessons.tape import tape_graph, waits_for

Array = NDArray[Any]  # of NumPy or CuPy, float32 or float64
Pull = Callable[[Any], Any]  # from the gradient of a result to that of one of its inputs
Edge = tuple["Tensor", Pull]
Axis = int | tuple[int, ...] | None
Slice = int | np.integer | slice | EllipsisType | None

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))

# A C library that has once freed a large block keeps what is freed after it. Else it hands the arrays of a step of
# training back to the system, to be paged in anew at the next one: up to a fifth of the time of a large network.
np.empty(8 * 2**20, np.uint8)

_on_tape: ContextVar[bool] = ContextVar("_on_tape", default=True)
_now = 0  # the time of the tape, which goes on when a leaf is given new values
_clock = Lock()


class Tensor:
    """An array of float32 or float64 and, after `backward`, the gradient of something with respect to it.

    `data` may be anything that NumPy makes an array of, or a CuPy array; whole numbers become float64. It is
    copied. A Tensor made so is a leaf: `backward` adds to its `grad`. `requires_grad=False` makes a constant. What
    is computed from tensors is a tensor; plain arrays and numbers in between are constants (numbers and whole
    numbers take the tensor's dtype).

    Raises TypeError for what is not numbers, ValueError for numbers that are complex or float16.

    >>> x = Tensor([1.0, 2.0])
    >>> (3.0 * x * x).sum().backward()
    >>> x.grad
    array([ 6., 12.])

    Notebook: 03_backpropagation.
    """

    __slots__ = ("__weakref__", "_data", "_edges", "_keeps", "_tick", "grad", "name", "op", "requires_grad")
    __array_priority__ = 1000.0  # so that `array @ tensor` asks the tensor

    def __init__(self, data: ArrayLike, *, requires_grad: bool = True, name: str = "") -> None:
        self._data = _floats(data).copy()
        self._edges: tuple[Edge, ...] | None = ()
        self._keeps = False
        self._tick = _now
        self.grad: Array | None = None
        self.name = name
        self.op = ""
        self.requires_grad = requires_grad

    # ------------------------------------------------------------------------------------ what it holds

    @property
    def data(self) -> Array:
        """The values, not to be written to (NumPy says so; CuPy lets you, and the gradients will be wrong).

        `x.data = values` gives a leaf new values of the same shape: a tape that has read the old ones can no
        longer be walked back. So a step is `x.data = x.data - ...`, and `x.data -= ...`, which writes, is refused.
        """
        if type(self._data) is not np.ndarray:
            return self._data
        view = self._data.view()
        view.flags.writeable = False
        return view

    @data.setter
    def data(self, values: ArrayLike) -> None:
        new = module_of(self._data).array(_floats(values), dtype=self._data.dtype)
        if new.shape != self._data.shape:
            raise ValueError(f"values of shape {new.shape} for a tensor of shape {self.shape}: make a new Tensor")
        self._replace(new)

    def _replace(self, new: Array) -> None:
        """Take over an array that nobody else holds as the new values."""
        if self._edges != ():
            raise ValueError(f"the result of {self.op} follows from its inputs: only a leaf can be given values")
        self._data = new
        self._tick = later()

    @property
    def shape(self) -> tuple[int, ...]:
        return self._data.shape

    @property
    def ndim(self) -> int:
        return self._data.ndim

    @property
    def size(self) -> int:
        return self._data.size

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._data.dtype

    def item(self) -> float:
        """The only number of a tensor that holds one, as a float; so does `float(x)`, and with it all of `math`.

        A float has no tape: for the gradient of tanh(x) take the function of tensors, not math.tanh.
        """
        if self._data.size != 1:
            raise ValueError(f"a tensor of shape {self.shape} is no single number: sum() or mean() it first")
        return float(self._data.item())

    __float__ = item

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[row] for row in range(len(self)))

    def __repr__(self) -> str:
        values = np.array2string(to_host(self._data), separator=", ", prefix="Tensor(", threshold=20)
        return f"Tensor({values}{', ' + self.op if self.op else ''})"

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(f"a tensor of shape {self.shape} is neither true nor false: ask its .data")
        return bool(self._data)

    def _compared(self, other: object) -> Any:
        raise TypeError("a Tensor is not compared: compare its .data, which gives an array")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _compared
    __hash__ = object.__hash__  # two tensors are two, whatever they hold

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(
            "a Tensor is no array, and what NumPy computes is not on its tape: use methods of the Tensor, "
            "functions of lessons.backpropagation (sparse_matmul for a sparse matrix), or its .data"
        )

    def __array_function__(self, function: Callable[..., Any], *_: Any) -> Any:
        return self.__array__()

    def __reduce__(self) -> tuple[Any, ...]:
        if self._edges != ():
            raise TypeError(f"the result of {self.op} has a tape, which is not copied: copy leaves, or its .data")
        return _leaf, (self._data, self.requires_grad, self.name, self.grad)

    def to_graph(self) -> Graph:
        """Its tape as a `Graph`, so that `as_graph(tensor)` works: see `tape_graph`."""
        return tape_graph(self)

    # ------------------------------------------------------------------------------------ the way back

    def backward(self, grad: ArrayLike | None = None, *, retain_graph: bool = False) -> None:
        """Add to the `grad` of each leaf that this was computed from the derivative of sum(grad * this).

        `grad` is what each entry of this counts, of its shape; 1 for a single number, where it may be left out.
        The tape is freed on the way; with `retain_graph` it can be walked again. Inner tensors keep a gradient
        only after `retain_grad`. Costs about twice what computing this took. Threads must take turns where they
        share leaves: of two that add to one `grad` at once, one may be lost.

        Raises ValueError where `grad` is missing or of another shape, or nothing here wants a gradient; TapeError
        on a freed tape, or where a leaf was given new values since.

        >>> x = Tensor([[1.0, 2.0]])
        >>> (x @ np.array([[1.0], [4.0]])).backward([[1.0]])
        >>> x.grad
        array([[1., 4.]])

        Notebook: 03_backpropagation. Source: S. Linnainmaa, Taylor expansion of the accumulated rounding error,
        BIT 16, 1976, pages 146-160, doi:10.1007/BF01931367.
        """
        with np.errstate(all="ignore"):  # an inf or nan was warned of where it came up
            found = _walk(self, _seed(self, grad), retain_graph)
        sums = [part if tensor.grad is None else _boxed(tensor.grad + part) for tensor, part in found]
        for (tensor, _), total in zip(found, sums, strict=True):  # all or, after an error, none
            tensor.grad = total

    def retain_grad(self) -> Tensor:
        """Let `backward` keep the gradient of this inner tensor, too; gives the tensor."""
        self._keeps = True
        return self

    # ------------------------------------------------------------------------------------ arithmetic

    def __add__(self, other: Any) -> Tensor:
        a, b = _both(self, other)
        return record("add", _fit("add", operator.add, a, b), (a, _same), (b, _same))

    def __sub__(self, other: Any) -> Tensor:
        a, b = _both(self, other)
        return record("sub", _fit("sub", operator.sub, a, b), (a, _same), (b, _minus))

    def __rsub__(self, other: Any) -> Tensor:
        return _constant(other, self) - self

    def __mul__(self, other: Any) -> Tensor:
        a, b = _both(self, other)
        x, y = a._data, b._data
        return record("mul", _fit("mul", operator.mul, a, b), (a, lambda g: g * y), (b, lambda g: g * x))

    __radd__, __rmul__ = __add__, __mul__

    def __truediv__(self, other: Any) -> Tensor:
        a, b = _both(self, other)
        y = b._data
        out = _fit("div", operator.truediv, a, b)
        return record("div", out, (a, lambda g: g / y), (b, lambda g: -g * out / y))

    def __rtruediv__(self, other: Any) -> Tensor:
        return _constant(other, self) / self

    def __neg__(self) -> Tensor:
        return record("neg", -self._data, (self, _minus))

    def __pos__(self) -> Tensor:
        return self

    def __abs__(self) -> Tensor:
        x = self._data
        return record("absolute", abs(x), (self, lambda g: g * module_of(x).sign(x)))

    def __pow__(self, exponent: float) -> Tensor:
        """Each entry to a constant power; d x^k / dx = k x^(k-1). A power that is a tensor: exp(log(x) * k)."""
        if not isinstance(exponent, Real):
            raise TypeError("the exponent is a number; for x ** y of two tensors write exp(y * log(x))")
        x, k = self._data, float(exponent)
        return record("pow", _power(x, k), (self, lambda g: g * (k * _power(x, k - 1) if k else 0.0)))

    def __rpow__(self, base: float) -> Tensor:
        """A positive number to the power of each entry; d a^x / dx = log(a) a^x."""
        if not isinstance(base, Real):
            raise TypeError("the base is a number; for x ** y of two tensors write exp(y * log(x))")
        if not base > 0:
            raise ValueError(f"{base} ** a tensor: only positive numbers have all powers")
        out, slope = float(base) ** self._data, math.log(base)
        return record("rpow", out, (self, lambda g: g * (slope * out)))

    def __matmul__(self, other: Any) -> Tensor:
        """The matrix product over the last two axes, batched over the others; a vector counts as a row on the
        left, as a column on the right, as in NumPy."""
        a, b = _both(self, other)
        x, y = a._data, b._data
        out = _fit("matmul", operator.matmul, a, b)
        return record("matmul", out, (a, lambda g: _left(g, x, y)), (b, lambda g: _right(g, x, y)))

    def __rmatmul__(self, other: Any) -> Tensor:
        return _constant(other, self) @ self

    def _in_place(self, _: Any) -> Any:
        """A leaf that is trained must not turn into a result by the way; of what is computed a new one is made."""
        if self.requires_grad and self._edges == ():
            raise TypeError(
                "a leaf that wants a gradient is not changed in place: write x.data = x.data - ... to give it new "
                "values, or x = x - ... for another tensor"
            )
        return NotImplemented

    __iadd__ = __isub__ = __imul__ = __itruediv__ = __imatmul__ = __ipow__ = _in_place

    # ------------------------------------------------------------------------------------ parts and shapes

    def __getitem__(self, key: Any) -> Tensor:
        """Whatever indexing of NumPy gives; entries that are taken twice receive both gradients."""
        x = self._data
        simple = all(isinstance(part, Slice) for part in (key if isinstance(key, tuple) else (key,)))
        distinct = simple or getattr(key, "dtype", None) == np.dtype(bool)  # so takes nothing twice
        key = key if simple else deepcopy(key)  # lists and arrays may change before the way back

        def back(g: Any) -> Any:
            xp = module_of(x)
            whole = xp.zeros_like(x)
            if distinct:
                whole[key] = g
            else:
                xp.add.at(whole, key, g)
            return whole

        return record("index", x[key], (self, back))

    def reshape(self, *shape: int | tuple[int, ...]) -> Tensor:
        """The same entries in another shape, -1 for one axis that follows from the rest."""
        x = self._data
        try:
            out = x.reshape(*shape)
        except (TypeError, ValueError):
            new = shape[0] if len(shape) == 1 else shape
            raise ValueError(f"reshape: {new} for the {x.size} entries of a tensor of shape {x.shape}") from None
        return record("reshape", out, (self, lambda g: g.reshape(x.shape)))

    def transpose(self, *axes: int | tuple[int, ...]) -> Tensor:
        """Axes in another order; reversed unless told. `x.T` is `x.transpose()`."""
        x = self._data
        if not axes:
            return record("transpose", x.T, (self, lambda g: g.T))
        given = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        order = _axes("transpose", x, given) or ()  # type: ignore[arg-type]
        if len(order) != x.ndim:
            raise ValueError(f"transpose: axes {given} of a tensor of shape {x.shape}; each is needed once")
        back = np.argsort(order).tolist()
        return record("transpose", x.transpose(order), (self, lambda g: g.transpose(back)))

    @property
    def T(self) -> Tensor:
        return self.transpose()

    # ------------------------------------------------------------------------------------ reductions

    def sum(self, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
        """The sum along an axis, several, or all."""
        x = self._data
        axes = _axes("sum", x, axis)
        return record("sum", x.sum(axes, keepdims=keepdims), (self, lambda g: _spread(g, x, axes, keepdims)))

    def mean(self, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
        """The mean along an axis, several, or all. Raises ValueError over no entries."""
        x = self._data
        axes = _axes("mean", x, axis)
        out = x.sum(axes, keepdims=keepdims)
        entries = x.size // out.size if out.size else 1
        if not x.size and out.size:
            raise ValueError(f"mean over no entries: a tensor of shape {x.shape}, axis {axis}")
        return record("mean", out / entries, (self, lambda g: _spread(g / entries, x, axes, keepdims)))

    def max(self, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
        """The largest entry along an axis, several, or all; entries that are equally large share the gradient."""
        return self._extreme("max", axis, keepdims)

    def min(self, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
        """The smallest entry along an axis, several, or all; entries that are equally small share the gradient."""
        return self._extreme("min", axis, keepdims)

    def _extreme(self, op: str, axis: Axis, keepdims: bool) -> Tensor:
        x = self._data
        axes = _axes(op, x, axis)
        try:
            top = getattr(x, op)(axes, keepdims=True)
        except ValueError:
            raise ValueError(f"{op} over no entries: a tensor of shape {x.shape}, axis {axis}") from None

        def back(g: Any) -> Any:
            hits = (x == top) | (x != x)  # where there is a nan, it is the extreme
            return hits * (_spread(g, x, axes, keepdims) / hits.sum(axes, keepdims=True)).astype(x.dtype)

        return record(op, top if keepdims else top.squeeze(axes), (self, back))


# ---------------------------------------------------------------------------------------- the tape


def record(op: str, data: Any, *edges: Edge) -> Tensor:
    """A new tensor on the tape: what was done, its values, and for each input how its gradient follows.

    The second half of an edge, given the gradient of the result, gives that of the input, or one that NumPy has
    broadcast: the walk sums what was repeated. It is called only for inputs that want a gradient. It must not
    change what it is given, and give a new array, what it was given, or a view of that, never an array that it
    keeps: that may become somebody's `grad`. `data` is kept, not copied: give an array that nobody writes to.

    Raises TypeError for what is no array or no Tensor. This is how new operations are made:

    >>> def double(x):
    ...     return record("double", 2 * x.data, (x, lambda g: 2 * g))
    >>> x = Tensor([1.0, 5.0])
    >>> double(x).backward([1.0, 1.0])
    >>> x.grad
    array([2., 2.])
    """
    out = _new(Tensor)
    if type(data) is not np.ndarray:
        data = _boxed(data) if isinstance(data, np.generic) else _floats(data)
    out._data = data
    try:
        out._edges = tuple([edge for edge in edges if edge[0].requires_grad]) if _on_tape.get() else ()
    except AttributeError:
        raise TypeError(f"{op}: each edge is a pair (input, pull) whose input is a Tensor") from None
    out._keeps = False
    out._tick = _now
    out.grad = None
    out.name = ""
    out.op = op
    out.requires_grad = bool(out._edges)
    return out


_new = object.__new__


def later() -> int:
    """Let the time of the tape go on: what is made or changed from now on is younger than all before it."""
    global _now
    with _clock:
        _now += 1
        return _now


@contextmanager
def no_grad() -> Iterator[None]:
    """Within this block nothing goes on the tape: for predictions, which then keep nothing in memory.

    To take a single tensor off the tape, make a constant of it: Tensor(x.data, requires_grad=False).

    >>> x = Tensor([1.0])
    >>> with no_grad():
    ...     (2 * x).requires_grad
    False
    """
    token = _on_tape.set(False)
    try:
        yield
    finally:
        _on_tape.reset(token)


def _walk(output: Tensor, seed: Any, retain_graph: bool) -> list[tuple[Tensor, Any]]:
    """The gradients of all leaves, and of inner tensors that keep theirs: Kahn's sort along the reversed edges.

    A tensor is ready when all that was computed from it has handed its part back: then its gradient is complete.
    """
    waits = waits_for(output)
    _refuse_changed(waits)
    arrived, found, ready = {output: (seed, False)}, [], [output]
    while ready:
        node = ready.pop()
        g, own = arrived.pop(node)
        if not node._edges or node._keeps:
            found.append((node, _boxed(g) if own else g.copy()))
        for source, pull in node._edges:  # type: ignore[union-attr]
            part, data = pull(g), source._data
            if type(part) is not type(data) or part.shape != data.shape or part.dtype != data.dtype:
                part = _fitted(node.op, part, data)
            if source in arrived:
                arrived[source] = arrived[source][0] + part, True
            else:
                arrived[source] = part, part is not g and part.base is None
            waits[source] -= 1
            if waits[source] == 0:
                del waits[source]  # so that its array is freed as soon as its own inputs have their parts
                ready.append(source)
        if not retain_graph and node._edges:
            node._edges = None
    return found


def _fitted(op: str, part: Any, data: Any) -> Any:
    """A gradient for these values in their shape and dtype, or an error that names the operation it came from."""
    part = _boxed(part)
    if type(part) is not type(data):
        raise TypeError(f"{op}: its way back gave {type(part).__name__}; an array like {type(data)} is needed")
    try:
        part = sum_to(part, data.shape)
    except ValueError as error:
        raise ValueError(f"{op}: {error}") from None
    return part.astype(data.dtype)


def _refuse_changed(nodes: dict[Tensor, int]) -> None:
    for node in nodes:
        for source, _ in node._edges:  # type: ignore[union-attr]
            if source._tick > node._tick:
                what = f"the tensor {source.name!r}" if source.name else f"a tensor of shape {source.shape}"
                raise TapeError(
                    f"{what} was given new values after {node.op} had read the old ones: a gradient would belong "
                    "to those. Compute the result again, or walk back before changing it."
                )


def _seed(output: Tensor, grad: ArrayLike | None) -> Any:
    """The gradient of the output, as given or 1."""
    if not output.requires_grad:
        raise ValueError(
            "nothing that this was computed from wants a gradient: make it of Tensors, outside no_grad"
        )
    xp = module_of(output._data)
    if grad is None:
        if output._data.size != 1:
            raise ValueError(
                f"backward from {output.shape}, which is no single number: give `grad`, what each entry counts "
                "(an array of this shape), or sum() it first"
            )
        return xp.ones_like(output._data)
    seed = xp.asarray(grad._data if isinstance(grad, Tensor) else _floats(grad), dtype=output._data.dtype)
    if seed.shape != output.shape:
        raise ValueError(f"a gradient of shape {seed.shape} for a result of shape {output.shape}: they must agree")
    return seed


def sum_to(array: Any, shape: tuple[int, ...]) -> Any:
    """The broadcasting rule, backwards: what was repeated on the way there is summed on the way back.

    Raises ValueError where `shape` does not broadcast to that of the array.

    >>> sum_to(np.ones((4, 3)), (3,))
    array([4., 4., 4.])
    >>> sum_to(np.ones((4, 3)), (4, 1)).T
    array([[3., 3., 3., 3.]])
    """
    new = array.ndim - len(shape)
    if new < 0 or any(n not in (1, long) for n, long in zip(shape, array.shape[new:], strict=True)):
        raise ValueError(f"a gradient of shape {array.shape} for a tensor of shape {shape}: is a .T forgotten?")
    stretched = tuple(
        axis for axis in range(array.ndim) if axis < new or shape[axis - new] == 1 != array.shape[axis]
    )
    return array.sum(stretched).reshape(shape)


# ---------------------------------------------------------------------------------------- helpers


def tensor_of(value: Any) -> Tensor:
    """A tensor as it is; anything else as a constant one."""
    return value if isinstance(value, Tensor) else Tensor(value, requires_grad=False)


def _leaf(data: Array, requires_grad: bool, name: str, grad: Array | None) -> Tensor:
    leaf = record("", data)
    leaf.requires_grad, leaf.name, leaf.grad = requires_grad, name, grad
    return leaf


def _floats(data: Any) -> Any:
    """An array of float32 or float64, where it lies."""
    if type(data) is np.ndarray and data.dtype in FLOATS:
        return data
    if isinstance(data, Tensor):
        raise TypeError("this is a Tensor already: its values are .data")
    if hasattr(data, "todense"):
        raise TypeError("a sparse matrix is no Tensor: multiply with sparse_matmul(A, X), or give A.toarray()")
    if isinstance(data, np.ma.MaskedArray):
        raise TypeError("a masked array is no Tensor: fill what is masked, as data.filled(0.0) does")
    array = data if hasattr(data, "__cuda_array_interface__") else _array(data)
    if array.dtype in FLOATS:
        return array
    native = array.dtype.newbyteorder("=")
    if native in FLOATS:
        return array.astype(native)
    if array.dtype.kind in "biu":
        return array.astype(np.float64)
    if array.dtype.kind in "fc":
        raise ValueError(f"numbers of type {array.dtype}: float32 or float64 are needed, as astype gives them")
    raise TypeError(f"a Tensor holds numbers, not {array.dtype}: {str(data)[:60]!r}")


def _boxed(value: Any) -> Any:
    """An array again, where NumPy has made a number of an array without axes."""
    return np.asarray(value) if isinstance(value, np.generic) else value


def _array(data: Any) -> Any:
    try:
        return np.asarray(data)
    except ValueError:  # of NumPy, which speaks of an inhomogeneous shape
        raise ValueError(f"rows of different lengths are no array: {str(data)[:60]}") from None


def _constant(value: Any, like: Tensor) -> Tensor:
    """A constant to compute with: numbers and whole numbers take the tensor's dtype, real arrays keep theirs.

    It has what `record` asks for, which keeps none of it: values, copied, and that it wants no gradient.
    """
    constant, xp = _new(Tensor), module_of(like._data)
    constant.requires_grad = False
    if isinstance(value, int | float):
        constant._data = xp.asarray(value, dtype=like._data.dtype)
        return constant
    given = value if hasattr(value, "dtype") else _array(value)
    dtype = like._data.dtype if given.dtype.kind in "biu" else None
    constant._data = xp.asarray(_floats(given), dtype=dtype).copy()
    return constant


def _both(a: Tensor, b: Any) -> tuple[Tensor, Tensor]:
    return a, b if isinstance(b, Tensor) else _constant(b, a)


def _fit(op: str, function: Callable[[Any, Any], Any], a: Tensor, b: Tensor) -> Any:
    """The result of an operation on two arrays, or an error that gives both shapes."""
    try:
        return function(a._data, b._data)
    except ValueError:
        rule = "their axes must be equal from the right, or 1"
        if op == "matmul":
            rule = "the last axis of the first must be as long as the last but one of the second"
        raise ValueError(f"{op}: shapes {a.shape} and {b.shape} do not fit; {rule}") from None


def _same(g: Any) -> Any:
    return g


def _minus(g: Any) -> Any:
    return -g


def _left(g: Any, x: Any, y: Any) -> Any:
    """The gradient of x in x @ y."""
    if y.ndim == 1:
        return g[..., None] * y
    if x.ndim == 1:
        return (g[..., None, :] @ y.swapaxes(-1, -2))[..., 0, :]
    return g @ y.swapaxes(-1, -2)


def _right(g: Any, x: Any, y: Any) -> Any:
    """The gradient of y in x @ y."""
    if x.ndim == 1:
        return x[:, None] * g[..., None, :] if y.ndim > 1 else x * g
    if y.ndim == 1:
        return (x.swapaxes(-1, -2) @ g[..., None])[..., 0]
    if x.ndim > 2 and y.ndim == 2:  # one product over the whole batch, instead of one each that are then summed
        return _rows(x).T @ _rows(g)
    return x.swapaxes(-1, -2) @ g


def _rows(array: Any) -> Any:
    """All axes but the last as one, of no entries too."""
    return array if array.ndim == 2 else array.reshape(math.prod(array.shape[:-1]), array.shape[-1])


def _power(x: Any, k: float) -> Any:
    """x ** k, where small whole k are products: NumPy takes hundreds of times as long for negative float32."""
    return x * _power(x, k - 1) if k in (3.0, 4.0) else x**k


def _axes(op: str, x: Any, axis: Axis) -> tuple[int, ...] | None:
    """The axes that an operation is told to take, from 0 on; None for all of them."""
    if axis is None:
        return None
    given = tuple(axis) if isinstance(axis, list | tuple) else (axis,)
    ends = range(-max(x.ndim, 1), max(x.ndim, 1))  # the single number has a first axis in NumPy, too
    if not all(isinstance(k, int | np.integer) and k in ends for k in given):
        raise ValueError(f"{op}: axis {axis!r} of a tensor of shape {x.shape}; it has axes 0 to {x.ndim - 1}")
    axes = tuple(int(k) % x.ndim for k in given) if x.ndim else ()
    if len(set(axes)) < len(axes):
        raise ValueError(f"{op}: axis {axis!r} of a tensor of shape {x.shape}; each may come once")
    return axes


def _spread(g: Any, x: Any, axes: tuple[int, ...] | None, keepdims: bool) -> Any:
    """The gradient of a sum: each entry that went into it receives the whole."""
    xp = module_of(x)
    return xp.broadcast_to(xp.expand_dims(g, axes) if axes and not keepdims else g, x.shape)
