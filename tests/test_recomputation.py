"""Checkpoints give the gradients of the function they hold, keep less, and run it once more for each walk back."""

from __future__ import annotations

import gc
import threading
import tracemalloc
import weakref

import numpy as np
import pytest
import strategies  # noqa: F401  (the profile of all our tests)
from hypothesis import given
from hypothesis import strategies as st

from lessons.backpropagation import Tensor, checkpoint, no_grad, once, peak_bytes, record, tape
from lessons.errors import TapeError
from lessons.layers import MLP, BatchNorm, Dropout, Linear, Sequential
from lessons.tensor_functions import relu, tanh

RNG = np.random.default_rng(7)


def leaves(*shapes):
    return [Tensor(RNG.standard_normal(shape)) for shape in shapes]


def gradients(result, *tensors, **options):
    """The gradients of the sum of squares, each tensor starting without one."""
    for tensor in tensors:
        tensor.grad = None
    (result * result).sum().backward(**options)
    return [tensor.grad for tensor in tensors]


def same(found, wanted):
    """Bit for bit: the same sums in the same order."""
    return all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))


class Counted:
    """A function that counts its calls."""

    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, *inputs):
        self.calls += 1
        return self.function(*inputs)


# ---------------------------------------------------------------------------------------- the same gradients


@given(cuts=st.lists(st.integers(0, 12), max_size=5).map(sorted))
def test_a_network_cut_anywhere_has_the_same_gradients(cuts):
    x, *weights = leaves((4, 5), *[(5, 5)] * 12)

    def segment(x, start, stop):
        for W in weights[start:stop]:
            x = tanh(x @ W.T)
        return x

    wanted = gradients(segment(x, 0, 12), x, *weights)
    y = x
    for start, stop in zip([0, *cuts], [*cuts, 12], strict=True):
        y = checkpoint(segment, y, start, stop)
    assert same(gradients(y, x, *weights), wanted)


def test_the_function_runs_once_more_for_each_walk_back():
    a, b, c = leaves((3,), (3,), (3,))
    product = Counted(lambda a, b: a * b * c * c)
    y = checkpoint(product, a, b).sum()
    assert product.calls == 1
    y.backward(retain_graph=True)
    assert product.calls == 2
    first = [tensor.grad for tensor in (a, b, c)]
    y.backward()
    assert product.calls == 3
    assert same([tensor.grad for tensor in (a, b, c)], [2 * grad for grad in first])
    with pytest.raises(TapeError, match="is freed"):
        y.backward()
    assert product.calls == 3


def test_one_seed_twice_is_two_walks():
    x, y = leaves((3,), (3,))
    z = checkpoint(lambda x, y: x * y, x, y)
    seed = np.array([1.0, 2.0, 3.0])
    z.backward(seed, retain_graph=True)
    z.backward(seed)
    assert np.array_equal(x.grad, 2 * seed * y.data)


def test_a_gradient_that_was_not_fetched_is_not_taken_for_another():
    """As where a walk is interrupted between two inputs of one checkpoint."""
    x, y = leaves((3,), (3,))
    (_, pull_x), (_, pull_y) = checkpoint(lambda x, y: x * y, x, y)._edges
    g, h = np.ones(3), np.full(3, 2.0)
    assert np.array_equal(pull_x(g), y.data)
    assert np.array_equal(pull_x(g), y.data)
    assert np.array_equal(pull_y(h), 2 * x.data)
    assert np.array_equal(pull_x(h), 2 * y.data)
    alive = weakref.ref(h)
    del h
    assert alive() is None


def test_the_tape_holds_one_node_for_a_checkpoint():
    x, W = leaves((3,), (3, 3))
    y = checkpoint(lambda x: tanh(tanh(x @ W.T) @ W.T), x)
    assert [node.op for node in tape(y)][-1] == "checkpoint"
    assert set(tape(y)) == {x, W, y}


def test_inputs_may_come_twice_and_from_other_checkpoints():
    x, W = leaves((3, 3), (3, 3))

    def combined(a, b):
        return a @ b + a * W

    wanted = gradients(combined(combined(x, x), x), x, W)
    found = gradients(checkpoint(combined, checkpoint(combined, x, x), x), x, W)
    np.testing.assert_allclose(found, wanted, rtol=1e-13)  # sums of more than two parts, in another order


def test_what_was_computed_before_and_is_read_inside_gets_its_gradient():
    x, W = leaves((3,), (3,))
    before = tanh(x * W)
    wanted = gradients(tanh(before * x) + before, x, W, retain_graph=True)
    found = gradients(checkpoint(lambda: tanh(before * x)) + before, x, W)
    np.testing.assert_allclose(found, wanted, rtol=1e-13)


def test_arrays_and_settings_are_passed_through():
    x = Tensor([1.0, 2.0])
    y = checkpoint(lambda x, array, power, flag: x**power * array if flag else x, x, np.array([3.0, 4.0]), 2, True)
    y.backward([1.0, 1.0])
    assert x.grad.tolist() == [6.0, 16.0]


def test_constants_get_no_gradient():
    x, constant = Tensor([1.0, 2.0]), Tensor([3.0, 4.0], requires_grad=False)
    checkpoint(lambda x, c: x * c, x, constant).sum().backward()
    assert x.grad.tolist() == [3.0, 4.0]
    assert constant.grad is None
    result = checkpoint(lambda c: c * 2.0, constant)
    assert not result.requires_grad


def test_what_is_handed_through_stays_what_it_is():
    x = Tensor([1.0, 2.0])
    inner = x * 2.0
    assert checkpoint(lambda x: x, x) is x
    assert checkpoint(lambda x: x, inner) is inner
    assert checkpoint(lambda x: inner, x) is inner


def test_retain_grad_of_an_input_and_of_a_result():
    x = Tensor([1.0, 2.0])
    before = (x * 3.0).retain_grad()
    after = checkpoint(lambda y: y * y, before).retain_grad()
    (after * 2.0).sum().backward()
    assert after.grad.tolist() == [2.0, 2.0]
    assert before.grad.tolist() == [12.0, 24.0]


def test_without_a_tape_it_only_calls():
    x = Tensor([1.0, 2.0])
    with no_grad():
        assert not checkpoint(lambda x: x * x, x).requires_grad


def test_the_walk_back_may_stand_where_nothing_is_recorded():
    x = Tensor([1.0, 2.0])
    y = checkpoint(lambda x: x * x, x).sum()
    with no_grad():
        y.backward()
        assert not (x * x).requires_grad
    assert x.grad.tolist() == [2.0, 4.0]


def test_float32_stays_float32():
    x = Tensor(np.ones(3, np.float32))
    y = checkpoint(lambda x: x * x * 3.0, x)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == np.float32


def test_gradients_are_the_users_own():
    x, y = leaves((3,), (3,))
    checkpoint(lambda x, y: x + y, x, y).backward(np.ones(3))
    x.grad[0] = 7.0
    assert y.grad.tolist() == [1.0, 1.0, 1.0]


def test_what_is_no_number_twice_is_the_same():
    x = Tensor([1.0, 2.0])
    checkpoint(lambda x: x * np.array([np.nan, 1.0]), x).backward([1.0, 1.0])
    assert np.isnan(x.grad[0])
    assert x.grad[1] == 1.0


# ---------------------------------------------------------------------------------------- nested


def test_checkpoints_in_checkpoints():
    x, *weights = leaves((4, 4), *[(4, 4)] * 8)
    runs = Counted(lambda x, W: tanh(x @ W.T))

    def halves(x, weights):
        if len(weights) == 1:
            return runs(x, weights[0])
        middle = len(weights) // 2
        return checkpoint(halves, checkpoint(halves, x, weights[:middle]), weights[middle:])

    plain = x
    for W in weights:
        plain = tanh(plain @ W.T)
    wanted = gradients(plain, x, *weights)
    assert same(gradients(halves(x, weights), x, *weights), wanted)
    assert runs.calls == 8 * (1 + 3)  # forward, and once for each of three levels that it stands in


# ---------------------------------------------------------------------------------------- memory

LENGTH, SIZE = 36, 50_000


def long_chain(x, steps):
    for _ in range(steps):
        x = tanh(x)
    return x


def peak_of(segments):
    x = Tensor(np.linspace(-1.0, 1.0, SIZE))

    def step():
        y = x
        for _ in range(segments):
            y = checkpoint(long_chain, y, LENGTH // segments) if segments > 1 else long_chain(y, LENGTH)
        y.sum().backward()

    return peak_bytes(step) / x.data.nbytes, x.grad


def test_segments_need_clearly_less_memory_and_give_the_same_gradients():
    peaks, grads = zip(*[peak_of(segments) for segments in (1, 2, 6, 18, 36)], strict=True)
    assert peaks[0] > LENGTH
    assert peaks[2] < 2 * 6 + 6  # sqrt(36) arrays at the cuts, as many within, and a few on the way
    assert peaks[2] == min(peaks)
    assert all(np.array_equal(grad, grads[0]) for grad in grads)


def test_only_the_result_is_kept_after_the_forward_run():
    x = Tensor(np.linspace(-1.0, 1.0, SIZE))
    tracemalloc.start()
    try:
        y = checkpoint(long_chain, x, LENGTH)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert y.data.nbytes <= kept < 1.1 * y.data.nbytes


def test_nothing_leaks():
    x, W = leaves((20, 20), (20, 20))

    def step():
        x.grad = W.grad = None
        checkpoint(lambda x: tanh(checkpoint(tanh, x @ W) @ W), x).sum().backward()

    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(300):  # until Python's own stores of small objects are full
            step()
        assert gc.collect() == 0  # no cycles
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(300):
            step()
        assert gc.collect() == 0
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert after - before < 16 * 300  # not even the smallest object for each step


def test_peak_bytes():
    array_bytes = 8 * 100_000
    assert array_bytes <= peak_bytes(lambda: np.ones(100_000)) < array_bytes + 10_000
    assert 2 * array_bytes <= peak_bytes(lambda: np.ones(100_000) + np.ones(100_000).sum()) < 2.1 * array_bytes
    assert peak_bytes(lambda: None) < 1_000
    assert not tracemalloc.is_tracing()
    with pytest.raises(ZeroDivisionError):
        peak_bytes(lambda: 1 / 0)
    assert not tracemalloc.is_tracing()


def test_peak_bytes_within_a_trace_goes_on_tracing():
    tracemalloc.start()
    try:
        held = np.ones(1_000_000)
        del held
        held = np.ones(1_000)
        assert peak_bytes(lambda: np.ones(1_000)) < 20_000
        assert tracemalloc.is_tracing()
        assert held.size
    finally:
        tracemalloc.stop()


# ---------------------------------------------------------------------------------------- another answer


def test_a_function_that_draws_is_refused_on_the_way_back():
    rng = np.random.default_rng(7)
    x = Tensor(np.ones(3))
    y = (x * checkpoint(lambda x: x * rng.random(3), x)).sum()
    with pytest.raises(TapeError, match=r"computed something else the second time.*pass seeds"):
        y.backward()
    assert x.grad is None


@pytest.mark.parametrize("other", [lambda x, y: y * 2.0, lambda x, y: x * y, lambda x, y: (x * 2.0).reshape(1, 3)])
def test_a_function_that_reads_something_else_is_refused(other):
    x, y = Tensor(np.ones(3)), Tensor(np.ones(3) * 2.0)
    first = [lambda x, y: x * 2.0]
    result = checkpoint(lambda x, y: (first.pop() if first else other)(x, y), x, y)
    with pytest.raises(TapeError, match="computed something else"):
        result.backward(np.ones(3))


def test_new_values_between_the_two_are_refused_before_it_runs():
    x, W = leaves((3,), (3,))
    product = Counted(lambda x: x * W)
    y = checkpoint(product, x).sum()
    W.data = np.zeros(3)
    with pytest.raises(TapeError, match="given new values after checkpoint had read the old ones"):
        y.backward()
    assert product.calls == 1


def test_new_values_of_a_constant_input_are_refused_though_the_answer_is_the_same():
    x, c = Tensor([0.0, 0.0]), Tensor([1.0, 2.0], requires_grad=False)
    y = checkpoint(lambda x, c: (x * c).sum(), x, c)
    c.data = [100.0, 100.0]
    with pytest.raises(TapeError, match="computed something else"):
        y.backward()


@pytest.mark.parametrize("result", [None, 3.0, np.ones(3), (Tensor([1.0]), Tensor([2.0]))])
def test_the_result_is_one_tensor(result):
    with pytest.raises(TypeError, match=f"gives one Tensor, not {type(result).__name__}"):
        checkpoint(lambda: result)


def test_tensors_that_want_a_gradient_are_made_outside():
    x = Tensor(np.ones(3))
    with pytest.raises(ValueError, match=r"makes or changes a tensor of shape \(3,\) that wants a gradient"):
        checkpoint(lambda x: x * Tensor(np.ones(3)), x)
    y = checkpoint(lambda x: x * Tensor(np.ones(3), requires_grad=False), x)
    y.backward(np.ones(3))
    assert x.grad.tolist() == [1.0, 1.0, 1.0]


def test_a_parameter_is_not_changed_inside():
    x, W = leaves((3,), (3,))

    def changing(x):
        y = x * W
        W.data = W.data * 0.5
        return y

    with pytest.raises(ValueError, match="makes or changes a tensor"):
        checkpoint(changing, x)


def test_an_error_on_the_way_back_leaves_no_half_gradients():
    x, W = leaves((3,), (3,))
    stop = []

    def breaking(y):
        if stop:
            raise KeyboardInterrupt
        return y * W

    result = (checkpoint(breaking, x * W) + W).sum()
    stop.append(True)
    with pytest.raises(KeyboardInterrupt):
        result.backward()
    assert x.grad is None
    assert W.grad is None
    assert once(lambda: "called") == "called"
    with pytest.raises(TapeError, match="to its end or to an error on the way"):
        result.backward()


def test_an_error_in_the_middle_is_made_good_by_a_tape_that_is_kept():
    x, W = leaves((3,), (3,))
    errors = [False, True]

    def breaking(x):
        if errors and errors.pop(0):
            raise RuntimeError("once only")
        return x * W

    result = checkpoint(breaking, x).sum()
    with pytest.raises(RuntimeError, match="once only"):
        result.backward(retain_graph=True)
    result.backward()
    assert np.array_equal(x.grad, W.data)
    assert np.array_equal(W.grad, x.data)


# ---------------------------------------------------------------------------------------- once


def test_outside_of_checkpoints_once_calls():
    assert [once(iter([3]).__next__), once(lambda: "x")] == [3, "x"]


def test_inside_it_remembers_in_order():
    drawn = iter(range(100))
    x = Tensor(np.ones(2))
    seen = []

    def function(x):
        for _ in range(3):
            seen.append(once(lambda: next(drawn)))
            x = x * seen[-1]
        return x

    y = checkpoint(function, x)
    z = checkpoint(function, y).sum()
    z.backward(retain_graph=True)
    z.backward()
    assert seen[:6] == [0, 1, 2, 3, 4, 5]
    assert seen[6:] == [3, 4, 5, 0, 1, 2] * 2
    assert next(drawn) == 6


def test_checkpoints_in_checkpoints_remember_together():
    drawn = Counted(lambda: float(drawn.calls))
    x = Tensor(np.ones(2))
    seen = []

    def draw(x):
        seen.append(once(drawn))
        return x * seen[-1]

    def inner(x):
        return draw(checkpoint(draw, draw(x)))

    checkpoint(inner, x).sum().backward()
    assert drawn.calls == 3
    assert seen == [1.0, 2.0, 3.0] * 2 + [2.0]  # forward, all again, and the innermost once more
    assert x.grad.tolist() == [6.0, 6.0]


def test_asking_more_often_the_second_time_is_another_computation():
    x = Tensor(np.ones(2))
    times = iter([1, 2])

    def function(x):
        for _ in range(next(times)):
            x = x * once(lambda: 1.0)
        return x

    with pytest.raises(TapeError, match="something else the second time"):
        checkpoint(function, x).sum().backward()


def test_layers_with_a_state_work_within_a_checkpoint():
    X = RNG.standard_normal((16, 4)).astype(np.float32)
    found = []
    for cut in (False, True):
        norm, drop = BatchNorm(8), Dropout(0.5, seed=3)
        model = Sequential(Linear(4, 8, seed=1), norm, relu, drop, Linear(8, 2, seed=2))
        for _ in range(2):
            out = checkpoint(model, X) if cut else model(X)
            (out * out).sum().backward()
        found.append([norm.running_mean, norm.running_variance, *[p.grad for p in model.parameters()]])
        assert drop.calls == 2
    assert same(*found)


def test_a_model_that_was_switched_in_between_is_refused():
    model = Sequential(Linear(4, 8, seed=1), Dropout(0.5, seed=3))
    out = checkpoint(model, np.ones((2, 4), np.float32)).sum()
    model.eval()
    with pytest.raises(TapeError, match="something else the second time"):
        out.backward()


# ---------------------------------------------------------------------------------------- threads


def test_threads_do_not_meet():
    """Each trains a network of its own with checkpoints while the others move the time of the tape on."""

    def train(out):
        model = MLP([6, 6, 6, 1], seed=0, dtype=np.float64)
        X = np.linspace(-1.0, 1.0, 30).reshape(5, 6)
        for _ in range(20):
            for tensor in model.parameters():
                tensor.grad = None
            y = checkpoint(model, X)
            (y * y).sum().backward()
            for tensor in model.parameters():
                tensor.data = tensor.data - 0.01 * tensor.grad
        out.append([tensor.data for tensor in model.parameters()])

    results = []
    threads = [threading.Thread(target=train, args=(results,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(same(result, results[0]) for result in results)


def test_an_operation_of_ones_own_works_inside():
    x = Tensor(np.array([1.0, 4.0]))

    def root(x):
        y = np.sqrt(x.data)
        return record("root", y, (x, lambda g: g / (2 * y)))

    checkpoint(lambda x: root(x) * 2.0, x).backward([1.0, 1.0])
    assert x.grad.tolist() == [1.0, 0.5]
