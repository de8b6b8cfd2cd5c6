"""Functions of tensors: what networks are made of, each with its gradient.

    hidden = relu(linear(X, W, b))               # W (out, in): row = receiver
    loss = cross_entropy(hidden, labels)         # the mean over the batch; labels are integers
    loss.backward()

Inputs are tensors or what becomes one: an array is a constant, a number or whole number takes the dtype of the
tensor beside it. Shapes that do not fit are a ValueError with the operation and both shapes. What NumPy warns of
(log of 0) it warns of here, too; the walk back gives the nan or inf that follows without another word.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lessons._device import module_of
from lessons._rng import Seed, key_of, reaching
from lessons.graph import as_graph
from lessons.operators.windows import Windows, windows
from lessons.tensor import Array, Axis, Pull, Tensor, _axes, _constant, _fit, _rows, record, tensor_of

Operand = Tensor | ArrayLike
Pair = int | tuple[int, int]


# ---------------------------------------------------------------------------------------- entry by entry


def exp(x: Operand) -> Tensor:
    """e to the power of each entry.

    >>> exp([0.0, 1.0]).data.round(3)
    array([1.   , 2.718])
    """
    x = tensor_of(x)
    out = module_of(x._data).exp(x._data)
    return record("exp", out, (x, lambda g: g * out))


def log(x: Operand) -> Tensor:
    """The natural logarithm of each entry; -inf at 0 and nan below, with NumPy's warning."""
    x = tensor_of(x)
    values = x._data
    return record("log", module_of(values).log(values), (x, lambda g: g / values))


def sqrt(x: Operand) -> Tensor:
    """The square root of each entry; nan below 0, with NumPy's warning. Its derivative at 0 is inf."""
    x = tensor_of(x)
    out = module_of(x._data).sqrt(x._data)
    return record("sqrt", out, (x, lambda g: g / (2 * out)))


def tanh(x: Operand) -> Tensor:
    """The hyperbolic tangent of each entry."""
    x = tensor_of(x)
    out = module_of(x._data).tanh(x._data)
    return record("tanh", out, (x, lambda g: g * (1 - out * out)))


def sigmoid(x: Operand) -> Tensor:
    """1 / (1 + e^-x) of each entry, from e^-|x|, which overflows nowhere.

    >>> sigmoid([-1000.0, 0.0, 1000.0]).data
    array([0. , 0.5, 1. ])
    """
    x = tensor_of(x)
    xp = module_of(x._data)
    power = xp.exp(-abs(x._data))
    larger = 1 / (1 + power)  # sigmoid(|x|)
    out = xp.where(x._data < 0, power * larger, larger)
    return record("sigmoid", out, (x, lambda g: g * (power * larger * larger)))


def relu(x: Operand) -> Tensor:
    """max(0, x) of each entry; its derivative at 0 counts as 0.

    >>> relu([-1.0, 0.0, 2.0]).data
    array([0., 0., 2.])
    """
    x = tensor_of(x)
    out = module_of(x._data).maximum(x._data, 0)
    return record("relu", out, (x, lambda g: _taken(g, out != 0)))  # nan is not 0


def absolute(x: Operand) -> Tensor:
    """The absolute value of each entry; its derivative at 0 counts as 0."""
    return abs(tensor_of(x))


def maximum(a: Operand, b: Operand) -> Tensor:
    """The larger one of each pair of entries, broadcast; equal ones share the gradient half and half.

    >>> maximum([1.0, 5.0], 3.0).data
    array([3., 5.])
    """
    a, b = _operands(a, b)
    x, y = a._data, b._data
    out = _fit("maximum", module_of(x).maximum, a, b)
    return record("maximum", out, (a, lambda g: _share(g, x > y, x == y)), (b, lambda g: _share(g, y > x, x == y)))


def minimum(a: Operand, b: Operand) -> Tensor:
    """The smaller one of each pair of entries, broadcast; equal ones share the gradient half and half."""
    a, b = _operands(a, b)
    x, y = a._data, b._data
    out = _fit("minimum", module_of(x).minimum, a, b)
    return record("minimum", out, (a, lambda g: _share(g, x < y, x == y)), (b, lambda g: _share(g, y < x, x == y)))


def where(condition: ArrayLike, a: Operand, b: Operand) -> Tensor:
    """Entries of `a` where the condition holds, else of `b`, all three broadcast.

    `condition` is an array of True and False, such as `x.data > 0`; TypeError for another kind.

    >>> where([True, False], [1.0, 2.0], 0.0).data
    array([1., 0.])
    """
    a, b = _operands(a, b)
    xp = module_of(a._data)
    chosen = xp.array(condition)  # a copy, as the walk back reads it again
    if chosen.dtype != bool:
        raise TypeError(f"where: a condition holds True and False, not {chosen.dtype}; compare: x.data > 0")
    try:
        out = xp.where(chosen, a._data, b._data)
    except ValueError:
        shapes = f"a condition {chosen.shape} and values {a.shape} and {b.shape}"
        raise ValueError(f"where: {shapes} do not fit; their axes must be equal from the right, or 1") from None
    return record("where", out, (a, lambda g: xp.where(chosen, g, 0)), (b, lambda g: xp.where(chosen, 0, g)))


# ---------------------------------------------------------------------------------------- softmax and losses


def logsumexp(x: Operand, axis: Axis = -1, *, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) along an axis, several, or all (None), with the largest entry taken out first.

    -inf for entries that are all -inf, and for none. The gradient is the softmax, nan where all are -inf.

    >>> round(logsumexp([10000.0, 10000.0]).item(), 3)
    10000.693
    """
    x = tensor_of(x)
    xp, axes = module_of(x._data), _axes("logsumexp", x._data, axis)
    top = _largest(x._data, axes)
    top = xp.where(xp.isinf(top), 0, top)
    powers = xp.exp(x._data - top)
    total = powers.sum(axes, keepdims=True)
    with np.errstate(divide="ignore"):
        out = xp.log(total) + top

    def back(g: Any) -> Any:
        return g.reshape(total.shape) * (powers / total)

    return record("logsumexp", out if keepdims else out.squeeze(axes), (x, back))


def softmax(x: Operand, axis: Axis = -1) -> Tensor:
    """exp(x) / sum(exp(x)) along an axis, several, or all (None), with the largest entry taken out first.

    An entry of -inf gives 0; where all are -inf, or one is inf, no answer is right and each is nan, with NumPy's
    warning.

    >>> softmax([[0.0, 0.0], [-10000.0, 10000.0]]).data
    array([[0.5, 0.5],
           [0. , 1. ]])
    """
    x = tensor_of(x)
    axes = _axes("softmax", x._data, axis)
    powers = module_of(x._data).exp(x._data - _largest(x._data, axes))
    out = powers / powers.sum(axes, keepdims=True)

    def back(g: Any) -> Any:
        part = g * out
        return part - out * part.sum(axes, keepdims=True)

    return record("softmax", out, (x, back))


def log_softmax(x: Operand, axis: Axis = -1) -> Tensor:
    """log(softmax(x)) along an axis, several, or all (None), also where the softmax is too small for a float.

    An entry of -inf gives -inf; where all are -inf, or one is inf, each is nan, with NumPy's warning.

    >>> log_softmax([0.0, 10000.0]).data
    array([-10000.,      0.])
    """
    x = tensor_of(x)
    xp, axes = module_of(x._data), _axes("log_softmax", x._data, axis)
    shifted = x._data - _largest(x._data, axes)
    with np.errstate(divide="ignore"):  # over no entries
        out = shifted - xp.log(xp.exp(shifted).sum(axes, keepdims=True))
    return record("log_softmax", out, (x, lambda g: g - xp.exp(out) * g.sum(axes, keepdims=True)))


def cross_entropy(logits: Operand, labels: ArrayLike) -> Tensor:
    """How surprised the softmax of each row is at its label: -log(softmax(logits))[label], the mean over the rows.

    `logits` (n, classes), `labels` (n,) integers 0 ... classes - 1. A number, log(classes) where every class gets
    the same; inf where a label's logit is -inf. O(n * classes).

    Raises ValueError for shapes that do not fit, no rows, and a label that is no class, TypeError for labels that
    are no integers.

    >>> round(cross_entropy([[0.0, 0.0], [5.0, 5.0]], [0, 1]).item(), 4)
    0.6931

    Notebook: 03_backpropagation.
    """
    logits = tensor_of(logits)
    z = logits._data
    xp = module_of(z)
    at = _checked_labels(z, labels)
    n = len(at)
    at = at * n + xp.arange(n)  # where each row's label stands when classes come first
    z = z.T.copy()  # since NumPy is slow along a short last axis
    z -= z.max(axis=0)
    powers = xp.exp(z)
    total = powers.sum(axis=0)
    out = (xp.log(total) - z.take(at)).sum() / n

    def back(g: Any) -> Any:
        part = g / n
        whole = powers * (part / total)
        whole.reshape(-1)[at] -= part
        return whole.T

    return record("cross_entropy", out, (logits, back))


def _checked_labels(z: Any, given: ArrayLike) -> Any:
    """The labels as int64 where the logits lie, each one a class."""
    labels = module_of(z).asarray(given)
    if labels.dtype.kind not in "iu" and labels.size:
        raise TypeError(f"cross_entropy: labels are integers, one a row, not {labels.dtype}")
    if z.ndim != 2 or labels.shape != z.shape[:1] or not z.size:
        shapes = f"logits {z.shape} and labels {labels.shape} do not fit"
        raise ValueError(f"cross_entropy: {shapes}; (n, classes) and (n,), at least one of each, are needed")
    classes = z.shape[1]
    labels = labels.astype(np.int64)
    if labels.view(np.uint64).max() >= classes:  # what is negative, too, in one look
        wrong = int(labels[(labels < 0) | (labels >= classes)][0])
        raise ValueError(f"cross_entropy: the label {wrong} for {classes} classes; 0 to {classes - 1} are known")
    return labels


def mse(prediction: Operand, target: Operand) -> Tensor:
    """The mean of the squared differences of two tensors of one shape: a number.

    Raises ValueError for other shapes (none is broadcast, since (n,) against (n, 1) is nearly always a slip), and
    where there are no entries.

    >>> mse([1.0, 2.0], [1.0, 4.0]).item()
    2.0
    """
    a, b = _operands(prediction, target)
    if a.shape != b.shape or not a.size:
        raise ValueError(f"mse: shapes {a.shape} and {b.shape}; they must be equal, with at least one entry")
    off = a._data - b._data
    n = off.size
    return record(
        "mse", (off * off).sum() / n, (a, lambda g: off * (g * (2 / n))), (b, lambda g: off * (g * (-2 / n)))
    )


# ---------------------------------------------------------------------------------------- products


def linear(x: Operand, W: Operand, b: Operand | None = None) -> Tensor:
    """x @ W.T + b, one step of the tape. `x` (..., in), `W` (out, in), `b` (out,); gives (..., out).

    Row = receiver: W[i, j] is what output i takes of input j. O(n * in * out) for n rows, three times with its
    gradients.

    >>> linear([[1.0, 2.0]], [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [0.0, 0.0, 0.5]).data
    array([[1. , 2. , 3.5]])

    Notebook: 03_backpropagation.
    """
    W = W if isinstance(W, Tensor) else _operands(W, x)[0]
    x = x if isinstance(x, Tensor) else _constant(x, W)
    rows, weights = x._data, W._data
    if rows.ndim == 0 or weights.ndim != 2 or rows.shape[-1] != weights.shape[1]:
        raise ValueError(f"linear: x {rows.shape} and W {weights.shape} do not fit; (..., in) and (out, in) do")
    out = rows @ weights.T
    edges = (x, lambda g: g @ weights), (W, lambda g: _rows(g).T @ _rows(rows))
    if b is None:
        return record("linear", out, *edges)
    b = b if isinstance(b, Tensor) else _constant(b, W)
    if b._data.shape != weights.shape[:1]:
        raise ValueError(f"linear: b {b.shape} and W {weights.shape} do not fit; (out,) and (out, in) do")
    return record("linear", out + b._data, *edges, (b, lambda g: _added(_rows(g))))


def sparse_matmul(A: Any, X: Operand) -> Tensor:
    """A @ X with a constant sparse matrix: `A` (m, n), `X` (n, d) or (n,); gives (m, d) or (m,).

    `A` is any sparse matrix or array of SciPy, of cupyx where X lies on a device, or a graph as `as_graph` takes
    it, which counts as its adjacency matrix: A @ X adds up for each node the rows that its edges lead to. The
    messages that arrive along the edges are `sparse_matmul(graph.to_scipy().T, X)`. Its values are taken in X's
    dtype. O(stored * d).

    Raises TypeError for what is not sparse or lies elsewhere than X, ValueError for shapes that do not fit.

    >>> from scipy.sparse import csr_array
    >>> sparse_matmul(csr_array([[0.0, 2.0], [0.0, 0.0]]), [[1.0], [5.0]]).data
    array([[10.],
           [ 0.]])

    Notebook: 03_backpropagation.
    """
    X = tensor_of(X)
    x = X._data
    if hasattr(A, "edges"):  # a Graph, or one of networkx
        A = as_graph(A).to_scipy()
    if not hasattr(A, "tocsr"):
        raise TypeError(f"sparse_matmul: {type(A).__name__} is no sparse matrix; for arrays there is A @ X")
    if (type(A).__module__.partition(".")[0] == "scipy") != (module_of(x) is np):
        raise TypeError(f"sparse_matmul: {type(A)} with {type(x)}; SciPy's go with NumPy's, cupyx's with CuPy's")
    if x.ndim not in (1, 2) or len(A.shape) != 2 or A.shape[1] != x.shape[0]:
        raise ValueError(f"sparse_matmul: A {A.shape} and X {x.shape} do not fit; (m, n) and (n, d) or (n,) do")
    if A.dtype.kind not in "biuf":
        raise ValueError(f"sparse_matmul: A holds {A.dtype}; real numbers are needed")
    return _sparse_product(
        A.tocsr().astype(x.dtype), X
    )  # a copy: SciPy may sort the caller's in place at any time


# ---------------------------------------------------------------------------------------- joining


def concatenate(tensors: Sequence[Operand], axis: int = 0) -> Tensor:
    """Tensors one after the other along an axis that they have; the other axes must be equal.

    >>> concatenate([[1.0], [2.0, 3.0]]).data
    array([1., 2., 3.])
    """
    parts = _operands(*tensors)
    out = _joined("concatenate", parts, axis)
    axis %= out.ndim
    edges, start = [], 0
    for part in parts:
        end = start + part.shape[axis]
        edges.append((part, _taking((slice(None),) * axis + (slice(start, end),))))
        start = end
    return record("concatenate", out, *edges)


def stack(tensors: Sequence[Operand], axis: int = 0) -> Tensor:
    """Tensors of one shape side by side along a new axis.

    >>> stack([[1.0, 2.0], [3.0, 4.0]], axis=1).data
    array([[1., 3.],
           [2., 4.]])
    """
    parts = _operands(*tensors)
    out = _joined("stack", parts, axis)
    lead = (slice(None),) * (axis % out.ndim)
    return record("stack", out, *((part, _taking((*lead, k))) for k, part in enumerate(parts)))


def _joined(op: str, parts: Sequence[Tensor], axis: int) -> Any:
    """What `concatenate` or `stack` gives, or an error with all shapes."""
    if not parts:
        raise ValueError(f"{op}: no tensors; at least one is needed")
    if not isinstance(axis, int | np.integer):
        raise TypeError(f"{op}: axis={axis!r}; a whole number is needed, and the tensors stand in one list")
    arrays = [part._data for part in parts]
    try:
        return getattr(module_of(arrays[0]), op)(arrays, axis=axis)
    except ValueError:
        shapes = ", ".join(str(part.shape) for part in parts)
        raise ValueError(f"{op}: shapes {shapes} do not fit along axis {axis}") from None


def _taking(key: tuple[Any, ...]) -> Pull:
    return lambda g: g[key]


# ---------------------------------------------------------------------------------------- images


def conv2d(x: Operand, W: Operand, b: Operand | None = None, *, stride: Pair = 1, padding: Pair = 0) -> Tensor:
    """Filters slid over images: each number of the result is the sum of a window times a filter, plus its bias.

    `x` (n, channel, height, width), `W` (out, channel, k, l), `b` (out,); gives (n, out, i, j), where i is
    (height + 2 padding - k) // stride + 1, and j likewise. `stride` and `padding` (zeros on each side) are a
    number for both axes or a pair; filters are not flipped.

    The windows are laid side by side, so that all is one matrix product; they take k * l / stride^2 times the
    memory of x until the tape is freed. O(n * i * j * out * channel * k * l), three times with its gradients.

    Raises ValueError for shapes that do not fit, and where a filter finds no room.

    >>> conv2d(np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2))).data
    array([[[[4., 4.],
             [4., 4.]]]])

    Notebook: 03_backpropagation.
    """
    x, W, *bias = _operands(x, W) if b is None else _operands(x, W, b)
    _check_filters(x, W, bias)
    weights, lengths = W._data, x.shape[2:]
    features, channels, *size = weights.shape
    at = _windows("conv2d", x, size, stride, padding)
    columns = _side_by_side(at.padded(x._data, 0), at)
    flat = columns.reshape(math.prod(columns.shape[:2]), math.prod(columns.shape[2:]))
    filters = weights.transpose(0, 2, 3, 1).reshape(features, len(flat))
    out = filters @ flat
    if bias:
        out = out + bias[0]._data[:, None]

    def rows(g: Any) -> Any:
        return g.transpose(1, 2, 3, 0).reshape(features, flat.shape[1])

    def back(g: Any) -> Any:
        parts = (filters.T @ rows(g)).reshape(columns.shape)
        return _put_back(parts.transpose(0, 4, 1, 2, 3), at, lengths)

    def back_to_weights(g: Any) -> Any:
        return (rows(g) @ flat.T).reshape(features, *size, channels).transpose(0, 3, 1, 2)

    edges = [(x, back), (W, back_to_weights), *((b, lambda g: rows(g).sum(axis=1)) for b in bias)]
    return record("conv2d", out.reshape(features, *columns.shape[2:]).transpose(3, 0, 1, 2), *edges)


def max_pool2d(x: Operand, size: Pair, *, stride: Pair | None = None, padding: Pair = 0) -> Tensor:
    """The largest entry of each window; of equal ones the first, row by row, receives the gradient.

    `x` (n, channel, height, width); `size`, `stride` (as `size` unless told) and `padding` (by -inf, at most half
    the size) are a number for both axes or a pair. O(size^2) for each number of the result.

    Raises ValueError for another shape or where a window finds no room.

    >>> max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2).data
    array([[[[ 5.,  7.],
             [13., 15.]]]])

    Notebook: 03_backpropagation.
    """
    x = tensor_of(x)
    at = _windows("max_pool2d", x, size, size if stride is None else stride, padding)
    lengths, padded = x.shape[2:], at.padded(x._data, -math.inf)
    out = reduce(module_of(padded).maximum, _taps(padded, at))

    def back(g: Any) -> Any:
        return _put_back(_to_the_first(g, padded, out, at), at, lengths)

    return record("max_pool2d", out, (x, back))


def _to_the_first(g: Any, padded: Any, out: Any, at: Windows) -> Iterator[Any]:
    """For each place in the window what it receives: all, if it is the first that holds the largest entry."""
    waits = out == out
    for tap in _taps(padded, at):
        hit = waits & (tap == out)
        waits = waits ^ hit
        yield _taken(g, hit)


def avg_pool2d(x: Operand, size: Pair, *, stride: Pair | None = None, padding: Pair = 0) -> Tensor:
    """The mean of each window, zeros of the padding counted in; arguments as for `max_pool2d`.

    >>> avg_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2).data
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """
    x = tensor_of(x)
    at = _windows("avg_pool2d", x, size, size if stride is None else stride, padding)
    lengths, entries = x.shape[2:], math.prod(at.kernel)
    out = sum(_taps(at.padded(x._data, 0), at)) / entries
    return record("avg_pool2d", out, (x, lambda g: _put_back(repeat(g / entries, entries), at, lengths)))


def _check_filters(x: Tensor, W: Tensor, bias: list[Tensor]) -> None:
    if x.ndim != 4 or W.ndim != 4 or x.shape[1] != W.shape[1]:
        rule = "(n, channel, height, width) and (out, channel, k, l) do"
        raise ValueError(f"conv2d: x {x.shape} and W {W.shape} do not fit; {rule}")
    if bias and bias[0].shape != W.shape[:1]:
        raise ValueError(
            f"conv2d: b {bias[0].shape} and W {W.shape} do not fit; (out,) and (out, channel, k, l) do"
        )


def _windows(op: str, x: Tensor, size: Pair | Sequence[int], stride: Pair, padding: Pair) -> Windows:
    """The windows of an operation on images, or an error that names it and the shapes."""
    if x.ndim != 4:
        raise ValueError(f"{op}: x {x.shape}; (n, channel, height, width) is needed")
    size, stride = _pair(op, "size", size, 1), _pair(op, "stride", stride, 1)
    padding = _pair(op, "padding", padding, 0)
    if op != "conv2d" and any(2 * pad > length for pad, length in zip(padding, size, strict=True)):
        raise ValueError(f"{op}: padding={padding} for windows {size}; at most half of them")
    if any(n + 2 * pad < length for n, pad, length in zip(x.shape[2:], padding, size, strict=True)):
        raise ValueError(f"{op}: windows {size} find no room in x {x.shape} padded by {padding}")
    return windows(x.shape[2:], size, stride, None, (*padding, *padding))


def _pair(op: str, name: str, value: Any, least: int) -> tuple[int, int]:
    pair = tuple(value) if isinstance(value, Sequence) else (value, value)
    if len(pair) != 2 or not all(isinstance(length, int | np.integer) and length >= least for length in pair):
        raise ValueError(f"{op}: {name}={value!r}; a whole number from {least} on, or a pair of them, is needed")
    return int(pair[0]), int(pair[1])


def _taps(padded: Any, at: Windows) -> Iterator[Any]:
    """For each place in the window, row by row, the entries that stand there: a view (n, channel, i, j)."""
    return (padded[:, :, i, j] for i in at.taps(0) for j in at.taps(1))


def _side_by_side(padded: Any, at: Windows) -> Any:
    """A copy of all windows, (place in the window, channel, i, j, n).

    In memory the images come last, here and in the result of a convolution: then what is copied or added at once
    is a whole row of windows of all images, and one product does for all.
    """
    xp, (n, channels) = module_of(padded), padded.shape[:2]
    images = xp.ascontiguousarray(padded.transpose(1, 2, 3, 0)).transpose(3, 0, 1, 2)
    columns = xp.empty((math.prod(at.kernel), channels, *at.out, n), padded.dtype)
    for column, tap in zip(columns, _taps(images, at), strict=True):
        column[...] = tap.transpose(1, 2, 3, 0)
    return columns


def _put_back(parts: Iterable[Any], at: Windows, lengths: Sequence[int]) -> Any:
    """What each place in the window receives, added up where it came from; the padding is cut off."""
    room = [max(at.before[k] + n, at.strides[k] * (at.out[k] - 1) + at.reach(k)) for k, n in enumerate(lengths)]
    first, *others = parts
    whole = module_of(first).zeros_like(first, shape=(*first.shape[:2], *room))
    for target, part in zip(_taps(whole, at), [first, *others], strict=True):
        target += part
    inner = (slice(start, start + n) for start, n in zip(at.before, lengths, strict=True))
    return whole[:, :, *inner]


# ---------------------------------------------------------------------------------------- normalising


def batch_norm(x: Operand, gamma: Operand, beta: Operand, *, epsilon: float = 1e-5) -> Tensor:
    """Each channel shifted and scaled to mean 0 and variance 1 over the batch, then times gamma, plus beta.

    `x` (n, channel) or (n, channel, ...), `gamma` and `beta` (channel,). The variance is that of the batch itself,
    divided by the number of entries, plus `epsilon`. O(size), a few passes.

    Raises ValueError for shapes that do not fit, and for less than two entries a channel, which have no variance.

    >>> batch_norm([[1.0], [3.0]], [1.0], [0.0], epsilon=0.0).data.T
    array([[-1.,  1.]])

    Notebook: 03_backpropagation. Source: S. Ioffe, C. Szegedy, Batch normalization, ICML 2015, algorithm 1,
    arXiv:1502.03167.
    """
    x, gamma, beta = _operands(x, gamma, beta)
    axes = _batch_axes("batch_norm", x._data)
    if gamma.shape != x.shape[1:2] or beta.shape != x.shape[1:2]:
        shapes = f"x {x.shape}, gamma {gamma.shape} and beta {beta.shape}"
        raise ValueError(f"batch_norm: {shapes} do not fit; (n, channel, ...), (channel,) and (channel,) do")
    if not epsilon >= 0:
        raise ValueError(f"batch_norm: epsilon={epsilon}; a small number, 0 or more, is needed")
    epsilon = float(epsilon)  # a float64 of NumPy would make all of it float64
    per_channel = (1, -1, *[1] * (x.ndim - 2))
    off = x._data - x._data.mean(axes, keepdims=True)
    scale = ((off * off).mean(axes, keepdims=True) + epsilon) ** -0.5
    normal = off * scale
    weights = gamma._data.reshape(per_channel)

    def back(g: Any) -> Any:
        mean, slope = g.mean(axes, keepdims=True), (g * normal).mean(axes, keepdims=True)
        return (g - mean - normal * slope) * (scale * weights)

    out = normal * weights + beta._data.reshape(per_channel)
    edges = (x, back), (gamma, lambda g: (g * normal).sum(axes)), (beta, lambda g: g.sum(axes))
    return record("batch_norm", out, *edges)


def batch_statistics(x: Operand) -> tuple[Array, Array]:
    """Mean and variance of each channel over the batch, (channel,) each: what a layer keeps for later.

    `x` as for `batch_norm`. The variance is divided by the number of entries less one, so that on average it is
    that of the data; `batch_norm` itself divides by the number. Raises ValueError for less than two entries.

    >>> batch_statistics([[1.0], [3.0]])
    (array([2.]), array([2.]))
    """
    values = tensor_of(x)._data
    axes = _batch_axes("batch_statistics", values)
    return values.mean(axes), values.var(axes, ddof=1)


def _batch_axes(op: str, x: Any) -> tuple[int, ...]:
    """All axes but that of the channels."""
    axes = (0, *range(2, x.ndim))
    if x.ndim < 2 or math.prod(x.shape[axis] for axis in axes) < 2:
        raise ValueError(f"{op}: x {x.shape}; (n, channel, ...) with two entries or more a channel is needed")
    return axes


def dropout(x: Operand, p: float, *, seed: Seed) -> Tensor:
    """Each entry is 0 with probability p, else divided by 1 - p, so that the mean stays as it is.

    Which entries go depends on the shape and the seed alone, not on machine, device or dtype. An integer gives the
    same ones each time; a Generator moves on by one draw, so that the next call drops others; None gives some that
    never come again. O(size).

    Raises ValueError unless 0 <= p < 1.

    >>> dropout(np.ones(8), 0.5, seed=0).data
    array([2., 2., 2., 2., 2., 2., 0., 2.])

    Notebook: 03_backpropagation. Source: N. Srivastava and others, Dropout: a simple way to prevent neural
    networks from overfitting, Journal of Machine Learning Research 15, 2014, pages 1929-1958.
    """
    if not 0 <= p < 1:
        raise ValueError(f"dropout: p={p}; a probability, 0 or more and less than 1, is needed")
    x, p = tensor_of(x), float(p)  # a float64 of NumPy would make all of it float64
    kept = reaching(key_of(seed), x.size, p).reshape(x.shape)
    mask = module_of(x._data).asarray(kept * (x.dtype.type(1) / x.dtype.type(1 - p)))
    return record("dropout", x._data * mask, (x, lambda g: g * mask))


# ---------------------------------------------------------------------------------------- helpers


def _sparse_product(rows: Any, X: Tensor, turned: Any = None) -> Tensor:
    """`sparse_matmul` by a CSR matrix of X's dtype that nobody writes to, which is neither checked nor copied.

    `turned` is its transpose, where that is at hand.
    """
    return record("sparse_matmul", rows @ X._data, (X, lambda g: (rows.T if turned is None else turned) @ g))


def _operands(*values: Operand) -> list[Tensor]:
    """Tensors as they are, the rest as constants like the first tensor, or the first array where there is none."""
    known = [value for value in values if isinstance(value, Tensor)] or [
        tensor_of(value) for value in values if hasattr(value, "dtype")
    ]
    like = known[0] if known else None
    return [
        value if isinstance(value, Tensor) else tensor_of(value) if like is None else _constant(value, like)
        for value in values
    ]


def _largest(x: Any, axes: tuple[int, ...] | None) -> Any:
    """The largest entry along an axis, which stays; 0 over no entries."""
    return x.max(axes, keepdims=True) if x.size else x.sum(axes, keepdims=True)


def _share(g: Any, wins: Any, ties: Any) -> Any:
    """The gradient of an entry: whole where it was chosen, half where both were equal."""
    return module_of(g).where(ties, g / 2, _taken(g, wins))


def _taken(g: Any, mask: Any) -> Any:
    """g where an entry was taken, else 0, also where g is inf: 0 times its bits, since 0 times inf is no number.

    Takes at most a third longer than g * mask; `where` takes up to ten times as long.
    """
    return (g.view(np.int32 if g.dtype == np.float32 else np.int64) * mask).view(g.dtype)


def _added(rows: Any) -> Any:
    """The sum of rows. Of many it is faster by BLAS, and more exact in float32, than one row after the other."""
    return module_of(rows).ones(len(rows), rows.dtype) @ rows if len(rows) > 100 else rows.sum(axis=0)
