"""Training as a dynamics of synapses: who acts on whom among the weights of a network, and how strongly in all.

    neural_capacitance(model, X, y)          # beta_eff of a network and a batch, for about one more backward pass
    in_out_sums(model, X, y)                 # what it is made of: sums of the rows and the columns of P, by layer
    coupling(model, X, y)                    # P itself, synapse by synapse, of small networks
    line_graph(model)                        # who can act on whom: synapses, joined where a neuron joins them

A synapse (l, j, i) is the weight with which unit j of layer l hears unit i of layer l - 1; layer 0 are the inputs.
With activations z, slopes s' and errors d, gradient descent moves it at the speed

    -dC/dw(l, j, i) = sum over k of P[(l, j, i), (l + 1, k, j)] w(l + 1, k, j)
    P[(l, j, i), (l + 1, k, j)] = -sum over rows of s'_l(j) z_{l-1}(i) d_{l+1}(k)

where l is not the last layer, which is driven from outside. P is a reading of the papers below, not taken from
them: their own formula could not be verified, and nothing here repeats their setting, image models that were
trained in advance. States are the weights only; biases take part through z, s' and d.

Papers: C. Jiang, Z. Huang, T. Pedapati, P.-Y. Chen, Y. Sun, J. Gao, Network properties determine neural network
performance, Nature Communications 15, 2024, article 5718, doi:10.1038/s41467-024-48069-8; its first version is
arXiv:2201.04194.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons._checks import real_numbers
from lessons._device import module_of, to_host
from lessons.graph import Graph
from lessons.layers import Linear, Sequential
from lessons.neurons import _chained
from lessons.resilience import divisor
from lessons.tensor import Tensor, no_grad
from lessons.tensor_functions import cross_entropy
from lessons.training import _mode, _single

if TYPE_CHECKING:
    import scipy.sparse

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Loss = Callable[[Tensor, Any], Tensor]
Step = Callable[[Any], Any]
Synapse = tuple[int, int, int]  # layer, receiver, sender

LINKS_LIMIT = 2_000_000  # of a line graph that is built: some 30 MB

# ---------------------------------------------------------------------------------------- what P is made of


@dataclass(frozen=True, eq=False)
class States:
    """What P is made of, {layer: array}: what each unit hands on, how steeply, and how wrong that is.

    `Z[l]` (rows, units) are activations, l = 0, of what the first weights read, to L - 1; `S[l]` (rows, units)
    slopes, how fast each activation rises with what enters its unit, l = 1 ... L - 1; `D[l]` (rows, units) errors,
    the derivative of the loss by what enters each unit, l = 1 ... L; `M[l]` (receivers, senders) masks, whether a
    synapse is there, l = 1 ... L. For a mean loss the errors are those of its rows over their number.
    """

    Z: dict[int, Floats]
    S: dict[int, Floats]
    D: dict[int, Floats]
    M: dict[int, Mask]

    @property
    def L(self) -> int:
        """The number of layers of weights."""
        return len(self.M)


def states(model: Sequential, X: Any, y: Any, *, loss: Loss = cross_entropy) -> States:
    """The activations, slopes and errors of a network for a batch, layer by layer: X (rows, ...), y (rows, ...).

    `model` is an `MLP`, a `RelationalMLP` or another `Sequential` in which a `Linear` or `RelationalLinear` is a
    layer of weights. What stands between two of them must work unit by unit, as relu, tanh, BatchNorm and Dropout
    do; what comes before the first prepares its input, and what follows the last is part of the loss, which is a
    function such as `cross_entropy` or `mse`. Computed in evaluation mode and in float64 whatever the dtype of the
    weights; the model is left as it was. O(rows weights).

    Raises TypeError for a model of another kind, ValueError where what stands between layers does not work unit by
    unit, a layer stands there twice, or activations, slopes or errors are not finite.

    >>> from lessons.layers import MLP
    >>> found = states(MLP([4, 3, 2], seed=0), np.ones((5, 4)), np.array([0, 1, 0, 1, 0]))
    >>> found.L, found.Z[1].shape, found.D[2].shape, found.M[1].shape
    (2, (5, 3), (5, 2), (3, 4))

    Notebook: 13_neural_capacitance.
    """
    if not callable(loss):
        raise TypeError(f"loss={loss!r}: a function is needed, such as `cross_entropy` or `mse`")
    layers, between = _read(model)
    last = len(layers)
    Z: dict[int, Floats] = {}
    S: dict[int, Floats] = {}
    D: dict[int, Floats] = {}
    with _mode(model, False), _grads_kept(model), np.errstate(over="ignore", invalid="ignore"):
        z = _prepared(between[0], X, layers[0])
        Z[0] = _finite("the input", 0, z)
        for at, layer in enumerate(layers[:-1], 1):
            z, S[at] = _activated(between[at], at, _entering(layer, z))
            Z[at] = to_host(z)
        D[last] = _finite("the error", last, _errors(loss, between[last], _entering(layers[-1], z), y))
    M = _masks(model)
    for at in range(last - 1, 0, -1):
        W = to_host(layers[at].W.data) * M[at + 1]  # of layer at + 1
        D[at] = _finite("the error", at, S[at] * (D[at + 1] @ W))
    return States(Z, S, D, M)


# ---------------------------------------------------------------------------------------- synapse by synapse


def coupling_definition(given: States) -> dict[tuple[Synapse, Synapse], float]:
    """The definition of P, in plain Python: {(receiving synapse, acting synapse): how strongly}.

    A synapse (l, j, i) is acted on by those of the next layer that hear its receiver, (l + 1, k, j). O(rows) for
    each link.

    >>> one = {at: np.ones((1, 1)) for at in range(3)}  # a chain of three units, one row: z = s' = 1, d = 2
    >>> M = {1: one[1], 2: one[2]}
    >>> coupling_definition(States(Z=one, S=one, D={1: 2 * one[1], 2: 2 * one[2]}, M=M))
    {((1, 0, 0), (2, 0, 0)): -2.0}

    Notebook: 13_neural_capacitance. Source: a reading, see the top of this file.
    """
    Z, S, D, M = given.Z, given.S, given.D, given.M
    P = {}
    for at in range(1, given.L):
        for (j, i), k in product(np.argwhere(M[at]).tolist(), range(len(M[at + 1]))):
            if M[at + 1][k, j]:
                rows = zip(S[at][:, j].tolist(), Z[at - 1][:, i].tolist(), D[at + 1][:, k].tolist(), strict=True)
                P[(at, j, i), (at + 1, k, j)] = -sum(s * z * d for s, z, d in rows)
    return P


def line_graph(masks: Sequential | Sequence[ArrayLike]) -> Graph:
    """The synapses of a network as nodes (layer, receiver, sender), an edge where one hands on to the next.

    `masks` is the model, or its weights or masks M_1, M_2, ..., each (receivers, senders), in which 0 is no
    synapse. The edges (l, j, i) -> (l + 1, k, j) go the way of the signal, as in the directed line graph of
    `neuron_graph`. A `coupling` acts the other way: its P[a, b], receiver first, stands where a -> b is an edge
    here. Nodes in the order of layers, receivers, senders. O(synapses + links), where each hidden neuron makes as
    many links as it has synapses in times synapses out.

    Raises ValueError for more than two million links, and for masks that do not fit one another.

    >>> graph = line_graph([np.ones((2, 3)), np.ones((1, 2))])
    >>> graph
    Graph(n=8, m=6, directed)
    >>> graph.neighbors((1, 0, 2)), graph.neighbors((1, 1, 2))
    ([(2, 0, 0)], [(2, 0, 1)])

    Notebook: 13_neural_capacitance.
    """
    M = _masks_of(masks)
    _few_links(M)
    first, then = _ends(list(_joints(M)))
    labels = tuple((at, j, i) for at, mask in M.items() for j, i in np.argwhere(mask).tolist())
    indptr = np.cumsum([0, *np.bincount(first, minlength=len(labels))])
    return Graph(indptr, then.astype(np.int32), directed=True, labels=labels)


def coupling(
    model: Sequential, X: Any, y: Any, *, absolute: bool = False, loss: Loss = cross_entropy
) -> scipy.sparse.csr_array:
    """P (synapses, synapses): how strongly each synapse acts on each other, in the order of the `line_graph`.

    Row = receiver: P[a, b] is stored where synapse a hands on to synapse b, also where it is 0, and b acts on a.
    With w the weights in that order, (P @ w)[a] is -dC/dw[a] for all layers but the last, whose rows are empty.
    With `absolute` activations, slopes and errors count by their sizes: no entry of P is negative then.
    P @ P @ ... is 0 as soon as it spans all layers, so all eigenvalues of P are 0. O(rows links).

    Raises ValueError for more than two million links, and what `states` raises.

    >>> from lessons.layers import MLP
    >>> from lessons.tensor_functions import mse
    >>> coupling(MLP([3, 2, 1], seed=0), np.ones((4, 3)), np.zeros((4, 1)), loss=mse).nnz
    6

    Notebook: 13_neural_capacitance. Source: a reading, see the top of this file.
    """
    from scipy.sparse import coo_array

    _few_links(_masks(model))
    found, sign = _signed(states(model, X, y, loss=loss), absolute)
    joints = list(_joints(found.M))
    blocks = []
    for at, unit, senders, receivers, *_ in joints:
        arrives = found.S[at][:, [unit]] * found.Z[at - 1][:, senders]
        blocks.append(sign * arrives.T @ found.D[at + 1][:, receivers])
    n = sum(int(mask.sum()) for mask in found.M.values())
    values = np.concatenate([block.ravel() for block in blocks]) if blocks else np.empty(0)
    return coo_array((values, _ends(joints)), shape=(n, n)).tocsr()


# ---------------------------------------------------------------------------------------- the closed form


@dataclass(frozen=True, eq=False)
class Sums:
    """The sums of P's rows, `IN`, and columns, `OUT`: {layer: (receivers, senders)}, a number for each synapse."""

    IN: dict[int, Floats]
    OUT: dict[int, Floats]

    @property
    def numerator(self) -> float:
        """1'PP1: over all synapses, what acts on them times what they act on."""
        return float(sum((self.IN[at] * self.OUT[at]).sum() for at in self.IN))

    @property
    def denominator(self) -> float:
        """1'P1: all couplings together."""
        return float(sum(entering.sum() for entering in self.IN.values()))


def in_out_sums(model: Sequential, X: Any, y: Any, *, absolute: bool = False, loss: Loss = cross_entropy) -> Sums:
    """The sums of the rows and columns of the `coupling` P, without P: O(rows weights); some training steps.

    The synapse from i to j in layer l takes from all units k that hear j, and gives to all units h that i hears:

        IN_l(j, i)  = -sum over rows of s'_l(j) z_{l-1}(i) (sum over k of d_{l+1}(k)),       0 in the last layer
        OUT_l(j, i) = -sum over rows of d_l(j) s'_{l-1}(i) (sum over h of z_{l-2}(h)),       0 in the first layer

    Raises what `states` raises.

    >>> from lessons.layers import MLP
    >>> model, X, y = MLP([4, 3, 3, 3, 2], seed=0), np.ones((1, 4)), np.array([1])
    >>> P, sums = coupling(model, X, y), in_out_sums(model, X, y)
    >>> bool(np.isclose(P.sum(), sums.denominator)), bool(np.isclose((P @ P).sum(), sums.numerator))
    (True, True)

    Notebook: 13_neural_capacitance. Source: from the P at the top of this file.
    """
    return _sums(*_signed(states(model, X, y, loss=loss), absolute))


def _sums(found: States, sign: float) -> Sums:
    Z, S, D, M = found.Z, found.S, found.D, found.M
    IN, OUT = ({at: np.zeros(mask.shape) for at, mask in M.items()} for _ in range(2))
    for at in range(1, found.L):
        heard = D[at + 1] @ M[at + 1]  # (rows, units of layer `at`)
        IN[at] = sign * ((S[at] * heard).T @ Z[at - 1]) * M[at]
    for at in range(2, found.L + 1):
        hears = Z[at - 2] @ M[at - 1].T  # (rows, units of layer at - 1)
        OUT[at] = sign * (D[at].T @ (S[at - 1] * hears)) * M[at]
    return Sums(IN, OUT)


def neural_capacitance(
    model: Sequential, X: Any, y: Any, *, absolute: bool = False, loss: Loss = cross_entropy
) -> float:
    """beta_eff = 1'PP1 / 1'P1 of a network's `coupling` P for a batch X (rows, ...), y (rows, ...).

    Computed as `in_out_sums` are, in O(rows weights). Errors that are all c times as large make a beta that is c
    times as large, so it goes to 0 with the errors, and not with the gradient alone. It is larger in deep networks
    that are wider, and another one where the weights of a layer are multiplied and those of the next divided by a
    number, though relu makes the same of both: networks of other sizes or scales are not compared by it. With
    signs the denominator may pass through 0 while a network learns; and since the errors of all classes sum to 0
    under `cross_entropy`, a network with three layers of weights has a beta of 0, but for rounding, whatever it
    does. Neither happens with `absolute`, where activations, slopes and errors count by their sizes.

    Raises ValueError for fewer than two hidden layers, where PP is 0; for a denominator of 0, as when all errors
    are; and what `states` raises.

    >>> from lessons.layers import MLP
    >>> model, X, y = MLP([4, 8, 8, 8, 3], seed=0), np.ones((6, 4)), np.array([0, 1, 2, 0, 1, 2])
    >>> round(neural_capacitance(model, X, y, absolute=True), 3)
    0.983

    Notebook: 13_neural_capacitance. Source: a reading, see the top of this file; beta_eff: `lessons.resilience`.
    """
    layers, _ = _read(model)
    hidden = len(layers) - 1
    if hidden < 2:
        raise ValueError(
            f"{hidden} hidden layer{'' if hidden == 1 else 's'}: two or more are needed, since a synapse acts on "
            "the layer before its own only, and no synapse is both acted on and acting; add a layer"
        )
    found = states(model, X, y, loss=loss)
    sizes = _sums(*_signed(found, absolute=True))
    sums = sizes if absolute else _sums(found, -1.0)
    return sums.numerator / divisor(sums.denominator, sizes.denominator)


# ---------------------------------------------------------------------------------------- a model, read


def _read(model: Sequential) -> tuple[list[Linear], list[list[Step]]]:
    """The layers of weights, and the steps before the first, between them and after the last."""
    if not isinstance(model, Sequential):
        raise TypeError(f"{type(model).__name__}: an MLP, or another Sequential with Linear layers, is needed")
    layers: list[Linear] = []
    between: list[list[Step]] = [[]]
    for step in _steps(model):
        if isinstance(step, Linear):
            if any(step is other for other in layers):
                raise ValueError(
                    f"layer {len(layers) + 1} is layer {layers.index(step) + 1} again: each has its own"
                )
            layers.append(step)
            between.append([])
        else:
            between[-1].append(step)
    if not layers:
        raise TypeError(f"{model}: there is no Linear layer in it")
    return layers, between


def _steps(model: Sequential) -> Iterator[Step]:
    for step in model.steps:
        if isinstance(step, Sequential):
            yield from _steps(step)
        else:
            yield step


def _masks_of(masks: Sequential | Sequence[ArrayLike]) -> dict[int, Mask]:
    if isinstance(masks, Sequential):
        return _masks(masks)
    return {at: array != 0 for at, array in enumerate(_chained(masks), 1)}


def _masks(model: Sequential) -> dict[int, Mask]:
    return {at: _mask(layer) for at, layer in enumerate(_read(model)[0], 1)}


def _mask(layer: Linear) -> Mask:
    """Which synapses there are: all, but for a layer that says otherwise."""
    return to_host(getattr(layer, "mask", np.ones(layer.W.shape, np.bool_)))


@contextmanager
def _grads_kept(model: Sequential) -> Iterator[None]:
    """Afterwards all gradients are as they were: those of batch normalisation are added to on the way."""
    before = [(tensor, tensor.grad) for tensor in model.parameters()]
    try:
        yield
    finally:
        for tensor, grad in before:
            tensor.grad = grad


def _run(steps: Sequence[Step], x: Any) -> Any:
    for step in steps:
        x = step(x)
    return x


def _prepared(steps: Sequence[Step], X: Any, first: Linear) -> Any:
    """What the first weights read: an array of float64 where they lie."""
    given = X.data if isinstance(X, Tensor) else X
    given = given if hasattr(given, "__cuda_array_interface__") else real_numbers("X", given)
    x = module_of(first.W.data).asarray(given, dtype=np.float64)
    with no_grad():
        z = _run(steps, x)
    z = z.data if isinstance(z, Tensor) else z
    if z.ndim != 2:
        raise ValueError(
            f"the first Linear gets an array of shape {z.shape}: (rows, {first.W.shape[1]}) is needed"
        )
    return z


def _entering(layer: Linear, z: Any) -> Any:
    """What enters each unit of a layer, (rows, units)."""
    with no_grad():
        return layer(z).data


def _activated(steps: Sequence[Step], at: int, enters: Any) -> tuple[Any, Floats]:
    """What the units of layer `at` hand on, and the slope of that: both (rows, units)."""
    a = Tensor(enters)
    z = _run(steps, a + 0.0)  # computed from `a` even where there are no steps
    what = " and ".join(getattr(step, "__name__", repr(step)) for step in steps)
    if z.shape != a.shape:
        raise ValueError(
            f"{what} after layer {at} makes {z.shape} of {a.shape}: one number for each unit is needed"
        )
    _finite("the activation", at, z.data)
    slope = _finite("the slope", at, _pulled(z, a, module_of(enters).ones(a.shape)))
    uneven = 1.0 + module_of(enters).arange(a.size).reshape(a.shape) / a.size
    apart = np.abs(to_host(_pulled(z, a, uneven)) - to_host(uneven) * slope)  # 0 where each unit is on its own
    if (apart > 1e-9 * np.abs(slope).max(initial=0.0)).any():
        raise ValueError(
            f"{what} after layer {at} does not work unit by unit: what one hands on depends on others"
        )
    return z.data, slope


def _pulled(z: Tensor, a: Tensor, seed: Any) -> Any:
    """The gradient of sum(seed * z) by `a`."""
    a.grad = None
    z.backward(seed, retain_graph=True)
    return a.grad


def _errors(loss: Loss, steps: Sequence[Step], enters: Any, y: Any) -> Any:
    """The derivative of the loss by what enters the units of the last layer, (rows, units)."""
    a = Tensor(enters)
    _single(loss(_run(steps, a + 0.0), y)).backward()
    return a.grad


def _finite(what: str, at: int, values: Any) -> Floats:
    """The values in the computer's own memory."""
    found = to_host(values)
    if not np.isfinite(found).all():
        row, unit = np.argwhere(~np.isfinite(found))[0].tolist()
        advice = "look for such numbers in X and y" if at == 0 else "look for weights that grew without bound"
        raise ValueError(f"{what} of unit {unit} in layer {at}, row {row}, is {found[row, unit]}: {advice}")
    return found


# ---------------------------------------------------------------------------------------- synapses, joined


class _Joint(NamedTuple):
    """A neuron joins the synapses that enter it with those that leave it."""

    layer: int
    unit: int
    senders: NDArray[np.intp]  # units of the layer before
    receivers: NDArray[np.intp]  # units of the layer after
    enter: NDArray[np.intp]  # the numbers of the synapses from those
    leave: NDArray[np.intp]  # and to those


def _joints(M: dict[int, Mask]) -> Iterator[_Joint]:
    """All neurons that are neither inputs nor scores, in the order of layers and units."""
    first, numbers = 0, {}
    for at, mask in M.items():
        numbers[at] = first - 1 + np.cumsum(mask).reshape(mask.shape)
        first += int(mask.sum())
    for at in range(1, len(M)):
        for unit in range(len(M[at])):
            senders, receivers = np.flatnonzero(M[at][unit]), np.flatnonzero(M[at + 1][:, unit])
            yield _Joint(
                at, unit, senders, receivers, numbers[at][unit, senders], numbers[at + 1][receivers, unit]
            )


def _ends(joints: Sequence[_Joint]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The links that neurons make, sorted: the synapses that enter, each as often as one leaves, and those."""
    none = [np.empty(0, np.intp)]
    enter = [np.repeat(joint.enter, len(joint.leave)) for joint in joints]
    leave = [np.tile(joint.leave, len(joint.enter)) for joint in joints]
    return np.concatenate(none + enter), np.concatenate(none + leave)


def _few_links(M: dict[int, Mask]) -> None:
    links = sum(int(M[at].sum(axis=1) @ M[at + 1].sum(axis=0)) for at in range(1, len(M)))
    if links > LINKS_LIMIT:
        raise ValueError(
            f"{links:,} links between synapses, above {LINKS_LIMIT:,}: neural_capacitance and in_out_sums do "
            "without them"
        )


def _signed(found: States, absolute: bool) -> tuple[States, float]:
    """What P is made of, or the sizes of that; and the sign that stands in front of P."""
    if not absolute:
        return found, -1.0
    Z, S, D = ({at: np.abs(values) for at, values in part.items()} for part in (found.Z, found.S, found.D))
    return States(Z, S, D, found.M), 1.0
