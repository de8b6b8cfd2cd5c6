"""Attention as one operator: queries are compared with keys, and what results weighs the values."""

from __future__ import annotations

import numpy as np

from lessons.operators._arrays import Array, Operator, dtype_of, wide


def attention(
    q: Array,
    k: Array,
    v: Array,
    mask: Array | None = None,
    past_key: Array | None = None,
    past_value: Array | None = None,
    filled: Array | None = None,
    *,
    scale: float | None = None,
    is_causal: int = 0,
    q_num_heads: int = 0,
    kv_num_heads: int = 0,
    softcap: float = 0.0,
    softmax_precision: int = 1,
    qk_matmul_output_mode: int = 0,
    left_window_size: int = -1,
    right_window_size: int = -1,
) -> tuple[Array, Array, Array, Array]:
    """softmax(q @ k.T * scale + bias) @ v in each head; all keys; all values; the scores of one of four stages.

    Arrays are (batch, heads, positions, channels), or (batch, positions, heads * channels). Where there are fewer
    heads of keys than of queries, neighbouring ones share. `filled` are the keys of each sequence that count.
    """
    queries, keys, values = _heads(q, q_num_heads), _heads(k, kv_num_heads), _heads(v, kv_num_heads)
    offset = np.zeros(1, np.int64) if filled is None else filled.astype(np.int64) - queries.shape[2]
    if past_key is not None and past_value is not None:
        keys, values = np.concatenate([past_key, keys], 2), np.concatenate([past_value, values], 2)
        offset = np.full(1, past_key.shape[2])
    seen = _seen(offset, queries.shape[2], keys.shape[2], left_window_size, right_window_size, bool(is_causal))
    if filled is not None:
        seen = seen & (np.arange(keys.shape[2]) < filled.reshape(-1, 1, 1, 1))
    scores = _scores(queries, keys, scale)
    capped = softcap * np.tanh(scores / softcap) if softcap else scores
    bias = _bias(seen, mask, scores.dtype)
    weights = _weights(capped + bias, bias, np.result_type(scores, dtype_of(softmax_precision)))
    y = (weights.astype(scores.dtype) @ _shared(wide(values), queries.shape[1])).astype(q.dtype)
    if q.ndim == 3:
        y = y.transpose(0, 2, 1, 3).reshape(*q.shape[:2], -1)
    stage = (scores, capped, capped + bias, weights)[qk_matmul_output_mode]
    return y, keys, values, stage.astype(q.dtype)


def _heads(x: Array, heads: int) -> Array:
    """(batch, heads, positions, channels) of what may have its heads side by side in the last axis."""
    return x if x.ndim == 4 else x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)


def _shared(x: Array, heads: int) -> Array:
    """Each head as often as there are queries to a key."""
    return x if x.shape[1] == heads else np.repeat(x, heads // x.shape[1], axis=1)


def _scores(queries: Array, keys: Array, scale: float | None) -> Array:
    factor = 1 / np.sqrt(queries.shape[3]) if scale is None else scale
    rows = wide(queries)
    return (rows * rows.dtype.type(factor)) @ _shared(wide(keys), rows.shape[1]).swapaxes(2, 3)


def _seen(offset: Array, rows: int, columns: int, left: int, right: int, causal: bool) -> Array:
    """Which keys each query may see, (batch or 1, 1, rows, columns): query 0 stands at the position `offset`."""
    ahead = np.arange(columns) - (offset.reshape(-1, 1, 1, 1) + np.arange(rows)[:, None])
    low = -left if left >= 0 else -np.inf
    high = min(right if right >= 0 else np.inf, 0 if causal else np.inf)
    return (low <= ahead) & (ahead <= high)


def _bias(seen: Array, mask: Array | None, kind: np.dtype[np.generic]) -> Array:
    """What is added to the scores: 0 or minus infinity, and the numbers of a mask; keys beyond it are not seen."""
    bias = np.where(seen, 0, -np.inf).astype(kind)
    if mask is None:
        return bias
    added = np.where(mask, 0, -np.inf).astype(kind) if mask.dtype == bool else mask
    beyond = [(0, 0)] * (mask.ndim - 1) + [(0, seen.shape[-1] - mask.shape[-1])]
    return bias + np.pad(added, beyond, constant_values=-np.inf)


def _weights(biased: Array, bias: Array, kind: np.dtype[np.generic]) -> Array:
    """Softmax along the last axis, and 0 for a query that may see no key."""
    scores = biased.astype(kind)
    top = scores.max(axis=-1, keepdims=True, initial=-np.inf)
    parts = np.exp(scores - top)
    blind = bias.max(axis=-1, keepdims=True, initial=-np.inf) == -np.inf
    return np.where(blind, 0, parts / parts.sum(axis=-1, keepdims=True))


OPERATORS: dict[str, Operator] = {"Attention": attention}
