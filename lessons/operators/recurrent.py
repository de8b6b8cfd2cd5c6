"""Recurrent networks: RNN, GRU and LSTM, forward, in reverse or both ways, over sequences of unequal lengths.

Per direction a cell turns (what the input says, state) into a new state; everything around the cell is common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from lessons.operators._arrays import Array, Operator
from lessons.operators.elementwise import OPERATORS as ELEMENTWISE
from lessons.operators.reshaping import reverse_sequence

State = tuple[Array, ...]  # (hidden,) or (hidden, cell), each (batch, hidden)

# activation -> function, and the defaults of its alpha and beta, as far as it has them
ACTIVATIONS: dict[str, tuple[Callable[..., Array], tuple[float, ...]]] = {
    "relu": (ELEMENTWISE["Relu"], ()),
    "tanh": (np.tanh, ()),
    "sigmoid": (ELEMENTWISE["Sigmoid"], ()),
    "softsign": (ELEMENTWISE["Softsign"], ()),
    "softplus": (ELEMENTWISE["Softplus"], ()),
    "affine": (lambda x, a, b: a * x + b, (1.0, 0.0)),
    "scaledtanh": (lambda x, a, b: a * np.tanh(b * x), (1.0, 1.0)),
    "hardsigmoid": (lambda x, a, b: np.clip(a * x + b, 0, 1), (0.2, 0.5)),
    "leakyrelu": (lambda x, a: np.where(x < 0, a * x, x), (0.01,)),
    "thresholdedrelu": (lambda x, a: np.where(x > a, x, x.dtype.type(0)), (1.0,)),
    "elu": (lambda x, a: np.where(x < 0, a * np.expm1(x), x), (1.0,)),
}


@dataclass(frozen=True)
class Weights:
    """Of one direction: weights of the input (gates * hidden, input) and of the hidden state (gates * hidden,
    hidden), a bias beside each, peepholes (input, output, forget; hidden each), and activation functions."""

    entering: Array
    recurrent: Array
    entering_bias: Array
    bias: Array
    peepholes: Array
    act: Sequence[Callable[[Array], Array]]


def _activations(
    names: Sequence[str], alpha: Sequence[float], beta: Sequence[float], clip: float | None
) -> Iterator[Callable[[Array], Array]]:
    """The functions by name; each takes its parameters from the front of those given, or has its defaults."""
    given = [list(alpha), list(beta)]
    for name in names:
        if name.lower() not in ACTIVATIONS:
            raise ValueError(f"activation {name!r} is not computed here, only {', '.join(ACTIVATIONS)}")
        function, defaults = ACTIVATIONS[name.lower()]
        told = [given[k].pop(0) if given[k] else default for k, default in enumerate(defaults)]
        yield _clipped(function, told, clip)


def _clipped(
    function: Callable[..., Array], told: Sequence[float], clip: float | None
) -> Callable[[Array], Array]:
    if clip is None:
        return lambda x: function(x, *told)
    return lambda x: function(np.clip(x, -clip, clip), *told)


# ---------------------------------------------------------------------------------------- cells


def _rnn_cell(x: Array, state: State, w: Weights, **_: Any) -> State:
    return (w.act[0](x + state[0] @ w.recurrent.T + w.bias),)


def _gru_cell(x: Array, state: State, w: Weights, *, linear_before_reset: int = 0, **_: Any) -> State:
    [hidden] = state
    size = hidden.shape[1]
    gates = x[:, : 2 * size] + hidden @ w.recurrent[: 2 * size].T + w.bias[: 2 * size]
    update, reset = w.act[0](gates[:, :size]), w.act[0](gates[:, size:])
    own, bias = w.recurrent[2 * size :].T, w.bias[2 * size :]
    turned = reset * (hidden @ own + bias) if linear_before_reset else (reset * hidden) @ own + bias
    return ((1 - update) * w.act[1](x[:, 2 * size :] + turned) + update * hidden,)


def _lstm_cell(x: Array, state: State, w: Weights, *, input_forget: int = 0, **_: Any) -> State:
    hidden, cell = state
    enter, leave, forget, new = np.split(x + hidden @ w.recurrent.T + w.bias, 4, axis=1)
    gate, activate, show = w.act
    entering = gate(enter + w.peepholes[0] * cell)
    keeping = 1 - entering if input_forget else gate(forget + w.peepholes[2] * cell)
    cell = keeping * cell + entering * activate(new)
    return gate(leave + w.peepholes[1] * cell) * show(cell), cell


# ---------------------------------------------------------------------------------------- around the cells


def _network(cell: Callable[..., State], gates: int, states: int, default: Sequence[str]) -> Operator:
    """The operator of a cell: `gates` blocks of weights, `states` tensors of state, its usual activations."""

    def apply(
        x: Array,
        w: Array,
        r: Array,
        b: Array | None = None,
        lengths: Array | None = None,
        hidden: Array | None = None,
        memory: Array | None = None,
        peepholes: Array | None = None,
        *,
        activation_alpha: Sequence[float] = (),
        activation_beta: Sequence[float] = (),
        activations: Sequence[str] | None = None,
        clip: float | None = None,
        direction: str = "forward",
        hidden_size: int | None = None,
        layout: int = 0,
        linear_before_reset: int = 0,
        input_forget: int = 0,
    ) -> tuple[Array, ...]:
        ways, size = r.shape[0], r.shape[2]
        named = activations or [*default] * ways
        functions = list(_activations(named, activation_alpha, activation_beta, clip))
        weights = _weights(w, r, b, peepholes, functions)
        steps = x.swapaxes(0, 1) if layout else x
        counts = np.full(steps.shape[1], len(steps)) if lengths is None else lengths
        none = np.zeros((ways, steps.shape[1], size), x.dtype)
        begin = [none if s is None else s.swapaxes(0, 1) if layout else s for s in (hidden, memory)[:states]]
        turn = partial(cell, linear_before_reset=linear_before_reset, input_forget=input_forget)
        walks = []
        for k in range(ways):
            backwards = direction == "reverse" or k == 1
            walks.append(_walk(turn, steps, tuple(s[k] for s in begin), weights[k], counts, backwards))
        y, *last = (np.stack(parts) for parts in zip(*walks, strict=True))
        if layout:
            return y.transpose(2, 1, 0, 3), *(s.swapaxes(0, 1) for s in last)
        return y.transpose(1, 0, 2, 3), *last

    return apply


def _weights(
    w: Array, r: Array, b: Array | None, peepholes: Array | None, functions: list[Callable[[Array], Array]]
) -> list[Weights]:
    """Those of each direction; biases and peepholes that are left out are zero."""
    ways, rows, size = r.shape
    biases = np.zeros((ways, 2, rows), r.dtype) if b is None else b.reshape(ways, 2, rows)
    peeps = np.zeros((ways, 3, size), r.dtype) if peepholes is None else peepholes.reshape(ways, 3, size)
    each = len(functions) // ways
    return [
        Weights(w[k], r[k], biases[k, 0], biases[k, 1], peeps[k], functions[each * k : each * (k + 1)])
        for k in range(ways)
    ]


def _walk(
    cell: Callable[..., State], steps: Array, state: State, weights: Weights, counts: Array, backwards: bool
) -> tuple[Array, ...]:
    """One direction: all hidden states (step, batch, hidden), zero after a sequence's end, and the last state."""
    told = (reverse_sequence(steps, counts) if backwards else steps) @ weights.entering.T + weights.entering_bias
    y = np.zeros((*told.shape[:2], state[0].shape[1]), told.dtype)
    for t, x in enumerate(told):
        going = (t < counts)[:, None]
        after = cell(x, state, weights)
        y[t] = np.where(going, after[0], 0)
        state = tuple(np.where(going, new, old) for new, old in zip(after, state, strict=True))
    return (reverse_sequence(y, counts) if backwards else y, *state)


OPERATORS: dict[str, Operator] = {
    "GRU": _network(_gru_cell, 3, 1, ["Sigmoid", "Tanh"]),
    "LSTM": _network(_lstm_cell, 4, 2, ["Sigmoid", "Tanh", "Tanh"]),
    "RNN": _network(_rnn_cell, 1, 1, ["Tanh"]),
}
