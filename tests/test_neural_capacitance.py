"""Synapses that act on synapses: the closed form against P, P against the engine's gradients and finite
differences, the line graph against networkx, and what beta does by its definition."""

from __future__ import annotations

import copy
import sys
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
import strategies  # noqa: F401  the profile of Hypothesis
from hypothesis import given
from hypothesis import strategies as st
from test_tensor_functions import Far, _far_module, far  # noqa: F401  (a fixture)

from lessons import as_graph, layers
from lessons import neural_capacitance as module
from lessons.datasets import digits_split, ring_graph
from lessons.layers import MLP, BatchNorm, Conv2d, Dropout, Linear, Sequential, flatten
from lessons.neural_capacitance import (
    coupling,
    coupling_definition,
    in_out_sums,
    line_graph,
    neural_capacitance,
    states,
)
from lessons.neurons import neuron_graph, weights_of
from lessons.relational_graphs import RelationalLinear, RelationalMLP
from lessons.resilience import beta_eff
from lessons.tensor import Tensor, no_grad
from lessons.tensor_functions import cross_entropy, mse, relu, sigmoid, softmax, tanh
from lessons.training import SGD, fit

ACTIVATIONS = {"relu": relu, "tanh": tanh, "sigmoid": sigmoid, "leaky": lambda x: relu(x) - 0.1 * relu(-x)}
SEEDS = st.integers(0, 2**32)


def batch(model, rows, seed, loss=cross_entropy):
    """Random inputs, and labels or targets, as many as the model takes and gives."""
    rng = np.random.default_rng(seed)
    weights = [layer.W for layer in model.layers() if isinstance(layer, Linear)]
    n_in, n_out = weights[0].shape[1], weights[-1].shape[0]
    X = rng.standard_normal((rows, n_in))
    return X, rng.integers(0, n_out, rows) if loss is cross_entropy else rng.standard_normal((rows, n_out))


def shaken(model, seed):
    """The model with random biases and random running statistics, in float64."""
    rng = np.random.default_rng(seed)
    for tensor in model.parameters():
        tensor.data = tensor.data + 0.3 * rng.standard_normal(tensor.shape)
    for layer in model.layers():
        if isinstance(layer, RelationalLinear):
            layer.W.data = layer.W.data * layer.mask
        if isinstance(layer, BatchNorm):
            layer.running_mean = rng.standard_normal(layer.running_mean.shape)
            layer.running_variance = rng.uniform(0.5, 2.0, layer.running_variance.shape)
    return model


@st.composite
def networks(draw, least=3):
    """(model, X, y, loss): dense or with masks, some with batch normalisation; three to five layers of weights."""
    seed, nodes = draw(SEEDS), draw(st.integers(2, 3))
    sizes = draw(st.lists(st.integers(nodes, 5), min_size=least + 1, max_size=6))
    activation = ACTIVATIONS[draw(st.sampled_from(sorted(ACTIVATIONS)))]
    arc = as_graph([(0, 1)], n=nodes, directed=True)
    steps = []
    for at, (n_in, n_out) in enumerate(pairwise(sizes)):
        if draw(st.booleans()):
            layer = Linear(n_in, n_out, seed=seed + at, dtype=np.float64)
        else:
            layer = RelationalLinear(arc, n_in, n_out, seed=seed + at, bias=draw(st.booleans()), dtype=np.float64)
        norm = [BatchNorm(n_out, dtype=np.float64)] if draw(st.booleans()) else []
        steps += [layer, *norm, activation]
    while not isinstance(steps[-1], Linear):
        steps.pop()
    model, loss = shaken(Sequential(*steps), seed), draw(st.sampled_from([cross_entropy, mse]))
    return model, *batch(model, draw(st.integers(1, 6)), seed, loss), loss


def linears(model):
    return [layer for layer in model.layers() if isinstance(layer, Linear)]


def masks(model):
    return [getattr(layer, "mask", np.ones(layer.W.shape, bool)) for layer in linears(model)]


def by_synapse(model, values):
    """What is given for each weight, (receivers, senders) each, in the order of the synapses."""
    return np.concatenate([to[mask] for to, mask in zip(values, masks(model), strict=True)])


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12 * max(np.abs(b).max(initial=0.0), 1e-300))


# ---------------------------------------------------------------------------------------- P


@given(networks(least=1), st.booleans())
def test_couplings_are_those_of_the_definition(network, absolute):
    model, X, y, loss = network
    found = states(model, X, y, loss=loss)
    if absolute:
        for part in (found.Z, found.S, found.D):
            part.update({at: np.abs(values) for at, values in part.items()})
    expected = coupling_definition(found)
    graph, P = line_graph(model), coupling(model, X, y, loss=loss, absolute=absolute)
    rows, columns = P.tocoo().coords
    assert [(graph.nodes[a], graph.nodes[b]) for a, b in zip(rows, columns, strict=True)] == graph.edges()
    assert set(graph.edges()) == set(expected)
    close(P.data * (-1 if absolute else 1), np.array([expected[edge] for edge in graph.edges()]))


@given(networks(least=1))
def test_couplings_times_weights_are_the_descent_of_hidden_weights(network):
    """P w = -grad C, where the engine walks back through the whole model."""
    model, X, y, loss = network
    loss(model.eval()(X), y).backward()
    weights = by_synapse(model, [layer.W.data for layer in linears(model)])
    gradients = by_synapse(model, [layer.W.grad for layer in linears(model)])
    pulled = coupling(model, X, y, loss=loss) @ weights
    hidden = len(weights) - int(masks(model)[-1].sum())
    np.testing.assert_allclose(pulled[:hidden], -gradients[:hidden], rtol=1e-9, atol=1e-13)
    assert not pulled[hidden:].any()


def test_couplings_times_weights_against_finite_differences():
    model = shaken(MLP([3, 4, 2, 3], seed=0, activation=tanh, dtype=np.float64), 1)
    X, y = batch(model, 5, 2)
    pulled = coupling(model, X, y) @ by_synapse(model, weights_of(model))
    at, step = 0, 1e-5
    for layer in linears(model)[:-1]:
        start = layer.W.data.copy()
        for place in np.ndindex(start.shape):
            losses = []
            for sign in (1, -1):
                moved = start.copy()
                moved[place] += sign * step
                layer.W.data = moved
                losses.append(cross_entropy(model(X), y).item())
            layer.W.data = start
            assert pulled[at] == pytest.approx(-(losses[0] - losses[1]) / (2 * step), abs=1e-8)
            at += 1


@given(networks(least=1))
def test_couplings_lead_nowhere_in_the_end(network):
    """P is nilpotent: all its eigenvalues are 0, and yet beta is not."""
    model, X, y, loss = network
    P = coupling(model, X, y, loss=loss).toarray()
    power = np.linalg.matrix_power(P, len(masks(model)))
    assert not power.any()
    assert not np.tril(P).any()


def test_how_a_link_is_read():
    """One row through 1 - 2 - 1 units, by hand: P[(1, j, 0), (2, 0, j)] = -s'(j) z(0) d(0)."""
    model = Sequential(Linear(1, 2, seed=0, dtype=np.float64), relu, Linear(2, 1, seed=1, dtype=np.float64))
    model[0].W.data, model[2].W.data = [[2.0], [-1.0]], [[3.0, 5.0]]
    P = coupling(model, [[4.0]], [[10.0]], loss=mse)
    error = 2 * (3 * 8 - 10)  # of (3 * 8 + 5 * 0 - 10)^2
    assert line_graph(model).nodes == ((1, 0, 0), (1, 1, 0), (2, 0, 0), (2, 0, 1))
    assert line_graph(model).edges() == [((1, 0, 0), (2, 0, 0)), ((1, 1, 0), (2, 0, 1))]
    assert P.toarray().tolist() == [[0, 0, -4.0 * error, 0], [0, 0, 0, 0], [0] * 4, [0] * 4]


# ---------------------------------------------------------------------------------------- the line graph


@given(st.lists(st.integers(0, 4), min_size=2, max_size=5), SEEDS, st.sampled_from([0.3, 0.7, 1.0]))
def test_the_line_graph_is_that_of_the_neurons(sizes, seed, density):
    rng = np.random.default_rng(seed)
    weights = [rng.standard_normal((b, a)) * (rng.random((b, a)) < density) for a, b in pairwise(sizes)]
    expected = nx.line_graph(neuron_graph(weights).to_networkx())
    graph = line_graph(weights)
    assert graph.directed
    assert list(graph.nodes) == sorted(graph.nodes)
    named = {(at, j, i): ((at - 1, i), (at, j)) for at, j, i in graph.nodes}
    assert set(named.values()) == set(expected)
    assert {(named[a], named[b]) for a, b in graph.edges()} == set(expected.edges())
    assert len(graph.edges()) == expected.number_of_edges()
    assert graph == line_graph([W != 0 for W in weights])
    rebuilt = as_graph(graph.edges(), nodes=graph.nodes, directed=True)
    assert graph == rebuilt  # its rows are sorted, as those of every Graph


def test_the_line_graph_of_a_small_network():
    graph = line_graph(MLP([3, 2, 2, 2, 2], seed=0))
    assert (graph.n, graph.m) == (6 + 4 + 4 + 4, 3 * 2 * 2 + 2 * 2 * 2 + 2 * 2 * 2)
    assert graph.neighbors((1, 1, 2)) == [(2, 0, 1), (2, 1, 1)]
    assert graph.predecessors((2, 0, 1)) == [(1, 1, 0), (1, 1, 1), (1, 1, 2)]
    assert nx.is_directed_acyclic_graph(graph.to_networkx())


def test_a_synapse_that_a_mask_leaves_out_is_no_node():
    model = RelationalMLP(ring_graph(4), 3, 8, 2, stem=4, rounds=2, seed=0)
    assert line_graph(model) == line_graph(masks(model))
    assert line_graph(model).n == 12 + 4 * 2 * 3 + 8 * 2 * 3 + 16


def test_what_is_too_large_is_refused_before_it_is_built(monkeypatch):
    model = MLP([300, 300, 300, 10], seed=0)
    X, y = batch(model, 2, 0)
    for build in (lambda: line_graph(model), lambda: coupling(model, X, y)):
        with pytest.raises(ValueError, match=r"27,900,000 links .* neural_capacitance and in_out_sums"):
            build()
    assert np.isfinite(neural_capacitance(model, X, y, absolute=True))
    monkeypatch.setattr(module, "LINKS_LIMIT", 12)
    assert line_graph([np.ones((2, 3)), np.ones((2, 2))]).m == 12
    with pytest.raises(ValueError, match="18 links between synapses, above 12"):
        line_graph([np.ones((2, 3)), np.ones((3, 2))])


# ---------------------------------------------------------------------------------------- the closed form


@given(networks(least=1), st.booleans())
def test_sums_are_those_of_rows_and_columns(network, absolute):
    model, X, y, loss = network
    P = coupling(model, X, y, loss=loss, absolute=absolute)
    sums = in_out_sums(model, X, y, loss=loss, absolute=absolute)
    sizes = abs(P)  # what cancels in a row leaves rounding of this size
    for found, axis in ((sums.IN, 1), (sums.OUT, 0)):
        exact = P.sum(axis=axis)
        assert np.abs(by_synapse(model, found.values()) - exact).max() <= 1e-13 * max(
            sizes.sum(axis=axis).max(), 1e-300
        )
        for values, mask in zip(found.values(), masks(model), strict=True):
            assert not values[~mask].any()


@given(networks())
def test_the_closed_form_without_signs_is_that_of_the_couplings(network):
    model, X, y, loss = network
    P = coupling(model, X, y, loss=loss, absolute=True)
    if P.sum() == 0:
        with pytest.raises(ValueError, match="no links, or all are 0"):
            neural_capacitance(model, X, y, loss=loss, absolute=True)
    else:
        beta = neural_capacitance(model, X, y, loss=loss, absolute=True)
        assert beta == pytest.approx(beta_eff(P), rel=1e-12)
        assert beta >= 0


@pytest.mark.parametrize("loss", [cross_entropy, mse])
@pytest.mark.parametrize("activation", [relu, tanh], ids=["relu", "tanh"])
@pytest.mark.parametrize("sizes", [[5, 4, 3, 4, 3], [4, 3, 4, 3, 4, 3], [6, 6, 6, 6, 6, 6]], ids=str)
def test_the_closed_form_is_that_of_the_couplings(sizes, activation, loss):
    model = shaken(MLP(sizes, seed=3, activation=activation, dtype=np.float64), 4)
    X, y = batch(model, 9, 5, loss)
    for absolute in (False, True):
        P = coupling(model, X, y, loss=loss, absolute=absolute)
        one = np.ones(P.shape[0])
        expected = (one @ P @ P @ one) / (one @ P @ one)
        assert neural_capacitance(model, X, y, loss=loss, absolute=absolute) == pytest.approx(expected, rel=1e-10)
        assert abs(expected) > 1e-4


def test_the_closed_form_with_masks():
    model = shaken(RelationalMLP(ring_graph(4), 6, 9, 3, stem=5, rounds=3, seed=0, dtype=np.float64), 1)
    X, y = batch(model, 7, 2)
    for absolute in (False, True):
        P = coupling(model, X, y, absolute=absolute)
        assert neural_capacitance(model, X, y, absolute=absolute) == pytest.approx(beta_eff(P), rel=1e-10)


@given(SEEDS, st.integers(3, 5))
def test_one_row_and_relu_by_four_numbers_a_layer(seed, L):
    """beta = -sum Z_{l-2} Z_{l-1} D_l D_{l+1} / sum Z_{l-1} n_l D_{l+1}, with n_l units that are active."""
    rng = np.random.default_rng(seed)
    model = shaken(MLP(rng.integers(2, 6, L + 1).tolist(), seed=seed, dtype=np.float64), seed)
    X, y = batch(model, 1, seed, mse)
    found = states(model, X, y, loss=mse)
    Z, D = ({at: values.sum() for at, values in part.items()} for part in (found.Z, found.D))
    active = {at: int((found.Z[at] > 0).sum()) for at in range(1, L)}
    numerator = sum(Z[at - 2] * Z[at - 1] * D[at] * D[at + 1] for at in range(2, L))
    denominator = -sum(Z[at - 1] * active[at] * D[at + 1] for at in range(1, L))
    sums = in_out_sums(model, X, y, loss=mse)
    assert sums.numerator == pytest.approx(numerator, rel=1e-9, abs=1e-12)
    assert sums.denominator == pytest.approx(denominator, rel=1e-9, abs=1e-12)


# ---------------------------------------------------------------------------------------- what beta does


def small(seed=0, sizes=(5, 6, 6, 6, 3), rows=8, loss=cross_entropy):
    model = shaken(MLP(list(sizes), seed=seed, activation=tanh, dtype=np.float64), seed)
    return model, *batch(model, rows, seed, loss)


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("times", [2.0, 0.125])
def test_beta_is_as_large_as_the_errors(times, absolute):
    model, X, y = small()
    beta = neural_capacitance(model, X, y, absolute=absolute)
    louder = neural_capacitance(model, X, y, absolute=absolute, loss=lambda z, y: times * cross_entropy(z, y))
    assert louder == pytest.approx(times * beta, rel=1e-12)
    assert beta != 0


@pytest.mark.parametrize("seed", range(5))
def test_three_layers_under_a_softmax_have_no_capacitance(seed):
    """The errors of the scores sum to 0 in each row, so nothing acts on the layer before the last as a whole."""
    model, X, y = small(seed, (5, 6, 6, 3))
    assert abs(neural_capacitance(model, X, y)) < 1e-12
    assert neural_capacitance(model, X, y, absolute=True) > 1e-3
    other, X, targets = small(seed, (5, 6, 6, 3), loss=mse)
    assert abs(neural_capacitance(other, X, targets, loss=mse)) > 1e-6
    deeper, X, y = small(seed, (5, 6, 6, 6, 3))
    assert abs(neural_capacitance(deeper, X, y)) > 1e-6


def test_three_layers_in_float32_have_none_either():
    model = MLP([5, 6, 6, 3], seed=0)
    X, y = batch(model, 50, 0)
    assert abs(neural_capacitance(model, X.astype(np.float32), y)) < 1e-12


def test_beta_of_deep_networks_grows_with_the_width():
    X, y = np.abs(np.random.default_rng(0).standard_normal((20, 8))), np.arange(20) % 3
    narrow, wide = (
        [neural_capacitance(MLP([8, *5 * [width], 3], seed=seed), X, y, absolute=True) for seed in range(12)]
        for width in (8, 64)
    )
    assert np.median(wide) > 2 * np.median(narrow)


def test_the_same_function_with_another_beta():
    model = MLP([5, 6, 6, 6, 3], seed=0, dtype=np.float64)
    X, y = batch(model, 8, 1)
    before, beta = model(X).data, neural_capacitance(model, X, y, absolute=True)
    model[2].W.data, model[4].W.data = 4 * model[2].W.data, model[4].W.data / 4
    close(model(X).data, before)
    assert abs(neural_capacitance(model, X, y, absolute=True) / beta - 1) > 0.2


def test_beta_is_a_mean_over_rows():
    model, X, y = small()
    again = np.tile(np.arange(len(y)), 3)[::-1]
    for absolute in (False, True):
        beta = neural_capacitance(model, X, y, absolute=absolute)
        assert neural_capacitance(model, X[again], y[again], absolute=absolute) == pytest.approx(beta, rel=1e-9)


def test_beta_falls_as_a_network_learns_its_labels_by_heart():
    X, y, *_ = digits_split(0)
    X, y = X[:60], y[:60]
    model = MLP([64, 24, 24, 24, 10], seed=1)
    before = neural_capacitance(model, X, y, absolute=True)
    fit(model, X, y, epochs=150, batch=20, optimiser=SGD(model.parameters(), 0.05, momentum=0.9), seed=0)
    assert neural_capacitance(model, X, y, absolute=True) < before / 20


def test_beta_stays_where_the_gradient_is_gone_but_the_errors_are_not():
    """All rows are alike and half of the labels are the other: the best scores are equal, and wrong for all."""
    model = MLP([2, 3, 3, 3, 2], seed=2, activation=tanh, dtype=np.float64)
    X, y = np.ones((6, 2)), np.array([0, 1, 0, 1, 0, 1])
    fit(model, X, y, epochs=400, batch=6, optimiser=SGD(model.parameters(), 0.5), seed=0)
    model_grads(model, X, y)
    assert max(np.abs(tensor.grad).max() for tensor in model.parameters()) < 1e-9
    assert neural_capacitance(model, X, y, absolute=True) > 0.01


def model_grads(model, X, y):
    for tensor in model.parameters():
        tensor.grad = None
    cross_entropy(model(X), y).backward()


# ---------------------------------------------------------------------------------------- models


def test_weights_are_read_in_float64_whatever_they_are():
    model = MLP([4, 5, 5, 5, 3], seed=0)
    X, y = batch(model, 6, 0)
    twin = MLP([4, 5, 5, 5, 3], seed=0, dtype=np.float64).load(model.state())
    for kind in (np.float32, np.float64):
        inputs = X.astype(np.float32).astype(kind)
        assert neural_capacitance(model, inputs, y) == neural_capacitance(twin, inputs, y)
    assert neural_capacitance(model, Tensor(X), y) == neural_capacitance(model, X.tolist(), y.tolist())


def test_states_of_a_model():
    model, X, y = small(sizes=(4, 3, 2))
    found = states(model, X, y)
    a = X @ model[0].W.data.T + model[0].b.data
    assert found.L == 2
    close(found.Z[0], X)
    close(found.Z[1], np.tanh(a))
    close(found.S[1], 1 - np.tanh(a) ** 2)
    scores = model(X)
    powers = np.exp(scores.data)
    off = (powers / powers.sum(axis=1, keepdims=True) - np.eye(2)[y]) / len(y)
    close(found.D[2], off)
    close(found.D[1], off @ model[2].W.data * found.S[1])
    assert [sorted(part) for part in (found.Z, found.S, found.D, found.M)] == [[0, 1], [1], [1, 2], [1, 2]]


def test_the_model_is_left_as_it_was():
    model = RelationalMLP(ring_graph(3), 4, 6, 3, stem=5, seed=0)
    model.steps = (*model.steps[:3], Dropout(0.5, seed=0), *model.steps[3:])
    X, y = batch(model, 6, 0)
    model.steps[1].eval()
    cross_entropy(model(X), y).backward()
    before = model.state()
    grads = [None if tensor.grad is None else tensor.grad.copy() for tensor in model.parameters()]
    modes, calls = [layer.training for layer in model.layers()], model[3].calls
    for function in (neural_capacitance, in_out_sums, coupling, states):
        function(model, X, y)
    with pytest.raises(ValueError, match="cross_entropy"):
        states(model, X, y[:2])
    assert all(np.array_equal(value, before[name]) for name, value in model.state().items())
    assert [layer.training for layer in model.layers()] == modes
    assert model[3].calls == calls
    for tensor, grad in zip(model.parameters(), grads, strict=True):
        assert grad is not None
        assert np.array_equal(tensor.grad, grad)


def test_dropout_and_batch_normalisation_predict():
    model = Sequential(
        Linear(4, 5, seed=0),
        BatchNorm(5),
        relu,
        Dropout(0.9, seed=0),
        Linear(5, 5, seed=1),
        relu,
        Linear(5, 3, seed=2),
    )
    X, y = batch(model, 8, 0)
    found = neural_capacitance(model, X, y, absolute=True)
    assert neural_capacitance(model.eval(), X, y, absolute=True) == found


def test_what_stands_before_the_first_layer_prepares_its_input():
    head = MLP([12, 5, 5, 5, 3], seed=1, dtype=np.float64)
    body = Sequential(Conv2d(1, 3, 3, seed=0, dtype=np.float64), tanh, flatten)
    images = np.random.default_rng(0).standard_normal((6, 1, 4, 4))
    y = np.array([0, 1, 2, 0, 1, 2])
    whole = Sequential(Sequential(body), head)
    with no_grad():
        features = body(images)
    assert neural_capacitance(whole, images, y) == neural_capacitance(head, features, y)
    assert neural_capacitance(head, features.data, y) == neural_capacitance(head, features, y)


def test_a_unit_on_top_of_a_network():
    model, X, y = small(sizes=(5, 7, 6, 6, 6, 3))
    unit = Sequential(*model.steps[2:])
    with no_grad():
        features = tanh(model[0](X))
    found = states(unit, features, y)
    whole = states(model, X, y)
    for at in found.D:
        close(found.D[at], whole.D[at + 1])
    assert neural_capacitance(unit, features, y) != neural_capacitance(model, X, y)


def test_what_follows_the_last_layer_is_part_of_the_loss():
    model, X, y = small(loss=mse)
    ends = Sequential(*model.steps, sigmoid)
    found = neural_capacitance(ends, X, y, loss=mse)
    assert found == pytest.approx(neural_capacitance(model, X, y, loss=lambda z, y: mse(sigmoid(z), y)), rel=1e-14)


def test_layers_without_anything_between_them():
    model = Sequential(*(Linear(3, 3, seed=k, dtype=np.float64) for k in range(4)))
    X, y = batch(model, 4, 0)
    assert all((slope == 1).all() for slope in states(model, X, y).S.values())
    assert neural_capacitance(model, X, y) == pytest.approx(beta_eff(coupling(model, X, y)), rel=1e-10)


# ---------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("sizes", [[4, 3], [4, 5, 3]], ids=str)
def test_two_hidden_layers_are_needed(sizes):
    model = MLP(sizes, seed=0)
    X, y = batch(model, 3, 0)
    with pytest.raises(
        ValueError, match=f"^{len(sizes) - 2} hidden layer{'' if len(sizes) == 3 else 's'}: two or more are needed"
    ):
        neural_capacitance(model, X, y)
    assert (coupling(model, X, y) @ coupling(model, X, y)).sum() == 0
    assert in_out_sums(model, X, y).numerator == 0


def test_no_errors_are_nothing_to_divide_by():
    model, X, _ = small(loss=mse)
    with no_grad():
        perfect = model(X).data
    for absolute in (False, True):
        with pytest.raises(ValueError, match="1'P1 is 0, since there are no links, or all are 0"):
            neural_capacitance(model, X, perfect, loss=mse, absolute=absolute)


def test_units_that_are_all_dead():
    model = MLP([4, 5, 5, 5, 3], seed=0)
    model[0].b.data = np.full(5, -100.0)
    X, y = batch(model, 6, 0)
    with pytest.raises(ValueError, match="1'P1 is 0"):
        neural_capacitance(model, X, y, absolute=True)


def test_couplings_that_cancel():
    """Two rows whose errors are opposed, and everything else alike."""
    model, _, _ = small(sizes=(5, 4, 4, 2), loss=mse)
    X = np.ones((2, 5))
    with no_grad():
        targets = model(X).data + np.array([[0.5, 0.25], [-0.5, -0.25]])
    with pytest.raises(ValueError, match=r"1'P1 is 0, since links of .* cancel"):
        neural_capacitance(model, X, targets, loss=mse)
    assert neural_capacitance(model, X, targets, loss=mse, absolute=True) > 0


def test_numbers_that_are_not_finite():
    model, X, y = small()
    with pytest.raises(ValueError, match=r"the input of unit 2 in layer 0, row 1, is nan: look for .* in X"):
        neural_capacitance(model, np.where(np.arange(40).reshape(8, 5) == 7, np.nan, X), y)
    with pytest.raises(ValueError, match="the error of unit 0 in layer 4, row 0, is nan"):
        neural_capacitance(model, X, np.full((8, 3), np.nan), loss=mse)
    grown = MLP([5, 6, 6, 6, 3], seed=0)
    grown[2].W.data = np.full((6, 6), np.float32(1e38))
    grown[4].W.data = np.full((6, 6), np.float32(np.inf))
    with pytest.raises(ValueError, match=r"the activation of unit 0 in layer 3, row 0, is .*: look for weights"):
        neural_capacitance(grown, X, y)


@pytest.mark.parametrize(
    ("between", "message"),
    [
        (softmax, "softmax after layer 2 does not work unit by unit"),
        (lambda x: x[:, ::-1], "<lambda> after layer 2 does not work unit by unit"),
        (lambda x: x - x.mean(axis=0), "<lambda> after layer 2 does not work unit by unit"),  # row by row neither
        (lambda x: x[:, :3], r"<lambda> after layer 2 makes \(8, 3\) of \(8, 4\)"),
    ],
)
def test_what_stands_between_layers_works_unit_by_unit(between, message):
    steps = [
        Linear(5, 4, seed=0),
        relu,
        Linear(4, 4, seed=1),
        between,
        Linear(4, 4, seed=2),
        relu,
        Linear(4, 3, seed=3),
    ]
    model = Sequential(*steps)
    X, y = batch(model, 8, 0)
    with pytest.raises(ValueError, match=message):
        neural_capacitance(model, X, y)


def test_models_of_another_kind():
    twice = Linear(3, 3, seed=0)
    X, y = np.ones((2, 3)), np.array([0, 1])
    for model, error, message in (
        (lambda x: x, TypeError, "function: an MLP, or another Sequential"),
        (twice, TypeError, "Linear: an MLP"),
        (Sequential(relu), TypeError, "there is no Linear layer in it"),
        (Sequential(twice, relu, Linear(3, 3, seed=1), relu, twice), ValueError, "layer 3 is layer 1 again"),
    ):
        for function in (neural_capacitance, in_out_sums, coupling, states):
            with pytest.raises(error, match=message):
                function(model, X, y)
    with pytest.raises(ValueError, match=r"weights\[1\] of shape \(1, 3\)"):
        line_graph([np.ones((2, 2)), np.ones((1, 3))])
    with pytest.raises(ValueError, match="not a size, but the matrix itself"):
        line_graph([8, 12, 4])
    with pytest.raises(TypeError, match="an MLP is needed, or the list of its weights"):
        line_graph({1: np.ones((2, 2)), 2: np.ones((1, 2))})
    with pytest.raises(TypeError, match="loss='mse': a function is needed"):
        neural_capacitance(MLP([3, 3, 3, 2], seed=0), X, y, loss="mse")


def test_batches_of_another_shape():
    model, X, y = small()
    for wrong, message in (
        (X[0], r"array of shape \(5,\): \(rows, 5\) is needed"),
        (X[:, None], r"array of shape \(8, 1, 5\): \(rows, 5\)"),
        (X[:, :4], r"linear: x \(8, 4\)"),
        (X[:3], "cross_entropy: logits"),
        (X[:0], "cross_entropy: logits"),
    ):
        with pytest.raises(ValueError, match=message):
            neural_capacitance(model, wrong, y)
    with pytest.raises(TypeError, match="X of type complex128"):
        neural_capacitance(model, X * 1j, y)
    with pytest.raises(ValueError, match="a single number is needed"):
        neural_capacitance(model, X, y, loss=lambda z, y: z)


# ---------------------------------------------------------------------------------------- on a device


@pytest.mark.parametrize("absolute", [False, True])
def test_a_model_that_lies_on_a_device(monkeypatch, absolute):
    """A stand-in for one: arrays that mix with none of NumPy's."""
    monkeypatch.setattr(Far, "__array_ufunc__", None)
    monkeypatch.setattr(layers, "array_module", {"gpu": sys.modules["far_away"]}.__getitem__)
    model = RelationalMLP(ring_graph(3), 4, 6, 3, stem=5, seed=0)
    X, y = batch(model, 6, 0)
    there = copy.deepcopy(model).to("gpu")
    found = neural_capacitance(there, X, y, absolute=absolute)
    assert isinstance(found, float)
    assert found == pytest.approx(neural_capacitance(model, X, y, absolute=absolute), rel=1e-10)
    assert type(there[0].W.data) is Far
