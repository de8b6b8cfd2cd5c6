"""What is asked of a number, or of an array of them, at the door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from lessons.graph import Graph


def whole(name: str, value: int, least: int = 1, most: int | None = None) -> int:
    """The value as an int. Raises TypeError where it is no whole number, ValueError outside of least ... most.

    >>> whole("k", 3, most=5)
    3
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name}={value!r}: a whole number is needed")
    if value < least or (most is not None and value > most):
        raise ValueError(f"{name}={value}: " + (f"at least {least}" if most is None else f"{least} to {most}"))
    return int(value)


def zero_or_more(name: str, value: float) -> float:
    """The value as a float. Raises TypeError where it is no number, ValueError where negative, infinite or NaN.

    >>> zero_or_more("t", 2)
    2.0
    """
    number = _real(name, value)
    if not 0 <= number < inf:
        raise ValueError(f"{name}={value!r}: a finite number, zero or more")
    return number


def above_zero(name: str, value: float, below: float = inf) -> float:
    """The value as a float. Raises TypeError where it is no number, ValueError unless 0 < value < below.

    >>> above_zero("tolerance", 1e-8, below=1)
    1e-08
    """
    number = _real(name, value)
    if not 0 < number < below:
        raise ValueError(f"{name}={value!r}: above 0 and " + ("finite" if below == inf else f"below {below}"))
    return number


def between(name: str, value: float, least: float, most: float, what: str) -> float:
    """The value as a float. Raises TypeError where it is no number, ValueError unless least <= value <= most.

    `what` tells what such a number is.

    >>> between("p", 1, 0, 1, "a probability")
    1.0
    """
    number = _real(name, value)
    if not least <= number <= most:
        raise ValueError(f"{name}={value!r}: {what}, from {least} to {most}")
    return number


def real_numbers(name: str, values: Any) -> NDArray[Any]:
    """The values as an array, of the type that they have. Raises TypeError for a dict, sparse, complex or text.

    >>> real_numbers("X", [1, 2])
    array([1, 2])
    """
    if isinstance(values, Mapping):
        raise TypeError(f"{name} by node: [{name}[node] for node in graph.nodes] is needed")
    if hasattr(values, "toarray"):
        raise TypeError(f"{name} is sparse: {name}.toarray() is needed")
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} of type {array.dtype}: real numbers are needed")
    return array


def finite_rows(name: str, X: Any, labels: Sequence[Any], each: str) -> NDArray[np.float64]:
    """X as float64, of its own: (n,) or (n, k), a row for `each` of the n labels. Raises ValueError, TypeError.

    >>> finite_rows("X", [3, 4], ["a", "b"], "node")
    array([3., 4.])
    """
    array, n = real_numbers(name, X), len(labels)
    if array.ndim not in (1, 2) or len(array) != n:
        raise ValueError(f"{name} of shape {array.shape} for {n} {each}s: a row for each is needed")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        row = int(np.argmin(np.isfinite(array.reshape(n, -1)).all(axis=1)))
        raise ValueError(f"{name} at {each} {labels[row]!r} is {array[row]}: finite numbers are needed")
    return array


def not_negative(graph: Graph, what: str) -> Graph:
    """The graph, none of whose weights is below 0. Raises ValueError that names the edge, and `what` needs it.

    >>> from lessons.graph import as_graph
    >>> not_negative(as_graph([(0, 1, 2.5)], n=2), "a Laplacian")
    Graph(n=2, m=1, undirected, weighted)
    """
    if graph.weights is not None and (graph.weights < 0).any():
        at = int(np.argmax(graph.edge_weights < 0))
        raise ValueError(
            f"edge {graph.edges()[at]!r} has weight {graph.edge_weights[at]}: {what} needs weights >= 0"
        )
    return graph


def _real(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name}={value!r}: a number is needed")
    return float(value)
