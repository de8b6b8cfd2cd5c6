"""Neurons as nodes: the graph against a loop, lengths against all paths, dead neurons against a smaller net."""

from __future__ import annotations

import math
from itertools import pairwise, product

import networkx as nx
import numpy as np
import pytest
import strategies  # noqa: F401  the profile of Hypothesis
from hypothesis import given
from hypothesis import strategies as st

from lessons.centrality import betweenness
from lessons.errors import UnknownLabel
from lessons.graph import as_graph
from lessons.layers import MLP, Linear, Sequential
from lessons.neurons import (
    hidden_neurons,
    neuron_graph,
    path_lengths,
    pruning_curve,
    pruning_order,
    weights_of,
    without_neurons,
)
from lessons.tensor import no_grad
from lessons.tensor_functions import cross_entropy, relu, sigmoid, tanh
from lessons.training import SGD, Adam, accuracy, fit

WEIGHTS = st.sampled_from([-3.0, -1.0, -0.5, -0.0, 0.0, 0.25, 1.0, 2.0])


@st.composite
def networks(draw, least=1, weights=WEIGHTS, layers=4):
    """The weights of a network of one to four layers, (receivers, senders) each."""
    sizes = draw(st.lists(st.integers(least, 4), min_size=2, max_size=layers + 1))
    rows = [
        [[draw(weights) for _ in range(senders)] for _ in range(receivers)]
        for senders, receivers in pairwise(sizes)
    ]
    return [np.array(W).reshape(b, a) for W, (a, b) in zip(rows, pairwise(sizes), strict=True)]


def model_of(sizes, seed=0, activation=relu) -> MLP:
    """A perceptron in float64 with random biases too."""
    rng = np.random.default_rng(seed)
    model = MLP(sizes, seed=seed, activation=activation, dtype=np.float64)
    for layer in model.steps[::2]:
        layer.b.data = rng.standard_normal(layer.b.shape)
    return model


def scores_of(model, X):
    with no_grad():
        return model(X).data


# ---------------------------------------------------------------------------------------- the graph


@given(networks())
def test_the_graph_holds_what_a_loop_over_all_weights_finds(weights):
    sizes = [weights[0].shape[1], *(len(W) for W in weights)]
    expected = nx.DiGraph()
    expected.add_nodes_from((k, unit) for k, size in enumerate(sizes) for unit in range(size))
    for k, W in enumerate(weights):
        for j, i in product(range(sizes[k + 1]), range(sizes[k])):
            if W[j, i] != 0:
                expected.add_edge((k, i), (k + 1, j), weight=abs(W[j, i]))
    graph = neuron_graph(weights)
    assert graph.weights is not None
    assert graph.nodes == tuple(expected)
    assert graph.by_edge(graph.edge_weights) == nx.get_edge_attributes(expected, "weight")
    canonical = as_graph(expected)
    assert np.array_equal(graph.indptr, canonical.indptr)
    assert np.array_equal(graph.indices, canonical.indices)


def test_an_edge_points_from_the_sender_to_the_receiver():
    graph = neuron_graph([[[0.0, 0.0, 5.0], [0.0, 0.0, 0.0]]])  # row 0 reads column 2
    assert graph.edges() == [((0, 2), (1, 0))]
    assert graph.n == 5


def test_a_model_is_read_like_its_weights():
    model = MLP([5, 4, 3, 2], seed=0)
    weights = weights_of(model)
    assert [W.shape for W in weights] == [(4, 5), (3, 4), (2, 3)]
    assert all(W.dtype == np.float64 for W in weights)
    assert all(np.array_equal(W, model[2 * k].W.data) for k, W in enumerate(weights))
    assert neuron_graph(model) == neuron_graph(weights)


def test_the_weights_are_copies():
    model = MLP([3, 2], seed=0, dtype=np.float64)
    weights_of(model)[0][:] = 0
    assert model[0].W.data.all()


@pytest.mark.parametrize("size", [0, 1])
def test_layers_of_no_or_one_neuron(size):
    graph = neuron_graph([np.ones((size, 3)), np.ones((2, size))])
    assert (graph.n, graph.m) == (5 + size, 5 * size)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([], r"weights=\[\]: at least one layer"),
        ([np.ones((2, 3)), np.ones((1, 3))], r"weights\[1\] of shape \(1, 3\): \(receivers, 2\)"),
        ([np.ones(3)], r"weights\[0\] of shape \(3,\): \(receivers, senders\)"),
        (np.ones((2, 3)), r"weights\[0\] of shape \(3,\)"),
        ([np.ones((2, 3)), [[1.0, math.nan]]], r"weights\[1\]\[0, 1\] is nan"),
        ([[[-math.inf]]], r"weights\[0\]\[0, 0\] is -inf"),
    ],
)
def test_weights_that_make_no_network_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        neuron_graph(weights)


@pytest.mark.parametrize("weights", [[[["a"]]], Sequential(Linear(2, 2, seed=0)), [{0: 1}]])
def test_what_are_no_weights_is_refused(weights):
    with pytest.raises(TypeError):
        neuron_graph(weights)


@pytest.mark.parametrize("model", [Sequential(Linear(2, 2, seed=0)), [np.ones((2, 2))]])
def test_only_a_multilayer_perceptron_has_neurons_to_take_out(model):
    with pytest.raises(TypeError, match="an MLP is needed"):
        weights_of(model)
    with pytest.raises(TypeError, match="an MLP is needed"):
        without_neurons(model, [])


# ---------------------------------------------------------------------------------------- lengths


@given(networks(weights=st.floats(0.01, 100) | st.floats(-100, -0.01)))
def test_the_shortest_path_has_the_largest_product(weights):
    lengths = path_lengths(neuron_graph(weights))
    inputs, classes = range(weights[0].shape[1]), range(len(weights[-1]))
    between = [range(len(W)) for W in weights[:-1]]
    distance = dict(nx.all_pairs_dijkstra_path_length(lengths.to_networkx()))
    largest = max(np.abs(W).max() for W in weights)
    for i, c in product(inputs, classes):
        paths = [(i, *inner, c) for inner in product(*between)]
        products = [
            math.prod(abs(W[b, a]) for W, (a, b) in zip(weights, pairwise(path), strict=True)) for path in paths
        ]
        found = distance[0, i][len(weights), c]
        assert max(products) == pytest.approx(largest ** len(weights) * math.exp(-found), rel=1e-9)


def test_betweenness_does_not_see_what_the_function_does_not_depend_on():
    """relu(c a) = c relu(a): a factor may move from the weights in to the weights out; powers of 2 are exact."""
    model = model_of([5, 6, 6, 3])
    factor = 2.0 ** np.random.default_rng(1).integers(-4, 5, 6)
    twin = MLP(model.sizes, seed=0, dtype=np.float64).load(model.state())
    twin[0].W.data, twin[0].b.data = twin[0].W.data * factor[:, None], twin[0].b.data * factor
    twin[2].W.data = twin[2].W.data / factor
    X = np.random.default_rng(0).standard_normal((9, 5))
    assert np.array_equal(scores_of(twin, X), scores_of(model, X))
    one, other = (path_lengths(neuron_graph(each)) for each in (model, twin))
    assert not np.allclose(one.weights, other.weights)
    assert betweenness(other).tolist() == betweenness(one).tolist()


@given(networks(weights=st.floats(5e-324, 1.7e308)))
def test_lengths_are_finite_and_the_strongest_edge_has_none(weights):
    graph = neuron_graph(weights)
    lengths = path_lengths(graph)
    assert lengths.edges() == graph.edges()
    assert np.isfinite(lengths.weights).all()
    assert (lengths.weights >= 0).all()
    assert lengths.weights[graph.weights.argmax()] == 0


def test_lengths_of_other_graphs():
    graph = as_graph([("a", "b", 8.0), ("b", "c", 2.0)], nodes="abc")
    assert path_lengths(graph).by_edge(path_lengths(graph).edge_weights) == {
        ("a", "b"): 0,
        ("b", "c"): pytest.approx(math.log(4)),
    }
    assert not path_lengths(graph).directed
    assert path_lengths(as_graph([(0, 1)], n=2)).edge_weights.tolist() == [0]  # unweighted: all are the strongest
    assert path_lengths(as_graph([], n=0)).m == 0


@pytest.mark.parametrize("strength", [0.0, -1.0])
def test_a_strength_that_is_not_above_0_has_no_length(strength):
    graph = as_graph([("a", "b", 1.0), ("b", "c", strength)], nodes="abc")
    with pytest.raises(ValueError, match=r"edge \('b', 'c'\) has strength"):
        path_lengths(graph)


# ---------------------------------------------------------------------------------------- orders


def test_hidden_neurons_stand_between():
    assert hidden_neurons(neuron_graph([np.ones((2, 3))])) == []
    weights = [np.ones((2, 1)), np.ones((1, 2)), np.ones((3, 1))]
    assert hidden_neurons(neuron_graph(weights)) == [(1, 0), (1, 1), (2, 0)]
    assert hidden_neurons(as_graph([], n=0)) == []


@pytest.mark.parametrize("nodes", [["a"], [0, 1], [(0, 1, 2)], [("a", "b")]])
def test_other_labels_are_no_neurons(nodes):
    with pytest.raises(ValueError, match=r"node .*labels of a neuron_graph are \(layer, unit\)"):
        hidden_neurons(as_graph([], nodes=nodes))


@given(networks(layers=5), st.data())
def test_orders_are_sorted_by_score_then_by_row(weights, data):
    graph = neuron_graph(weights)
    score = data.draw(st.lists(st.integers(0, 3), min_size=graph.n, max_size=graph.n))
    hidden = hidden_neurons(graph)
    rows = [graph.index(label) for label in hidden]
    expected = [graph.nodes[row] for _, row in sorted((score[row], row) for row in rows)]
    assert pruning_order(graph, score) == expected

    fair = pruning_order(graph, score, within_layers=True)
    layers = [[label for label in expected if label[0] == k] for k in range(1, len(weights))]
    places = {label: ((2 * i + 1) / len(layer), label) for layer in layers for i, label in enumerate(layer)}
    assert fair == sorted(places, key=places.get)  # of equal parts the first layer


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(0, 2**32))
def test_within_layers_every_beginning_takes_the_same_part_of_each(sizes, seed):
    graph = neuron_graph([np.ones((b, a)) for a, b in pairwise([2, *sizes, 3])])
    order = pruning_order(graph, np.random.default_rng(seed).random(graph.n), within_layers=True)
    layers, size = np.array([layer for layer, _ in order]), np.array(sizes)
    for count in range(len(order) + 1):
        taken = np.bincount(layers[:count], minlength=len(sizes) + 1)[1:]
        part = ((taken - 0.5) / size).max()
        assert part <= ((taken + 0.5) / size).min() + 1e-12  # a part of each layer that all are half a neuron from


@pytest.mark.parametrize("within_layers", [False, True])
def test_scores_of_inputs_and_classes_do_not_count(within_layers):
    graph = neuron_graph([np.ones((3, 2)), np.ones((2, 3))])
    orders = [
        pruning_order(graph, [end, end, 2, 1, 3, end, end], within_layers=within_layers) for end in (-9, 0, 9)
    ]
    assert orders == 3 * [[(1, 1), (1, 0), (1, 2)]]


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([1.0, 2.0], "scores of shape"),
        (np.ones((4, 2)), "one for each node"),
        ([0, math.nan, 0, 0], r"node \(1, 0\) is nan"),
    ],
)
def test_scores_that_order_nothing_are_refused(scores, message):
    with pytest.raises(ValueError, match=message):
        pruning_order(neuron_graph([np.ones((2, 1)), np.ones((1, 2))]), scores)


# ---------------------------------------------------------------------------------------- without neurons


@given(st.data())
def test_dead_neurons_leave_the_network_that_never_had_them(data):
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=3, max_size=5))
    activation = data.draw(st.sampled_from([relu, tanh]))
    model = model_of(sizes, seed=data.draw(st.integers(0, 99)), activation=activation)
    hidden = hidden_neurons(neuron_graph(model))
    dead = data.draw(st.lists(st.sampled_from(hidden)))  # some perhaps twice
    left = [[unit for unit in range(size) if (k, unit) not in dead] for k, size in enumerate(sizes)]
    X = np.random.default_rng(1).standard_normal((7, sizes[0]))
    signal = X
    for k, layer in enumerate(model.steps[::2]):
        signal = signal @ layer.W.data[np.ix_(left[k + 1], left[k])].T + layer.b.data[left[k + 1]]
        if k + 2 < len(sizes):
            signal = np.maximum(signal, 0) if activation is relu else np.tanh(signal)
    np.testing.assert_allclose(scores_of(without_neurons(model, dead), X), signal, rtol=1e-9, atol=1e-12)


def test_a_dead_neuron_is_silent_whatever_the_activation():
    model = model_of([3, 4, 2], activation=sigmoid)  # which gives 0.5 at 0
    X = np.random.default_rng(0).standard_normal((5, 3))
    nothing = without_neurons(model, [(1, unit) for unit in range(4)])
    np.testing.assert_array_equal(scores_of(nothing, X), np.tile(model[2].b.data, (5, 1)))


def test_the_edges_of_dead_neurons_are_gone_and_no_others():
    model = model_of([3, 4, 4, 2])
    dead = {(1, 2), (2, 0)}
    left = neuron_graph(without_neurons(model, dead))
    graph = neuron_graph(model)
    expected = {edge: w for edge, w in graph.by_edge(graph.edge_weights).items() if not dead & set(edge)}
    assert left.by_edge(left.edge_weights) == expected
    assert left.nodes == graph.nodes


def test_the_model_is_not_touched():
    model = model_of([3, 4, 2])
    before = model.state()
    pruned = without_neurons(model, [(1, 0)])
    pruned[0].b.data = pruned[0].b.data + 1
    assert all(np.array_equal(value, before[name]) for name, value in model.state().items())
    assert pruned[0].b.data[0] == 1  # which was set to 0 before
    assert without_neurons(MLP([2, 2, 2], seed=0), [(1, 1)])[0].W.data.dtype == np.float32


@pytest.mark.parametrize("optimiser", [SGD, Adam])
def test_dead_neurons_stay_dead_while_the_others_learn(optimiser):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 3)), rng.integers(0, 2, 40)
    pruned = without_neurons(model_of([3, 6, 6, 2]), [(1, 1), (1, 4), (2, 3)])
    before, losses = neuron_graph(pruned), [cross_entropy(pruned(X), y).item()]
    fit(pruned, X, y, epochs=5, optimiser=optimiser(pruned.parameters(), 0.01), seed=0)
    losses.append(cross_entropy(pruned(X), y).item())
    assert losses[1] < losses[0]
    assert neuron_graph(pruned).edges() == before.edges()
    assert pruned[0].b.data[[1, 4]].tolist() == [0, 0]


@pytest.mark.parametrize("neuron", [(0, 0), (2, 0), (1, 4), (1, -1), (3, 0), 1, "a"])
def test_only_hidden_neurons_can_be_taken_out(neuron):
    with pytest.raises(UnknownLabel, match="no hidden neuron"):
        without_neurons(model_of([3, 4, 2]), [(1, 0), neuron])


def test_a_network_without_hidden_layer_has_none():
    with pytest.raises(UnknownLabel, match="there are none"):
        without_neurons(MLP([3, 2], seed=0), [(1, 0)])


# ---------------------------------------------------------------------------------------- curves


def test_a_curve_is_the_accuracy_after_each_beginning_of_the_order():
    rng = np.random.default_rng(0)
    model = model_of([4, 5, 5, 3])
    X, y = rng.standard_normal((50, 4)), rng.integers(0, 3, 50)
    order = pruning_order(neuron_graph(model), rng.random(17))
    found = pruning_curve(model, order, [0, 0.2, 0.54, 0.56, 1], X, y)
    expected = [accuracy(without_neurons(model, order[:count]), X, y) for count in (0, 2, 5, 6, 10)]
    assert found.tolist() == expected
    assert found[0] == accuracy(model, X, y)
    assert found[-1] == np.mean(y == model[4].b.data.argmax())
    assert len(set(expected)) > 2  # or the order of the beginnings would not be seen


def test_an_order_may_be_an_iterator():
    model, X, y = MLP([2, 2, 2], seed=0), np.eye(2), np.array([0, 1])
    order = [(1, 0), (1, 1)]
    assert pruning_curve(model, iter(order), [0, 0.5, 1], X, y).tolist() == [
        accuracy(without_neurons(model, order[:count]), X, y) for count in range(3)
    ]


def test_one_thing_is_no_list_of_them():
    model = MLP([2, 2, 2], seed=0)
    for one in ((1, 0), [[1, 0]]):
        with pytest.raises(UnknownLabel, match=r"A list of \(layer, unit\) is needed"):
            without_neurons(model, one)
    with pytest.raises(TypeError, match=r"fractions=0\.5: a list of numbers is needed"):
        pruning_curve(model, [(1, 0)], 0.5, np.eye(2), np.array([0, 1]))
    with pytest.raises(TypeError, match="weights=3: an MLP is needed, or the list of its weights"):
        neuron_graph(3)


def test_lengths_of_what_networkx_holds():
    graph = nx.Graph()
    graph.add_weighted_edges_from([("a", "b", 4.0), ("b", "c", 2.0)])
    np.testing.assert_allclose(path_lengths(graph).edge_weights, [0, np.log(2)])


def test_no_fractions_no_curve():
    assert pruning_curve(MLP([2, 2, 2], seed=0), [(1, 0)], [], np.ones((1, 2)), np.array([0])).shape == (0,)


@pytest.mark.parametrize("fraction", [-0.1, 1.1, math.nan])
def test_a_fraction_is_a_part(fraction):
    with pytest.raises(ValueError, match=r"fraction .*: 0 to 1"):
        pruning_curve(MLP([2, 2, 2], seed=0), [(1, 0)], [0.0, fraction], np.ones((1, 2)), np.array([0]))
