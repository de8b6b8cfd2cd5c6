"""Vectors from walks: nodes that are met near each other come to lie near each other (skip-gram, word2vec).

    embedding = skip_gram(walks, n)                # walks: (walks, length) rows, -1 after the end
    embedding.vectors                              # (n, 128) float32: where each node lies
    embedding.contexts                             # (n, 128): the second vector of each, which the training needs

Around each place of a walk, every node v up to `reach` places away is an input x = X[v], and the node u in the
middle its output y = Y[u]; `negatives` nodes are drawn as noise. A step of gradient descent lowers

    -log s(x . y) - sum over the noise nodes k of log s(-x . Y[k])         s(z) = 1 / (1 + exp(-z))

so x . y grows for pairs that are seen, and falls for pairs that are made up (negative sampling).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons._checks import above_zero, whole
from lessons._device import Device, compiled, cpu_only
from lessons._rng import Seed, key_of, start, uniform, uniforms

Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]
Rows = NDArray[np.int32]

LOWEST = 1 / 250  # of the rate, at the end: 0.025 falls to 0.0001, as in word2vec
POWER = 0.75  # noise nodes are drawn in proportion to how often they occur, to this power
REACH, CELLS = (
    16,
    64,
)  # the table of s covers -16 to 16, with so many cells a unit; interpolated, it is good to 3.1e-6
COMPILED_FROM = 2_000  # nodes in walks; below, this takes less time than loading numba, half a second
TRAINING, FIRST, ORDER = 1, 3, 4  # what keys are derived for, so that no draw of the walks comes again


@dataclass(frozen=True, eq=False)
class Embedding:
    """Two vectors for each node, (n, dimensions) float32: `vectors` is the embedding, `contexts` its partner."""

    vectors: Vectors
    contexts: Vectors


# ---------------------------------------------------------------------------------------- definition


def pair_step_definition(x: ArrayLike, Y: ArrayLike, rate: float) -> tuple[Floats, Floats]:
    """One step of gradient descent for an input x (d,) and its outputs Y (k, d), the seen one first, then noise.

    -> the new x and the new Y. The gradient of -log s(z) is s(z) - 1, that of -log s(-z) is s(z).

    >>> x, Y = pair_step_definition([1.0, 0.0], [[0.0, 1.0], [0.0, 2.0]], rate=0.1)
    >>> x.round(3), Y.round(3)
    (array([ 1.  , -0.05]), array([[ 0.05,  1.  ],
           [-0.05,  2.  ]]))
    """
    x, Y = np.asarray(x, np.float64), np.asarray(Y, np.float64)
    wanted = np.zeros(len(Y))
    wanted[0] = 1
    errors = wanted - _sigmoid(Y @ x)
    return x + rate * (errors @ Y), Y + rate * np.outer(errors, x)


def skip_gram_definition(
    walks: Sequence[Sequence[int]],
    n: int,
    *,
    dimensions: int,
    window: int,
    negatives: int,
    rate: float,
    seed: Seed = 0,
    epochs: int = 1,
) -> tuple[Floats, Floats]:
    """`skip_gram` pair by pair -> vectors, contexts (n, dimensions). The same draws; sums differ by rounding.

    All walks are of one length, filled up with -1 after their end.

    >>> X, Y = skip_gram_definition([[0, 1, 0], [1, 0, 1]], 2, dimensions=4, window=1, negatives=1, rate=0.5)
    >>> X.shape, bool(X[0] @ Y[1] > X[0] @ Y[0])
    ((2, 4), True)
    """
    steps, key = np.asarray(walks), key_of(seed)
    X, Y = first_vectors(n, dimensions, key).astype(np.float64), np.zeros((n, dimensions))
    training, total = Training(np.bincount(steps[steps >= 0], minlength=n), key), epochs * len(steps)
    for i in range(total):
        now = rate * (1 - (1 - LOWEST) * i / total)
        for v, outputs in training.pairs(steps[i % len(steps)].tolist(), i, window, negatives):
            X[v], changed = pair_step_definition(X[v], Y[outputs], now)
            np.add.at(Y, outputs, changed - Y[outputs])  # a noise node that was drawn twice moves twice
    return X, Y


# ---------------------------------------------------------------------------------------- training


def skip_gram(
    walks: ArrayLike,
    n: int,
    *,
    dimensions: int = 128,
    window: int = 10,
    negatives: int = 5,
    epochs: int = 1,
    rate: float = 0.025,
    seed: Seed = 0,
    threads: int = 1,
    device: Device = "cpu",
) -> Embedding:
    """A vector for each of n nodes, learned from walks among them by skip-gram with negative sampling.

    `walks` is (walks, length), rows 0 ... n - 1 and -1 after the end of a walk, as `random_walks` gives it. Around
    each place a reach is drawn from 1 ... `window`, each as likely, so near nodes count more; see the module for
    what happens to a pair. `negatives` noise nodes are drawn in proportion to the 0.75th power of how often a node
    occurs; one that is the node in the middle is left out. `rate` falls evenly, walk by walk, to a 250th. A walk
    is passed `epochs` times. A node that occurs nowhere keeps its first, short vector.

    With one thread the answer depends on the seed alone, on the same kind of processor (another one may add up
    numbers in another order). More threads change the same vectors at the same time without asking (Hogwild): as
    good, but never the same twice. O(window length (1 + negatives) dimensions) for a walk; compiled.

    Raises ValueError for walks that are not as above or hold no node, for a window that reaches beyond a walk, for
    numbers below 1 and a rate that is not above 0 or so high that vectors become infinite, and for `device="gpu"`,
    where it has never run; TypeError for walks or numbers that are not whole.

    >>> walks = np.tile([[0, 1, 0, 1], [2, 3, 2, 3]], (500, 1))
    >>> embedding = skip_gram(walks, 4, dimensions=8, window=2)
    >>> x = embedding.vectors @ embedding.contexts.T
    >>> bool(x[0, 1] > x[0, 3])
    True

    Notebook: 09_node2vec. References: T. Mikolov and others, Distributed representations of words and phrases and
    their compositionality, NIPS 2013, section 2.2, arXiv:1310.4546; F. Niu and others, Hogwild, NIPS 2011,
    arXiv:1106.5730.
    """
    cpu_only(device, "skip_gram")
    n, threads = whole("n", n), whole("threads", threads)
    walks = _checked(walks, n)
    settings = Settings(dimensions, window, negatives, rate, walks.shape[1])
    epochs, key = whole("epochs", epochs), key_of(seed)
    training = Training(np.bincount(walks[walks >= 0], minlength=n), key)
    embedding = untrained(n, settings.dimensions, key)
    for epoch in range(epochs):
        training.passed(embedding, walks, epoch * len(walks), epochs * len(walks), settings, threads)
    return finite(embedding, rate)


@dataclass(frozen=True)
class Settings:
    """The numbers of a training, as `skip_gram` tells them; `length` is that of the walks. Raises as it does."""

    dimensions: int
    window: int
    negatives: int
    rate: float
    length: int

    def __post_init__(self) -> None:
        for name in ("dimensions", "window", "negatives"):
            whole(name, getattr(self, name))
        above_zero("rate", self.rate)
        if self.window >= self.length:
            raise ValueError(
                f"window={self.window} reaches beyond walks of {self.length} nodes: at most {self.length - 1}"
            )


class Training:
    """What stays the same while walks are passed: the noise, as an alias table, and the key of all draws.

    Noise is drawn from one random number: its cell in 0 ... n - 1, and whether where it lies in that cell is below
    `chance` (the cell's own node) or not (`other`). Each node's cells add up to its share, so n comparisons make
    the table (A. J. Walker, 1977; M. D. Vose, A linear algorithm for generating random numbers with a given
    distribution, IEEE Transactions on Software Engineering 17 (9), 1991, doi:10.1109/32.92917).
    """

    def __init__(self, counts: NDArray[np.int64], key: int) -> None:
        self.chance, self.other = _alias_table(counts.astype(np.float64) ** POWER)
        self.key = derived(key, TRAINING)
        self.large = bool(counts.sum() >= COMPILED_FROM)  # asked of all walks: chunks change no bit

    def pairs(self, walk: list[int], i: int, window: int, negatives: int) -> Iterator[tuple[int, list[int]]]:
        """Each input of walk i, and its outputs: the node in the middle, then noise."""
        length = len(walk)
        nodes = walk[: walk.index(-1)] if -1 in walk else walk
        for place, middle in enumerate(nodes):
            stream = start(self.key, i * length + place)
            reach = 1 + int(uniform(stream, 0) * window)
            around = nodes[max(0, place - reach) : place] + nodes[place + 1 : place + 1 + reach]
            for j, v in enumerate(around):
                draws = range(1 + j * negatives, 1 + (j + 1) * negatives)
                noise = [self._noise(uniform(stream, draw)) for draw in draws]
                yield v, [middle, *(node for node in noise if node != middle)]

    def _noise(self, at_random: float) -> int:
        at = at_random * len(self.chance)
        return int(at) if at - int(at) < self.chance[int(at)] else int(self.other[int(at)])

    def passed(
        self, embedding: Embedding, walks: Rows, first: int, total: int, settings: Settings, threads: int
    ) -> None:
        """Train on these walks, numbers `first` and following of `total` in all; changes the embedding."""
        kernels = compiled("skip_gram", when=True) if self.large else None
        if kernels is None:
            with np.errstate(over="ignore", invalid="ignore"):  # `finite` tells of it
                self._in_numpy(embedding, walks, first, total, settings)
            return
        s, noise = settings, (self.chance, self.other)
        tables = _sigmoids(), embedding.vectors, embedding.contexts

        def part(j: int) -> None:
            ends = len(walks) * j // threads, len(walks) * (j + 1) // threads
            order = np.uint64(self.key), first, total
            kernels.train(walks, *ends, *order, s.window, s.negatives, s.rate, LOWEST, *noise, *tables)

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(part, range(threads)))

    def _in_numpy(self, embedding: Embedding, walks: Rows, first: int, total: int, settings: Settings) -> None:
        X, Y = embedding.vectors, embedding.contexts
        for i, walk in enumerate(walks.tolist(), first):
            now = settings.rate * (1 - (1 - LOWEST) * i / total)
            for v, outputs in self.pairs(walk, i, settings.window, settings.negatives):
                X[v], changed = pair_step_definition(X[v], Y[outputs], now)
                np.add.at(Y, outputs, (changed - Y[outputs]).astype(np.float32))


def untrained(n: int, dimensions: int, key: int) -> Embedding:
    """Where training starts; all contexts are 0."""
    return Embedding(first_vectors(n, dimensions, key), np.zeros((n, dimensions), np.float32))


def first_vectors(n: int, dimensions: int, key: int) -> Vectors:
    """Where vectors (n, dimensions) start: each number evenly from -1 to 1, over `dimensions`, as in gensim."""
    vectors, key = np.empty((n, dimensions), np.float32), derived(key, FIRST)
    for rows in np.array_split(np.arange(n), max(1, n * dimensions // 2**20)):
        vectors[rows] = (2 * uniforms(key, rows, dimensions) - 1) / dimensions
    return vectors


def finite(embedding: Embedding, rate: float) -> Embedding:
    """The embedding. Raises ValueError where a number of it is infinite or NaN."""
    if not (np.isfinite(embedding.vectors).all() and np.isfinite(embedding.contexts).all()):
        raise ValueError(f"rate={rate!r} is too high: the vectors have become infinite")
    return embedding


def _checked(walks: ArrayLike, n: int) -> Rows:
    try:
        array = np.asarray(walks)
    except ValueError:
        raise ValueError("walks of different lengths: fill the short ones up with -1") from None
    if array.ndim != 2:
        raise ValueError(f"walks of shape {array.shape}: (walks, length) is needed")
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"walks of type {array.dtype}: whole numbers, the rows of nodes, are needed")
    if not (array >= 0).any():
        raise ValueError(f"walks of shape {array.shape} hold no node")
    if array.min() < -1 or array.max() >= n:
        wrong = array[(array < -1) | (array >= n)][0]
        raise ValueError(f"walks hold {wrong}: 0 to {n - 1} for a node, or -1 after the end")
    if ((array[:, :-1] < 0) & (array[:, 1:] >= 0)).any():
        at = int(np.argmax(((array[:, :-1] < 0) & (array[:, 1:] >= 0)).any(axis=1)))
        raise ValueError(f"walk {at} goes on after its end: -1 only after the last node")
    return np.ascontiguousarray(array, np.int32)


def _alias_table(weights: Floats) -> tuple[Floats, Rows]:
    """(n,) the chance that a cell keeps its own node, and (n,) whose it is else."""
    n = len(weights)
    filled = (weights * (n / weights.sum())).tolist()
    chance, other = [1.0] * n, list(range(n))
    below = [i for i in range(n) if filled[i] < 1]
    above = [i for i in range(n) if filled[i] >= 1]
    while below and above:
        low, high = below.pop(), above[-1]
        chance[low], other[low] = filled[low], high  # the rest of this cell goes to a node that has more than one
        filled[high] -= 1 - filled[low]
        if filled[high] < 1:
            below.append(above.pop())
    return np.array(chance), np.array(other, np.int32)


@cache
def _sigmoids() -> Vectors:
    """s at the ends of the cells from -REACH to REACH."""
    return _sigmoid(np.arange(2 * REACH * CELLS + 1) / CELLS - REACH).astype(np.float32)


def _sigmoid(z: Floats) -> Floats:
    return 0.5 * (1 + np.tanh(0.5 * z))  # never overflows


def derived(key: int, purpose: int) -> int:
    """A key of its own for each purpose: the stream of a task that no walk has."""
    return start(key, -purpose - 1)
