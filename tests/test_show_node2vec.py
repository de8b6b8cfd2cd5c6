"""The pictures of notebook 09 say what is so."""

import re

import networkx as nx
import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch

from lessons import as_graph
from lessons.biased_walks import random_walks, step_chances
from lessons.show import _checked
from lessons.show import node2vec as show

EDGES = [("t", "v"), ("t", "a"), ("v", "a"), ("v", "b"), ("v", "c"), ("b", "c")]


@pytest.fixture(scope="module")
def five():
    return as_graph(EDGES, nodes="tvabc")


@pytest.fixture(scope="module")
def ring():
    return as_graph(nx.ring_of_cliques(4, 5)), show.clique_places(4, 5), np.arange(20) // 5


def marks(axis):
    """The places of the marks of each scatter."""
    return [
        np.asarray(scatter.get_offsets()) for scatter in axis.collections if not hasattr(scatter, "get_segments")
    ]


# ---------------------------------------------------------------------------------------- one step


@pytest.mark.parametrize("p", [0.25, 1.0, 4.0])
@pytest.mark.parametrize("q", [0.25, 4.0])
def test_arrows_are_as_wide_as_their_chances_which_are_told(five, p, q):
    fig, alt = show.draw_bias(five, show.FIVE, "t", "v", p, q)
    chances = five.by_node(step_chances(five, "t", "v", p=p, q=q))
    told = dict(re.findall(r"(\w) (\d\.?\d*)", alt.split("goes on to")[1]))
    assert told.keys() == {"t", "a", "b", "c"}
    assert all(float(told[node]) == pytest.approx(chances[node], abs=0.001) for node in told)
    assert sum(map(float, told.values())) == pytest.approx(1, abs=0.003)
    assert f"with p = {p:g}, q = {q:g}" in alt
    arrows = [patch for patch in fig.axes[0].patches if isinstance(patch, FancyArrowPatch)]
    dotted, *solid = arrows
    assert dotted.get_linestyle() == ":", "the step that was taken"
    widths = [arrow.get_linewidth() for arrow in solid]
    expected = [chances[node] for node in "tabc"]
    assert np.allclose(np.diff(widths), show.WIDEST * np.diff(expected))
    texts = [text.get_text() for text in fig.axes[0].texts]
    assert sorted(texts[:4]) == sorted(told.values())


def test_a_node_without_successors_has_no_arrow_but_the_step_that_was_taken():
    graph = as_graph([("a", "b")], nodes="ab", directed=True)
    fig, alt = show.draw_bias(graph, [[0, 0], [1, 0]], "a", "b", 1.0, 1.0)
    assert len(fig.axes[0].patches) == 1
    assert alt.endswith("it ends there.")


# ---------------------------------------------------------------------------------------- whole walks


@pytest.mark.parametrize("q", [0.1, 1.0, 10.0])
def test_a_walk_fills_what_it_sees_and_counts_it(ring, q):
    graph, at, clique = ring
    walk = random_walks(graph, 30, walks_per_node=1, q=q, starts=[2], seed=1)[0]
    fig, alt = show.draw_walk(graph, at, walk, clique)
    seen = np.unique(walk)
    assert f"A walk of 30 nodes sees {len(seen)} of 20 nodes, in {len(set(clique[walk]))} of 4 groups." == alt
    lines = [collection for collection in fig.axes[0].collections if hasattr(collection, "get_segments")]
    assert np.allclose(lines[1].get_segments(), at[np.column_stack([walk[:-1], walk[1:]])])
    white, filled = fig.axes[0].collections[2:]
    assert np.allclose(filled.get_offsets(), at[seen])
    assert len(white.get_offsets()) == 20 - len(seen)
    visits = np.bincount(walk)[seen]
    assert (np.argsort(filled.get_sizes(), kind="stable") == np.argsort(visits, kind="stable")).all()
    assert np.allclose(fig.axes[0].lines[0].get_xydata(), at[walk[0]])


def test_a_title_stands_before_the_groups_that_a_walk_sees(ring):
    graph, at, clique = ring
    titles = [
        show.draw_walk(graph, at, [0, 1, 2], clique, title)[0].axes[0].get_title() for title in ("", "q = 2")
    ]
    assert titles == ["1 of 4 groups", "q = 2: 1 of 4 groups"]


def test_a_walk_that_ended_early_is_drawn_to_its_end():
    alt = show.draw_walk(as_graph([], n=2), np.eye(2), [1, -1, -1], [0, 1])[1]
    assert alt == "A walk of 1 node sees 1 of 2 nodes, in 1 of 2 groups."


def test_cliques_stand_in_circles_on_a_circle():
    at = show.clique_places(6, 5).reshape(6, 5, 2)
    middles = at.mean(axis=1)
    assert np.allclose(np.linalg.norm(middles, axis=1), 1)
    assert np.allclose(np.linalg.norm(at - middles[:, None], axis=2), 0.36)


# ---------------------------------------------------------------------------------------- vectors


def test_the_plane_is_that_of_most_spread_whatever_the_signs():
    Z = np.random.default_rng(0).standard_normal((30, 5)) * [1, 9, 2, 5, 0.1]
    flat = show.in_plane(Z)
    assert np.allclose(flat, show.in_plane(Z + 3.0))
    variances = np.linalg.eigvalsh(np.cov(Z.T))[::-1][:2]
    assert np.allclose(np.cov(flat.T), np.diag(variances))
    assert np.corrcoef(flat[:, 0], Z[:, 1])[0, 1] > 0.9, "its largest part is taken positive"


@pytest.mark.parametrize(("noise", "told"), [(0.0, "lie apart"), (2.0, "lie partly apart"), (4.0, "are mixed")])
def test_vectors_are_drawn_by_group_and_told_to_lie_apart_or_not(noise, told):
    groups = np.arange(60) % 4
    corners = 3 * np.array([[1, 1, 0], [1, -1, 0], [-1, 1, 0], [-1, -1, 0.0]])
    vectors = corners[groups] + (noise + 0.1) * np.random.default_rng(2).standard_normal((60, 3))
    graph = as_graph([(0, 1), (7, 30)], n=60)
    fig, alt = show.draw_vectors(graph, vectors, groups, "here")
    assert alt == f"60 nodes, where their vectors lie: the 4 groups {told}."
    drawn = marks(fig.axes[0])
    assert [len(places) for places in drawn] == [15] * 4
    edges = fig.axes[0].collections[0].get_segments()
    assert np.allclose(edges, show.in_plane(vectors)[[[0, 1], [7, 30]]])
    assert np.allclose(drawn[2], show.in_plane(vectors)[groups == 2])
    paths = [scatter.get_paths()[0].vertices.round(3).tolist() for scatter in fig.axes[0].collections[1:]]
    assert all(path not in paths[:k] for k, path in enumerate(paths)), "not by colour alone"


def test_clusters_are_drawn_largest_first_in_each_panel(ring):
    graph, at, clique = ring
    halves = (np.arange(20) >= 12).astype(int)
    fig, alt = show.draw_clusters(graph, at, {"4 clusters": clique, "2 clusters": halves})
    assert alt == "A graph of 20 nodes, a colour and a mark for each cluster: 4 clusters; 2 clusters."
    sizes = [[len(places) for places in marks(axis)] for axis in fig.axes]
    assert sizes == [[5, 5, 5, 5], [12, 8]]
    assert [axis.get_title() for axis in fig.axes] == ["4 clusters", "2 clusters"]


# ---------------------------------------------------------------------------------------- scores


def test_scores_stand_in_rows_and_the_best_are_told():
    runs = {"one": [0.9, 1.0], "two": [0.94, 0.94], "three": [0.5]}
    turned = {"one": [0.5], "three": [0.7]}
    fig, alt = show.draw_scores({"A": runs, "B": turned}, "AUC", chance=0.5, clear=0.02)
    assert alt == "AUC of 3 ways; chance is 0.5. Ahead, or not clearly behind: one and two in A; three in B."
    for axis, table in zip(fig.axes, (runs, turned), strict=True):
        means = [line.get_xydata()[0].tolist() for line in axis.lines if line.get_marker() == "D"]
        assert np.allclose(means, [[np.mean(values), list(runs).index(way)] for way, values in table.items()])
        assert [len(places) for places in marks(axis)] == [len(values) for values in table.values()]
    assert [label.get_text() for label in fig.axes[0].get_yticklabels()] == list(runs)
    assert fig.axes[0].get_xlim() == fig.axes[1].get_xlim()


def test_scores_beside_are_hollow_circles():
    runs, beside = {"A": {"one": [0.9], "two": [0.8]}, "B": {"two": [0.7]}}, {"A": {"two": [0.5, 0.7]}}
    fig, alt = show.draw_scores(runs, "AUC", chance=0.5, clear=0.02, beside=beside)
    circles = [[line for line in axis.lines if line.get_marker() == "o"] for axis in fig.axes]
    assert [len(drawn) for drawn in circles] == [1, 0]
    assert np.allclose(circles[0][0].get_xydata(), [[0.6, 1]])
    assert alt == show.draw_scores(runs, "AUC", chance=0.5, clear=0.02)[1]


@pytest.mark.parametrize(("noise", "told"), [(0.0, "close to"), (1.0, "scattered about"), (30.0, "far from")])
def test_pairs_are_dots_about_the_line_of_equals(noise, told):
    x = np.linspace(-2, 2, 50)
    y = x + noise * np.random.default_rng(0).standard_normal(50)
    fig, alt = show.draw_pairs(x, y, ("told", "learned"))
    assert alt == f"50 pairs: learned over told, {told} the line on which both are equal."
    assert np.allclose(marks(fig.axes[0])[0], np.column_stack([x, y]))
    (line,) = fig.axes[0].lines
    assert np.allclose(line.get_xdata(), line.get_ydata())


# ---------------------------------------------------------------------------------------- recorded


@pytest.fixture
def table():
    rows = {
        "node2vec": {
            "0.1": {"macro": [0.2, 0.22], "micro": [0.3, 0.3]},
            "0.5": {"macro": [0.26, 0.28], "micro": [0.4, 0.4]},
        },
        "spectral": {"0.5": {"macro": [0.25], "micro": [0.38]}},
    }
    return {"blogcatalog": rows, "published": {"source": "a paper", "node2vec": 0.2581, "LINE": 0.0784}}


def test_recorded_figures_are_drawn_beside_the_published(table):
    fig, alt = show.draw_recorded(table)
    assert alt.endswith("node2vec 0.270, spectral 0.250; published: node2vec 0.2581, LINE 0.0784.")
    macro, micro = fig.axes
    assert [axis.get_title() for axis in fig.axes] == ["macro F1", "micro F1"]
    drawn = [container.lines[0].get_xydata() for container in macro.containers]
    assert np.allclose(drawn[0], [[0.1, 0.21], [0.5, 0.27]])
    assert np.allclose(drawn[1], [[0.5, 0.25]])
    assert np.allclose(micro.containers[0].lines[0].get_ydata(), [0.3, 0.4])
    bars = np.array(macro.containers[0].lines[2][0].get_segments())[:, :, 1]
    assert np.allclose(np.ptp(bars, axis=1) / 2, 0.01)
    (crosses,) = [line for line in macro.lines if line.get_label() == "published"]
    assert np.allclose(crosses.get_xydata(), [[0.5, 0.2581], [0.5, 0.0784]])
    assert [text.get_text() for text in macro.texts] == ["node2vec", "LINE"]


def test_alt_texts_are_short(five, ring, table):
    graph, at, clique = ring
    for _, alt in (
        show.draw_bias(five, show.FIVE, "t", "v", 1.0, 1.0),
        show.draw_walk(graph, at, [0, 1], clique),
        show.draw_vectors(graph, at, clique),
        show.draw_clusters(graph, at, {"cliques": clique}),
        show.draw_scores({"A": {"one": [1.0]}}, "AUC", 0.5, 0.02),
        show.draw_pairs([0.0, 1.0], [0.0, 1.0], ("x", "y")),
        show.draw_recorded(table),
    ):
        assert _checked(alt) == alt
