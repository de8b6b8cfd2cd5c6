"""Seeds and streams: the same numbers in Python, NumPy and numba, held to published ones."""

import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lessons import _rng
from lessons.compiled import rng as compiled

KEYS = st.integers(0, 2**64 - 1)
TASKS = st.integers(0, 2**62)
DRAWS = st.integers(0, 2**40)

# The first outputs of SplitMix64 seeded with 1234567, as published with many implementations of it.
PUBLISHED = [
    6457827717110365317,
    3203168211198807973,
    9817491932198370423,
    4593380528125082431,
    16408922859458223821,
]
FROZEN_KEY = 16920295385781661272
FROZEN = [
    13384005520735688291,
    13099601388659416682,
    5468626307049139041,
    15081343726584405629,
    9247944415434623858,
    7552520612545183132,
]


def test_published_values():
    assert [_rng.start(1234567, i) for i in range(5)] == PUBLISHED
    assert [_rng.bits(1234567, i) for i in range(5)] == PUBLISHED


def test_frozen_values():
    """The numbers of every published result hang on these: they never change."""
    key = _rng.key_of(7)
    assert key == FROZEN_KEY
    assert [_rng.bits(_rng.start(key, task), i) for task in (0, 1, 10**9) for i in (0, 1)] == FROZEN


@given(KEYS, TASKS, DRAWS)
def test_python_and_compiled_agree(key, task, i):
    s = _rng.start(key, task)
    assert int(compiled.start(key, task)) == s
    assert int(compiled.bits(np.uint64(s), i)) == _rng.bits(s, i)
    assert compiled.uniform(np.uint64(s), i) == _rng.uniform(s, i)


@given(KEYS, st.lists(TASKS, max_size=5), st.integers(0, 5))
def test_python_and_numpy_agree(key, tasks, count):
    expected = [[_rng.uniform(_rng.start(key, task), i) for i in range(count)] for task in tasks]
    assert np.array_equal(_rng.uniforms(key, tasks, count), np.reshape(expected, (len(tasks), count)))


@given(KEYS, st.integers(0, 50), st.floats(0, 1, exclude_max=True), st.integers(0, 50))
def test_what_reaches_a_chance_is_what_uniforms_say(key, count, p, place):
    drawn = _rng.uniforms(key, [0], count)[0]
    for chance in (p, drawn[place % count] if count else 0.0, 1 - 2**-53):  # a draw itself is reached, too
        assert np.array_equal(_rng.reaching(key, count, float(chance)), drawn >= chance)


def test_without_the_compiler_the_same_source_gives_the_same_numbers():
    program = (
        "import warnings; warnings.simplefilter('error')\n"
        "from lessons.compiled.rng import start, uniform\n"
        "print(float(uniform(start(2**64 - 3, 5), 2)))"
    )
    environment = {"NUMBA_DISABLE_JIT": "1", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert float(done.stdout) == _rng.uniform(_rng.start(2**64 - 3, 5), 2)


def test_any_order_and_any_thread_draw_the_same():
    key, got = _rng.key_of(3), {}
    tasks = np.random.default_rng(0).permutation(200)

    def work(mine):
        for task in mine:
            got[int(task)] = compiled.uniform(compiled.start(key, int(task)), 0)

    threads = [threading.Thread(target=work, args=(tasks[k::3],)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.array_equal([got[task] for task in range(200)], _rng.uniforms(key, range(200), 1)[:, 0])


def test_uniforms_are_uniform_within_and_across_tasks():
    draws = _rng.uniforms(_rng.key_of(7), range(1_000), 100)
    assert draws.min() >= 0
    assert draws.max() < 1
    for sample in (draws[0:10].ravel(), draws[:, 0], np.diff(draws, axis=0)[::2].ravel() % 1):
        assert stats.kstest(sample, "uniform").pvalue > 1e-3
    neighbours = np.corrcoef(draws[:-1].ravel(), draws[1:].ravel())[0, 1]
    assert abs(neighbours) < 4 / np.sqrt(draws.size)


def test_seeds():
    generator = np.random.default_rng(5)
    twin = np.random.default_rng(5)
    assert _rng.key_of(generator) == _rng.key_of(twin)
    assert _rng.key_of(generator) != _rng.key_of(np.random.default_rng(5)), "a Generator moves on"
    assert _rng.key_of(np.int64(7)) == _rng.key_of(7)
    assert _rng.key_of(2**200) != _rng.key_of(2**201)
    assert _rng.key_of(None) != _rng.key_of(None)


@pytest.mark.parametrize("seed", [1.5, "7", True, [1], np.random.RandomState(1)])
def test_another_kind_of_seed_is_refused(seed):
    with pytest.raises(TypeError, match="seed="):
        _rng.key_of(seed)


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="seed=-1: zero or more"):
        _rng.key_of(-1)
