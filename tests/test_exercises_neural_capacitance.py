"""The exercises of notebook 13: other right answers are right, nearly right ones are not, nonsense is told."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from exercised import Topic, code_of
from scipy.sparse import csr_array

from lessons.exercises import check
from lessons.exercises import neural_capacitance as module
from lessons.exercises.neural_capacitance import (
    EARLY,
    NINE,
    coupling_parts,
    moved_prediction,
    prediction_at_zero,
    sums_between,
    synapse_links,
)
from lessons.layers import MLP
from lessons.neural_capacitance import coupling, in_out_sums, line_graph, neural_capacitance, states
from lessons.random_graphs import ws_flex
from lessons.relational_graphs import RelationalMLP
from lessons.resilience import beta_eff, decomposed
from lessons.tensor import Tensor
from lessons.tensor_functions import cross_entropy, mse

TOPIC = Topic("neural_capacitance")
EXERCISES, verdict, cases = TOPIC.exercises, TOPIC.verdict, TOPIC.cases

pytestmark = pytest.mark.usefixtures("first_attempt")

# ------------------------------------------------------------------------------ each one is sound


# by the name of a wrong answer, a word of the property that it must fail first
FAILS = {
    "_entry_by_entry": "the first is beta",
    "_turned_once": "the first is beta",
    "_there_and_back": "the first is beta",
    "_eigenvalue": "the first is beta",
    "_over_nodes": "the first is beta",
    "_over_squares": "the first is beta",
    "_mean_for_beta": "the first is beta",
    "_over_links": "the second is the mean strength",
    "_over_pairs": "the second is the mean strength",
    "_sum_for_mean": "the second is the mean strength",
    "_both_ends": "the second is the mean strength",
    "_of_linked": "the second is the mean strength",
    "_of_sizes": "the second is the mean strength",
    "_without_loops": "the second is the mean strength",
    "_covariance": "the third is S",
    "_mean_not_taken": "the third is S",
    "_cosine": "the third is S",
    "_squared": "the third is S",
    "_one_less": "the fourth is H",
    "_variances": "the fourth is H",
    "_only_heard": "the fourth is H",
    "_mean_forgotten": "the fourth is H",
    "_over_mean_square": "the fourth is H",
    "_H_before_S": "the fourth is H",
    "_alike_is_1": "S is 0 where",
    "_alike_not_asked": "S is 0 where",
    "_table_of_S": "four numbers",
    "_product_for_both": "four numbers",
    "_of_each_node": "four numbers",
    "_scaled_in_place": "left as they were",
    "_against": "layer after that of p",
    "_either_way": "layer after that of p",
    "_any_layer": "layer after that of p",
    "_any_layer_after": "layer after that of p",
    "_senders_first": "both are synapses",
    "_columns_hear": "both are synapses",
    "_masks_forgotten": "both are synapses",
    "_layers_from_0": "both are synapses",
    "_without_layers": "a list of pairs",
    "_paths_of_units": "a list of pairs",
    "_as_adjacency": "a list of pairs",
    "_as_successors": "a list of pairs",
    "_one_sender": "begins at the unit at which p ends",
    "_one_receiver": "begins at the unit at which p ends",
    "_ends_by_ends": "begins at the unit at which p ends",
    "_whole_layers": "begins at the unit at which p ends",
    "_neighbours": "no link is left out",
    "_first_two_layers": "no link is left out",
    "_last_layer_forgotten": "no link is left out",
    "_one_for_each_synapse": "no link is left out",
    "_twice": "once",
    "_rows_for_senders": "without an error",
    "_past_the_last": "without an error",
    "_layers_taken_out": "left as they were",
    "moved_prediction": "all accuracies are the same",
    "_level_charged": "all accuracies are the same",
    "_ridge_on_the_level": "all accuracies are the same",
    "_slope_told": "all accuracies are the same",
    "_where_the_line_is_0": "all accuracies are the same",
    "_through_the_origin": "all accuracies are the same",
    "_mean_not_put_back": "all accuracies are the same",
    "_slope_from_0": "all accuracies are the same",
    "_still_moved": "with ridge 0",
    "_standard_scores": "with ridge 0",
    "_from_0_to_1": "with ridge 0",
    "_from_the_last": "with ridge 0",
    "_in_logarithms": "with ridge 0",
    "_by_epoch": "with ridge 0",
    "_at_the_largest": "with ridge 0",
    "_at_the_last": "with ridge 0",
    "_cut_off": "with ridge 0",
    "_mean_accuracy": "with ridge 0",
    "_last_accuracy": "with ridge 0",
    "_by_the_range": "largest |beta| is 1",
    "_by_the_spread": "largest |beta| is 1",
    "_ridge_forgotten": "largest |beta| is 1",
    "_ridge_squared": "largest |beta| is 1",
    "_ridge_for_each_epoch": "largest |beta| is 1",
    "_root_of_ridge": "largest |beta| is 1",
    "_not_scaled": "in other units",
    "_by_the_largest": "in other units",
    "_by_the_first": "in other units",
    "_sizes_of_beta": "in other units",
    "_guarded": "in other units",
    "_line_told": "one number",
    "_scaled_in_the_caller": "left as they were",
    "_no_minus": "P has one entry",
    "_sizes": "P has one entry",
    "_slope_forgotten": "P has one entry",
    "_slope_twice": "P has one entry",
    "_slope_of_relu": "P has one entry",
    "_slope_in_one": "P has one entry",
    "_errors_for_sums": "P has one entry",
    "_mean_ahead": "row by row",
    "_nothing_added_ahead": "row by row",
    "_mean_behind": "column by column",
    "_nothing_added_behind": "column by column",
    "_mean_of_samples": "sample by sample",
    "_means_multiplied": "sample by sample",
    "_sums_multiplied": "sample by sample",
    "_first_sample": "sample by sample",
    "_everywhere": "the sum is 0",
    "_masks_never": "the sum is 0",
    "_all_ahead": "only those that are there",
    "_all_behind": "only those that are there",
    "_mask_turned": "without an error",
    "_out_before_in": "two arrays",
    "_turned": "two arrays",
    "_only_totals": "two arrays",
    "_P_itself": "two arrays",
    "_scaled_in_d": "left as they were",
}


@pytest.mark.parametrize("name", FAILS)
def test_each_mistake_fails_on_the_property_that_it_breaks(name):
    assert FAILS[name] in TOPIC.failed_by(getattr(module, name))


def test_every_mistake_has_its_property_here():
    made = [answer for exercise in EXERCISES.values() for answer in exercise.wrong if callable(answer)]
    named = {name for name, value in vars(module).items() if any(value is answer for answer in made)}
    assert named == set(FAILS)
    assert len(made) == len(named)


ODD = [{}, {0: 1}, (True,), [*NINE[:8]], [[1] * 9], 1.5, True, (1, 2, None), [((1, 0), (2, 0, 0))], [[(1, 0, 0)]]]


@pytest.mark.parametrize("id", EXERCISES)
def test_nonsense_is_told_in_words_and_never_as_a_traceback(id, capsys):
    TOPIC.tells_nonsense(id, capsys, ODD)


def test_the_stubs_of_the_page_are_not_attempted_yet(capsys):
    for id, exercise in EXERCISES.items():
        check(id, (lambda *_: ...) if callable(exercise.reference) else ...)
        assert capsys.readouterr().out == f"{id}: not attempted yet\n"


# ------------------------------------------------------------------------------ other answers


def by_matrix_products(P):
    one = np.ones(len(P))
    total, heard, acted = one @ P @ one, P @ one, one @ P
    table = np.cov(heard, acted, ddof=0)
    spread = np.sqrt(table[0, 0] * table[1, 1])
    S = table[0, 1] / spread if spread > 1e-12 else 0
    return np.array([one @ P @ P @ one / total, total / len(P), S, spread / total * len(P)])


def by_library(P):
    return [beta_eff(P), *decomposed(P)]


def by_loops(P):
    n = range(len(P))
    heard, acted = ([sum(P[i, j] for j in n) for i in n], [sum(P[i, j] for i in n) for j in n])
    beta = sum(a * b for a, b in zip(heard, acted, strict=True)) / sum(heard)
    mean = sum(heard) / len(P)
    squares = [sum((s - mean) ** 2 for s in strengths) / len(P) for strengths in (heard, acted)]
    H = (squares[0] * squares[1]) ** 0.5 / mean
    return beta, mean, (beta - mean) / H if H else 0, H


def by_all_pairs(masks):
    return module._links_where(module._meet)(masks)


def by_networkx(masks):
    """Its line graph of the graph of units, whose nodes are (layer, unit)."""
    units = nx.DiGraph(((at - 1, i), (at, j)) for at, j, i in module._synapses(masks))
    return [((a[0] + 1, b[1], a[1]), (b[0] + 1, c[1], b[1])) for (a, b), (_, c) in nx.line_graph(units).edges]


def by_line_graph(masks):
    return set(line_graph(list(masks.values())).edges())


def as_an_array(masks):
    return np.array(synapse_links(masks))


def one_by_one(masks):
    yield from synapse_links(masks)


def by_centred_sums(beta, accuracy, ridge):
    """The slope from what is left of the means; the mean is put back at the end."""
    x = beta / max(abs(beta))
    apart = x - x.mean()
    slope = apart @ accuracy / (apart @ apart + ridge)
    return accuracy.mean() - slope * x.mean()


def by_one_more_row(beta, accuracy, ridge):
    """Least squares with an epoch that is made up: the root of the ridge, at accuracy 0, without a level."""
    x = beta / np.abs(beta).max()
    A = np.vstack([np.column_stack([np.ones(len(x)), x]), [0, ridge**0.5]])
    return np.linalg.lstsq(A, np.append(accuracy, 0), rcond=None)[0][0]


def by_scikit_learn(beta, accuracy, ridge):
    linear = pytest.importorskip("sklearn.linear_model", reason="scikit-learn: the course extra")
    return linear.Ridge(alpha=ridge).fit((beta / np.abs(beta).max())[:, None], accuracy).intercept_


def by_scikit_learn_unscaled(beta, accuracy, ridge):
    linear = pytest.importorskip("sklearn.linear_model", reason="scikit-learn: the course extra")
    return linear.Ridge(alpha=ridge).fit(beta[:, None], accuracy).intercept_


def by_scikit_learn_without_level(beta, accuracy, ridge):
    linear = pytest.importorskip("sklearn.linear_model", reason="scikit-learn: the course extra")
    x = (beta / np.abs(beta).max())[:, None]
    return linear.Ridge(alpha=ridge, fit_intercept=False).fit(x, accuracy).predict([[0]])[0]


def by_einsum(z, slope, d, mask, next_mask):
    IN = -np.einsum("bj,bi,bk,kj->ji", slope, z, d, next_mask) * mask
    OUT = -np.einsum("bj,bi,bk,ji->kj", slope, z, d, mask) * next_mask
    return [IN, OUT]


def by_whole_P(*given):
    P = module._by_entries(*given)
    return P.sum(axis=0), P.sum(axis=2)


def sample_by_sample(z, slope, d, mask, next_mask):
    IN, OUT = np.zeros(mask.shape), np.zeros(next_mask.shape)
    for b in range(len(z)):
        for j in range(len(mask)):
            IN[j] -= slope[b, j] * z[b] * mask[j] * (d[b] @ next_mask[:, j])
            OUT[:, j] -= slope[b, j] * d[b] * next_mask[:, j] * (z[b] @ mask[j])
    return IN, OUT


@pytest.mark.parametrize(
    ("number", "answer", "expected"),
    [
        (1, by_matrix_products, "right"),
        (1, by_library, "right"),
        (1, by_loops, "right"),
        (1, lambda P: coupling_parts(P.T), "right"),
        (1, lambda P: coupling_parts(P)[:3], "wrong"),
        (1, lambda P: (*coupling_parts(P), len(P)), "wrong"),
        (1, lambda P: [coupling_parts(P)], "wrong"),
        (1, lambda P: tuple(round(part, 2) for part in coupling_parts(P)), "wrong"),
        (2, by_all_pairs, "right"),
        (2, by_networkx, "right"),
        (2, by_line_graph, "right"),
        (2, as_an_array, "right"),
        (2, lambda masks: synapse_links(masks)[::-1], "right"),
        (2, one_by_one, "wrong"),
        (2, lambda masks: synapse_links(masks)[1:], "wrong"),
        (2, lambda masks: len(synapse_links(masks)), "wrong"),
        (2, lambda masks: dict(synapse_links(masks)), "wrong"),
        (2, lambda masks: np.array(synapse_links(masks)) + 0.5, "wrong"),
        (3, by_centred_sums, "right"),
        (3, by_one_more_row, "right"),
        (3, by_scikit_learn, "right"),
        (3, by_scikit_learn_unscaled, "wrong"),
        (3, by_scikit_learn_without_level, "wrong"),
        (3, lambda beta, *rest: prediction_at_zero(-beta, *rest), "right"),
        (3, lambda *given: [prediction_at_zero(*given)], "wrong"),
        (3, lambda *given: round(prediction_at_zero(*given), 3), "wrong"),
        (4, list(NINE), "right"),
        (4, NINE, "right"),
        (4, np.array(NINE), "right"),
        (4, [0, 1, True, 1.0, 4, 0.0, 2, False, 1 / 2], "right"),
        (4, [*NINE[:8], True], "wrong"),
        (4, [*NINE[:8], 0.51], "wrong"),
        (5, by_einsum, "right"),
        (5, by_whole_P, "right"),
        (5, sample_by_sample, "right"),
        (5, lambda *given: sums_between(*given)[0], "wrong"),
        (5, lambda *given: np.round(sums_between(*given)[0], 1), "wrong"),
        (5, lambda *given: tuple(part.astype(complex) for part in sums_between(*given)), "wrong"),
    ],
)
def test_other_answers(number, answer, expected):
    assert verdict(number, answer).status == expected


# ------------------------------------------------------------------------------ held against the library


def test_parts_are_the_library_s_and_make_beta_together():
    for (P,) in cases(1):
        beta, mean, S, H = coupling_parts(P)
        assert (beta, mean, S, H) == pytest.approx((beta_eff(P), *decomposed(P)), abs=1e-12)
        assert beta == pytest.approx(mean + S * H)
        assert beta == pytest.approx(np.ones(len(P)) @ P @ P @ np.ones(len(P)) / P.sum())


def test_links_are_the_library_s_the_way_of_the_signal_and_the_places_of_P():
    """As `why` says: P, whose rows are receivers, has its entries where the list has pairs."""
    sizes = (3, 2, 2, 2, 2)
    masks = {at: np.ones((to, of), int) for at, (of, to) in enumerate(pairwise(sizes), 1)}
    graph = line_graph(list(masks.values()))
    links = synapse_links(masks)
    assert sorted(links) == sorted(graph.edges())
    rng = np.random.default_rng(100)
    P = coupling(MLP(sizes, seed=0), rng.random((9, 3)), rng.integers(0, 2, 9))
    places = {(graph.index(p), graph.index(q)) for p, q in links}
    assert set(zip(*P.nonzero(), strict=True)) <= places
    assert P.nnz == len(places)


def test_layers_of_n_units_have_n_cubed_links():
    for n in (1, 3, 5):
        masks = {at: np.ones((n, n), int) for at in (1, 2)}
        assert len(synapse_links(masks)) == n**3


def test_sums_are_the_library_s_between_any_two_layers():
    rng = np.random.default_rng(100)
    model = RelationalMLP(ws_flex(8, 3, 0.3, 1), n_in=5, width=16, n_out=3, stem=8, seed=0)
    X, y = rng.random((9, 5)), rng.integers(0, 3, 9)
    found, sums = states(model, X, y), in_out_sums(model, X, y)
    assert not found.M[2].all()
    for at in range(1, found.L):
        given = found.Z[at - 1], found.S[at], found.D[at + 1], found.M[at], found.M[at + 1]
        IN, OUT = sums_between(*given)
        assert pytest.approx(sums.IN[at]) == IN
        assert pytest.approx(sums.OUT[at + 1]) == OUT


def test_rows_and_columns_of_every_case_add_up_to_the_same_total():
    """As `why` says."""
    for given in cases(5):
        IN, OUT = sums_between(*given)
        assert IN.sum() == pytest.approx(OUT.sum(), abs=1e-12)
        assert IN.sum() == pytest.approx(module._by_entries(*given).sum(), abs=1e-12)


# ------------------------------------------------------------------------------ what is said of the slips


def test_mending_one_slip_is_not_enough_and_with_both_beta_has_no_part():
    """As `why` says: the sum over epochs + ridge; with the first slip alone the mean; with the second less."""
    for beta, accuracy, ridge in cases(3):
        epochs = len(beta)
        assert moved_prediction(beta, accuracy, ridge) == pytest.approx(accuracy.sum() / (epochs + ridge))
        assert module._still_moved(beta, accuracy, ridge) == pytest.approx(accuracy.mean())
        if ridge:
            charged = module._level_charged(beta, accuracy, ridge)
            assert abs(charged - prediction_at_zero(beta, accuracy, ridge)) > 1e-3


def test_a_bayesian_ridge_is_this_line_with_a_ridge_of_its_own():
    linear = pytest.importorskip("sklearn.linear_model", reason="scikit-learn: the course extra")
    from lessons.prediction_of_accuracy import intercept

    beta, accuracy = np.array([3.0, 2.4, 2.0, 1.1, 0.9]), np.array([0.3, 0.42, 0.5, 0.64, 0.66])
    fitted = linear.BayesianRidge(tol=1e-12).fit((beta / 3)[:, None], accuracy)
    by_hand = prediction_at_zero(beta, accuracy, fitted.lambda_ / fitted.alpha_)
    assert by_hand == pytest.approx(fitted.intercept_, abs=1e-6)
    assert by_hand == pytest.approx(intercept(beta, accuracy), abs=1e-3)


# ------------------------------------------------------------------------------ the traps of exercise 4


def batch(sizes, seed, loss=cross_entropy):
    rng = np.random.default_rng(seed)
    X = rng.random((7, sizes[0]))
    y = rng.integers(0, sizes[-1], 7)
    return MLP(sizes, seed=seed), X, y if loss is cross_entropy else np.eye(sizes[-1])[y]


THREE, FOUR = (4, 8, 8, 3), (4, 8, 8, 8, 3)


@pytest.mark.parametrize(
    ("k", "sizes", "settings"),
    [
        (0, THREE, {}),
        (1, THREE, {"loss": mse}),
        (2, FOUR, {}),
        (3, THREE, {"absolute": True}),
    ],
)
def test_beta_is_0_always_or_hardly_ever(k, sizes, settings):
    found = [
        neural_capacitance(*batch(sizes, seed, settings.get("loss", cross_entropy)), **settings)
        for seed in range(6)
    ]
    if NINE[k]:
        assert min(map(abs, found)) > 1e-6
    else:
        assert max(map(abs, found)) < 1e-12


def test_so_many_powers_of_P_are_not_0_and_no_eigenvalue_is():
    model, X, y = batch(FOUR, 0)
    P = coupling(model, X, y)
    powers = [P]
    while powers[-1].nnz:
        powers.append(csr_array(powers[-1] @ P))
    assert len(powers) == NINE[4]
    assert abs(powers[-2]).max() > 1e-9
    assert np.array_equal(P.toarray(), np.triu(P.toarray())), "so its eigenvalues are its diagonal"
    assert np.abs(P.diagonal()).max() == NINE[5]


@pytest.mark.parametrize("absolute", [False, True])
def test_errors_twice_as_large_make_beta_so_many_times_as_large(absolute):
    model, X, y = batch(FOUR, 0)
    found = in_out_sums(model, X, y, absolute=absolute)

    def doubled(scores, targets):
        return cross_entropy(scores, targets) * 2.0

    twice = in_out_sums(model, X, y, absolute=absolute, loss=doubled)
    ratio = (twice.numerator / twice.denominator) / (found.numerator / found.denominator)
    assert ratio == pytest.approx(NINE[6])
    assert twice.numerator / found.numerator == pytest.approx(4)


def test_a_network_at_rest_may_have_a_beta_above_0():
    """One input under two labels, and equal scores: at the minimum, where the errors are half each and cancel."""
    model = MLP((4, 8, 8, 8, 2), seed=0, dtype=np.float64)
    x = np.random.default_rng(100).random(4)
    X, y = np.stack([x, x]), np.array([0, 1])
    scores = model(Tensor(X)).data[0]
    model.steps[-1].b.data = -scores  # biases start at 0
    loss = cross_entropy(model(Tensor(X)), y)
    loss.backward()
    assert loss.item() == pytest.approx(np.log(2)), "no network does better"
    assert max(np.abs(parameter.grad).max() for parameter in model.parameters()) < 1e-12
    assert (neural_capacitance(model, X, y, absolute=True) < 0.01) == NINE[7]


def test_a_line_over_noise_tells_the_mean():
    noise = np.random.default_rng(100).random(len(EARLY))
    assert prediction_at_zero(noise, np.array(EARLY), 1e9) == pytest.approx(NINE[8])


# ------------------------------------------------------------------------------ the cases


def test_cases_come_smallest_first():
    for number, size in ((1, len), (3, lambda beta, *_: len(beta))):
        sizes = [size(*given) for given in cases(number)]
        assert sizes == sorted(sizes)
    layers = [len(masks) for (masks,) in cases(2)]
    assert layers == sorted(layers)
    samples = [len(z) for z, *_, mask, next_mask in cases(5) if mask.all() and next_mask.all()]
    assert samples == sorted(samples)


def test_networks_meet_both_signs_loops_and_strengths_that_are_alike():
    met = Counter()
    for (P,) in cases(1):
        met["below 0"] += (P < 0).any()
        met["loops"] += np.diag(P).any()
        met["no loops"] += not np.diag(P).any()
        met["in-strengths alike"] += np.ptp(P.sum(axis=1)) == 0
        met["out-strengths alike"] += np.ptp(P.sum(axis=0)) == 0
        met["S below 0"] += coupling_parts(P)[2] < 0
        met["S above 0"] += coupling_parts(P)[2] > 0
        assert P.sum() > 0
    assert min(met.values()) >= 4


def test_masks_meet_one_layer_and_units_without_synapses():
    met = Counter()
    for (masks,) in cases(2):
        met["full"] += all(mask.all() for mask in masks.values())
        met["missing"] += not all(mask.all() for mask in masks.values())
        met["hears nobody"] += any((mask.sum(axis=1) == 0).any() for mask in masks.values())
        met["speaks to nobody"] += any((mask.sum(axis=0) == 0).any() for mask in masks.values())
        met["three layers or more"] += len(masks) > 2
        assert list(masks) == list(range(1, len(masks) + 1))
        for at in list(masks)[1:]:
            assert masks[at].shape[1] == len(masks[at - 1])
    assert min(met.values()) >= 4
    assert cases(2)[0] == ({1: [[1]]},)


def test_epochs_meet_no_ridge_both_signs_and_predictions_above_1():
    met = Counter()
    for beta, accuracy, ridge in cases(3):
        met["no ridge"] += ridge == 0
        met["both signs"] += beta.min() < 0 < beta.max()
        met["all alike"] += np.ptp(accuracy) == 0
        met["largest is 1"] += np.abs(beta).max() == 1
        met["above 1"] += prediction_at_zero(beta, accuracy, ridge) > 1
        assert len(set(beta.tolist())) == len(beta)
        assert ((accuracy > 0) & (accuracy < 1)).all()
    assert min(met.values()) >= 4


def test_layers_meet_missing_synapses_but_no_unit_without_any():
    met = Counter()
    for z, slope, d, mask, next_mask in cases(5):
        met["missing"] += not (mask.all() and next_mask.all())
        met["one sample"] += len(z) == 1
        met["several"] += len(z) > 1
        assert mask.any(axis=0).all()
        assert mask.any(axis=1).all()
        assert next_mask.any(axis=0).all()
        assert next_mask.any(axis=1).all()
        assert (slope.min(axis=1) < 1).all()
        assert d.all()
    assert min(met.values()) >= 10


# ------------------------------------------------------------------------------ what is said


@pytest.mark.parametrize(
    ("number", "answer", "hinted"),
    [
        (1, module._entry_by_entry, "P * P is made entry by entry"),
        (1, module._over_links, "not the links"),
        (1, module._of_sizes, "with signs as they are"),
        (1, module._one_less, "squares over the number of nodes"),
        (1, module._covariance, "over both standard deviations"),
        (1, module._table_of_S, "or a table?"),
        (1, module._alike_not_asked, "if a standard deviation is 0"),
        (2, module._against, "which of them comes first"),
        (2, module._columns_hear, "a row of a mask is a receiver"),
        (2, module._layers_from_0, "Layers count from 1"),
        (2, module._one_sender, "Look at the receiver of p, and at the sender of q"),
        (2, module._last_layer_forgotten, "at the last two layers"),
        (2, module._past_the_last, "no layer follows it"),
        (2, module._rows_for_senders, "stands in column j"),
        (2, module._twice, "meet the same two synapses twice"),
        (2, one_by_one, "One list for all layers"),
        (3, moved_prediction, "Is it the level, too?"),
        (3, module._level_charged, "Is it the level, too?"),
        (3, module._still_moved, "is it 0 where beta is 0?"),
        (3, module._cut_off, "even above 1"),
        (3, module._not_scaled, "the units of x count"),
        (3, module._sizes_of_beta, "the betas keep their signs"),
        (3, module._ridge_for_each_epoch, "once, for all epochs together"),
        (4, [1, *NINE[1:]], "predictions less targets add up to 1 - 1"),
        (4, [*NINE[:4], 3, *NINE[5:]], "has nowhere to go"),
        (4, [*NINE[:6], 4, *NINE[7:]], "Four times as much, over twice as much"),
        (4, [*NINE[:7], 1, *NINE[8:]], "same input and different labels"),
        (4, [*NINE[:8], 0.6], "no epoch counts more than another"),
        (5, module._no_minus, "Look at the sign"),
        (5, module._slope_twice, "is it there, once"),
        (5, module._mean_of_samples, "not divided by their number"),
        (5, module._means_multiplied, "not the product of sums"),
        (5, module._all_ahead, "the same for all j. May they be?"),
        (5, module._everywhere, "Multiply IN with its mask"),
        (5, module._mask_turned, "a row for each receiver"),
        (5, module._turned, "use the other factor's .T"),
    ],
)
def test_hints_fit_what_went_wrong(number, answer, hinted):
    failed = verdict(number, answer).failed
    assert hinted in " ".join([failed.says, *failed.hints])


def test_the_smallest_failing_cases_are_said_in_a_line(capsys):
    check("neural_capacitance-1", module._alike_not_asked)
    assert "does not: P=[[2.]]\nYour function returned: (2.0, 2.0, nan, 0.0)" in capsys.readouterr().out
    check("neural_capacitance-2", module._against)
    out = capsys.readouterr().out
    assert "does not: masks={1: array([[1]]), 2: array([[1]])}\n" in out
    assert "Your function returned: [((2, 0, 0), (1, 0, 0))]" in out
    check("neural_capacitance-3", moved_prediction)
    assert "does not: beta=[" in capsys.readouterr().out
    check("neural_capacitance-5", module._no_minus)
    assert ", mask=[[1]], next_mask=[[1]]\nYour function returned: " in capsys.readouterr().out


def test_failing_cases_are_drawn():
    pytest.importorskip("matplotlib", reason="pictures need matplotlib: the course extra")
    fig, alt = EXERCISES["neural_capacitance-1"].draw(np.array([[0, 2.5], [0, 0]]))
    assert fig.axes[0].get_title() == "P[i, j]"
    assert [text.get_text() for text in fig.axes[0].texts[:4]] == ["0", "2.5", "0", "0"]
    assert alt == "P of 2 nodes as a table, with its in-strengths and out-strengths: 2.5, 0 and 0, 2.5."
    masks = {1: np.array([[1, 0]]), 2: np.array([[1], [1]])}
    _, alt = EXERCISES["neural_capacitance-2"].draw(masks)
    assert alt == "A directed graph of 5 nodes with the edges 0.0 → 1.0, 1.0 → 2.0, 1.0 → 2.1."
    given = np.array([2.0, 1.0]), np.array([0.5, 0.7]), 0.0
    fig, alt = EXERCISES["neural_capacitance-3"].draw(*given)
    assert fig.axes[0].get_title() == "ridge = 0"
    assert alt.endswith("Wanted: 0.900 at beta = 0.")
    _, alt = EXERCISES["neural_capacitance-4"].draw()
    assert alt == "A directed graph of 10 nodes and 16 edges."
    _, alt = EXERCISES["neural_capacitance-5"].draw(*cases(5)[-1])
    assert alt.startswith("A directed graph of 9 nodes")


def test_the_page_shows_the_function_that_is_judged():
    assert TOPIC.shown(moved_prediction) == [code_of(moved_prediction)]
