"""The pictures of notebook 08 say what is so."""

import re
from itertools import permutations

import networkx as nx
import numpy as np
import pytest

from lessons import as_graph
from lessons.communities import leiden, modularity
from lessons.datasets import ring_graph
from lessons.show import _checked
from lessons.show import communities as show
from lessons.show.graph import layout

TRIANGLES = as_graph([(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (2, 3)], n=6)
AT = layout(TRIANGLES)
NAMES = ["hub", "leaf 0", "leaf 1", "leaf 2", "leaf 3", "a", "b"]


def marks(axis):
    """Places, areas, and corners of the marks of each scatter."""
    return [
        (
            np.asarray(c.get_offsets()),
            c.get_sizes(),
            c.get_paths()[0].vertices,
            c.get_facecolors(),
            c.get_linewidths(),
        )
        for c in axis.collections
        if type(c).__name__ == "PathCollection"
    ]


def lines(axis):
    """(width, segments) of each collection of edges."""
    return [
        (float(c.get_linewidths()[0]), c.get_segments())
        for c in axis.collections
        if type(c).__name__ == "LineCollection" and len(c.get_segments())
    ]


# ---------------------------------------------------------------------------------------- communities


def test_communities_are_told_with_their_number_and_modularity():
    divisions = {"two": [0, 0, 0, 1, 1, 1], "one": [0] * 6}
    fig, alt = show.draw_communities(TRIANGLES, AT, divisions)
    assert [axis.get_title() for axis in fig.axes] == ["two\n2 communities, Q 0.357", "one\n1 community, Q 0.000"]
    assert _checked(alt).endswith("two 2 communities, Q 0.357; one 1 community, Q 0.000.")


def test_a_question_gives_no_scores_away():
    fig, alt = show.draw_communities(TRIANGLES, AT, {"two": [0, 0, 0, 1, 1, 1]}, scored=False)
    assert fig.axes[0].get_title() == "two\n2 communities"
    assert "Q" not in _checked(alt)


def test_each_community_has_a_mark_of_its_own_and_edges_inside_are_thick():
    fig, _ = show.draw_communities(TRIANGLES, AT, {"": [0, 0, 0, 1, 1, 1]})
    (axis,) = fig.axes
    first, second = marks(axis)
    assert np.allclose(first[0], AT[:3])
    assert np.allclose(second[0], AT[3:])
    assert first[2].shape != second[2].shape or not np.allclose(first[2], second[2])
    assert not np.allclose(first[3], second[3])
    assert {width: len(segments) for width, segments in lines(axis)} == {show.THIN: 1, show.THICK: 6}


def test_five_and_thirty_communities_are_all_different():
    graph = ring_graph(70)
    fig, _ = show.draw_communities(graph, layout(graph), {"": np.arange(70) // 2})
    looks = {(mark[2].tobytes(), mark[3].tobytes()) for mark in marks(fig.axes[0])}
    assert len(looks) == 35


def test_who_is_alone_is_drawn_empty():
    fig, _ = show.draw_communities(TRIANGLES, AT, {"": [0, 0, 0, 0, 0, 1]})
    fills = {len(mark[0]): mark[3][0].tolist() for mark in marks(fig.axes[0])}
    assert fills[1] == [1, 1, 1, 1]
    assert fills[5] != [1, 1, 1, 1]


def test_large_communities_are_named_after_their_best_connected():
    star = as_graph([("hub", f"leaf {k}") for k in range(4)] + [("a", "b")], nodes=NAMES)
    at = np.random.default_rng(0).random((7, 2))
    fig, _ = show.draw_communities(star, at, {"": [0] * 5 + [1] * 2}, named=True)
    assert [text.get_text() for text in fig.axes[0].get_legend().get_texts()] == ["hub"]
    assert not fig.axes[0].texts  # nothing that could hide a node
    (rimmed,) = (place for place, *_, rim in marks(fig.axes[0]) if rim[0] == show.MARKED)
    assert np.allclose(rimmed, at[0])


def test_a_group_looks_like_the_one_that_it_shares_most_nodes_with():
    found, sides = np.array([0, 1, 1, 2, 2, 2]), np.array([0, 0, 0, 1, 1, 1])
    fig, _ = show.draw_communities(TRIANGLES, AT, {"found": found, "sides": sides})
    left, right = ({tuple(mark[3][0]): len(mark[0]) for mark in marks(axis)} for axis in fig.axes)
    second, third = (tuple(marks(fig.axes[0])[k][3][0]) for k in (1, 2))
    assert left[second] == 2
    assert right == {second: 3, third: 3}


def test_groups_keep_together_whatever_their_numbers():
    rng = np.random.default_rng(0)
    for _ in range(20):
        like, groups = rng.integers(rng.integers(1, 6), size=20), rng.integers(rng.integers(1, 6), size=20)
        told = show.alike(groups, like)
        assert (np.equal.outer(told, told) == np.equal.outer(groups, groups)).all()
        assert (show.alike(like, like) == like).all()
        kept = max(
            sum(
                np.sum((groups == own) & (like == other))
                for own, other in zip(np.unique(groups), order, strict=True)
            )
            for order in permutations(range(6), len(np.unique(groups)))
        )
        assert (told == like).sum() == kept


# ---------------------------------------------------------------------------------------- moves, levels


MOVES = [(1, 0), (2, 0), (4, 3), (5, 3), (3, 2)]


def test_after_some_moves():
    assert show.after_moves(6, MOVES, 0).tolist() == [0, 1, 2, 3, 4, 5]
    assert show.after_moves(6, MOVES, 2).tolist() == [0, 0, 0, 1, 2, 3]
    assert show.after_moves(6, MOVES, 4).tolist() == [0, 0, 0, 1, 1, 1]
    assert show.after_moves(3, [(0, 2)], 1).tolist() == [0, 1, 0]


@pytest.mark.parametrize("step", [0, 2, 4])
def test_moves_show_the_last_one(step):
    fig, alt = show.draw_moves(TRIANGLES, AT, MOVES, step)
    (axis,) = fig.axes
    rings = [place for place, size, _, fill, _ in marks(axis) if not len(fill)]
    assert len(rings) == (step > 0)
    assert step == 0 or np.allclose(rings[0], AT[MOVES[step - 1][0]])
    nodes = [c.get_zorder() for c in axis.collections if len(c.get_facecolors())]
    assert all(c.get_zorder() < min(nodes) for c in axis.collections if not len(c.get_facecolors()))  # hides none
    Q = modularity(TRIANGLES, show.after_moves(6, MOVES, step))
    assert f"after {step} moves, {6 - step} communities, Q {Q:+.3f}" in _checked(alt)


def test_levels_weigh_nodes_and_edges():
    graph = as_graph([(0, 1, 2.0), (1, 2, 1.0), (2, 3, 2.0), (0, 3, 4.0)], n=4)
    fig, alt = show.draw_levels(graph, [[0, 0], [1, 0], [1, 1], [0, 1]], [[0, 0, 1, 1]])
    fine, coarse = fig.axes
    ((where, sizes, *_),) = marks(coarse)
    assert np.allclose(where, [[0.5, 0], [0.5, 1]])
    assert np.allclose(sizes, 2 * marks(fine)[0][1][0])
    ((width, segments),) = lines(coarse)
    assert np.isclose(width, 0.6 * 5)  # 1 and 4 lead from one to the other
    assert len(segments) == 1
    assert "4 nodes" in alt
    assert "2 nodes" in _checked(alt)


def test_a_level_has_the_colours_of_the_one_before():
    fig, _ = show.draw_levels(TRIANGLES, AT, [[0, 1, 1, 2, 3, 3], [0, 0, 0, 1, 1, 1]])
    (before,), (after,) = (marks(axis) for axis in fig.axes[1:])
    assert np.allclose(after[3], before[3][[1, 3]])
    assert not np.allclose(after[3][0], after[3][1])


# ---------------------------------------------------------------------------------------- torn


def test_a_torn_community_and_who_joins_its_pieces():
    path = as_graph([(v, v + 1) for v in range(7)], n=8)
    groups = np.array([0, 0, 0, 1, 0, 0, 1, 1])
    fig, alt = show.draw_torn(path, groups, 0)
    assert "in 2 pieces, of 3 and 2 nodes" in _checked(alt)
    assert "Of the nodes around it, 1, with a thick rim, has neighbours in more than one piece." in alt
    first, second, around = marks(fig.axes[0])
    assert [len(mark[0]) for mark in (first, second, around)] == [3, 2, 2]  # 3 and 6 are around, 7 is not
    assert sorted(np.asarray(around[4]).tolist()) == [show.PLAIN, show.MARKED]
    assert [text.get_text() for text in fig.axes[0].texts] == ["3"]
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["0 and 2 more", "4 and 1 more"]


def test_pieces_are_those_of_networkx():
    rng = np.random.default_rng(0)
    for _ in range(20):
        graph = as_graph(np.argwhere(np.triu(rng.random((15, 15)) < 0.12, 1)), n=15)
        here = rng.random(15) < 0.7
        piece = show._pieces(graph, here)
        theirs = nx.connected_components(graph.to_networkx().subgraph(np.flatnonzero(here).tolist()))
        ours = [set(np.flatnonzero(piece == k).tolist()) for k in range(piece.max() + 1)]
        assert sorted(map(sorted, ours)) == sorted(map(sorted, theirs))
        assert (piece[~here] == -1).all()


# ---------------------------------------------------------------------------------------- limits


@pytest.mark.parametrize(("cliques", "resolution"), [(6, 1.0), (30, 3.0)])
def test_a_ring_of_cliques_says_how_many_were_found(cliques, resolution):
    fig, alt = show.draw_ring(cliques, 5, resolution)
    found = len(set(leiden(as_graph(nx.ring_of_cliques(cliques, 5)), resolution=resolution, seed=0).tolist()))
    assert f"{cliques} cliques at resolution {resolution:g}, in {found} communities" in _checked(alt)
    assert fig.axes[0].get_title() == f"{cliques} cliques, γ = {resolution:g}\n{found} communities"


@pytest.mark.parametrize("cliques", [2, 4, 12, 40])
def test_cliques_of_a_ring_do_not_meet(cliques):
    at = show.ring_places(cliques, 5).reshape(cliques, 5, 2)
    middles = at.mean(axis=1)
    radius = np.linalg.norm(at - middles[:, None], axis=2).max()
    apart = min(np.linalg.norm(middles[i] - middles[j]) for i in range(cliques) for j in range(i))
    assert 2 * radius < apart


def test_detection_says_where_each_way_passes_a_half():
    runs = {"early": [[0.0, 0.1], [0.6, 0.7], [0.9, 1.0]], "late": [[0.0, 0.0], [0.1, 0.3], [0.4, 0.5]]}
    fig, alt = show.draw_detection({"2 groups": ([0, 6, 9], 6.0, runs)}, "c_in - c_out", "adjusted Rand index")
    assert "2 groups, threshold 6: early at 6, late nowhere." in _checked(alt)
    (axis,) = fig.axes
    assert sorted(text.get_text() for text in fig.legends[0].get_texts()) == ["early", "late", "threshold"]
    assert axis.get_legend() is None  # it would cover the curves, or the threshold
    assert any(np.allclose(line.get_xdata(), 6) and line.get_linestyle() == "--" for line in axis.lines)


# ---------------------------------------------------------------------------------------- beside chance


def test_rows_tell_a_graph_and_its_shuffles():
    fig, alt = show.draw_rows({"club": (0.42, [0.3, 0.32]), "random": (0.3, [0.29, 0.31])}, "modularity")
    assert "club 0.42, shuffled 0.31 ± 0.01; random 0.30, shuffled 0.30 ± 0.01." in _checked(alt)
    diamonds = [line for line in fig.axes[0].lines if line.get_marker() == "D"]
    assert [float(line.get_xdata()[0]) for line in diamonds] == [0.42, 0.3]
    assert {line.get_fillstyle() for line in diamonds} == {"none"}  # ticks are seen through them


def test_nulls_tell_no_digits_but_which_is_higher():
    base, step = np.array([0.2, 0.3, 0.4, 0.5]), np.array([0.1, 0.11, 0.1, 0.12])
    rows = {"trained": base, "more": base + step, "less": base - step, "other": base + step * [1, -1, 1, -1]}
    fig, alt = show.draw_nulls({"all weights": rows}, "modularity")
    assert "beside trained, more higher, less lower, other the same." in _checked(alt)
    assert not re.search(r"\d", alt)
    dots = [float(line.get_xdata()[0]) for line in fig.axes[0].lines if line.get_marker() == "o"]
    assert np.allclose(dots, [np.mean(runs) for runs in rows.values()])


def test_two_means_differ_from_three_standard_errors_on():
    one = np.zeros(9)
    wide = np.tile([-1.0, 0.0, 1.0], 3)
    error = wide.std(ddof=1) / 3
    assert show._beside(one, wide + 2.9 * error) == "the same"
    assert show._beside(one, wide + 3.1 * error) == "higher"
    assert show._beside(one, wide - 3.1 * error) == "lower"


def test_what_hardly_ever_pays_is_drawn_on_top():
    fig, alt = show.draw_paid([10, 100], {"communities": [np.inf, 50.0], "rival": [7e7, 5.0]})
    lines = {line.get_label(): np.asarray(line.get_ydata(), float).tolist() for line in fig.axes[0].lines}
    assert lines["communities"] == [show.MOST, 50]
    assert lines["rival"] == [show.MOST, 5]
    assert {values[0] for name, values in lines.items() if name.startswith("_")} == {show.ASKED, show.MOST}
    assert fig.axes[0].get_ylim()[1] < 10 * show.MOST
    assert "communities and rival" in _checked(alt)


# ---------------------------------------------------------------------------------------- notes


def test_rays_have_length_one_and_tell_who_is_near_the_own():
    Z = np.array([[1.0, 0.1], [3.0, -0.1], [0.1, 2.0], [0.0, 5.0], [2.0, 0.0]])
    groups = np.array([0, 0, 1, 1, 1])  # the last one points the other way
    fig, alt = show.draw_rays(Z, groups)
    before, after = fig.axes
    assert np.allclose(np.concatenate([mark[0] for mark in marks(before)]), Z)
    assert np.allclose(np.linalg.norm(np.concatenate([mark[0] for mark in marks(after)]), axis=1), 1)
    assert "80% of the nodes" in _checked(alt)
