"""lessons.relational_training: many networks at once are held to each alone, and each to the tensor engine."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lessons import relational_training as training
from lessons.compiled import relational_training as kernels
from lessons.datasets import digits_split
from lessons.graph import as_graph
from lessons.layers import BatchNorm
from lessons.random_graphs import ws_flex
from lessons.relational_graphs import RelationalLinear, RelationalMLP, relational_mask
from lessons.relational_training import Images, Network, NetworkBatch, Recipe, Vectors
from lessons.tensor_functions import cross_entropy
from lessons.training import SGD

RECIPE = Recipe(n_in=6, n_out=3, stem=8, rounds=2, epochs=3, batch=8)
ARCS = as_graph([(0, 1), (1, 2), (2, 0), (2, 3), (4, 3)], n=5, directed=True)  # asymmetric


def some_data(seed=0, rows=26, n_in=6, n_out=3):
    rng = np.random.default_rng(seed)
    X, X_test = rng.standard_normal((rows, n_in)), rng.standard_normal((7, n_in))
    return Vectors(
        X.astype(np.float32), rng.integers(0, n_out, rows), X_test.astype(np.float32), rng.integers(0, n_out, 7)
    )


def some_networks():
    graphs = [ARCS, ws_flex(6, 3, 0.5, 1), as_graph([], n=1), as_graph([(0, 0), (0, 1)], n=4)]
    return [
        Network(graph, width, key) for key, (graph, width) in enumerate(zip(graphs, (9, 16, 3, 11), strict=True))
    ]


def as_layers(network, recipe, batch, g=0):
    """The same network in the tensor engine, with the weights that the batch gave it."""
    model = RelationalMLP(
        network.graph, recipe.n_in, network.width, recipe.n_out, rounds=recipe.rounds, stem=recipe.stem, seed=0,
        dtype=np.float64,
    )  # fmt: skip
    for name, parameter in model.named_parameters().items():
        _, step, part = name.split(".")
        k = int(step) // 3
        last = k == recipe.rounds + 1
        ours = {"W": "head" if last else f"W{k}", "b": "bias", "gamma": f"gain{k}", "beta": f"shift{k}"}[part]
        shape = tuple(slice(n) for n in parameter.shape)
        parameter.data = batch._of[ours][(g, *shape)]
    return model


def test_steps_are_those_of_the_tensor_engine_on_a_directed_graph():
    data, network = some_data(), Network(ARCS, 9, 7)
    batch = NetworkBatch([network], RECIPE, dtype=np.float64)
    model = as_layers(network, RECIPE, batch)
    optimiser = SGD(model.parameters(), rate=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    order = batch._orders(0, len(data.y))[0]
    for step in range(3):
        rows = order[step * 8 : step * 8 + 8]
        loss = cross_entropy(model(data.X[rows].astype(np.float64)), data.y[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        batch.train(data, seconds=0)
    after = as_layers(network, RECIPE, batch)
    for name, parameter in model.named_parameters().items():
        np.testing.assert_allclose(parameter.data, after.named_parameters()[name].data, rtol=1e-9, atol=1e-12)
    model.eval()
    mine = batch.scores(data.X_test.astype(np.float64))[0]
    np.testing.assert_allclose(model(data.X_test.astype(np.float64)).data, mine, rtol=1e-9, atol=1e-12)
    assert batch.losses[0, 0] > 0
    assert np.isnan(batch.losses[0, 1:]).all()
    assert batch.step == 3
    assert batch.epoch == 1


def test_the_first_epoch_has_its_loss_and_its_test_error():
    data, network = some_data(), Network(ARCS, 9, 7)
    batch = NetworkBatch([network], RECIPE, dtype=np.float64)
    losses = []
    for _ in range(3):
        model = as_layers(network, RECIPE, batch)
        rows = batch._orders(0, len(data.y))[0, 8 * len(losses) : 8 * len(losses) + 8]
        losses.append(cross_entropy(model(data.X[rows].astype(np.float64)), data.y[rows]).item())
        batch.train(data, seconds=0)
    assert batch.losses[0, 0] == pytest.approx(np.mean(losses))
    wrong = batch.scores(data.X_test)[0].argmax(axis=1) != data.y_test
    assert batch.errors[0, 0] == pytest.approx(100 * wrong.mean())


def test_in_company_each_is_as_it_is_alone():
    data, networks = some_data(), some_networks()
    together = NetworkBatch(networks, RECIPE, dtype=np.float64)
    assert together.train(data)
    for g, network in enumerate(networks):
        alone = NetworkBatch([network], RECIPE, dtype=np.float64)
        assert alone.train(data)
        np.testing.assert_allclose(together.losses[g], alone.losses[0], rtol=1e-9)
        mine, its = together.state()[g], alone.state()[0]
        np.testing.assert_allclose(mine["weights"], its["weights"], rtol=1e-7, atol=1e-10)


def test_the_order_of_networks_changes_nothing():
    data, networks = some_data(), some_networks()
    there = NetworkBatch(networks, RECIPE)
    back = NetworkBatch(networks[::-1], RECIPE)
    there.train(data), back.train(data)
    np.testing.assert_allclose(there.losses, back.losses[::-1], rtol=1e-4)
    assert np.isfinite(there.losses).all()


def test_weights_that_are_missing_stay_zero_and_are_not_kept():
    data, network = some_data(), Network(ARCS, 9, 7)
    batch = NetworkBatch([network, Network(ARCS, 12, 8)], RECIPE)
    batch.train(data)
    first, inner = relational_mask(ARCS, 9, 8), relational_mask(ARCS, 9)
    assert (batch._of["W1"][0, :9, :8][~first] == 0).all()
    assert (batch._of["W1"][0, :9, :8][first] != 0).all()
    assert (batch._of["W2"][0, :9, :9][~inner] == 0).all()
    assert (batch._of["W2"][0, :9, :9][inner] != 0).all()
    assert (batch._of["W2"][0, 9:] == 0).all()
    assert (batch._of["W2"][0, :, 9:] == 0).all()
    weights = 6 * 8 + first.sum() + inner.sum() + 3 * 9 + 3 + 2 * (8 + 9 + 9)
    assert batch.state()[0]["weights"].size == weights


def test_interrupted_at_every_step_and_batched_anew_it_goes_on_as_if_it_had_not_been():
    data, networks = some_data(), some_networks()[:2]
    whole = NetworkBatch(networks, RECIPE)
    whole.train(data)
    batch = NetworkBatch(networks, RECIPE)
    while not batch.train(data, seconds=0):
        batch = NetworkBatch.from_state(networks, RECIPE, pickle.loads(pickle.dumps(batch.state())))
    np.testing.assert_array_equal(batch.losses, whole.losses)
    np.testing.assert_array_equal(batch.errors, whole.errors)
    assert all((a["weights"] == b["weights"]).all() for a, b in zip(batch.state(), whole.state(), strict=True))


def test_a_state_goes_on_in_another_batch():
    data, networks = some_data(), some_networks()
    batch = NetworkBatch(networks, RECIPE, dtype=np.float64)
    for _ in range(4):
        batch.train(data, seconds=0)
    states = batch.state()
    batch.train(data)
    rest = NetworkBatch.from_state(networks[2:], RECIPE, states[2:], dtype=np.float64)
    assert rest.train(data)
    assert rest.step == batch.step
    np.testing.assert_allclose(rest.losses, batch.losses[2:], rtol=1e-9)


def test_one_whose_loss_is_not_finite_fails_and_harms_nobody():
    data, networks = some_data(), some_networks()[:2]
    alone = NetworkBatch(networks[1:], RECIPE)
    alone.train(data)
    batch = NetworkBatch(networks, RECIPE)
    batch.train(data, seconds=0)
    batch._of["head"][0, 0, 0] = np.inf
    assert batch.train(data)
    assert batch.failed.tolist() == [True, False]
    assert np.isnan(batch.losses[0]).all()
    assert np.isnan(batch.errors[0]).all()
    np.testing.assert_allclose(batch.losses[1], alone.losses[0], rtol=1e-4)


def test_where_all_have_failed_it_is_done():
    data = some_data()
    batch = NetworkBatch(some_networks()[:1], RECIPE)
    batch._of["head"][:] = np.nan
    assert batch.train(data)
    assert batch.epoch == 1
    assert batch.failed.all()


def test_a_thousand_digits_are_learnt():
    recipe = Recipe(n_in=64, stem=64, epochs=5, batch=64)
    batch = NetworkBatch([Network(ws_flex(64, 8, 0.1, 0), 128, 1)], recipe)
    assert batch.train(Vectors(*digits_split(0)))
    assert batch.errors[0, -1] < 6
    assert np.all(np.diff(batch.losses[0]) < 0)


def test_what_is_random_comes_from_the_key_alone():
    a, b, c = (NetworkBatch([Network(ARCS, 9, key)], RECIPE) for key in (1, 1, 2))
    assert (a._w == b._w).all()
    assert not (a._w == c._w).all()
    assert (a._orders(1, 50) == b._orders(1, 50)).all()
    assert not (a._orders(0, 50) == c._orders(0, 50)).all()
    assert (np.sort(a._orders(2, 50)[0]) == np.arange(50)).all()


def test_new_weights_are_normal_with_deviation_a_hundredth():
    W = NetworkBatch([Network(ARCS, 500, 3)], Recipe(n_in=400, n_out=2, stem=300))._of["W0"]
    assert abs(W.mean()) < 1e-4
    assert W.std() == pytest.approx(0.01, rel=0.01)
    assert (np.abs(W) < 0.01).mean() == pytest.approx(0.6827, abs=0.005)


# ---------------------------------------------------------------------------------------- the kernels


@st.composite
def activations(draw):
    shape = draw(st.integers(1, 3)), draw(st.integers(2, 9)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    z = rng.standard_normal(shape) * rng.integers(0, 2, shape[2])  # some units say nothing
    return z.astype(np.float32), rng


@given(activations())
@settings(max_examples=60, deadline=None)
def test_the_kernels_do_what_their_definitions_say(drawn):
    z, rng = drawn
    G, _, n = z.shape
    gain, shift, gradient = (rng.standard_normal(shape).astype(np.float32) for shape in ((G, n), (G, n), z.shape))
    found = []
    for module, prefix in ((training, "_"), (kernels, "")):
        mine, h, d = z.copy(), np.empty_like(z), gradient.copy()
        mean, variance, inverse, d_gain, d_shift = (np.empty((G, n), np.float32) for _ in range(5))
        getattr(module, prefix + "normalised")(mine, gain, shift, 1e-5, mean, variance, inverse, h)
        getattr(module, prefix + "normalised_backward")(d, h, mine, gain, inverse, d_gain, d_shift)
        found.append((mine, h, mean, variance, d, d_gain, d_shift))
    for definition, kernel in zip(*found, strict=True):
        np.testing.assert_allclose(definition, kernel, rtol=2e-3, atol=2e-4)
    for g in range(G):
        layer = BatchNorm(n)
        layer.gamma.data, layer.beta.data = gain[g], shift[g]
        np.testing.assert_allclose(np.maximum(layer(z[g]).data, 0), found[0][1][g], rtol=1e-3, atol=1e-4)


@given(st.integers(0, 2**32), st.integers(0, 40))
@settings(max_examples=30, deadline=None)
def test_the_step_of_descent_does_what_its_definition_says(seed, size):
    rng = np.random.default_rng(seed)
    w, velocity, gradient = rng.standard_normal((3, size)).astype(np.float32)
    present = rng.random(size) < 0.5
    w *= present
    velocity *= present
    mine, its, v, u = w.copy(), w.copy(), velocity.copy(), velocity.copy()
    training._descend(mine, v, gradient, present, 0.1, 0.9, 5e-4)
    kernels.descend(its, u, gradient, present, 0.1, 0.9, 5e-4)
    np.testing.assert_allclose(mine, its, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(v, u, rtol=1e-5, atol=1e-6)
    assert (mine[~present] == 0).all()
    assert (its[~present] == 0).all()


@given(st.integers(0, 2**32), st.integers(1, 3), st.integers(2, 9), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_the_loss_and_its_gradient_are_what_their_definition_says(seed, G, rows, classes):
    rng = np.random.default_rng(seed)
    scores = (rng.standard_normal((G, rows, classes)) * rng.choice([1, 30])).astype(np.float32)
    y = rng.integers(0, classes, (G, rows))
    found = []
    for call in (training._cross_entropy, kernels.cross_entropy):
        gradient, loss = scores.copy(), np.empty(G)
        call(gradient, y, loss)
        found.append((loss, gradient))
    for definition, kernel in zip(*found, strict=True):
        np.testing.assert_allclose(definition, kernel, rtol=1e-5, atol=1e-6)
    for g in range(G):
        assert found[0][0][g] == pytest.approx(cross_entropy(scores[g], y[g]).item(), rel=1e-5, abs=1e-6)
        np.testing.assert_allclose(found[1][1][g].sum(axis=1), 0, atol=1e-6)


@pytest.mark.parametrize("call", [training._cross_entropy, kernels.cross_entropy])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_loss_of_scores_that_are_not_finite_is_not_finite(call, bad):
    scores, loss = np.zeros((2, 3, 4), np.float32), np.empty(2)
    scores[0, 1, 2] = bad
    with np.errstate(invalid="ignore"):
        call(scores, np.zeros((2, 3), np.int64), loss)
    assert not np.isfinite(loss[0])
    assert loss[1] == pytest.approx(np.log(4))


# ---------------------------------------------------------------------------------------- images


def some_images(n=20, side=32):
    rng = np.random.default_rng(1)
    y = rng.integers(0, 10, n)
    X = rng.integers(0, 256, (n, 3, side, side), dtype=np.uint8)
    return Images(X, y, X[:5], y[:5])


def normal(X):
    mean, deviation = np.array([125.3, 123.0, 113.9]), np.array([63.0, 62.1, 66.7])
    return (X - mean[:, None, None]) / deviation[:, None, None]


def test_each_image_is_one_of_its_128_pieces():
    data = some_images()
    rows = np.array([[3, 5, 3, 9], [5, 0, 1, 2]])
    seen = set()
    for epoch in range(12):
        out = data.training_rows(rows, [4, 5], epoch).reshape(2, 4, 3, 32, 32)
        for g in range(2):
            for i, row in enumerate(rows[g]):
                framed = np.pad(normal(data.X[row]), ((0, 0), (4, 4), (4, 4)))
                fits = [
                    (mirrored, y, x)
                    for mirrored in (False, True)
                    for y in range(8)
                    for x in range(8)
                    if np.allclose(
                        (framed[:, :, ::-1] if mirrored else framed)[:, y : y + 32, x : x + 32],
                        out[g, i],
                        atol=1e-5,
                    )
                ]
                assert len(fits) == 1
                seen.add(fits[0])
    assert {place[0] for place in seen} == {False, True}
    assert len(seen) > 30
    assert {place[1] for place in seen} == set(range(8)) == {place[2] for place in seen}


def test_an_image_is_changed_alike_whoever_else_is_in_the_batch():
    data = some_images()
    a = data.training_rows(np.array([[3, 5], [1, 2]]), [4, 5], 0)
    b = some_images().training_rows(np.array([[2, 1, 7]]), [5], 0)
    np.testing.assert_array_equal(a[1, 0], b[0, 1])
    np.testing.assert_array_equal(a[1, 1], b[0, 0])
    assert not np.array_equal(a[1], data.training_rows(np.array([[1, 2]]), [5], 1)[0])


def test_images_are_tested_as_they_are():
    data = some_images()
    np.testing.assert_allclose(
        data.test_rows(slice(1, 3)), normal(data.X_test[1:3]).reshape(2, -1), rtol=1e-5, atol=1e-6
    )


def test_networks_learn_from_images():
    recipe = Recipe(n_in=3072, stem=8, rounds=1, epochs=2, batch=4)
    batch = NetworkBatch([Network(ARCS, 8, 1)], recipe)
    assert batch.train(some_images())
    assert np.isfinite(batch.errors).all()


# ---------------------------------------------------------------------------------------- doors


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"n_in": 0}, ValueError, "n_in=0"),
        ({"epochs": 1.5}, TypeError, "epochs=1.5"),
        ({"batch": 1}, ValueError, "batch=1"),
        ({"rate": 0}, ValueError, "rate=0"),
        ({"rate": "fast"}, TypeError, "rate='fast'"),
        ({"momentum": 1.1}, ValueError, "momentum=1.1"),
        ({"decay": -1}, ValueError, "decay=-1"),
    ],
)
def test_recipes_that_cannot_be_are_named(change, error, told):
    with pytest.raises(error, match=told):
        Recipe(**change)


def test_networks_that_cannot_be_are_named():
    with pytest.raises(ValueError, match="width=4"):
        Network(ARCS, 4, 0)
    with pytest.raises(ValueError, match="key=-1"):
        Network(ARCS, 9, -1)
    with pytest.raises(ValueError, match=r"networks=\[\]"):
        NetworkBatch([], RECIPE)
    with pytest.raises(ValueError, match="never run"):
        NetworkBatch([Network(ARCS, 9, 0)], RECIPE, device="gpu")
    with pytest.raises(ValueError, match="width=8 for a graph of 12 nodes"):
        NetworkBatch([Network(as_graph([], n=12), 12, 0)], RECIPE)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (some_data(rows=7), "7 rows"),
        (some_data(n_in=5), "5 inputs a row"),
        (Vectors(np.ones((9, 6)), np.full(9, 3), np.ones((9, 6)), np.zeros(9, int)), "label 3"),
        (Vectors(np.ones((9, 6)), np.zeros(9, int), np.ones((9, 6)), np.full(9, -1)), "label -1"),
    ],
)
def test_data_that_do_not_fit_are_named(data, told):
    batch = NetworkBatch([Network(ARCS, 9, 0)], RECIPE)
    with pytest.raises(ValueError, match=told):
        batch.train(data)
    assert batch.step == 0


@pytest.mark.parametrize(
    ("changed", "error", "told"),
    [
        ({"X": [[1.0, np.nan], [0.0, 1.0], [2.0, 2.0]]}, ValueError, "X at row 0 is"),
        ({"X_test": [[1.0, 2.0], [np.inf, 1.0], [2.0, 2.0]]}, ValueError, "X_test at row 1 is"),
        ({"X": [["a", "b"]] * 3}, TypeError, "X"),
        ({"X": [1.0, 2.0, 3.0]}, ValueError, r"X of shape \(3,\)"),
        ({"y": ["cat", "dog", "cat"]}, TypeError, r"labels of X, \(3,\) of <U3"),
        ({"y_test": np.eye(3)}, TypeError, r"labels of X_test, \(3, 3\) of float64: .* \.argmax\(axis=1\)"),
    ],
)
def test_inputs_and_labels_that_cannot_be_learnt_are_refused(changed, error, told):
    good = {"X": [[1.0, 2.0], [0.0, 1.0], [2.0, 2.0]], "y": [0, 1, 0]}
    good |= {f"{name}_test": value for name, value in good.items()}
    assert Vectors(**good).X.shape == (3, 2)
    with pytest.raises(error, match=told):
        Vectors(**good | changed)


def test_pairs_and_pictures_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="3 rows of X and 2 labels"):
        Vectors(np.ones((3, 2)), np.zeros(2, int), np.ones((3, 2)), np.zeros(3, int))
    with pytest.raises(TypeError, match="float64"):
        Images(np.ones((2, 3, 4, 4)), np.zeros(2, int), np.ones((2, 3, 4, 4)), np.zeros(2, int))


def test_states_of_other_networks_are_refused():
    data, networks = some_data(), some_networks()
    batch = NetworkBatch(networks[:2], RECIPE)
    batch.train(data, seconds=0)
    fresh = NetworkBatch(networks[:2], RECIPE).state()
    for states in (batch.state()[:1], [batch.state()[0], fresh[1]], []):
        with pytest.raises(ValueError, match="one each, all equally far"):
            NetworkBatch.from_state(networks[:2], RECIPE, states)
    with pytest.raises(ValueError, match="weights of shape"):
        NetworkBatch.from_state(networks[1::-1], RECIPE, batch.state())


def test_masked_layers_start_like_any_other():
    """The published start does not look at the mask, other than the layers of lesson 11."""
    layer = RelationalLinear(ARCS, 8, 9, seed=0)
    assert layer.W.data[layer.mask].std() > 0.1
    batch = NetworkBatch([Network(ARCS, 9, 0)], RECIPE)
    assert batch._of["W1"][0, :9, :8][layer.mask].std() < 0.02
