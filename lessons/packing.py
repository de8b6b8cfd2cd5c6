"""Whether nodes can be packed into parts below a limit at all, whatever is cut."""

from __future__ import annotations

from heapq import heapify, heapreplace

import numpy as np

from lessons.cuts import Parts, Weights
from lessons.errors import InfeasibleError

STEPS = 100_000  # of the search; it is hard (bin packing), yet only nodes heavier than the spare room need it


def pack(weights: Weights, k: int, limit: int) -> Parts:
    """A part of each node, none heavier than `limit`; some may be empty. O(n log n), and the search below.

    Without a node of weight w, the lightest part weighs (W - w) // k at most, so whenever (W - w) // k + w is
    within the limit the node fits there. Only heavier ones, few as they are, need a search; the rest follows,
    heavy to light.

    Raises InfeasibleError where the search has proved that there is none, or has found none.

    >>> pack(np.array([3, 3, 2, 2, 2]), 2, 6)
    array([0, 0, 1, 1, 1], dtype=int32)
    """
    order = np.argsort(-weights, kind="stable")
    hard = int(np.count_nonzero((weights.sum() - weights) // k + weights > limit))
    parts = np.empty(len(weights), np.int32)
    loads = [0] * k
    for node, part in zip(order[:hard].tolist(), _search(weights[order[:hard]].tolist(), k, limit), strict=True):
        parts[node] = part
        loads[part] += int(weights[node])
    lightest = [(load, part) for part, load in enumerate(loads)]
    heapify(lightest)
    for node in order[hard:].tolist():
        load, part = lightest[0]
        parts[node] = part
        heapreplace(lightest, (load + int(weights[node]), part))
    return parts


def _search(weights: list[int], k: int, limit: int) -> list[int]:
    """A part for each of these weights, heaviest first, depth first: the fullest part with room, the next, ..."""
    loads, chosen = [0] * k, list[int]()
    failed = set[tuple[int, ...]]()  # loads, sorted, from which the rest does not fit
    untried = [_choices(loads, weights[0], limit)] if weights else []
    for _ in range(STEPS):
        if len(chosen) == len(weights):
            return chosen
        if untried[-1]:
            part = untried[-1].pop()
            loads[part] += weights[len(chosen)]
            chosen.append(part)
            known = (len(chosen), *sorted(loads)) in failed
            rest = weights[len(chosen)] if len(chosen) < len(weights) else 0
            untried.append([] if known else _choices(loads, rest, limit))
        elif chosen:
            untried.pop()
            failed.add((len(chosen), *sorted(loads)))
            loads[chosen[-1]] -= weights[len(chosen) - 1]
            chosen.pop()
        else:
            raise InfeasibleError(
                f"no {k} parts of at most {limit} each hold all nodes: already the {len(weights)} heaviest, which "
                f"weigh {weights[0]} down to {weights[-1]}, do not fit. Allow more imbalance, or split some."
            )
    raise InfeasibleError(
        f"no {k} parts of at most {limit} each that hold all nodes were found in {STEPS:,} steps. "
        "Allow more imbalance."
    )


def _choices(loads: list[int], weight: int, limit: int) -> list[int]:
    """The parts with room, one of each load, lightest first."""
    different = {load: part for part, load in reversed(list(enumerate(loads))) if load + weight <= limit}
    return [different[load] for load in sorted(different)]
