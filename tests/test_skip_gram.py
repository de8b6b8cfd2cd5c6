"""Skip-gram: its step against backpropagation, its passes against plain loops, its draws by chi-squared tests."""

from __future__ import annotations

import subprocess
import sys

import networkx as nx
import numpy as np
import pytest
import strategies  # noqa: F401  the profile of Hypothesis
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import chi2
from speeds import COMPILED, both_speeds, chooser, each_speed

import lessons.compiled.skip_gram as kernels
from lessons import as_graph
from lessons import skip_gram as module
from lessons.biased_walks import random_walks
from lessons.skip_gram import Settings, Training, pair_step_definition, skip_gram, skip_gram_definition
from lessons.tensor import Tensor
from lessons.tensor_functions import log, sigmoid

Floats = NDArray[np.float64]
Rows = NDArray[np.int32]

kernels_or_not = chooser(kernels, module)


def choose(speed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, walks of any size are passed at this speed."""
    kernels_or_not(speed, monkeypatch)
    monkeypatch.setattr(module, "COMPILED_FROM", 0)


speed = each_speed(choose)
at_both_speeds = both_speeds(choose)

NUMBERS = st.floats(-3, 3, width=16)


# ------------------------------------------------------------------------------------------------ one step


def loss(x: Floats, Y: Floats) -> float:
    """-log s(x . Y[0]) - sum of log s(-x . Y[k])."""
    z = Y @ x
    return float(np.logaddexp(0, -z[0]) + np.logaddexp(0, z[1:]).sum())


@st.composite
def steps(draw: st.DrawFn) -> tuple[Floats, Floats]:
    size, outputs = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    vectors = draw(arrays(np.float64, (outputs + 1, size), elements=NUMBERS))
    return vectors[0], vectors[1:]


@given(steps())
def test_a_step_goes_down_the_gradient_of_finite_differences(case: tuple[Floats, Floats]) -> None:
    x, Y = case
    h, before = 1e-5, (x.copy(), Y.copy())
    new_x, new_Y = pair_step_definition(x, Y, rate=0.5)
    for d in range(len(x)):
        e = h * np.eye(len(x))[d]
        slope = (loss(x + e, Y) - loss(x - e, Y)) / (2 * h)
        assert (x - new_x)[d] / 0.5 == pytest.approx(slope, abs=1e-6)
        for k in range(len(Y)):
            shift = np.zeros_like(Y)
            shift[k, d] = h
            slope = (loss(x, Y + shift) - loss(x, Y - shift)) / (2 * h)
            assert (Y - new_Y)[k, d] / 0.5 == pytest.approx(slope, abs=1e-6)
    assert (x == before[0]).all()
    assert (before[1] == Y).all()


@given(steps())
def test_a_step_is_that_of_backpropagation(case: tuple[Floats, Floats]) -> None:
    x, Y = (Tensor(values) for values in case)
    z = Y @ x
    (-log(sigmoid(z[:1])).sum() - log(sigmoid(-z[1:])).sum()).backward()
    new_x, new_Y = pair_step_definition(*case, rate=0.25)
    np.testing.assert_allclose(new_x, case[0] - 0.25 * x.grad, atol=1e-12)
    np.testing.assert_allclose(new_Y, case[1] - 0.25 * Y.grad, atol=1e-12)


def test_a_step_far_from_what_is_wanted_never_overflows() -> None:
    x, Y = pair_step_definition([1e3], [[-1e3], [1e3]], rate=0.001)
    np.testing.assert_allclose(x, [1e3 - 1 - 1])
    np.testing.assert_allclose(Y, [[-1e3 + 1], [1e3 - 1]])


@pytest.mark.skipif(not COMPILED, reason="numba is missing or told not to compile")
def test_the_table_of_sigmoids_is_good_everywhere_and_read_within() -> None:
    table = module._sigmoids()
    guarded = np.full(len(table) + 4, np.nan, np.float32)
    guarded[2:-2] = table  # what lies beside it would be seen
    near, far = np.nextafter(np.float32(16), np.float32(0)), np.float32(3e38)
    some = np.linspace(-17, 17, 10_001, dtype=np.float32)
    for z in [
        *some,
        near,
        -near,
        np.float32(16),
        np.float32(-16),
        far,
        -far,
        np.float32(np.inf),
        -np.float32(np.inf),
    ]:
        assert (
            abs(kernels.sigmoid(guarded[2:-2], z) - expit(np.float64(z))) < 3.2e-6
        )  # 1/8 * (1/64)^2 * the largest curvature, and rounding
    assert np.isfinite(kernels.sigmoid(guarded[2:-2], np.float32(np.nan)))


# ------------------------------------------------------------------------------------------------ the draws


@given(st.lists(st.integers(0, 50), min_size=1, max_size=12).filter(any))
def test_the_alias_table_gives_each_node_its_share_exactly(counts: list[int]) -> None:
    weights = np.array(counts) ** 0.75
    chance, other = module._alias_table(weights)
    n = len(counts)
    shares = (chance + np.bincount(other, 1 - chance, minlength=n)) / n
    np.testing.assert_allclose(shares, weights / weights.sum(), atol=1e-14)
    assert ((chance >= 0) & (chance <= 1)).all()
    drawable = set(np.flatnonzero(chance > 0)) | set(other[chance < 1].tolist())
    assert drawable.isdisjoint(np.flatnonzero(np.array(counts) == 0))


def test_noise_comes_by_the_power_of_counts_and_never_is_the_node_in_the_middle() -> None:
    counts = np.array([1, 200, 0, 40, 900, 15])
    training, walk = Training(counts, key=7), [0, 1, 3, 4, 5] * 20
    seen = {middle: np.zeros(6) for middle in walk}
    for i in range(30):
        for _, (middle, *noise) in training.pairs(walk, i, 2, 6):
            np.add.at(seen[middle], noise, 1)
            assert len(noise) <= 6
    total = 0.0
    for middle, drawn in seen.items():
        weights = np.where(np.arange(6) == middle, 0, counts**0.75)
        assert (drawn[weights == 0] == 0).all()
        expected = drawn.sum() * weights / weights.sum()
        some = expected > 0
        total += ((drawn - expected)[some] ** 2 / expected[some]).sum()
    assert total < chi2.isf(1e-4, 5 * 3)


def inputs_by_place(training: Training, walk: list[int], i: int, window: int, negatives: int) -> list[list[int]]:
    """The inputs of each place of a walk in which each node occurs once."""
    around: dict[int, list[int]] = {node: [] for node in walk}
    for v, (middle, *_) in training.pairs(walk, i, window, negatives):
        around[middle].append(v)
    return [around[node] for node in walk]


@pytest.mark.parametrize("window", [1, 2, 5])
def test_a_window_reaches_as_far_as_drawn_evenly_on_both_sides(window: int) -> None:
    length, passes = 30, 200
    training, walk = Training(np.ones(length, np.int64), key=3), list(range(length))
    reaches = []
    for i in range(passes):
        for place, around in enumerate(inputs_by_place(training, walk, i, window, 1)):
            reach = max(abs(v - place) for v in around)
            assert around == [v for v in range(place - reach, place + reach + 1) if v != place and 0 <= v < length]
            if window <= place < length - window:
                reaches.append(reach)
    counts = np.bincount(reaches, minlength=window + 1)
    expected = len(reaches) / window
    assert counts[0] == 0
    assert ((counts[1:] - expected) ** 2 / expected).sum() < chi2.isf(1e-4, window)


def test_each_pair_meets_noise_of_its_own() -> None:
    training, walk = Training(np.ones(1_000, np.int64), key=5), list(range(1_000))
    pairs = [training.pairs(walk, i, 4, 5) for i in (0, 1)]
    noises = [tuple(noise) for walked in pairs for _, (_, *noise) in walked]
    assert len(set(noises)) == len(noises) > 6_000
    assert np.mean([len(noise) for noise in noises]) > 4.98


# ------------------------------------------------------------------------------------------------ the passes


@st.composite
def walking(draw: st.DrawFn) -> tuple[Rows, int]:
    """Walks among a few nodes, some of which end early, one at once; some nodes occur nowhere."""
    n, length = draw(st.integers(1, 6)), draw(st.integers(2, 7))
    walks = draw(arrays(np.int32, (draw(st.integers(1, 5)), length), elements=st.integers(0, n - 1)))
    ends = draw(st.lists(st.integers(0, length), min_size=len(walks), max_size=len(walks)))
    for walk, end in zip(walks, ends, strict=True):
        walk[end:] = -1
    walks[0, 0] = draw(st.integers(0, n - 1))
    return walks, n


def by_loops(walks: Rows, n: int, epochs: int, rate: float, seed: int, **sizes: int) -> tuple[Floats, Floats]:
    """Skip-gram number by number: only the draws, and where vectors start, are the library's."""
    start = skip_gram(
        np.zeros((1, 99), np.int32), n, seed=seed, **{**sizes, "window": 1}
    )  # contexts of others stay
    X = module.first_vectors(n, sizes["dimensions"], module.key_of(seed)).tolist()
    np.testing.assert_array_equal(start.vectors[1:], np.array(X, np.float32)[1:])
    Y = [[0.0] * sizes["dimensions"] for _ in range(n)]
    training = Training(np.bincount(walks[walks >= 0], minlength=n), module.key_of(seed))
    passes = [walk for _ in range(epochs) for walk in walks.tolist()]
    for i, walk in enumerate(passes):
        now = rate + (rate / 250 - rate) * i / len(passes)
        for v, outputs in training.pairs(walk, i, sizes["window"], sizes["negatives"]):
            pulls = [now * ((j == 0) - expit(np.dot(X[v], Y[u]))) for j, u in enumerate(outputs)]
            moved = [sum(pull * Y[u][d] for pull, u in zip(pulls, outputs, strict=True)) for d in range(len(X[v]))]
            for pull, u in zip(pulls, outputs, strict=True):
                Y[u] = [y + pull * x for y, x in zip(Y[u], X[v], strict=True)]
            X[v] = [x + move for x, move in zip(X[v], moved, strict=True)]
    return np.array(X), np.array(Y)


@given(
    case=walking(),
    dimensions=st.integers(1, 9),
    negatives=st.integers(1, 6),
    epochs=st.integers(1, 3),
    rate=st.sampled_from([0.025, 0.2]),  # higher ones make rounding grow
    seed=st.integers(0, 99),
    drawn=st.data(),
)
def test_every_speed_gives_the_vectors_of_plain_loops(
    case: tuple[Rows, int],
    dimensions: int,
    negatives: int,
    epochs: int,
    rate: float,
    seed: int,
    drawn: st.DataObject,
) -> None:
    walks, n = case
    window = drawn.draw(st.integers(1, walks.shape[1] - 1))
    options = {"dimensions": dimensions, "window": window, "negatives": negatives, "epochs": epochs, "seed": seed}
    X, Y = by_loops(walks, n, rate=rate, **options)
    defined = skip_gram_definition(walks.tolist(), n, rate=rate, **options)
    np.testing.assert_allclose(defined[0], X, atol=1e-12)
    np.testing.assert_allclose(defined[1], Y, atol=1e-12)
    before = walks.copy()
    for found in at_both_speeds(lambda: skip_gram(walks, n, rate=rate, **options)):
        assert (found.vectors.dtype, found.contexts.dtype) == (np.float32, np.float32)
        assert found.vectors.shape == found.contexts.shape == (n, dimensions)
        np.testing.assert_allclose(found.vectors, X, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(found.contexts, Y, rtol=1e-4, atol=1e-4)
        absent = np.setdiff1d(np.arange(n), walks)
        first = module.first_vectors(n, dimensions, module.key_of(seed))
        assert (found.vectors[absent] == first[absent]).all()
        assert not found.contexts[absent].any()
    assert (walks == before).all()


def test_vectors_start_evenly_within_1_over_the_dimensions() -> None:
    first = module.first_vectors(2_000, 16, key=5)
    assert (first.shape, first.dtype) == ((2_000, 16), np.float32)
    counts = np.histogram(first * 16, bins=20, range=(-1, 1))[0]
    assert counts.sum() == 32_000
    assert ((counts - 1_600) ** 2 / 1_600).sum() < chi2.isf(1e-4, 19)
    assert (first != module.first_vectors(2_000, 16, key=6)).any()
    assert (first[:7] == module.first_vectors(7, 16, key=5)).all()
    many = module.first_vectors(3, 1_000_000, key=5)  # filled in parts
    np.testing.assert_allclose(many[:, :4] * 1e6, module.first_vectors(3, 4, key=5) * 4, rtol=1e-6)


def test_any_parts_of_the_walks_in_order_give_the_same_bits(speed: str) -> None:
    walks = random_walks(as_graph(nx.path_graph(9)), 8, walks_per_node=3)
    whole = skip_gram(walks, 9, dimensions=5, window=3, seed=4)
    key = module.key_of(4)
    training = Training(np.bincount(walks[walks >= 0], minlength=9), key)
    parts = module.Embedding(module.first_vectors(9, 5, key), np.zeros((9, 5), np.float32))
    for first, last in [(0, 1), (1, 2), (2, 20), (20, 27)]:
        training.passed(parts, walks[first:last], first, 27, Settings(5, 3, 5, 0.025, 8), threads=1)
    assert (parts.vectors == whole.vectors).all()
    assert (parts.contexts == whole.contexts).all()


def test_seeds_differ(speed: str) -> None:
    walks = np.array([[0, 1, 2, 1]])
    options = {"dimensions": 4, "window": 2}
    found = [skip_gram(walks, 3, seed=seed, **options).vectors for seed in (1, 1, 2, None, None)]
    assert (found[0] == found[1]).all()
    assert len({vectors.tobytes() for vectors in found}) == 4


PROGRAM = """
import hashlib
import networkx as nx
from lessons.biased_walks import random_walks
from lessons.skip_gram import skip_gram
walks = random_walks(nx.karate_club_graph(), 20, p=0.5, q=2)
embedding = skip_gram(walks, 34, dimensions=24, window=4)
print(hashlib.sha256(embedding.vectors.tobytes() + embedding.contexts.tobytes()).hexdigest())
"""


def test_another_process_finds_the_same_bits(capsys: pytest.CaptureFixture[str]) -> None:
    exec(PROGRAM, {})
    here = capsys.readouterr().out
    there = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=100, check=True
    )
    assert there.stdout == here
    assert len(here) == 65


def test_large_work_is_compiled_small_work_never_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where the kernels are loaded, or the last bits would depend on what was done before."""
    asked = []
    monkeypatch.setattr(module, "compiled", lambda room, *, when: asked.append((room, when)))
    walks = np.array([[0, 1, 0, -1]])
    skip_gram(walks, 2, window=1)
    monkeypatch.setattr(module, "COMPILED_FROM", 4)
    skip_gram(walks, 2, window=1)
    assert not asked
    monkeypatch.setattr(module, "COMPILED_FROM", 3)
    skip_gram(walks, 2, window=1)
    assert asked == [("skip_gram", True)]


# ------------------------------------------------------------------------------------------------ what is learned


def apart(vectors: Floats, groups: NDArray[np.int64]) -> float:
    """The share of the nearest by cosine, size of a group less 1 each, that are of the same group."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    near = unit @ unit.T
    np.fill_diagonal(near, -np.inf)
    size = np.bincount(groups)[0] - 1
    nearest = np.argsort(-near, axis=1)[:, :size]
    return float((groups[nearest] == groups[:, None]).mean())


CLIQUES, SIZE = 8, 6


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("seed", [100, 101, 102])
def test_nodes_of_one_clique_lie_nearest(monkeypatch: pytest.MonkeyPatch, threads: int, seed: int) -> None:
    choose("compiled", monkeypatch)
    graph = as_graph(nx.ring_of_cliques(CLIQUES, SIZE))
    walks = random_walks(graph, 40, walks_per_node=20, p=1, q=0.5, seed=seed)
    embedding = skip_gram(walks, graph.n, dimensions=16, window=5, rate=0.05, epochs=3, seed=seed, threads=threads)
    groups = np.arange(graph.n) // SIZE
    assert np.isfinite(embedding.vectors).all()
    assert apart(embedding.vectors, groups) > 0.9
    first = module.first_vectors(graph.n, 16, module.key_of(seed))
    assert apart(first, groups) < 0.3


def test_what_is_seen_together_has_the_larger_product(speed: str) -> None:
    walks = np.tile([[0, 1, 0, 1, 0], [2, 3, 2, 3, 2]], (60, 1))
    embedding = skip_gram(walks, 4, dimensions=6, window=1, rate=0.2)
    products = embedding.vectors @ embedding.contexts.T
    together = products[[0, 1, 2, 3], [1, 0, 3, 2]]
    others = products[[0, 0, 1, 1, 2, 2, 3, 3], [2, 3, 2, 3, 0, 1, 0, 1]]
    assert together.min() > others.max()


def test_one_node_alone_stays_finite(speed: str) -> None:
    embedding = skip_gram(np.zeros((40, 30), np.int64), 1, dimensions=3, window=4, rate=1.0)
    assert np.isfinite(embedding.vectors).all()  # no noise is left, so its product only grows, slower and slower
    assert embedding.vectors[0] @ embedding.contexts[0] > 2


# ------------------------------------------------------------------------------------------------ at the door


@pytest.mark.parametrize("rate", [1e20, 1e38, 1e300])
def test_a_rate_that_makes_vectors_infinite_is_told(speed: str, rate: float) -> None:
    walks = random_walks(as_graph(nx.complete_graph(5)), 20, walks_per_node=3)
    with pytest.raises(ValueError, match=r"rate=1e\+.* is too high"):
        skip_gram(walks, 5, dimensions=4, window=3, rate=rate)


def test_what_is_asked_of_walks(speed: str) -> None:
    for wrong, problem in [
        ([0, 1], r"shape \(2,\)"),
        (np.zeros((2, 2, 2), int), "shape"),
        (np.zeros((0, 4), int), r"\(0, 4\) hold no node"),
        ([], r"shape \(0,\)"),
        ([[-1, -1]], "hold no node"),
        ([[0, 1], [2, 3]], "walks hold 3: 0 to 2"),
        ([[0, -2], [0, 1]], "walks hold -2"),
        ([[0, 1, 1], [1, -1, 0]], "walk 1 goes on after its end"),
        ([[0, 1, 1], [-1, -1, 0]], "walk 1 goes on after its end"),
        (np.array([[0, 2**40]]), "walks hold 1099511627776"),
    ]:
        with pytest.raises(ValueError, match=problem):
            skip_gram(wrong, 3, window=1)
    for wrong in ([[0.0, 1.0]], [["a", "b"]], [[True, False]], [[None, 0]]):
        with pytest.raises(TypeError, match="walks of type"):
            skip_gram(wrong, 3, window=1)


def test_what_is_asked_of_numbers(speed: str) -> None:
    walks = np.array([[0, 1, 2]])
    for name in ("dimensions", "window", "negatives", "epochs", "threads"):
        for value in (0, -1):
            with pytest.raises(ValueError, match=f"^{name}={value}: at least 1"):
                skip_gram(walks, 3, **{"window": 1, name: value})
        for value in (1.5, "2", True):
            with pytest.raises(TypeError, match=f"^{name}="):
                skip_gram(walks, 3, **{"window": 1, name: value})
    with pytest.raises(ValueError, match="window=3 reaches beyond walks of 3 nodes: at most 2"):
        skip_gram(walks, 3, window=3)
    for rate in (0, -0.1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=r"^rate="):
            skip_gram(walks, 3, window=1, rate=rate)
    with pytest.raises(TypeError, match=r"^rate="):
        skip_gram(walks, 3, window=1, rate="0.1")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="n=0"):
        skip_gram(walks, 0, window=1)
    with pytest.raises(ValueError, match="seed=-1"):
        skip_gram(walks, 3, window=1, seed=-1)


def test_walks_of_different_lengths_are_told_so():
    with pytest.raises(ValueError, match="different lengths: fill the short ones up with -1"):
        skip_gram([[0, 1, 0], [1, 0]], 2, window=1)
