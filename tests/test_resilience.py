"""Dynamics on networks: one coupling for all of a network three ways, states of rest against exact ones."""

from __future__ import annotations

import pickle

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
import strategies  # noqa: F401  the profile of Hypothesis
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lessons import as_graph
from lessons.errors import ConvergenceError
from lessons.resilience import (
    Dynamics,
    beta_eff,
    beta_eff_definition,
    collapse_curve,
    critical_points,
    decomposed,
    mean_field,
    mutualistic,
    regulatory,
    steady_state,
)

LINEAR = Dynamics(f=lambda x: 1.0 - x, g=lambda x, y: y)  # comes to rest at (I - P)^-1 1
FEED = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 3.0, 0.0]])  # 0 acts on 1, and 1 on 2
QUARTERS = st.integers(-12, 12).map(lambda quarters: quarters / 4)  # their sums are exact


@st.composite
def matrices(draw, weight=QUARTERS, most=6):
    """P of one to six nodes, not symmetric, whose links do not cancel."""
    n = draw(st.integers(1, most))
    P = draw(arrays(np.float64, (n, n), elements=weight))
    assume(P.sum() != 0)
    return P


def random_network(n, degree, seed, signed=0.0):
    """Directed, with weights around 1, of which a part is negative."""
    rng = np.random.default_rng(seed)
    P = (rng.random((n, n)) < degree / n) * rng.uniform(0.5, 1.5, (n, n))
    return P * np.where(rng.random((n, n)) < signed, -1.0, 1.0)


def forms(P):
    """The same couplings as everything that is taken for P; in graphs A[i, j] is the edge i -> j."""
    graph = as_graph(sp.csr_array(P.T), directed=True)
    yield from (P, P.tolist(), sp.csr_array(P), sp.coo_array(P), sp.csc_matrix(P), graph, graph.to_networkx())


# ---------------------------------------------------------------------------------------- one number


@given(matrices())
def test_the_effective_coupling_three_ways_in_all_forms(P):
    expected = beta_eff_definition(P.tolist())
    one = np.ones(len(P))
    assert (one @ P @ P @ one) / (one @ P @ one) == expected
    for form in forms(P):
        assert beta_eff(form) == pytest.approx(expected, rel=1e-14, abs=1e-14)
        assert decomposed(form).beta == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert beta_eff(P.T) == beta_eff(P)


@given(matrices())
def test_the_parts_of_a_coupling(P):
    parts = decomposed(P)
    heard, acted = P.sum(axis=1), P.sum(axis=0)
    assert parts.mean_strength == pytest.approx(heard.mean())
    if heard.std() * acted.std() == 0:
        assert parts.symmetry == parts.heterogeneity == 0
    else:
        assert parts.symmetry == pytest.approx(np.corrcoef(heard, acted)[0, 1])
        assert parts.heterogeneity == pytest.approx(heard.std() * acted.std() / heard.mean())


def test_who_hears_much_and_acts_much():
    alike = decomposed(nx.star_graph(8))
    opposed = decomposed(nx.DiGraph([("hub", leaf) for leaf in range(8)]))
    assert alike.symmetry == pytest.approx(1.0)
    assert opposed.symmetry == pytest.approx(-1.0)
    assert beta_eff(nx.star_graph(8)) == 4.5  # (64 + 8) / 16: above the mean strength 16 / 9
    assert opposed.beta == pytest.approx(0.0, abs=1e-15)  # there is no walk of two links
    assert decomposed(nx.cycle_graph(7)) == (2.0, 0.0, 0.0)


def test_strengths_that_differ_by_rounding_only_are_equal():
    P = np.array([[0.1, 0.2, 0.3], [0.3, 0.1, 0.2], [0.2, 0.3, 0.1]])
    assert len(set(P.sum(axis=1)) | set(P.sum(axis=0))) > 1
    parts = decomposed(P)
    assert parts.symmetry == parts.heterogeneity == 0.0
    assert parts.beta == pytest.approx(0.6)


@given(matrices(), st.data())
def test_a_mean_weighted_by_what_nodes_act(P, data):
    z = data.draw(arrays(np.float64, len(P), elements=QUARTERS))
    expected = np.ones(len(P)) @ P @ z / P.sum()
    for form in forms(P):
        assert mean_field(form, z) == pytest.approx(expected, rel=1e-14, abs=1e-14)
    assert mean_field(P, np.full(len(P), 2.5)) == pytest.approx(2.5)
    assert mean_field(P, P.sum(axis=1)) == pytest.approx(beta_eff(P), rel=1e-14, abs=1e-14)


def test_the_direction_of_a_link():
    z = [1.0, 10.0, 100.0]
    assert mean_field(FEED, z) == (2 * 1 + 3 * 10) / 5
    assert mean_field(FEED.T, z) == (2 * 10 + 3 * 100) / 5
    graph = as_graph([("a", "b", 2.0), ("b", "c", 3.0)], nodes="abc", directed=True)  # a acts on b
    assert mean_field(graph, z) == mean_field(FEED, z)
    assert mean_field(graph.reverse, z) == mean_field(FEED.T, z)


@pytest.mark.parametrize(
    ("P", "why"),
    [
        (np.zeros((3, 3)), "no links, or all are 0"),
        (as_graph([], n=3), "no links, or all are 0"),
        (np.zeros((0, 0)), "no links, or all are 0"),
        ([[0.0, 2.0], [-2.0, 0.0]], "links of 4 in all cancel"),
        ([[0.1, 0.2], [-0.3, 0.0]], "links of 0.6 in all cancel"),  # their sum is 2^-54
    ],
)
def test_nothing_to_divide_by(P, why):
    for function in (beta_eff, decomposed, lambda P: mean_field(P, np.ones(P.n if hasattr(P, "n") else len(P)))):
        with pytest.raises(ValueError, match=f"1'P1 is 0, since .*{why}"):
            function(P)


@pytest.mark.parametrize(
    ("P", "error", "message"),
    [
        (np.ones((2, 3)), ValueError, r"P of shape \(2, 3\): \(n, n\) is needed"),
        (sp.csr_array(np.ones((2, 3))), ValueError, r"P of shape \(2, 3\)"),
        (np.ones(3), ValueError, r"P of shape \(3,\)"),
        (2.5, ValueError, r"P of shape \(\)"),
        ([[1.0, np.nan], [0.0, 1.0]], ValueError, r"P\[0, 1\] is nan"),
        (sp.csc_array([[1.0, 0.0], [-np.inf, 1.0]]), ValueError, r"P\[1, 0\] is -inf"),
        ([[1j]], TypeError, "complex128: real numbers"),
        (sp.csr_array([[1j]]), TypeError, "complex128: real numbers"),
        ([["a"]], TypeError, "real numbers"),
    ],
)
def test_what_is_no_network_is_refused(P, error, message):
    for function in (beta_eff, decomposed, lambda P: steady_state(P, regulatory, 1.0)):
        with pytest.raises(error, match=message):
            function(P)


@pytest.mark.parametrize(
    ("z", "message"),
    [(np.ones(2), "shape"), (np.ones((3, 1)), r"z of shape \(3, 1\)"), ([1, np.inf, 1], "z at node 1 is inf")],
)
def test_a_state_for_each_node(z, message):
    with pytest.raises(ValueError, match=message):
        mean_field(FEED, z)


# ---------------------------------------------------------------------------------------- states of rest


@given(matrices(weight=st.integers(-3, 3).map(lambda eighths: eighths / 24)), st.integers(-3, 3))
def test_a_linear_network_comes_to_rest_where_it_must(P, x0):
    exact = np.linalg.solve(np.eye(len(P)) - P, np.ones(len(P)))
    assert np.allclose(steady_state(P, LINEAR, float(x0)), exact, atol=1e-6)


def test_states_of_rest_in_all_forms():
    P = random_network(12, 4, seed=3)
    x = steady_state(P, mutualistic, 3.0)
    assert np.abs(mutualistic.f(x) + (P * mutualistic.g(x[:, None], x[None, :])).sum(axis=1)).max() < 1e-6
    for form in forms(P):
        assert np.allclose(steady_state(form, mutualistic, 3.0), x, atol=1e-7)
    assert not np.allclose(steady_state(P.T, mutualistic, 3.0), x, atol=0.1)


def test_a_chain_is_acted_on_from_its_beginning():
    graph = as_graph([(0, 1, 2.0), (1, 2, 3.0)], n=3, directed=True)
    for P in (FEED, graph):
        assert np.allclose(steady_state(P, LINEAR, 0.0), [1.0, 3.0, 10.0], atol=1e-6)


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.9, 2.1, 3.0, 6.0])
def test_genes_are_on_from_a_coupling_of_two(beta):
    on = (beta + np.sqrt(beta**2 - 4)) / 2 if beta >= 2 else 0.0
    assert steady_state([[beta]], regulatory, 10.0)[0] == pytest.approx(on, abs=1e-6)
    assert steady_state([[beta]], regulatory, 0.1)[0] == pytest.approx(0.0, abs=1e-6)


def test_each_node_starts_where_it_is_told():
    apart = np.diag([3.0, 3.0])  # two nodes that act on themselves only
    on = (3 + np.sqrt(5)) / 2
    assert np.allclose(steady_state(apart, regulatory, [10.0, 0.1]), [on, 0.0], atol=1e-6)
    assert np.allclose(steady_state(apart, regulatory, [0, 10]), [0.0, on], atol=1e-6)


def test_a_gene_that_is_suppressed_acts_on_nobody():
    P = np.array([[3.0, 0.0, 0.0], [-5.0, 0.0, 0.0], [0.0, 4.0, 0.0]])
    on = (3 + np.sqrt(5)) / 2
    act = on**2 / (1 + on**2)
    assert np.allclose(steady_state(P, regulatory, 5.0), [on, -5 * act, 0.0], atol=1e-6)


def test_where_all_nodes_are_alike_the_reduction_is_exact():
    ring = nx.circulant_graph(20, [1, 2])
    for dynamics in (regulatory, mutualistic):
        states = steady_state(ring, dynamics, 3.0)
        alone = steady_state([[beta_eff(ring)]], dynamics, 3.0)[0]
        assert np.allclose(states, alone, atol=1e-6)
        assert mean_field(ring, states) == pytest.approx(alone, abs=1e-6)


def test_the_reduction_is_near_on_random_networks_and_not_with_negative_links():
    off = {0.0: [], 0.3: []}
    for signed, errors in off.items():
        for seed in range(8):
            P = random_network(60, 8, seed, signed)
            P *= 4.0 / beta_eff(P)
            alone = steady_state([[4.0]], regulatory, 10.0)[0]
            errors.append(abs(mean_field(P, steady_state(P, regulatory, 10.0)) / alone - 1))
    assert max(off[0.0]) < 0.1
    assert np.median(off[0.3]) > 3 * np.median(off[0.0])


def test_what_is_changedis_left_as_it_was():
    P = sp.csr_array((np.ones(3), [1, 0, 0], [0, 2, 3]), shape=(2, 2))  # a row that is not sorted
    before, x0 = P.copy(), np.array([1.0, 2.0])
    with pytest.raises(ConvergenceError):
        steady_state(P, LINEAR, x0, iterations=1)
    beta_eff(P)
    assert x0.tolist() == [1.0, 2.0]
    for name in ("data", "indices", "indptr"):
        assert np.array_equal(getattr(P, name), getattr(before, name))


TURNING = Dynamics(f=lambda x: 0.0 * x, g=lambda x, y: y)


@pytest.mark.parametrize(
    ("P", "dynamics"),
    [
        ([[0.0, 1.0], [-1.0, 0.0]], TURNING),  # goes round in circles
        ([[1.0]], TURNING),  # grows e-fold in a unit of time
        ([[1.0]], Dynamics(f=lambda x: x * x, g=lambda x, y: y)),  # is infinite after ln 2
        ([[1.0]], Dynamics(f=lambda x: np.full_like(x, np.nan), g=lambda x, y: y)),
    ],
)
def test_states_that_never_rest(P, dynamics):
    with pytest.raises(ConvergenceError, match=r"states of a network: residual .* look whether") as raised:
        steady_state(P, dynamics, 1.5, iterations=2_000)
    assert not raised.value.residual < 0.1
    assert raised.value.iterations <= 2_000
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)


def test_a_state_at_rest_stays():
    assert steady_state([[5.0]], regulatory, 0.0).tolist() == [0.0]
    assert steady_state(np.zeros((3, 3)), LINEAR, 1.0).tolist() == [1.0, 1.0, 1.0]
    assert steady_state(np.zeros((0, 0)), LINEAR, 1.0).shape == (0,)


def test_too_few_iterations():
    assert steady_state([[2.5]], regulatory, 10.0, iterations=1_000)[0] == pytest.approx(2.0)
    with pytest.raises(ConvergenceError, match=r"after 10 iterations\. Allow more"):
        steady_state([[2.5]], regulatory, 10.0, iterations=10)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x0": [1.0, 2.0]}, "x0 of shape"),
        ({"x0": np.ones((3, 1))}, "x0 of shape"),
        ({"x0": np.nan}, "x0 at node 0 is nan"),
        ({"tolerance": 0}, "tolerance=0"),
        ({"iterations": 0}, "iterations=0"),
    ],
)
def test_a_start_that_makes_no_sense(changed, message):
    with pytest.raises(ValueError, match=message):
        steady_state(FEED, regulatory, **{"x0": 1.0, **changed})


# ---------------------------------------------------------------------------------------- the curve


@pytest.mark.parametrize("dynamics", [regulatory, mutualistic])
def test_states_on_the_curve_rest_and_the_stable_ones_draw_others_in(dynamics):
    curve = collapse_curve(dynamics, np.linspace(0.05, 8.0, 400))
    rest = dynamics.f(curve.x) + curve.beta * dynamics.g(curve.x, curve.x)
    assert np.abs(rest).max() < 1e-12
    assert curve.stable.any()
    assert not curve.stable.all()
    for at in range(20, 400, 47):
        x, beta = curve.x[at], curve.beta[at]
        if beta < 0:
            continue
        ends = [steady_state([[beta]], dynamics, x * near)[0] for near in (0.98, 1.02)]
        assert all(abs(end - x) < 1e-3 for end in ends) == curve.stable[at]


def test_the_critical_coupling_of_genes_is_two():
    ((beta, x),) = critical_points(regulatory, np.linspace(0.05, 7.0, 60))
    assert beta == pytest.approx(2.0, abs=1e-12)  # of x + 1 / x
    assert x == pytest.approx(1.0, abs=1e-6)


def test_the_collapsed_state_of_mutualism_is_there_below_a_coupling():
    """Against the equation itself, looked through for states of rest on a fine grid."""
    (beta, x), (other, _) = critical_points(mutualistic, np.linspace(0.05, 8.0, 300))
    assert other < 0  # no coupling of positive links
    low = np.linspace(0.0, 1.0, 4001)
    couplings = np.arange(beta - 0.05, beta + 0.05, 0.001)
    rests = [(mutualistic.f(low) + at * mutualistic.g(low, low) < 0).any() for at in couplings]
    assert np.array_equal(rests, couplings < beta)
    assert round(beta, 2) == 6.97
    assert steady_state([[beta - 0.05]], mutualistic, 0.0)[0] < x
    assert steady_state([[beta + 0.05]], mutualistic, 0.0)[0] > 5


def test_a_curve_without_turns():
    assert critical_points(LINEAR, np.linspace(0.5, 9.0, 40)) == []


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([1.0, 2.0], "three states or more"),
        ([1.0, 3.0, 2.0], "each above the one before"),
        ([[1.0, 2.0, 3.0]], "x"),
        ([0.0, 1.0, 2.0], r"g\(x, x\) is 0.0 at x=0.0"),
        ([1.0, 2.0, np.inf], "x at place 2 is inf"),
    ],
)
def test_states_that_make_no_curve(x, message):
    for function in (collapse_curve, critical_points):
        with pytest.raises(ValueError, match=message):
            function(regulatory, x)


def test_dynamics_are_not_a_name():
    for function in (collapse_curve, critical_points):
        with pytest.raises(TypeError, match="dynamics='regulatory': a Dynamics"):
            function("regulatory", [1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="such as `regulatory`"):
        steady_state([[0.0, 1.0], [1.0, 0.0]], "regulatory", 1.0)
