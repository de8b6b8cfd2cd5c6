"""Recurrent networks: RNN, GRU and LSTM, forward, in reverse or both ways, over sequences of unequal lengths.

Per direction a cell turns (what the input says, state) into a new state; everything around the cell is common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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
    """Of one direction: recurrent weights (gates * hidden, hidden), the biases beside them (gates * hidden),
    peepholes (input, output, forget; hidden each), and activation functions, each after clipping."""

    recurrent: Array
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
        steps = x.swapaxes(0, 1) if layout else x
        ways, batch, size = len(w), steps.shape[1], r.shape[2]
        functions = list(_activations(activations or [*default] * ways, activation_alpha, activation_beta, clip))
        each = len(functions) // ways
        biases = np.zeros((ways, 2, gates * size), x.dtype) if b is None else b.reshape(ways, 2, -1)
        peeps = np.zeros((ways, 3, size), x.dtype) if peepholes is None else peepholes.reshape(ways, 3, size)
        counts = np.full(batch, len(steps)) if lengths is None else lengths
        begin = [
            np.zeros((ways, batch, size), x.dtype) if s is None else s.swapaxes(0, 1) if layout else s
            for s in (hidden, memory)[:states]
        ]
        outcomes = []
        for k in range(ways):
            weights = Weights(r[k], biases[k, 1], peeps[k], functions[each * k : each * (k + 1)])
            backwards = direction == "reverse" or k == 1
            sequence = reverse_sequence(steps, counts) if backwards else steps
            options = {"linear_before_reset": linear_before_reset, "input_forget": input_forget}
            told = sequence @ w[k].T + biases[k, 0]
            y, state = _walk(cell, told, tuple(s[k] for s in begin), weights, counts, options)
            outcomes.append((reverse_sequence(y, counts) if backwards else y, *state))
        y, *last = (np.stack(parts) for parts in zip(*outcomes, strict=True))
        if layout:
            return y.transpose(2, 1, 0, 3), *(s.swapaxes(0, 1) for s in last)
        return y.transpose(1, 0, 2, 3), *last

    return apply


def _walk(
    cell: Callable[..., State], told: Array, state: State, weights: Weights, counts: Array, options: dict[str, int]
) -> tuple[Array, State]:
    """All steps of one direction: hidden states (step, batch, hidden), zero after the end, and the last state."""
    y = np.zeros((*told.shape[:2], state[0].shape[1]), told.dtype)
    for t, x in enumerate(told):
        going = (t < counts)[:, None]
        after = cell(x, state, weights, **options)
        y[t] = np.where(going, after[0], 0)
        state = tuple(np.where(going, new, old) for new, old in zip(after, state, strict=True))
    return y, state


OPERATORS: dict[str, Operator] = {
    "GRU": _network(_gru_cell, 3, 1, ["Sigmoid", "Tanh"]),
    "LSTM": _network(_lstm_cell, 4, 2, ["Sigmoid", "Tanh", "Tanh"]),
    "RNN": _network(_rnn_cell, 1, 1, ["Tanh"]),
}
