"""Training on a few known nodes: against the loop written by hand, and what it reads, keeps, refuses."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
import scipy.sparse
import strategies  # noqa: F401  the profile of Hypothesis
from hypothesis import given, settings
from hypothesis import strategies as st

from lessons import Graph, as_graph, node_classification
from lessons.errors import ConvergenceError
from lessons.graph_layers import GCN, ChebNet, GCNConv, GraphNetwork
from lessons.layers import BatchNorm, Layer, Linear
from lessons.node_classification import NodeTraining, predict, train_node_classifier
from lessons.tensor import Tensor, no_grad
from lessons.tensor_functions import cross_entropy, relu
from lessons.training import SGD, Adam

KARATE = as_graph(nx.karate_club_graph())
CLUB = np.array([int(nx.karate_club_graph().nodes[i]["club"] == "Officer") for i in range(34)])
X = np.eye(34, dtype=np.float32)
TRAIN = np.isin(np.arange(34), [0, 1, 32, 33])
HELD = np.isin(np.arange(34), [2, 3, 8, 27, 30, 31])
REST = ~(TRAIN | HELD)


def network(seed: int = 0, dropout: float = 0.0, sizes: tuple[int, ...] = (34, 8, 2)) -> GCN:
    return GCN(sizes, dropout=dropout, seed=seed)


def trained(model: Layer, **options: Any) -> NodeTraining:
    given: dict[str, Any] = {"train": TRAIN, "validation": HELD, "epochs": 12}
    return train_node_classifier(model, KARATE, X, CLUB, **(given | options))


def loss_of(model: Layer, mask: np.ndarray) -> float:
    """Over all nodes, then those of a mask."""
    with no_grad():
        return cross_entropy(model(KARATE, X)[mask], CLUB[mask]).item()


def same_weights(a: Layer, b: Layer) -> bool:
    return all(np.array_equal(x.data, y.data) for x, y in zip(a.parameters(), b.parameters(), strict=True))


class Plain(Layer):
    """A network that is no GraphNetwork, and whose first parameter stands first."""

    def __init__(self, seed: int = 0) -> None:
        self.first, self.second = Linear(34, 8, seed=seed), Linear(8, 2, seed=seed + 1)

    def __call__(self, graph: Any, X: Any) -> Tensor:
        return self.second(relu(self.first(X)))


class Added(Layer):
    """A layer without `near`: what its inner layer gives, and what it was given."""

    def __init__(self, inner: Layer) -> None:
        self.inner = inner

    def __call__(self, graph: object, X: Any) -> Tensor:
        return self.inner(graph, X) + X


class AddedConv(GCNConv):
    """The same as a class derived from one that has `near`, which is no longer true of it."""

    def __call__(self, graph: object, X: Any) -> Tensor:
        return super().__call__(graph, X) + X


class Doubled(GCN):
    """A network that gives something else than its layers."""

    def __call__(self, graph: object, X: Any) -> Tensor:
        return super().__call__(graph, X) * 2.0


# ---------------------------------------------------------------------------------------- the loop


@pytest.mark.parametrize(
    "make",
    [
        network,
        lambda: ChebNet([34, 8, 2], 2, dropout=0.0, seed=0),
        Plain,
        lambda: GraphNetwork([Added(GCNConv(34, 34, seed=0)), GCNConv(34, 2, seed=1)], dropout=0.0, seed=0),
        lambda: GraphNetwork([AddedConv(34, 34, seed=0), GCNConv(34, 2, seed=1)], dropout=0.0, seed=0),
        lambda: Doubled([34, 8, 2], dropout=0.0, seed=0),
    ],
)
def test_training_is_the_loop_written_by_hand(make):
    model, by_hand = make(), make()
    done = trained(model, validation=None)
    decays = [5e-4] + [0.0] * (len(by_hand.parameters()) - 1)
    optimiser, losses = Adam(by_hand.parameters(), 0.01, weight_decay=decays), []
    for _ in range(12):
        loss = cross_entropy(by_hand(KARATE, X)[TRAIN], CLUB[TRAIN])
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert done.losses == pytest.approx(losses, rel=1e-4)
    for ours, theirs in zip(model.parameters(), by_hand.parameters(), strict=True):
        np.testing.assert_allclose(ours.data, theirs.data, rtol=1e-2, atol=1e-4)
    assert losses[-1] < losses[0]
    assert (done.epoch, done.validation_losses, done.validation_accuracies) == (11, [], [])


def test_without_dropout_and_with_a_layer_of_its_own_it_is_the_loop_to_the_bit():
    model, by_hand = Plain(), Plain()
    done = trained(model, validation=None, optimiser=SGD(model.parameters(), 0.1))
    optimiser = SGD(by_hand.parameters(), 0.1)
    for loss in done.losses:
        now = cross_entropy(by_hand(KARATE, X)[TRAIN], CLUB[TRAIN])
        assert now.item() == loss
        optimiser.zero_grad()
        now.backward()
        optimiser.step()
    assert same_weights(model, by_hand)


@pytest.mark.parametrize("form", [scipy.sparse.csr_array, scipy.sparse.coo_matrix, Tensor, np.ndarray.tolist])
def test_features_of_each_kind_teach_the_same(form):
    features = form(X)
    model, same = network(), network()
    trained(model)
    train_node_classifier(same, KARATE, features, CLUB, train=TRAIN, validation=HELD, epochs=12)
    for ours, theirs in zip(model.parameters(), same.parameters(), strict=True):
        np.testing.assert_allclose(ours.data, theirs.data, rtol=1e-2, atol=1e-4)


def test_the_club_is_told_apart_from_four_members():
    for seed in range(100, 103):
        model = network(seed, dropout=0.5)
        done = trained(model, epochs=100)
        assert (predict(model, KARATE, X) == CLUB)[REST].mean() >= 0.8
        assert done.validation_accuracies[done.epoch] >= 0.8
        assert done.losses[-1] < done.losses[0]


def test_labels_of_text_and_graphs_of_other_libraries_will_do():
    graph = nx.relabel_nodes(nx.karate_club_graph(), lambda i: f"member {i}")
    model, same = network(), network()
    done = train_node_classifier(model, graph, X, CLUB.tolist(), train=TRAIN.tolist(), epochs=5)
    assert done == trained(same, validation=None, epochs=5)
    assert np.array_equal(predict(model, graph, X), predict(same, KARATE, X))


def test_a_seed_decides_all():
    model, same, other = (network(seed, dropout=0.5) for seed in (0, 0, 1))
    first, second = trained(model), trained(same)
    assert first == second
    assert same_weights(model, same)
    assert trained(other).losses != first.losses


# ---------------------------------------------------------------------------------------- the best epoch


@pytest.mark.parametrize("rate", [0.01, 0.3])
@pytest.mark.parametrize("make", [network, Plain])
def test_the_model_ends_with_the_weights_of_the_smallest_validation_loss(make, rate):
    model = make()
    done = trained(model, epochs=40, optimiser=Adam(model.parameters(), rate))
    least = min(done.validation_losses)
    assert done.epoch == done.validation_losses.index(least)
    assert loss_of(model.eval(), HELD) == pytest.approx(least, rel=1e-5)
    right = (predict(model, KARATE, X) == CLUB)[HELD].mean()
    assert done.validation_accuracies[done.epoch] == right
    assert len(done.losses) == len(done.validation_losses) == len(done.validation_accuracies) == 40


def test_histories_are_those_before_and_after_each_step():
    model, shorter = network(), network()
    done = trained(model, validation=TRAIN, epochs=6)
    assert done.validation_losses[:-1] == pytest.approx(done.losses[1:], rel=1e-5)
    assert trained(shorter, validation=TRAIN, epochs=3).losses == done.losses[:3]


class Told(Layer):
    """A model whose validation losses are told beforehand: at call k while evaluating, w_k is what it answers."""

    def __init__(self, answers: list[float]) -> None:
        self.w, self.answers, self.moves = Tensor(np.zeros(1)), answers, 0

    def __call__(self, graph: object, X: Any) -> Tensor:
        if self.training:
            return self.w * np.array([[1.0, -1.0]] * 34)
        self.moves += 1
        return Tensor(np.array([[self.answers[self.moves - 1], 0.0]] * 34))


ANSWERS = st.lists(st.integers(-3, 3).map(float), min_size=8, max_size=8)


@settings(max_examples=40)
@given(ANSWERS, st.one_of(st.none(), st.integers(1, 9)))
def test_patience_counts_from_the_earliest_of_the_best_epochs(answers, patience):
    model, zeros = Told(answers), np.zeros(34, np.int64)
    done = train_node_classifier(
        model, KARATE, X, zeros, train=TRAIN, validation=HELD, epochs=8, patience=patience,
        optimiser=SGD([model.w], 0.5),
    )  # fmt: skip
    best, last = 0, 7
    for epoch in range(8):
        if answers[epoch] > answers[best]:  # class 0 is right: a higher score is a smaller loss
            best = epoch
        if patience is not None and epoch - best >= patience:
            last = epoch
            break
    assert done.epoch == best
    assert len(done.losses) == len(done.validation_losses) == last + 1
    assert done.validation_accuracies == [float(answer >= 0) for answer in answers[: last + 1]]
    alone, path = Told(answers), []
    for _ in range(best + 1):
        trained_once = cross_entropy(alone(KARATE, X)[TRAIN], zeros[TRAIN])
        alone.w.grad = None
        trained_once.backward()
        alone.w.data = alone.w.data - 0.5 * alone.w.grad
        path.append(alone.w.item())
    assert model.w.item() == pytest.approx(path[best])


def test_what_layers_keep_of_batches_is_of_the_best_epoch_too():
    class Normed(Plain):
        def __init__(self) -> None:
            super().__init__()
            self.norm = BatchNorm(8)

        def __call__(self, graph: Any, X: Any) -> Tensor:
            return self.second(relu(self.norm(self.first(X))))

    model = Normed()
    done = trained(model, epochs=60, optimiser=Adam(model.parameters(), 0.3))
    assert done.epoch < 59
    assert loss_of(model.eval(), HELD) == pytest.approx(min(done.validation_losses), rel=1e-5)


# ---------------------------------------------------------------------------------------- optimiser, modes


def test_without_an_optimiser_only_the_first_weights_decay():
    model, same = network(), network()
    trained(model, validation=None)
    optimiser = Adam(same.parameters(), 0.01, weight_decay=[5e-4, 0.0, 0.0, 0.0])
    trained(same, validation=None, optimiser=optimiser)
    assert same_weights(model, same)
    for decays in (0.0, 5e-4, [0.0, 5e-4, 0.0, 0.0], [5e-3, 0.0, 0.0, 0.0]):
        other = network()
        trained(other, validation=None, optimiser=Adam(other.parameters(), 0.01, weight_decay=decays))
        assert not same_weights(model, other)


def test_an_optimiser_moves_what_it_holds_and_nothing_else():
    model, before = network(), network()
    trained(model, validation=None, optimiser=SGD(model.convs[1].parameters(), 0.1))
    assert same_weights(model.convs[0], before.convs[0])
    assert not same_weights(model.convs[1], before.convs[1])


@pytest.mark.parametrize("make", [lambda: network(dropout=0.5), Plain])
def test_layers_are_afterwards_in_the_mode_that_they_were_in(make):
    model = make()
    model.layers()[-1].training = False
    before = [layer.training for layer in model.layers()]
    trained(model)
    predict(model, KARATE, X)
    assert [layer.training for layer in model.layers()] == before
    with pytest.raises(ValueError, match="0 to 1 are known"):
        train_node_classifier(model, KARATE, X, np.full(34, 2), train=TRAIN, epochs=1)
    assert [layer.training for layer in model.layers()] == before


def test_dropout_works_while_training_and_rests_while_watching():
    model = network(dropout=0.5)
    done = trained(model.eval(), epochs=1, optimiser=SGD(model.parameters(), 0.0))
    assert done.losses[0] != pytest.approx(loss_of(model, TRAIN), rel=1e-4)  # though it came in evaluation mode
    assert done.validation_losses[0] == pytest.approx(loss_of(model, HELD), rel=1e-5)
    assert model.dropout.calls == 2  # one before each layer, in the step alone


def test_masks_may_overlap():
    model, same = network(), network()
    assert trained(model, validation=TRAIN).losses == trained(same, validation=None).losses


# ---------------------------------------------------------------------------------------- what is read


@settings(max_examples=20)
@given(st.lists(st.sampled_from([-7, -1, 0, 1, 5, 10**9]), min_size=34, max_size=34))
def test_classes_are_read_where_a_mask_is_true_and_nowhere_else(poison):
    poisoned = np.where(REST, poison, CLUB)
    model, same = network(), network()
    done = train_node_classifier(model, KARATE, X, poisoned, train=TRAIN, validation=HELD, epochs=3)
    assert done == trained(same, epochs=3)
    assert same_weights(model, same)


def test_watched_classes_teach_nothing():
    model, same = network(), network()
    swapped = np.where(HELD, 1 - CLUB, CLUB)
    done = train_node_classifier(model, KARATE, X, swapped, train=TRAIN, validation=HELD, epochs=9)
    assert done.losses == trained(same, epochs=9).losses


def test_features_that_no_node_of_the_masks_sees_are_not_read():
    path = as_graph([(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)], n=7)
    features = np.random.default_rng(0).standard_normal((7, 3))
    masks = {"train": np.arange(7) == 0, "validation": np.arange(7) == 1}
    found = []
    for row in (7, 6, 5, 4):  # two layers of node 1 see as far as node 3
        features[row:] = np.nan
        model = GCN([3, 4, 2], dropout=0.0, seed=0, dtype=np.float64)
        found.append((train_node_classifier(model, path, features, np.zeros(7, int), epochs=3, **masks), model))
    assert all(done == found[0][0] and same_weights(model, found[0][1]) for done, model in found)
    features[3] = np.nan
    with pytest.raises(ConvergenceError, match=r"the loss in epoch 0 at rate 0\.01: residual nan"):
        train_node_classifier(GCN([3, 4, 2], seed=0), path, features, np.zeros(7, int), epochs=3, **masks)


def test_the_whole_graph_is_computed_by_who_cannot_focus_alone(monkeypatch):
    asked = []
    monkeypatch.setattr(GraphNetwork, "__call__", lambda model, graph, X: asked.append(model))
    trained(network())
    assert asked == []
    with pytest.raises(TypeError, match="NoneType"):
        trained(Doubled([34, 8, 2], seed=0))
    assert len(asked) == 1


def test_nothing_that_was_given_is_changed():
    sparse, y = scipy.sparse.csr_array(X), CLUB.copy()
    data, train, held = sparse.data.copy(), TRAIN.copy(), HELD.copy()
    model = network(dropout=0.5)
    train_node_classifier(model, KARATE, sparse, y, train=train, validation=held, epochs=3)
    assert np.array_equal(sparse.toarray(), X)
    assert np.array_equal(sparse.data, data)
    assert np.array_equal(y, CLUB)
    assert np.array_equal(train, TRAIN)
    assert np.array_equal(held, HELD)


# ---------------------------------------------------------------------------------------- predict


class Fixed(Layer):
    """A model that gives these scores, other ones while training."""

    def __init__(self, scores: list[list[float]]) -> None:
        self.scores = np.array(scores)
        self.on_tape = True

    def __call__(self, graph: Graph, X: Any) -> Tensor:
        self.on_tape = (Tensor(1.0) * 2.0).requires_grad
        return Tensor(-self.scores if self.training else self.scores)


def test_the_highest_score_is_predicted_and_of_equal_ones_the_first():
    model = Fixed([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [0.0, -1.0, 5.0]])
    found = predict(model, as_graph([], n=3), np.zeros((3, 1)))
    assert found.tolist() == [1, 0, 2]
    assert found.dtype == np.int64
    assert model.training
    assert not model.on_tape


def test_predictions_drop_nothing_and_move_nothing():
    model = network(dropout=0.9)
    found = [predict(model, KARATE, X).tolist() for _ in range(3)]
    assert found[0] == found[1] == found[2]
    assert found[0] == model.eval()(KARATE, X).data.argmax(axis=1).tolist()
    assert model.dropout.calls == 0
    assert same_weights(model, network(dropout=0.9))


def test_nodes_without_neighbours_are_predicted_from_their_own_features():
    graph = as_graph([(0, 1), (1, 2)], n=5)
    features = np.array([[1, 0], [1, 0], [1, 0], [1, 0], [0, 1]], np.float32)
    model = GCN([2, 8, 2], dropout=0.0, seed=0)
    train = np.array([True, False, False, False, True])
    train_node_classifier(model, graph, features, [0, -1, -1, -1, 1], train=train)
    assert predict(model, graph, features).tolist() == [0, 0, 0, 0, 1]
    assert predict(model, as_graph([], n=0), np.zeros((0, 2))).shape == (0,)


# ---------------------------------------------------------------------------------------- refused


class Constant(Layer):
    """A model with a weight that does nothing."""

    def __init__(self) -> None:
        self.w, self.idle = Tensor(np.ones((2, 34), np.float32)), Tensor(1.0)

    def __call__(self, graph: object, X: Any) -> Tensor:
        return Tensor(np.asarray(X)) @ self.w.T


def test_an_optimiser_of_another_model_is_refused():
    model, other = network(), network()
    with pytest.raises(ValueError, match="no tensor of the optimiser got a gradient"):
        trained(model, optimiser=Adam(other.parameters()))
    lazy = Constant()
    with pytest.raises(ValueError, match="no tensor of the optimiser got a gradient"):
        trained(lazy, optimiser=SGD([lazy.idle], 0.1))


@pytest.mark.parametrize("make", [network, Plain])
def test_a_loss_that_is_no_number_ends_the_training(make):
    broken = X.copy()
    broken[0] = np.nan
    with pytest.raises(ConvergenceError, match=r"the loss in epoch 0 at rate 0\.01") as raised:
        train_node_classifier(make(), KARATE, broken, CLUB, train=TRAIN, epochs=3)
    assert raised.value.iterations == 0
    model = make()
    with pytest.raises(ConvergenceError, match="the loss in epoch 1 at rate 1e"):
        trained(model, optimiser=SGD(model.parameters(), 1e30), validation=None)


def test_a_loss_of_watched_nodes_that_is_no_number_ends_the_training():
    graph, broken = as_graph([], n=34), X.copy()
    broken[2] = np.nan
    with pytest.raises(ConvergenceError, match=r"the loss in epoch 0 at rate 0\.01: residual nan"):
        train_node_classifier(network(), graph, broken, CLUB, train=TRAIN, validation=HELD, epochs=3)


def called(**options: Any) -> Any:
    given = {"model": network(), "graph": KARATE, "X": X, "y": CLUB, "train": TRAIN, "epochs": 2} | options
    return lambda: train_node_classifier(given.pop("model"), given.pop("graph"), **given)


UNKNOWN = np.where(TRAIN, -1, CLUB)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (called(train=[0, 1, 32, 33]), TypeError, "train holds int64: a mask of True and False is needed"),
        (called(train=TRAIN.astype(int)), TypeError, "train holds int64: a mask of True and False is needed"),
        (called(validation=[2, 3]), TypeError, "validation holds int64: a mask"),
        (called(train=None), TypeError, "train holds object: a mask"),
        (called(train=TRAIN[:5]), ValueError, "train of shape (5,) for 34 nodes: (34,)"),
        (called(validation=HELD[:, None]), ValueError, "validation of shape (34, 1) for 34 nodes"),
        (called(train=~TRAIN & TRAIN), ValueError, "train is False everywhere: at least one node"),
        (called(validation=~TRAIN & TRAIN), ValueError, "validation is False everywhere"),
        (called(y=UNKNOWN), ValueError, "node 0 is in train and has class -1: 0 or more"),
        (
            called(y=np.where(HELD, -3, CLUB), validation=HELD),
            ValueError,
            "node 2 is in validation and has class -3",
        ),
        (called(y=CLUB.astype(float)), TypeError, "y holds float64: classes are integers"),
        (called(y=CLUB.astype(bool)), TypeError, "y holds bool: classes are integers"),
        (called(y=CLUB.astype(str)), TypeError, "y holds <U"),
        (called(y=CLUB[:5]), ValueError, "y of shape (5,) for 34 nodes: (34,) is needed, -1 where unknown"),
        (called(y=np.eye(2, dtype=int)[CLUB]), ValueError, "y of shape (34, 2) for 34 nodes"),
        (called(y=2 * CLUB), ValueError, "the label 2 for 2 classes; 0 to 1 are known"),
        (called(y=np.where(HELD, 4, CLUB), validation=HELD), ValueError, "the label 4 for 2 classes"),
        (called(patience=3), ValueError, "patience=3 without validation: give validation="),
        (called(patience=0, validation=HELD), ValueError, "patience=0: at least 1"),
        (called(patience=1.5, validation=HELD), TypeError, "patience=1.5: a whole number"),
        (called(epochs=0), ValueError, "epochs=0: at least 1"),
        (called(epochs=2.0), TypeError, "epochs=2.0: a whole number"),
        (called(X=X[:5]), ValueError, "of X (5, 34) on 34 nodes: (34, n_in)"),
        (called(X=X[:, :5]), ValueError, "X (34, 5): it has weights for 34 features"),
        (lambda: predict(KARATE, GCN([34, 2], seed=0), X), TypeError, "model is Graph: a Layer that is called as"),
        (called(X=X[0]), ValueError, "of X (34,) on 34 nodes"),
        (called(model=Fixed([[0.0, 1.0]] * 34)), ValueError, "parameters=[]: nothing to learn"),
    ],
)
def test_what_is_refused_is_named(call, error, says):
    with pytest.raises(error) as raised:
        call()
    assert says in str(raised.value)


def test_a_model_that_is_refused_was_not_moved():
    model, before = network(), network()
    for options in (
        {"y": UNKNOWN},
        {"train": [0]},
        {"validation": ~TRAIN & TRAIN},
        {"patience": 3},
        {"y": 2 * CLUB},
    ):
        with pytest.raises((TypeError, ValueError)):
            called(model=model, **options)()
    assert same_weights(model, before)


def test_the_rate_and_the_decay_are_those_published():
    assert (node_classification.RATE, node_classification.DECAY) == (0.01, 5e-4)
