"""Backward is the chain rule, walked in Kahn's order: against its definition, forward mode and differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import strategies  # noqa: F401  (the profile of all our tests)
from hypothesis import given
from hypothesis import strategies as st

from lessons import as_graph
from lessons.backpropagation import (
    Tensor,
    Value,
    forward_derivatives,
    gradcheck,
    numerical_gradient,
    path_derivative,
    record,
    tape,
    tape_graph,
    waits_for,
)
from lessons.errors import UnknownLabel
from lessons.topological_sort import topological_sort

# ---------------------------------------------------------------------------------------- random computations

STEPS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: (a * b).tanh(),  # products of products would soon be too large for differences
    "div": lambda a, b: a / (b * b + 1.0),
    "square": lambda a, _: a * a * 0.125,
    "power": lambda a, _: (a * a + 0.5) ** -1.5,
    "exp": lambda a, _: (-(a * a)).exp(),
    "log": lambda a, _: (1.0 + a * a).log(),
    "sigmoid": lambda a, _: 1.0 - a.sigmoid(),
    "constant": lambda a, _: 3.0 * a - 2.0,
}


@dataclass(frozen=True)
class Program:
    """Steps on what was computed before: (operation, place of one operand, of the other); `output` is any."""

    leaves: list[float]
    steps: list[tuple[str, int, int]]
    output: int

    def run(self, leaves: list[Value]) -> Value:
        values = list(leaves)
        for op, i, j in self.steps:
            values.append(STEPS[op](values[i % len(values)], values[j % len(values)]))
        return values[self.output % len(values)]


programs = st.builds(
    Program,
    leaves=st.lists(st.floats(-1.5, 1.5), min_size=1, max_size=3),
    steps=st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 11), st.integers(0, 11)), max_size=8),
    output=st.sampled_from([-1, -1, -2, -3, 0]),  # mostly the last; else what follows it is a dead branch
)


def computed(program: Program) -> tuple[Value, list[Value]]:
    leaves = [Value(number) for number in program.leaves]
    return program.run(leaves), leaves


@given(programs)
def test_backward_is_the_sum_over_all_paths(program):
    output, leaves = computed(program)
    output.backward()
    for leaf in leaves:
        assert leaf.grad == pytest.approx(path_derivative(output, leaf), rel=1e-12, abs=1e-12)


@given(programs)
def test_backward_is_forward_mode(program):
    output, leaves = computed(program)
    output.backward()
    on_tape = set(tape(output))
    for leaf in leaves:
        wanted = forward_derivatives(output, leaf)[output] if leaf in on_tape else 0.0
        assert leaf.grad == pytest.approx(wanted, rel=1e-12, abs=1e-12)


@given(programs)
def test_backward_is_what_differences_say(program):
    output, leaves = computed(program)
    output.backward()
    wanted = numerical_gradient(lambda x: program.run([Value(number) for number in x]).data, program.leaves)[0]
    assert [leaf.grad for leaf in leaves] == pytest.approx(wanted.tolist(), rel=1e-6, abs=1e-6)


@given(programs)
def test_inner_gradients_are_derivatives_too(program):
    output, _ = computed(program)
    output.backward()
    for node in tape(output):
        assert node.grad == pytest.approx(path_derivative(output, node), rel=1e-12, abs=1e-12)


@given(programs)
def test_a_second_backward_doubles_leaves_and_nothing_else(program):
    output, leaves = computed(program)
    output.backward()
    nodes = tape(output)
    first = {node: node.grad for node in nodes}
    output.backward()
    for node in nodes:
        wanted = pytest.approx(2 * first[node], rel=1e-12, abs=1e-15) if node in leaves else first[node]
        assert node.grad == wanted


@given(programs, programs)
def test_two_results_add_up_at_the_leaves(one, other):
    leaves = [Value(number) for number in (0.3, -0.7, 1.1)]
    first, second = one.run(leaves), other.run(leaves)
    (first + second).backward()
    together = [leaf.grad for leaf in leaves]
    for leaf in leaves:
        leaf.grad = 0.0
    first.backward()
    second.backward()
    assert [leaf.grad for leaf in leaves] == pytest.approx(together, rel=1e-12, abs=1e-12)


@given(programs)
def test_tensors_find_what_values_find(program):
    output, leaves = computed(program)
    output.backward()
    x = [Tensor(number) for number in program.leaves]
    tensors = list(x)
    for op, i, j in program.steps:
        tensors.append(TENSOR_STEPS[op](tensors[i % len(tensors)], tensors[j % len(tensors)]))
    result = tensors[program.output % len(tensors)]
    result.backward()
    assert result.item() == pytest.approx(output.data, rel=1e-12, abs=1e-12)
    for leaf, tensor in zip(leaves, x, strict=True):
        assert (0.0 if tensor.grad is None else tensor.grad) == pytest.approx(leaf.grad, rel=1e-10, abs=1e-12)


def by_hand(op, function, slope):
    """A function of one tensor, from NumPy's."""

    def apply(x):
        values = x.data
        return record(op, function(values), (x, lambda g: g * slope(values)))

    return apply


def logistic(x):
    return 1.0 / (1.0 + np.exp(-x))


tanh = by_hand("tanh", np.tanh, lambda x: 1.0 - np.tanh(x) ** 2)
exp = by_hand("exp", np.exp, np.exp)
log = by_hand("log", np.log, lambda x: 1.0 / x)
sigmoid = by_hand("sigmoid", logistic, lambda x: logistic(x) * logistic(-x))
TENSOR_STEPS = STEPS | {
    "mul": lambda a, b: tanh(a * b),
    "exp": lambda a, _: exp(-(a * a)),
    "log": lambda a, _: log(1.0 + a * a),
    "sigmoid": lambda a, _: 1.0 - sigmoid(a),
}


# ---------------------------------------------------------------------------------------- the order


def reached(node):
    return {node}.union(*[reached(source) for source, _ in node._edges])


def edges_of(nodes):
    return [(source, node) for node in nodes for source, _ in node._edges]


@given(programs)
def test_the_tape_is_a_topological_order(program):
    output, _ = computed(program)
    nodes = tape(output)
    place = {node: at for at, node in enumerate(nodes)}
    assert nodes[-1] is output
    assert len(place) == len(nodes)
    assert all(place[source] < place[node] for source, node in edges_of(nodes))
    assert set(nodes) == reached(output)


@given(programs)
def test_the_graph_of_a_tape_is_sorted_as_the_tape_is(program):
    output, _ = computed(program)
    graph = tape_graph(output)
    assert topological_sort(graph) == list(graph.nodes)
    assert graph.n == len(tape(output))
    assert graph.to_scipy().sum() == len(edges_of(tape(output)))
    assert as_graph(output) == graph


@given(programs)
def test_what_a_node_waits_for_is_its_in_degree(program):
    output, _ = computed(program)
    counts = waits_for(output)
    assert set(counts) == set(tape(output))
    arrows = [source for source, _ in edges_of(counts)]
    assert counts == {node: arrows.count(node) for node in counts}
    assert counts[output] == 0


@given(
    st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=3), min_size=1, max_size=12),
    st.integers(1, 3),
)
def test_a_tensor_hands_back_when_all_its_parts_have_arrived(inputs, n_leaves):
    nodes = [Tensor(1.0, name=f"x{k}") for k in range(n_leaves)]
    handed = []

    def logged(*sources):
        place = len(nodes)

        def pull(g):
            handed.append(place)
            return g

        return record(f"op {place}", sum(source.data for source in sources), *[(s, pull) for s in sources])

    for sources in inputs:
        nodes.append(logged(*[nodes[at % len(nodes)] for at in sources]))
    order = tape(nodes[-1])
    wanted = [node.op for node in reversed(order) for _ in node._edges]
    readers = {node: [other for other in order if any(node is s for s, _ in other._edges)] for node in order}
    nodes[-1].backward()
    assert [f"op {place}" for place in handed] == wanted
    last = {op: at for at, op in enumerate(wanted)}
    for node, after in readers.items():
        assert all(last[reader.op] < wanted.index(node.op) for reader in after if node.op)


def test_labels_are_names_where_they_are_unique_and_numbers_elsewhere():
    a, b = Value(1.0, name="a"), Value(2.0, name="a")
    c = Value(3.0, name="c")
    assert set(tape_graph((a + b) * c).nodes) > {"c"}
    assert len(set(tape_graph((a + b) * c).nodes)) == 5
    clash = Value(1.0, name="add 2")
    graph = tape_graph(clash + Value(2.0))
    assert graph.n == 3
    assert graph.m == 2


def test_two_ports_are_one_edge_of_weight_two():
    x = Value(3.0, name="x")
    assert tape_graph(x * x) == as_graph([("x", "mul 1", 2.0)], nodes=["x", "mul 1"], directed=True)


# ---------------------------------------------------------------------------------------- size

LONG = 100_000


def test_a_long_chain_of_values():
    x = Value(1.0)
    y = x
    for _ in range(LONG):
        y = y + 1.0
    assert len(tape(y)) == LONG + 1
    y.backward()
    y.backward()
    assert x.grad == 2.0
    assert forward_derivatives(y, x)[y] == 1.0
    del y  # which must not overflow the stack either


def test_a_long_chain_of_tensors():
    x = Tensor(1.0)
    y = x
    for _ in range(LONG):
        y = y + x
    assert len(tape(y)) == LONG + 1
    y.backward(retain_graph=True)
    assert x.grad == LONG + 1
    del y
    z = x
    for _ in range(LONG):
        z = -z
    z.backward()
    assert x.grad == LONG + 2


@pytest.mark.parametrize("kind", [Value, Tensor])
def test_a_ladder_of_sixty_diamonds_has_many_paths_and_few_edges(kind):
    y = leaf = kind(1.0)
    for _ in range(60):
        y = 0.5 * y + 0.75 * y
    assert sum(waits_for(y).values()) == 4 * 60  # 2^60 paths: whoever walks each of them never comes to the end
    y.backward()
    assert leaf.grad == pytest.approx(1.25**60, rel=1e-12)


# ---------------------------------------------------------------------------------------- definitions


def test_forward_mode_names_the_nearest_leaf():
    x, y = Value(1.0, name="x"), Value(2.0, name="width")
    with pytest.raises(UnknownLabel, match="no value on this tape 'width'; the nearest is 'x'"):
        forward_derivatives(x * x, y)


def test_a_leaf_that_is_not_reached_has_no_path():
    x, y = Value(1.0), Value(2.0)
    assert path_derivative(x * x, y) == 0.0
    assert path_derivative(y, y) == 1.0


def test_forward_mode_finds_every_derivative_on_the_way():
    x = Value(2.0)
    square = x * x
    found = forward_derivatives(square * x, x)
    assert found[x] == 1.0
    assert found[square] == 4.0
    assert len(found) == 3


def test_forward_mode_is_for_values():
    x = Tensor(2.0)
    with pytest.raises(TypeError, match="Tensor has no derivatives along its edges"):
        forward_derivatives(x * x, x)


# ---------------------------------------------------------------------------------------- differences


def test_differences_are_those_of_a_number():
    assert numerical_gradient(lambda x: Tensor(x).sum(), [1.0])[0] == pytest.approx([1.0])
    for function, said in [
        (lambda x: x, r"ndarray of shape \(2,\)"),
        (lambda x: Tensor(x), r"Tensor of shape \(2,\)"),
        (lambda x: x[:1], r"ndarray of shape \(1,\)"),
        (lambda x: None, "NoneType"),
    ]:
        with pytest.raises(TypeError, match=f"the function gave {said}; one number is needed"):
            numerical_gradient(function, [1.0, 2.0])


def test_differences_of_several_inputs_entry_by_entry():
    a, b, c = np.array([[1.0, -2.0], [0.5, 3.0]], np.float32), [2.0, 5.0], np.float64(0.25)
    seen = []

    def function(*arrays):
        seen.append([(array.dtype, array.shape) for array in arrays])
        x, y, z = arrays
        return float((x @ y).sum() * z)

    found = numerical_gradient(function, a, b, c)
    wanted = [np.array([[0.5, 1.25], [0.5, 1.25]]), np.array([0.375, 0.25]), np.array(8.0)]
    for gradient, right in zip(found, wanted, strict=True):
        assert gradient.shape == right.shape
        np.testing.assert_allclose(gradient, right, rtol=1e-8)
    assert len(seen) == 2 * (4 + 2 + 1)
    assert seen[0] == [(np.float64, (2, 2)), (np.float64, (2,)), (np.float64, ())]
    assert a.tolist() == [[1.0, -2.0], [0.5, 3.0]]
    assert b == [2.0, 5.0]


def test_differences_of_nothing_are_nothing():
    found = numerical_gradient(lambda x, y: y.sum(), np.zeros((0, 3)), [1.0])
    assert found[0].shape == (0, 3)
    assert found[1] == pytest.approx([1.0])


def test_the_step_grows_with_the_entry():
    assert numerical_gradient(lambda x: (x**2).sum(), [1e9])[0] == pytest.approx([2e9], rel=1e-8)


@pytest.mark.parametrize("step", [0.0, -1e-5, float("nan")])
def test_a_step_is_positive(step):
    with pytest.raises(ValueError, match=f"step={step}: a small positive number"):
        numerical_gradient(lambda x: x.sum(), [1.0], step=step)


def test_the_error_over_the_step_is_a_v():
    """The formula's part falls by 100 for a tenth of the step, rounding's rises; the default stands between."""

    def error(step):
        return abs(numerical_gradient(lambda x: np.exp(x).sum(), [1.0], step=step)[0][0] / np.exp(1.0) - 1.0)

    assert error(1e-1) / error(1e-2) == pytest.approx(100, rel=0.02)
    assert error(1e-2) / error(1e-3) == pytest.approx(100, rel=0.02)
    assert error(1e-12) > 1e-6
    assert error(1e-14) > 1e-4
    assert error(None) < 1e-9


# ---------------------------------------------------------------------------------------- gradients checked

SHAPE = (2, 3)


def spoiled(at, by, which):
    """A product of two tensors whose gradient for one input is wrong in one entry."""

    def product(a, b):
        x, y = a.data, b.data
        wrong = [np.zeros(SHAPE), np.zeros(SHAPE)]
        wrong[which][at] = by
        return record("product", x * y, (a, lambda g: g * y + wrong[0]), (b, lambda g: g * x + wrong[1]))

    return product


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("at", list(np.ndindex(SHAPE)))
@pytest.mark.parametrize("by", [1e-4, -1e-4, np.nan, np.inf])
def test_one_wrong_entry_is_found(which, at, by):
    a, b = np.random.default_rng(7).standard_normal((2, *SHAPE))
    assert gradcheck(spoiled(at, 0.0, which), a, b).ok
    found = gradcheck(spoiled(at, by, which), a, b)
    assert not found.ok
    assert (found.input, found.at) == (which, at)
    assert str(found).startswith("WRONG: error")
    assert f"at {at} of input {which}" in str(found)
    if np.isfinite(by):
        assert found.gradient - found.numerical == pytest.approx(by, rel=1e-4)


def test_a_result_that_is_no_number_is_not_right():
    assert not gradcheck(lambda x: record("nan", x.data * np.nan, (x, lambda g: g)), [1.0]).ok


def test_what_leaves_the_tape_is_found():
    found = gradcheck(lambda x, y: x * Tensor(y.data, requires_grad=False), [1.0], [2.0, 3.0])
    assert not found.ok
    assert found.input == 1
    assert found.gradient == 0.0


def test_an_input_that_does_not_count_has_no_gradient():
    assert gradcheck(lambda x, _: x * x, [1.0, 2.0], [5.0]).ok
    assert gradcheck(lambda x, _: x * x, [1.0, 2.0], np.zeros((0, 2))).ok


def test_a_gradient_is_checked_in_float64():
    seen = []
    assert gradcheck(lambda x: seen.append(x.dtype) or x * x, np.ones(3, np.float32)).ok
    assert set(seen) == {np.dtype(np.float64)}


def test_tolerance_and_step_count():
    def cube(x):
        return x * x * x

    rough = gradcheck(cube, [1.0, 2.0], step=0.1)
    assert not rough.ok
    assert gradcheck(cube, [1.0, 2.0], step=0.1, tolerance=rough.error).ok
    assert gradcheck(cube, [1.0, 2.0]).error < 1e-9
    assert "allowed 1e-06; worst" in str(gradcheck(cube, [1.0, 2.0]))


def test_results_are_weighed_at_random():
    """Else errors that cancel in the sum would be missed."""

    def swapped(x):
        return record("swap", x.data[::-1], (x, lambda g: g))

    assert not gradcheck(swapped, [1.0, 2.0]).ok
    assert len({gradcheck(swapped, [1.0, 2.0], seed=seed).gradient for seed in (0, 0, 1)}) == 2


@pytest.mark.parametrize("inputs", [(), ([],), (np.zeros((0, 3)), [])])
def test_nothing_cannot_be_checked(inputs):
    with pytest.raises(ValueError, match="nothing to check: no input has an entry"):
        gradcheck(lambda *tensors: tensors[0], *inputs)


def test_a_function_gives_a_tensor_that_wants_a_gradient():
    with pytest.raises(TypeError, match="the function gave ndarray, not a Tensor"):
        gradcheck(lambda x: x.data, [1.0])
    with pytest.raises(ValueError, match="nothing that this was computed from wants a gradient"):
        gradcheck(lambda x: Tensor(x.data, requires_grad=False), [1.0])
