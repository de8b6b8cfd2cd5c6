"""The exercises of notebook 10: S by hand, a layer along edges, how far a layer sees, edges turned round, the
narrow side first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import combinations
from math import isqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from lessons.exercises import Exercise, Property, Variant, once
from lessons.exercises.graph_signals import CountedMatrix, _is_real, _pairs
from lessons.graph import Graph, as_graph

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Edges = NDArray[np.int64]

Layer = Callable[[Any], Any]


def _renormalised(A: Any) -> Floats:
    """S, row = receiver: what arrives divided by the roots of the edges into one end and out of the other."""
    T = A.T + np.eye(len(A))
    S: Floats = T / np.sqrt(np.outer(T.sum(axis=1), T.sum(axis=0)))
    return S


# -------------------------------------------------------------------------------- 1: S by hand

LEAVES = 7


def _draw_star(leaves: int, x: int) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    angles = 2 * np.pi * np.arange(leaves) / leaves
    places = np.vstack([[0, 0], np.column_stack([np.cos(angles), np.sin(angles)])])
    graph = as_graph([(0, leaf) for leaf in range(1, leaves + 1)], n=leaves + 1)
    return draw_graph(graph, positions=places, values=dict.fromkeys(range(leaves + 1), x))


def _star(leaves: int = LEAVES, x: int = 8) -> Exercise:
    """A hub and its leaves, and a signal that is x everywhere, which all roots and quotients divide."""
    heard, root = (
        leaves + 1,
        isqrt(2 * (leaves + 1)),
    )  # by the hub, itself among them; sqrt(degree of hub and leaf)
    hub, leaf = x // heard + leaves * x // root, x // 2 + x // root
    entries = [1 / heard, 1 / root, 1 / 2]
    return Exercise(
        id="spectral_gcn-1",
        level="warm-up",
        form="predict",
        difficulty=1,
        importance=3,
        minutes=5,
        cases=once,
        properties=(
            Property(
                says="the answer is a flat list of five numbers: three entries of S, then two values of S x",
                holds=lambda found: _is_real(found, (5,)),
                hints=(
                    f"Of each leaf the numbers are the same, so one stands for all {leaves}.",
                    "Count the numbers in your list, and look for inner brackets.",
                    "It looks like [p, q, r, s, t]; fractions such as 1 / 3 may stand in it, and np.sqrt(2).",
                ),
            ),
            Property(
                says="S[0, 0]: the hub counts itself among those that it hears",
                holds=lambda found: np.isclose(float(found[0]), 1 / heard),
                hints=(
                    "Renormalised: I is added to A first, and degrees are counted afterwards.",
                    "Look at the degree of the hub in A + I, and how often it divides an entry of the diagonal.",
                    f"The degree in A + I is {heard}; the diagonal is divided by its root twice, once from "
                    "either side.",
                ),
            ),
            Property(
                says="S[1, 1]: a leaf counts itself, too",
                holds=lambda found: np.isclose(float(found[2]), 1 / 2),
                hints=(
                    "What holds of the hub holds of a leaf.",
                    "Look at the degree of a leaf in A + I: one edge, and what was added.",
                    "The entry of A + I is 1, and the degree 2 comes in from both sides, as a root.",
                ),
            ),
            Property(
                says="S[0, 1]: an edge is divided by the roots of *both* degrees",
                holds=lambda found: np.isclose(float(found[1]), 1 / root),
                hints=(
                    "S is symmetric: hub and leaf weigh their edge alike, however different their degrees are.",
                    "Look at what you divide by: one end only gives an average, both ends without roots too "
                    "little.",
                    f"Two roots are multiplied, that of {heard} and that of 2.",
                ),
            ),
            Property(
                says=f"at the hub all {heard} that it hears are added up",
                holds=lambda found: np.isclose(float(found[3]), hub),
                hints=(
                    "Row 0 of S times the signal. Is a row of S a row of shares that add up to 1?",
                    f"Row 0 has {heard} entries that are not 0: look whether you used each, times {x}.",
                    f"Itself gives {x} / {heard}, and each of {leaves} leaves {x} / {root}.",
                ),
            ),
            Property(
                says="at a leaf, what it keeps and what the hub passes on",
                holds=lambda found: np.isclose(float(found[4]), leaf),
                hints=(
                    "Row 1 of S has two entries that are not 0.",
                    "Look at S[1, 0], which is S[0, 1], and at S[1, 1].",
                    f"It keeps {x} / 2, and {x} / {root} arrives from the hub.",
                ),
            ),
        ),
        reference=[*entries, hub, leaf],
        wrong=(
            f"1/{heard}, 1/{root}, 1/2, {hub}, {leaf}",
            [*entries, hub],
            [entries, [hub, leaf]],
            [0, leaves**-0.5, 0, x * leaves**0.5, x * leaves**-0.5],  # no loops
            [
                1,
                leaves**-0.5,
                1,
                x + x * leaves**0.5,
                x + x * leaves**-0.5,
            ],  # I + D^-1/2 A D^-1/2: before the trick
            [
                1 / leaves,
                leaves**-0.5,
                1,
                x / leaves + x * leaves**0.5,
                x + x * leaves**-0.5,
            ],  # loops, but degrees of A
            [
                heard**-0.5,
                1 / root,
                2**-0.5,
                x * heard**-0.5 + leaves * x / root,
                x * 2**-0.5 + x / root,
            ],  # one root
            [
                heard**-2,
                root**-2,
                1 / 4,
                x / heard**2 + leaves * x / root**2,
                x / 4 + x / root**2,
            ],  # degrees for roots
            [leaves / heard, -1 / root, 1 / 2, x * leaves / heard - leaves * x / root, x / 2 - x / root],  # I - S
            [
                1 / heard,
                heard**-0.5,
                1,
                x / heard + leaves * x * heard**-0.5,
                x + x * heard**-0.5,
            ],  # no loop at the leaf
            [1 / heard, 1 / heard, 1 / 2, x, x],  # an average
            [
                1 / heard,
                1 / 2,
                1 / 2,
                x / heard + leaves * x / 2,
                x / 2 + x / heard,
            ],  # divided by the sender's degree
            [
                1 / heard,
                root**-2,
                1 / 2,
                x / heard + leaves * x / root**2,
                x / 2 + x / root**2,
            ],  # no root beside the diagonal
            [*entries, x, x],  # rows taken for shares
            [*entries, hub / x, leaf / x],  # a signal of ones
            [*entries, x / heard + x / root, leaf],  # one leaf for all
            [*entries, leaves * x / root, x / root],  # without what each keeps
            [*entries, hub, hub],
            [*entries, hub, x / 2],  # the leaf hears only itself
        ),
        why=(
            f"With itself the hub has degree {heard} and a leaf 2: S[0, 0] = 1/{heard}, S[1, 1] = 1/2, and S[0, "
            f"1] = 1 / (sqrt({heard}) sqrt(2)) = 1/{root}. From {x} everywhere the hub gets {x}/{heard} + "
            f"{leaves} * {x}/{root} = {hub} and a leaf {x}/2 + {x}/{root} = {leaf}. So S is no average: a "
            f"constant signal does not stay. What stays is the root of the degree, sqrt({heard}) at the hub and "
            "sqrt(2) at the leaves, with the eigenvalue 1; all others lie below. In exchange S is symmetric, and "
            "its eigenvectors are at right angles."
        ),
        draw=lambda: _draw_star(leaves, x),
        after="Needed again: exercise 2 computes S X without writing S down.",
        varied=_other_star,
    )


def _told(leaves: int, x: int) -> list[str]:
    """What the statement says of them."""
    many = "seven" if leaves == LEAVES else str(leaves)
    return [f"joined to {many} leaves, nodes 1 to {leaves},", f"a signal that is {x} at every node"]


def _other_star(rng: Generator) -> Variant:
    leaves = int(2 * rng.integers(3, 6) ** 2 - 1)
    x = int(rng.integers(1, 4)) * (leaves + 1)
    return Variant(_star(leaves, x), dict(zip(_told(LEAVES, 8), _told(leaves, x), strict=True)))


BY_HAND = _star()

# -------------------------------------------------------------------------------- 2: a layer along the edges


def _layer_cases(rng: Generator) -> Iterator[tuple[Edges, Floats, Floats]]:
    """One node to seven, of each number: no edges, pairs, a ring, all joined, stars, at random."""
    for n in range(1, 8):
        for number, pairs in enumerate(_edge_lists(rng, n)):
            n_in, n_out = ((1, 1), (2, 2), (3, 2), (2, 3), (1, 3))[(n + number) % 5]
            edges = np.array(pairs, np.int64).reshape(-1, 2)
            turned = rng.random(len(edges)) < 0.5  # an undirected edge may be named from either end
            edges[turned] = edges[turned, ::-1]
            W = rng.permutation(9)[: n_in * n_out].reshape(n_out, n_in) + 1  # all different, so that W.T is not W
            yield edges[rng.permutation(len(edges))], _whole(rng, (n, n_in)), W.astype(np.float64)


def _edge_lists(rng: Generator, n: int) -> Iterator[list[tuple[int, int]]]:
    """Of n nodes; numbers are mixed in the last three, so that the hub and whoever is alone may be any node."""
    place = rng.permutation(n).tolist()
    yield []
    yield []
    if n > 1:
        yield [(k, k + 1) for k in range(0, n - 1, 2)]
    if n > 2:
        yield [(k, (k + 1) % n) for k in range(n)]
        yield list(combinations(range(n), 2))
        yield [(place[0], v) for v in place[1:]]
        yield [(place[0], v) for v in place[1:-1]]
        yield [(u, v) for u, v in combinations(place, 2) if rng.random() < 0.5]


def _whole(rng: Generator, shape: tuple[int, ...]) -> Floats:
    """Whole numbers without 0, so that nothing is lost unseen."""
    return rng.integers(1, 8, shape) * rng.choice([-1.0, 1.0], shape)


def layer_along_edges(edges: Edges, X: Floats, W: Floats) -> Floats:
    to, of = np.concatenate([edges, edges[:, ::-1]]).T
    root = np.sqrt(1 + np.bincount(to, minlength=len(X)))[:, None]
    sent = X / root
    taken = sent.copy()
    np.add.at(taken, to, sent[of])
    return taken / root @ W.T


def _adjacency(edges: Any, n: int) -> Floats:
    A = np.zeros((n, n))
    A[edges[:, 0], edges[:, 1]] = A[edges[:, 1], edges[:, 0]] = 1
    return A


def _layer_by_table(edges: Any, X: Any, W: Any) -> Any:
    """What the checker compares with."""
    return _renormalised(_adjacency(edges, len(X))) @ X @ W.T


def _is_layer(found: Any, edges: Any, X: Any, W: Any) -> bool:
    return np.allclose(found, _layer_by_table(edges, X, W), rtol=1e-5, atol=1e-5)


def _degrees(edges: Any, X: Any) -> Any:
    return np.bincount(edges.ravel(), minlength=len(X))


def _alone(found: Any, edges: Any, X: Any, W: Any) -> bool:
    here = _degrees(edges, X) == 0
    return np.allclose(np.asarray(found)[here], (X @ W.T)[here], rtol=1e-5, atol=1e-5)


def _by_matrix(rule: Callable[[Any], Any]) -> Callable[[Any, Any, Any], Any]:
    """The layer with another matrix in the place of S, made of A."""
    return lambda edges, X, W: rule(_adjacency(edges, len(X))) @ X @ W.T


def _rooted(A: Any, d: Any) -> Any:
    root = np.sqrt(np.maximum(d, 1))
    return A / root / root[:, None]


_neighbours_only = _by_matrix(lambda A: _rooted(A, A.sum(axis=0)))
_before_the_trick = _by_matrix(lambda A: np.eye(len(A)) + _rooted(A, A.sum(axis=0)))
_degrees_of_A = _by_matrix(lambda A: _rooted(A + np.eye(len(A)), A.sum(axis=0)))
_itself_twice = _by_matrix(lambda A: _rooted(A + 2 * np.eye(len(A)), A.sum(axis=0) + 2))
_sums = _by_matrix(lambda A: A + np.eye(len(A)))
_means = _by_matrix(lambda A: (A + np.eye(len(A))) / (A.sum(axis=0) + 1)[:, None])
_sender_s_share = _by_matrix(lambda A: (A + np.eye(len(A))) / (A.sum(axis=0) + 1))
_without_roots = _by_matrix(lambda A: _rooted(A + np.eye(len(A)), (A.sum(axis=0) + 1) ** 2))
_one_root = _by_matrix(lambda A: (A + np.eye(len(A))) / np.sqrt(A.sum(axis=0) + 1)[:, None])
_two_steps = _by_matrix(lambda A: np.linalg.matrix_power(_renormalised(A), 2))


def _scaled_sum(edges: Any, X: Any, W: Any, to: Any, of: Any) -> Any:
    root = np.sqrt(1 + np.bincount(to, minlength=len(X)))[:, None]
    taken = X / root
    np.add.at(taken, to, (X / root)[of])
    return taken / root @ W.T


def _one_way(edges: Any, X: Any, W: Any) -> Any:
    return _scaled_sum(edges, X, W, edges[:, 1], edges[:, 0])


def _other_way(edges: Any, X: Any, W: Any) -> Any:
    return _scaled_sum(edges, X, W, edges[:, 0], edges[:, 1])


def _counted_both_ways_sent_one_way(edges: Any, X: Any, W: Any) -> Any:
    root = np.sqrt(1 + _degrees(edges, X))[:, None]
    taken = X / root
    np.add.at(taken, edges[:, 1], (X / root)[edges[:, 0]])
    return taken / root @ W.T


def _last_one_stays(edges: Any, X: Any, W: Any) -> Any:
    """`+=` with a list of rows: of a row that stands there twice only the last counts."""
    to, of = np.concatenate([edges, edges[:, ::-1]]).T
    root = np.sqrt(1 + np.bincount(to, minlength=len(X)))[:, None]
    taken = X / root
    taken[to] += (X / root)[of]
    return taken / root @ W.T


def _what_it_has_just_heard(edges: Any, X: Any, W: Any) -> Any:
    """One array for what is read and what is written: later edges pass on what earlier ones brought."""
    root = np.sqrt(1 + _degrees(edges, X))[:, None]
    taken = X / root
    for u, v in edges:
        taken[u] += taken[v]
        taken[v] += taken[u]
    return taken / root @ W.T


def _as_many_as_are_named(edges: Any, X: Any, W: Any) -> Any:
    """n from the largest number in an edge, which is too small where the last nodes are alone."""
    n = int(edges.max(initial=-1)) + 1
    return layer_along_edges(edges, X[:n], W)


def _only_who_has_neighbours(edges: Any, X: Any, W: Any) -> Any:
    return np.where(_degrees(edges, X)[:, None] > 0, layer_along_edges(edges, X, W), 0.0)


def _W_not_turned(edges: Any, X: Any, W: Any) -> Any:
    return layer_along_edges(edges, X, W.T if W.shape[0] == W.shape[1] else W)


def _without_W(edges: Any, X: Any, W: Any) -> Any:
    return layer_along_edges(edges, X, np.eye(X.shape[1]))


def _scores_first(edges: Any, X: Any, W: Any) -> Any:
    """(n_out, n): everything transposed."""
    return layer_along_edges(edges, X, W).T


def _with_relu(edges: Any, X: Any, W: Any) -> Any:
    return np.maximum(layer_along_edges(edges, X, W), 0)


def _written_into(edges: Any, X: Any, W: Any) -> Any:
    X /= np.sqrt(1 + _degrees(edges, X))[:, None]
    taken = X.copy()
    np.add.at(taken, edges[:, 0], X[edges[:, 1]])
    np.add.at(taken, edges[:, 1], X[edges[:, 0]])
    return taken / np.sqrt(1 + _degrees(edges, X))[:, None] @ W.T


def _draw_features(edges: Edges, X: Floats, W: Floats) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    values: dict[Any, str] = {node: ", ".join(f"{value:g}" for value in row) for node, row in enumerate(X)}
    return draw_graph(as_graph(edges, n=len(X)), values=values)


LAYER = Exercise(
    id="spectral_gcn-2",
    level="core",
    form="implement",
    difficulty=2,
    importance=3,
    minutes=8,
    cases=_layer_cases,
    properties=(
        Property(
            says="the answer is an array (n, n_out): a row for each node, also for those without an edge",
            holds=lambda found, edges, X, W: _is_real(found, (len(X), len(W))),
            hints=(
                "Each node of X gets as many numbers as W has rows.",
                "Look at where n comes from: nodes that no edge names are nodes, too. And look for W.",
                "n is len(X). The features of a node, (n_in,), times W.T, (n_in, n_out), are its n_out numbers.",
            ),
        ),
        Property(
            says="a node without neighbours keeps what it has, and W weighs it: x W^T",
            holds=_alone,
            hints=(
                "Its degree in A + I is 1: all that it hears is itself, undivided.",
                "Look at what a node gets before any edge is read, at the order of W's axes, and that nothing "
                "comes after W.",
                "Begin with the node's own part of X, divided by its own degree; an edge adds to it. A row of W "
                "belongs to one number that comes out.",
            ),
        ),
        Property(
            says="two nodes that have only each other both get the half of each",
            holds=lambda found, edges, X, W: (
                _degrees(edges, X).max(initial=0) > 1 or _is_layer(found, edges, X, W)
            ),
            hints=(
                "An undirected edge is named once, and carries both ways.",
                "Look at both of its ends: is each counted, together with itself? Does each get something and "
                "keep its own?",
                "Put edges[:, ::-1] below edges; then each row is one message from one end to the other.",
            ),
        ),
        Property(
            says="where all have the same degree each gets the mean of itself and *all* of its neighbours",
            holds=lambda found, edges, X, W: np.ptp(_degrees(edges, X)) > 0 or _is_layer(found, edges, X, W),
            hints=(
                "A node with several neighbours gets a message from each; none may be lost or passed on at once.",
                "Look at `taken[rows] += ...`: where a row stands twice in `rows`, NumPy keeps only the last. And "
                "never read from the array that you add to.",
                "np.add.at(taken, rows, messages) adds each; so does a plain loop over the edges.",
            ),
        ),
        Property(
            says="what goes along an edge is divided by the roots of the degrees, in A + I, of *both* its ends",
            holds=_is_layer,
            hints=(
                "Degrees differ here. A mean knows only the degree of who receives; S knows both.",
                "Look at the message from j to i: what is it divided by? Swap the two: it must be the same.",
                "Divide all rows of X by the root of their degree, add up along edges, divide by the root again.",
            ),
        ),
    ),
    reference=layer_along_edges,
    wrong=(
        _neighbours_only,
        _before_the_trick,
        _degrees_of_A,
        _itself_twice,
        _sums,
        _means,
        _sender_s_share,
        _without_roots,
        _one_root,
        _two_steps,
        _one_way,
        _other_way,
        _counted_both_ways_sent_one_way,
        _last_one_stays,
        _what_it_has_just_heard,
        _as_many_as_are_named,
        _only_who_has_neighbours,
        _W_not_turned,
        _without_W,
        _scores_first,
        _with_relu,
        _written_into,
    ),
    why=(
        "S = D~^(-1/2) (A + I) D~^(-1/2) is three steps: divide each row by the root of its degree, let each node "
        "add up its own and its neighbours' rows, divide by the root again. So S need not be written down: the "
        "edge list, both ways, says who adds what. np.add.at adds also where a node stands several times among "
        "the receivers; `taken[to] += ...` would keep one message only. It costs O((n + m) n_in + n n_in n_out), "
        "while a table has n^2 entries, most of them 0."
    ),
    draw=_draw_features,
    after="Needed again: exercise 5 asks on which side of S the weights come cheaper.",
)

# -------------------------------------------------------------------------------- 3: how far a layer sees

FAR = 1e-6  # of a signal near 1; rounding stays far below, what is really seen is above 1e-3


def _sold_layers(rng: Generator) -> Iterator[tuple[Layer, Floats, int]]:
    """Layers and small networks on graphs of one to eight nodes, each sold with the right K, and with others."""
    for A in _small_graphs():
        n, S = len(A), _renormalised(A)
        hops = _hops(A)
        diameter = int(hops[hops < n].max())
        for number, layer in enumerate(_layers(rng, S)):
            seen = hops[_influences(layer, n) > FAR]
            reach = int(seen.max(initial=0))
            for K in sorted(
                {min(reach, diameter), max(0, min(reach, diameter) - 1), diameter if number % 3 else 0}
            ):
                yield layer, A, K
        for K in range(min(diameter, 2)):
            yield _with_a_wire(rng, S, hops, K), A, K


def _small_graphs() -> Iterator[Floats]:
    """Paths, a ring, a star, a tree, two paths that are not joined, someone alone; fewest nodes first."""
    yield np.zeros((1, 1))
    yield _adjacency(np.array([(0, 1)]), 2)
    yield _adjacency(np.array([(0, 1), (1, 2)]), 3)
    yield _adjacency(np.array([(0, 1), (1, 2)]), 4)
    yield _adjacency(np.array([(k, (k + 1) % 5) for k in range(5)]), 5)
    yield _adjacency(np.array([(0, 2), (2, 4), (1, 3), (3, 5)]), 6)
    yield _adjacency(np.array([(2, 0), (2, 3), (2, 5), (5, 1), (5, 4), (4, 6)]), 7)
    yield _adjacency(np.array([(k, k + 1) for k in range(7)]), 8)


def _hops(A: Any) -> NDArray[np.int64]:
    """How many edges apart any two nodes are; n + 1, more than any path has, where there is none."""
    n = len(A)
    hops = np.full((n, n), n + 1)
    for k in range(n, -1, -1):
        hops[np.linalg.matrix_power(A + np.eye(n), k) > 0] = k
    return hops


def _layers(rng: Generator, S: Floats) -> list[Layer]:
    n = len(S)
    lam, U = np.linalg.eigh(S)
    b = rng.integers(1, 4, n) / 2
    gains = rng.choice([-2.0, -1.0, 1.0, 2.0], 4)
    polynomial = np.array(
        [gains[3] * value**3 + gains[2] * value**2 + gains[1] * value + gains[0] for value in lam]
    )
    return [
        _named("S_once", n, lambda x: S @ x),  # before the biases: a wrong distance is told as one
        _named("S_twice", n, lambda x: S @ (S @ x)),
        _named("polynomial_of_order_2", n, lambda x: gains[0] * x + gains[1] * (S @ x) + gains[2] * (S @ (S @ x))),
        _named("twice_x_plus_a_bias", n, lambda x: 2 * x + b),
        _named("order_3_through_frequencies", n, lambda x: U @ (polynomial * (U.T @ x))),
        _named("one_layer_of_tanh", n, lambda x: np.tanh(S @ x / 2 + b / 4)),
        _named("two_layers_of_tanh", n, lambda x: S @ np.tanh(S @ x / 2 + b / 4) - b),
        _named("heat", n, lambda x: U @ (np.exp(10 * (lam - 1)) * (U.T @ x))),
        _named("less_its_mean", n, lambda x: x - x.mean()),
    ]


def _named(name: str, n: int, inner: Layer) -> Layer:
    def layer(x: Any) -> Any:
        x = np.asarray(x, np.float64)
        if x.shape != (n,):
            raise ValueError(f"a signal of shape {x.shape}: ({n},) is needed, one number for each node")
        return inner(x)

    layer.__name__ = name
    return layer


def _with_a_wire(rng: Generator, S: Floats, hops: Any, K: int) -> Layer:
    """K steps of S, and one node that hears two others through a wire: their difference, or one of them."""
    n = len(S)
    P = np.linalg.matrix_power(S, K)
    receivers = np.flatnonzero((hops > K).any(axis=1))
    i = int(receivers[rng.integers(len(receivers))])
    ends = rng.permutation(np.flatnonzero(hops[i] > K))[:2]
    wire = np.zeros(n)
    wire[ends] = (1.0, -1.0)[: len(ends)]
    return _named("S_and_a_wire", n, lambda x: P @ x + np.eye(n)[i] * (wire @ x))


def sees_only(layer: Layer, A: Floats, K: int) -> bool:
    n = len(A)
    near = np.linalg.matrix_power(np.eye(n) + A, K) > 0
    x = np.linspace(0.5, 1.5, n)
    for j in range(n):
        moved = x + np.eye(n)[j]
        change = np.abs(layer(moved) - layer(x))
        if (change[~near[:, j]] > 1e-9).any():
            return False
    return True


@lru_cache(maxsize=4)  # each property asks anew about the same layer
def _influences(layer: Any, n: int) -> Floats:
    """[i, j]: how much the value of i changes, at most, when that of j does. From signals of several kinds."""
    starts = [np.zeros(n), np.ones(n), np.cos(1 + np.arange(n)), -np.sin(2 * np.arange(n))]
    changes = [[np.abs(layer(x + step * e) - layer(x)) for e in np.eye(n)] for x in starts for step in (1.0, -0.7)]
    found: Floats = np.max(changes, axis=0).T
    return found


def _too_far(layer: Any, A: Any, K: Any) -> Any:
    """Which values depend on nodes beyond K."""
    return (_influences(layer, len(A)) > FAR) & (_hops(A) > K)


def _keeps(layer: Any, A: Any, K: Any) -> bool:
    return not _too_far(layer, A, K).any()


def _has_bias(layer: Any, A: Any) -> bool:
    return bool(np.abs(layer(np.zeros(len(A)))).max() > FAR)


def _rounds(layer: Any, A: Any, K: Any) -> bool:
    beyond = _influences(layer, len(A))[_hops(A) > K]
    return bool((beyond > 0).any() and beyond.max() < FAR)


def _by_paths(layer: Any, A: Any, K: Any) -> bool:
    """Whether some node that is too far, and is seen, can be reached along edges."""
    return bool((_too_far(layer, A, K) & (_hops(A) <= len(A))).any())


def _probed(layer: Any, A: Any, near: Any, *, x: Any = None, least: float = 1e-9, sources: Any = None) -> bool:
    """The test of the reference; the wrong answers below differ in what is near, where they start, and so on."""
    n = len(A)
    x = np.cos(1 + np.arange(n)) if x is None else x
    for j in range(n) if sources is None else sources:
        change = np.abs(layer(x + np.eye(n)[j]) - layer(x))
        if (change[~near[:, j]] > least).any():
            return False
    return True


def _within(A: Any, K: int) -> Any:
    return np.linalg.matrix_power(np.eye(len(A)) + A, max(K, 0)) > 0


def _of_unit_signals(layer: Any, A: Any, K: Any) -> Any:
    """What comes out is taken for what was passed on: a bias looks like a message from everywhere."""
    found = np.array([layer(e) for e in np.eye(len(A))]).T
    return bool((np.abs(found[~_within(A, K)]) < 1e-9).all())


def _to_the_last_digit(layer: Any, A: Any, K: Any) -> Any:
    return _probed(layer, A, _within(A, K), least=0.0)


def _walks_of_K_steps(layer: Any, A: Any, K: Any) -> Any:
    """A^K: who is one edge away is on no walk of exactly two steps, unless there is a triangle."""
    return _probed(layer, A, np.linalg.matrix_power(A, K) > 0)


def _walks_of_K_steps_and_unit_signals(layer: Any, A: Any, K: Any) -> Any:
    """Both mistakes: the one about distance is told first."""
    found = np.array([layer(e) for e in np.eye(len(A))]).T
    return bool((np.abs(found[np.linalg.matrix_power(A, K) == 0]) < 1e-9).all())


def _one_more(layer: Any, A: Any, K: Any) -> Any:
    return _probed(layer, A, _within(A, K + 1))


def _one_less(layer: Any, A: Any, K: Any) -> Any:
    return _probed(layer, A, _within(A, K - 1))


def _neighbours_only_are_near(layer: Any, A: Any, K: Any) -> Any:
    return _probed(layer, A, _within(A, 1))


def _first_source(layer: Any, A: Any, K: Any) -> Any:
    return _probed(layer, A, _within(A, K), sources=[0])


def _first_receiver(layer: Any, A: Any, K: Any) -> Any:
    n = len(A)
    changes = [abs(layer(e)[0] - layer(np.zeros(n))[0]) for e in np.eye(n)]
    return all(change < 1e-9 for change, near in zip(changes, _within(A, K)[0], strict=True) if not near)


def _all_far_ones_at_once(layer: Any, A: Any, K: Any) -> Any:
    """All nodes beyond K get 1 more: what is added from one and taken from another cancels."""
    x, near = np.zeros(len(A)), _within(A, K)
    return all(abs(layer(x + ~near[i])[i] - layer(x)[i]) < 1e-9 for i in range(len(A)))


def _everything_at_once(layer: Any, A: Any, K: Any) -> Any:
    """All nodes get 1 more, and the far ones are to stay, as if what they hear came from the near."""
    x = np.zeros(len(A))
    far = (~_within(A, K)).any(axis=1)
    return bool((np.abs(layer(x + 1) - layer(x))[far] < 1e-9).all())


def _just_beyond(layer: Any, A: Any, K: Any) -> Any:
    """Only who is K + 1 edges away is looked at."""
    return _probed(layer, A, _within(A, K) | ~_within(A, K + 1))


def _only_where_a_path_leads(layer: Any, A: Any, K: Any) -> Any:
    return _probed(layer, A, _within(A, K) | ~_within(A, len(A)))


def _large_changes_only(layer: Any, A: Any, K: Any) -> Any:
    return _probed(layer, A, _within(A, K), least=0.3)


def _a_touch(layer: Any, A: Any, K: Any) -> Any:
    """A change so small that its answer drowns in the tolerance."""
    n, x = len(A), np.ones(len(A))
    changes = np.array([np.abs(layer(x + 1e-9 * e) - layer(x)) for e in np.eye(n)]).T
    return bool((changes[~_within(A, K)] < 1e-8).all())


def _draw_far_pair(layer: Layer, A: Floats, K: int) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    seen = np.where(_too_far(layer, A, K), _influences(layer, len(A)), 0.0)
    i, j = np.unravel_index(int(np.argmax(seen)), seen.shape)
    title = f"K = {K}: {i} depends on {j}" if seen.any() else f"K = {K}: kept"
    graph = as_graph(np.argwhere(np.triu(A)), n=len(A))
    return draw_graph(graph, marked=[int(i), int(j)] if seen.any() else [], title=title)


SEES = Exercise(
    id="spectral_gcn-3",
    level="core",
    form="property",
    difficulty=3,
    importance=2,
    minutes=10,
    cases=_sold_layers,
    properties=(
        Property(
            says="the answer is True or False",
            holds=lambda said, layer, A, K: isinstance(said, bool | np.bool_),
            hints=(
                "One verdict on the layer, not one for each node or pair.",
                "Look at what you return: a comparison of arrays is an array.",
                "np.all(...) and np.any(...) make one truth value of many.",
            ),
        ),
        Property(
            says="True where nobody sees more than K edges far: who is nearer than K may be seen, too",
            holds=lambda said, layer, A, K: (
                not _keeps(layer, A, K) or _has_bias(layer, A) or _rounds(layer, A, K) or said
            ),
            hints=(
                "Which nodes are allowed? Those on a walk of K steps, of fewer, and the node itself.",
                "Look at the powers of A: the entries of A^K count walks of exactly K steps.",
                "With I added to A a walk may rest, so the same power reaches all that are nearer. Or search in "
                "breadth.",
            ),
        ),
        Property(
            says="False where a node sees another that is more than K edges away",
            holds=lambda said, layer, A, K: not _by_paths(layer, A, K) or not said,
            hints=(
                "Move the signal at one node, and see who notices.",
                "Look at every node that is moved, every node that may notice, and every distance above K. Two "
                "that are moved together may cancel each other. How small a change do you notice?",
                "For each j: layer(x + e_j) less layer(x), e_j being 1 at j only. Who is not near j must have 0 "
                "there.",
            ),
        ),
        Property(
            says="False where a node sees another to which no path leads",
            holds=lambda said, layer, A, K: _keeps(layer, A, K) or _by_paths(layer, A, K) or not said,
            hints=(
                "Without a path a node is farther away than any K.",
                "Look at what your distance is for two nodes in different parts of the graph.",
                "Whoever is not within K is far; there is no third kind.",
            ),
        ),
        Property(
            says="True where a layer that keeps to K has biases: they come from nowhere, not from other nodes",
            holds=lambda said, layer, A, K: (
                not (_keeps(layer, A, K) and _has_bias(layer, A)) or _rounds(layer, A, K) or said
            ),
            hints=(
                "What comes out is not all heard. How can you tell what was heard from what is always there?",
                "Look at layer(np.zeros(n)): is it 0?",
                "Compare two signals that differ at one node: only who hears that node gives another answer.",
            ),
        ),
        Property(
            says="True where all that comes from beyond K is rounding",
            holds=lambda said, layer, A, K: not (_keeps(layer, A, K) and _rounds(layer, A, K)) or said,
            hints=(
                "A filter may be computed through frequencies: its zeros are then zero to 15 digits.",
                "Look at your comparison with 0.",
                "Ask for a change of more than 1e-9, say, instead of `!= 0`.",
            ),
        ),
    ),
    reference=sees_only,
    wrong=(
        lambda layer, A, K: ~_too_far(layer, A, K),
        lambda layer, A, K: True,
        lambda layer, A, K: False,
        _of_unit_signals,
        _to_the_last_digit,
        _walks_of_K_steps,
        _walks_of_K_steps_and_unit_signals,
        _one_more,
        _one_less,
        _neighbours_only_are_near,
        _first_source,
        _first_receiver,
        _all_far_ones_at_once,
        _everything_at_once,
        _just_beyond,
        _only_where_a_path_leads,
        _large_changes_only,
        _a_touch,
    ),
    why=(
        "A node sees another if moving the signal there changes its value. So move one node at a time, subtract "
        "what came out before, which takes the biases away, and look at all nodes that (I + A)^K does not reach: "
        "I lets a walk rest, so nearer nodes count as near. A tolerance tells rounding from seeing. A polynomial "
        "of order K passes whatever its weights; heat does not, nor does a filter with a free share for each "
        "frequency. Tests only refute: a layer that hears far nodes at some signals alone may slip through."
    ),
    draw=_draw_far_pair,
    after="Needed again: on it rests that an epoch computes only what the training nodes can see.",
)

# -------------------------------------------------------------------------------- 4: edges the wrong way round


def mean_of_incoming(A: Any, X: Any) -> Any:
    """From the bug museum, written anew: A[i, j] is the edge i -> j, so a row holds what leaves i."""
    incoming = A.sum(axis=1, keepdims=True)
    return A / incoming @ X


def _with_loops(answer: Any) -> Floats:
    """A of an answer (edges, x), with ones on the diagonal."""
    edges, x = answer
    A = np.eye(len(x))
    for u, v in _pairs(edges):
        A[u, v] = 1
    return A


def _edges_and_signal(answer: Any) -> bool:
    edges, x = answer
    pairs = _pairs(edges)
    inside = all(end in range(len(x)) for pair in pairs for end in pair)
    once_each = len({(u, v) for u, v in pairs}) == len(pairs)
    return inside and once_each and _is_real(x, (len(x),))


def _is_directed(answer: Any) -> bool:
    A = _with_loops(answer)
    return not np.array_equal(A, A.T)


def _counts_right(answer: Any) -> bool:
    A = _with_loops(answer)
    return np.array_equal(A.sum(axis=0), A.sum(axis=1))


def _comes_out_wrong(answer: Any) -> bool:
    A, x = _with_loops(answer), np.asarray(answer[1], float)
    wanted = A.T @ x / A.sum(axis=0)
    return not np.allclose(mean_of_incoming(A, x), wanted, rtol=0, atol=1e-9 * np.abs(x).max(initial=0))


DIRECTION = Exercise(
    id="spectral_gcn-4",
    level="core",
    form="spot the bug",
    difficulty=3,
    importance=3,
    minutes=8,
    cases=once,
    properties=(
        Property(
            says="the answer is (edges, x): pairs of the nodes 0 ... len(x) - 1, each pair once, and a number for "
            "each node",
            holds=_edges_and_signal,
            hints=(
                "Two things in one pair of parentheses: a list of pairs, then a list of numbers.",
                "Look at the labels: the length of x says how many nodes there are.",
                "It looks like ([(t, u), (v, w)], [p, q, r]), with t, u, v and w among 0, 1, 2.",
            ),
        ),
        Property(
            says="the loops of the diagonal are there by themselves, and are not in the list",
            holds=lambda answer: all(u != v for u, v in _pairs(answer[0])),
            hints=(
                "An edge of the list leads from one node to another.",
                "Look for a pair of yours that names one node twice.",
                "Leave out all pairs (u, u): A has its ones there without them.",
            ),
        ),
        Property(
            says="some edge has no edge back: with all of them, A is its own transpose",
            holds=_is_directed,
            hints=(
                "Where u -> v and v -> u are both there, rows and columns of A are the same.",
                "Look for an edge of yours whose way back is not in the list.",
                "The graph must be directed: leave ways back out.",
            ),
        ),
        Property(
            says="`incoming` is right at every node: as many edges leave as come in",
            holds=_counts_right,
            hints=(
                "A.sum(axis=1) adds up rows: the edges that leave. Where is that the number that come in?",
                "Look at each node of yours: count the arrows that end there and those that begin there.",
                "Who follows the arrows must never get stuck, and come back to where he began.",
            ),
        ),
        Property(
            says="what comes out is wrong at some node",
            holds=_comes_out_wrong,
            hints=(
                "As in exercise 5 of lesson 00: A @ x adds up the values of those that a node *points to*.",
                "Look at the values of who is before a node and of who is after it: they must differ somewhere.",
                "Give one node a 1 and all others 0.",
            ),
        ),
        Property(
            says="no graph with fewer edges does it",
            holds=lambda answer: len(_pairs(answer[0])) <= 3,
            hints=(
                "Fewer edges are enough.",
                "Look for edges, or for whole pieces, that can go while the rest still goes round.",
                "The shortest way round that is not there and back again.",
            ),
        ),
    ),
    reference=([(0, 1), (1, 2), (2, 0)], [1, 0, 0]),
    wrong=(
        [(0, 1), (1, 2), (2, 0)],  # no signal
        ([1, 0, 0], [(0, 1), (1, 2), (2, 0)]),
        ([(1, 2), (2, 3), (3, 1)], [1, 0, 0]),  # counted from 1
        ([(0, 0)], [1]),  # a loop
        ([(0, 0), (0, 1)], [1, 0]),
        ([(0, 1), (1, 2), (2, 0)], [[1, 0], [0, 1], [0, 0]]),  # several signals
        ("012", [1, 0, 0]),
        ([], [1, 0]),
        ([(0, 1), (1, 0)], [1, 0]),  # both ways
        ([(0, 1), (1, 0), (1, 2), (2, 1)], [1, 0, 0]),
        ([(0, 1)], [1, 0]),  # wrong, but so is the count
        ([(0, 1), (1, 2)], [1, 0, 0]),
        ([(0, 1), (0, 2)], [0, 1, 2]),
        ([(0, 1), (1, 2), (0, 2)], [1, 0, 0]),  # a triangle that does not go round
        ([(0, 1), (1, 0), (1, 2)], [1, 0, 0]),
        ([(0, 1), (1, 2), (2, 0)], [1, 1, 1]),  # the mean of ones is one, from whichever side
        ([(0, 1), (1, 2), (2, 0)], [0, 0, 0]),
        ([(0, 1), (1, 2), (2, 3), (3, 0)], [1, 0, 1, 0]),  # before and after are the same
        ([(0, 1), (1, 2), (2, 3), (3, 0)], [1, 0, 0, 0]),
        ([(0, 1), (1, 2), (2, 0), (0, 3), (3, 0)], [1, 0, 0, 0]),
    ),
    why=(
        "A row of A holds the edges that leave. So A @ X adds up the values of all that a node points to, which "
        "exercise 5 of lesson 00 showed, and A.sum(axis=1) counts the same edges: twice the wrong end. "
        "Undirected, A is its own transpose, and nobody notices. On a ring of three in one direction one edge "
        "leaves and one comes in everywhere, so the count is right, and each node still hears its successor. It "
        "takes both repairs: A.T @ X / A.sum(axis=0)[:, None]. Fewer edges do not do: as many in as out puts "
        "every edge on a way round, and there and back is undirected."
    ),
    after="Needed again: row = receiver holds for S here, and for masks and weights in 11.",
)

# -------------------------------------------------------------------------------- 5: the narrow side first


UNCOUNTED = 6  # nodes: so few that a wrong number is better told than a product too many


def _score_cases(rng: Generator) -> Iterator[tuple[CountedMatrix, Floats, Floats, int]]:
    """Directed graphs of 1 to 6 nodes with few features; then larger ones, on which products are counted, too."""
    widths = ((1, 1), (2, 2), (3, 1), (1, 3), (3, 2), (2, 3))
    small = [(n, *widths[(n + k) % len(widths)], k) for n in range(1, 7) for k in (0, 1, 2, 3)]
    large = [(8, 3, 1, 2), (8, 1, 3, 2), (9, 2, 2, 0), (9, 2, 2, 3), (12, 6, 2, 1), (12, 2, 6, 3)]
    for n, n_in, n_out, k in [*small, *large, (24, 5, 3, 4), (24, 3, 5, 4), (30, 12, 1, 10), (30, 1, 12, 10)]:
        joined = (rng.random((n, n)) < min(0.3, 3 / n)) | (np.eye(n, k=1) > 0)
        A = np.where(np.eye(n) > 0, 0.0, joined)
        yield CountedMatrix(_renormalised(A)), _whole(rng, (n, n_in)), _whole(rng, (n_out, n_in)), k


def narrow_first(S: Any, X: Floats, W: Floats, k: int) -> Floats:
    before = W.shape[0] < W.shape[1]
    Y = X @ W.T if before else X
    for _ in range(k):
        Y = S @ Y
    return Y if before else Y @ W.T


def slow_scores(S: Any, X: Any, W: Any, k: Any) -> Any:
    """Right, but the power of S is made first: n columns."""
    P = np.eye(len(X))
    for _ in range(k):
        P = S @ P
    return P @ X @ W.T


def _is_score(found: Any, S: Any, X: Any, W: Any, k: int) -> bool:
    wanted = np.linalg.matrix_power(S.uncounted, k) @ X @ W.T
    return np.allclose(found, wanted, rtol=1e-6, atol=1e-6)


def _steps(S: Any, Y: Any, k: int) -> Any:
    for _ in range(k):
        Y = S @ Y
    return Y


def _features_first(S: Any, X: Any, W: Any, k: Any) -> Any:
    """Right, and dear where there are more features than classes."""
    return _steps(S, X, k) @ W.T


def _scores_before(S: Any, X: Any, W: Any, k: Any) -> Any:
    """Right, and dear where there are more classes than features."""
    return _steps(S, X @ W.T, k)


def _wide_first(S: Any, X: Any, W: Any, k: Any) -> Any:
    """The two sides mixed up."""
    return _scores_before(S, X, W, k) if W.shape[0] > W.shape[1] else _features_first(S, X, W, k)


def _by_the_nodes(S: Any, X: Any, W: Any, k: Any) -> Any:
    """n compared with n_in, where n_out was to be."""
    return _scores_before(S, X, W, k) if X.shape[1] > X.shape[0] else _features_first(S, X, W, k)


def _power_of_a_table(S: Any, X: Any, W: Any, k: Any) -> Any:
    return np.linalg.matrix_power(S, k) @ (X @ W.T)


def _power_by_squares(S: Any, X: Any, W: Any, k: Any) -> Any:
    """Few products of matrices, each of them n columns wide."""
    P, square = np.eye(len(X)), S
    while k:
        P = square @ P if k % 2 else P
        square, k = square @ square, k // 2
    return P @ (X @ W.T)


def _through_eigenvectors(S: Any, X: Any, W: Any, k: Any) -> Any:
    lam, V = np.linalg.eig(np.asarray(S))
    return (V @ (lam[:, None] ** k * np.linalg.solve(V, X @ W.T))).real


def _each_from_the_start(S: Any, X: Any, W: Any, k: Any) -> Any:
    """All steps S^j X W^T are kept, each computed anew; the last is what was asked for."""
    return [narrow_first(S, X, W, j) for j in range(k + 1)][-1]


def _entry_by_entry_power(S: Any, X: Any, W: Any, k: Any) -> Any:
    return S**k @ X @ W.T


def _once(S: Any, X: Any, W: Any, k: Any) -> Any:
    return narrow_first(S, X, W, min(k, 1))


def _one_step_more(S: Any, X: Any, W: Any, k: Any) -> Any:
    return narrow_first(S, X, W, k + 1)


def _one_step_less(S: Any, X: Any, W: Any, k: Any) -> Any:
    return narrow_first(S, X, W, max(k - 1, 0))


def _always_a_step(S: Any, X: Any, W: Any, k: Any) -> Any:
    return narrow_first(S, X, W, max(k, 1))


def _turned(S: Any, X: Any, W: Any, k: Any) -> Any:
    """Messages against the edges."""
    return narrow_first(S.T, X, W, k)


def _W_each_time(S: Any, X: Any, W: Any, k: Any) -> Any:
    """The weights once for each step: right for one."""
    if W.shape[0] != W.shape[1] or k == 0:
        return narrow_first(S, X, W, k)
    Y = X
    for _ in range(k):
        Y = S @ Y @ W.T
    return Y


def _relu_between(S: Any, X: Any, W: Any, k: Any) -> Any:
    Y = X
    for step in range(k):
        Y = np.maximum(S @ Y, 0) if step < k - 1 else S @ Y
    return Y @ W.T


def _columns_for_rows(S: Any, X: Any, W: Any, k: Any) -> Any:
    return narrow_first(S, X, W, k).T


def _added_up(S: Any, X: Any, W: Any, k: Any) -> Any:
    return narrow_first(S, X, W, k).sum(axis=1)


def _draw_directed(S: CountedMatrix, X: Floats, W: Floats, k: int) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    receiver, sender = np.nonzero(S.uncounted - np.diag(S.uncounted.diagonal()))
    graph: Graph = as_graph(np.column_stack([sender, receiver]), n=len(X), directed=True)
    title = f"{W.shape[1]} features, {W.shape[0]} scores, k = {k}"
    return draw_graph(graph, title=title)


COST = Exercise(
    id="spectral_gcn-5",
    level="stretch",
    form="complexity",
    difficulty=2,
    importance=2,
    minutes=6,
    cases=_score_cases,
    properties=(
        Property(
            says="the answer is an array (n, n_out): a score for each node and class",
            holds=lambda found, S, X, W, k: _is_real(found, (len(X), len(W))),
            hints=(
                "As slow_scores: nodes in rows, classes in columns.",
                "Look at what you return, and at W on every way through your function.",
                "A row of W belongs to one class; W.T on the right makes scores of features.",
            ),
        ),
        Property(
            says="without a step, k = 0, it is X W^T",
            holds=lambda found, S, X, W, k: k > 0 or _is_score(found, S, X, W, k),
            hints=(
                "S^0 is I: nobody hears anything.",
                "Look at how often your loop runs for k = 0.",
                "range(k) is empty then, and only the weights are left.",
            ),
        ),
        Property(
            says="with one step it is S X W^T",
            holds=lambda found, S, X, W, k: k != 1 or _is_score(found, S, X, W, k),
            hints=(
                "S stands on the left, as row = receiver, and S is not symmetric here.",
                "Look for a transpose of S, and at how often your loop runs for k = 1.",
                "One product S @ ..., and one with W.T, in whichever order is cheaper.",
            ),
        ),
        Property(
            says="with k steps it is S^k X W^T",
            holds=_is_score,
            hints=(
                "A power of a matrix is a product with it, k times; the weights come once.",
                "Look at what goes round in your loop, and how often: only S, k times, and nothing between.",
                "In each round, S times what came out of the round before.",
            ),
        ),
        Property(
            says="S meets as few columns as can be where there are as many features as classes, or more",
            holds=lambda found, S, X, W, k: len(X) <= UNCOUNTED or len(W) > X.shape[1] or S.products <= k * len(W),
            hints=(
                "A product of three matrices may be bracketed either way; the sizes in the middle decide.",
                "Count the columns that S is multiplied with: n, as many as features, or as classes? And that no "
                "step is computed again.",
                "Make scores of the features first: then S meets n_out columns in each round.",
            ),
        ),
        Property(
            says="S meets as few columns as can be also where there are fewer features than classes",
            holds=lambda found, S, X, W, k: len(X) <= UNCOUNTED or S.products <= k * min(W.shape),
            hints=(
                "The weights may make columns fewer, or more: W.shape tells.",
                "Look at a case with one feature and eight classes: before or after the weights?",
                "Two ways, and an `if` that compares W.shape[0] with W.shape[1].",
            ),
        ),
    ),
    reference=narrow_first,
    wrong=(
        slow_scores,
        _features_first,
        _scores_before,
        _wide_first,
        _by_the_nodes,
        _power_of_a_table,
        _power_by_squares,
        _through_eigenvectors,
        _each_from_the_start,
        _entry_by_entry_power,
        _once,
        _one_step_more,
        _one_step_less,
        _always_a_step,
        _turned,
        _W_each_time,
        _relu_between,
        _columns_for_rows,
        _added_up,
    ),
    why=(
        "(S (S X)) W^T and S (S (X W^T)) are the same numbers: products of matrices may be bracketed at will. A "
        "product of the sparse S with one full column costs O(n + m), so what counts is how many columns it "
        "meets: n for the power of S, which does not even stay sparse; n_in if the weights come last; n_out if "
        "they come first. With a relu between them each layer still has this choice: from 64 numbers a node to 10 "
        "numerals the weights come first, and S meets 10 columns instead of 64. Where X is sparse itself, count "
        "entries, not columns: of Cora's 1,433 words 18 are in a paper, and S X costs hardly more than S times 16 "
        "numbers a paper. But S X has almost four times the entries of X, so the weights cost that much more "
        "after it than before."
    ),
    draw=_draw_directed,
    after="Needed again: GCNConv and ChebConv weigh first; what they pass along edges is n_out wide.",
)

EXERCISES = (BY_HAND, LAYER, SEES, DIRECTION, COST)
