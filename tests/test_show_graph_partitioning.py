"""The pictures of notebook 05 say what is so."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from lessons import as_graph, course
from lessons.datasets import grid_graph, mesh_graph
from lessons.graph_partitioning import edge_cut, imbalance, neighbour_weights
from lessons.multilevel import as_level, coarsen, heavy_edge_matching, initial_partition, project
from lessons.pipeline import Pipeline
from lessons.show import _checked
from lessons.show import graph_partitioning as show
from lessons.show.graph_signals import grid_places

LADDER = [0, 1, 1, 0, 0, 1, 1, 0]


@pytest.fixture(scope="module")
def plate():
    return mesh_graph(120, seed=3)


@pytest.fixture(scope="module")
def levels(plate):
    return coarsen(plate[0], nodes=30, seed=0)


def nodes(axis):
    """Places, areas and corners of the marks of each scatter."""
    return [
        (np.asarray(s.get_offsets()), s.get_sizes(), s.get_paths()[0]) for s in axis.collections if _is_marks(s)
    ]


def _is_marks(collection):
    return type(collection).__name__ == "PathCollection"


def lines(axis):
    """Segments of each collection of edges."""
    return [c.get_segments() for c in axis.collections if type(c).__name__ == "LineCollection"]


def numbers(text):
    return [float(n.replace(",", "")) for n in re.findall(r"\d[\d,]*\.?\d*", text)]


# ---------------------------------------------------------------------------------------- parts


def test_parts_are_told_with_their_cut_and_balance(plate):
    graph, at = plate
    parts = {"by lot": np.arange(120) % 3, "by place": (at[:, 0] > 0.5).astype(int)}
    fig, alt = show.draw_parts(graph, at, parts)
    for axis, (name, part) in zip(fig.axes, parts.items(), strict=True):
        told = f"{edge_cut(graph, part):,.6g}"
        assert axis.get_title() == f"{name}\ncut {told}, heaviest +{imbalance(graph, part):.0%}"
        assert f"{name} {told} ({imbalance(graph, part):.0%} above)" in alt
        uncut, cut = lines(axis)
        assert (len(cut), len(uncut)) == (edge_cut(graph, part), graph.m - edge_cut(graph, part))
        thin, thick = (c.get_linewidth()[0] for c in axis.collections[:2])
        assert thick > 2 * thin
        drawn = nodes(axis)
        assert sum(len(places) for places, _, _ in drawn) == graph.n
        assert np.allclose(drawn[0][0], at[part == 0])
    assert "up to 3 parts" in alt


def test_every_part_has_a_look_of_its_own():
    looks = {(show.SHAPES[k % len(show.SHAPES)], show.COLOURS[k % len(show.COLOURS)]) for k in range(35)}
    assert len(looks) == 35


def test_neighbours_differ_in_colour_also_where_parts_outnumber_the_colours():
    graph = grid_graph(4, 4)
    colours = show._colours(graph, np.arange(16))
    assert all(colours[u] != colours[v] for u, v in graph.edge_rows.tolist())
    assert [colours[number] for number in range(7)] == list(range(7))
    assert show._colours(as_graph([], n=9), np.arange(9))[8] == 1


def test_a_weight_is_an_area_and_small_graphs_have_names():
    path = as_graph([("a", "b"), ("b", "c")], nodes="abc")
    fig, alt = show.draw_parts(path, [[0, 0], [1, 0], [2, 1]], {"": [0, 0, 1]}, weights=[1, 3, 2])
    (places, sizes, _), (_, last, _) = nodes(fig.axes[0])
    assert len(places) == 2
    assert sizes[1] > last[0] > sizes[0]
    assert [text.get_text() for text in fig.axes[0].texts] == ["a", "b", "c"]
    assert alt.endswith("the cut 1 (33% above).")


def test_of_many_nodes_only_cut_edges_are_drawn():
    graph, at = mesh_graph(show.MANY + 1, seed=0)
    part = (at[:, 0] > 0.5).astype(int)
    uncut, cut = lines(show.draw_parts(graph, at, {"": part})[0].axes[0])
    assert (len(uncut), len(cut)) == (0, edge_cut(graph, part))


# ---------------------------------------------------------------------------------------- moves


def test_sums_mark_the_first_highest_point():
    fig, alt = show.draw_sums({"pass 1": [0, -1, 3, 3], "pass 2": [0, -2]}, "swaps")
    assert alt.endswith("Highest: pass 1 3 after 2, pass 2 0 after 0.")
    squares = [line.get_xydata().tolist() for line in fig.axes[0].lines if line.get_marker() == "s"]
    assert squares == [[[2, 3]], [[0, 0]]]


def test_the_pass_in_the_picture_is_the_one_in_the_notebook():
    """The code of the page, run on random graphs, move by move."""
    moves = _from_the_page("fm_moves")
    rng = np.random.default_rng(5)
    for n in (6, 9, 12, 15):
        pairs = rng.integers(n, size=(3 * n, 2))
        graph = as_graph(pairs[pairs[:, 0] != pairs[:, 1]], n=n, parallel="max")
        side = (rng.permutation(n) % 2).tolist()
        most = -(-n // 2) + int(rng.integers(3))
        walked = [v for v, _, _ in moves(neighbour_weights(graph), most, list(side))]
        for count in range(n + 1):
            now, free, gains, _ = show.fm_after(graph, side, most, count)
            assert set(np.flatnonzero(~free)) == set(walked[:count])
            assert [int(side[v] != now[v]) for v in range(n)] == [int(v in walked[:count]) for v in range(n)]
            for v in range(n):
                turned = now.copy()
                turned[v] = 1 - turned[v]
                assert gains[v] == edge_cut(graph, now) - edge_cut(graph, turned)


def _from_the_page(wanted):
    cells = json.loads(Path(course.notebooks() / "05_graph_partitioning.ipynb").read_text("utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    named = ("def gains(", "class Buckets", f"def {wanted}(")
    (gains, buckets, moves) = (next(source for source in sources if name in source) for name in named)
    found = {}
    for source in (gains, buckets, moves):
        exec(source, found)
    return found[wanted]


def test_buckets_hold_who_may_move_by_gain_the_newest_on_top():
    ladder, at = grid_graph(2, 4), grid_places(2, 4)
    fig, alt = show.draw_buckets(ladder, at, LADDER, 5, 0)
    assert alt == "0 moved: cut 4. Nodes that may move, by gain: +0: 0 3 4 7, -1: 1 2 5 6."
    alt = show.draw_buckets(ladder, at, LADDER, 5, 4)[1]
    assert alt.startswith("4 moved: cut 2.")
    top, bottom = fig.axes
    assert len(top.texts) == len(bottom.texts) == 8
    heights = {text.get_text(): text.xy for text in bottom.texts}
    assert heights["0"][0] == 0
    assert heights["0"][1] == max(height for gain, height in heights.values() if gain == 0)


@pytest.mark.parametrize("moves", range(10))
def test_every_step_of_the_slider_draws(moves):
    fig, alt = show.draw_buckets(grid_graph(2, 4), grid_places(2, 4), LADDER, 5, moves)
    assert alt.startswith(f"{min(moves, 8)} moved")
    assert alt.endswith("none.") == (moves >= 8)
    assert len(fig.axes[1].texts) == 8 - min(moves, 8)


def test_cuts_have_a_tick_each_and_their_mean():
    fig, alt = show.draw_cuts({"moves": [10, 20, 30], "once": [7]})
    assert alt == (
        "A tick for each seed, mean and standard deviation below it, of the cut: moves 20 ± 10, once 7 ± 0."
    )
    ticks = [line.get_xdata().tolist() for line in fig.axes[0].lines if line.get_marker() == "|"]
    assert [10, 20, 30] in ticks
    assert [7] in ticks


# ---------------------------------------------------------------------------------------- levels


def test_a_coarse_node_stands_in_the_middle_of_all_it_holds(plate, levels):
    graph, at = plate
    found = show.places(levels, at)
    into = np.arange(graph.n)
    for level, where in zip(levels, found, strict=True):
        for node in range(level.n):
            assert np.allclose(where[node], at[into == node].mean(axis=0))
        into = into if level.coarse_of is None else level.coarse_of[into]


def test_a_matching_is_drawn_pair_by_pair(plate):
    graph, at = plate
    level = as_level(graph)
    mate = heavy_edge_matching(level, seed=0)
    fig, alt = show.draw_matching(level, at, mate)
    pairs, alone = int((np.arange(120) < mate).sum()), int((np.arange(120) == mate).sum())
    assert len(lines(fig.axes[0])[1]) == pairs
    assert [len(places) for places, _, _ in nodes(fig.axes[0])] == [120 - alone, alone]
    assert numbers(alt) == [120, 2 * pairs, alone]


def test_all_levels_are_drawn_and_told(plate, levels):
    _, at = plate
    fig, alt = show.draw_levels(levels, at)
    assert len(fig.axes) == len(levels)
    told = [number for level in levels for number in (level.n, level.graph.m)]
    assert numbers(alt) == [len(levels), *told]
    for axis, level in zip(fig.axes, levels, strict=True):
        ((_, sizes, _),) = nodes(axis)
        assert np.allclose(sizes / sizes.max(), level.vertex_weights / level.vertex_weights.max())


def test_refinement_rings_those_who_moved(plate):
    graph, at = plate
    before = (at[:, 0] > 0.5).astype(int)
    after = before.copy()
    after[:3] = 1 - after[:3]
    fig, alt = show.draw_refined(as_level(graph), at, before, after)
    for axis in fig.axes:
        assert np.allclose(nodes(axis)[-1][0], at[:3])
    assert alt.endswith("rings are round the 3 nodes that changed their part.")
    assert "projected" in alt
    assert show.draw_refined(as_level(graph), at, before, before)[1].endswith("0 nodes that changed their part.")


def test_the_climb_begins_at_the_coarsest(plate, levels):
    _, at = plate
    parts = [initial_partition(levels[-1], 3, seed=0)]
    for level in reversed(levels[:-1]):
        parts.append(project(level, parts[-1]))
    fig, alt = show.draw_climb(levels, at, parts[::-1])
    titles = [axis.get_title() for axis in fig.axes]
    cut = f"{edge_cut(levels[-1].graph, parts[0]):g}"
    assert titles == [f"level {k}: cut {cut}" for k in reversed(range(len(levels)))], "projecting keeps the cut"
    assert f"level 0 {cut}." in alt


# ---------------------------------------------------------------------------------------- go further


def test_a_vector_is_drawn_by_shape_and_shade(plate):
    graph, at = plate
    fig, alt = show.draw_fiedler(graph, at, at[:, 0], (at[:, 0] > 0.5).astype(int))
    circles, squares = nodes(fig.axes[0])
    assert len(circles[0]) == len(squares[0]) == 60
    assert circles[0][:, 0].min() > squares[0][:, 0].max()
    assert len(circles[2].vertices) > len(squares[2].vertices)
    assert "120 nodes" in alt


def test_stages_are_bars_and_arrows():
    way = Pipeline(np.array([0, 1, 1]), np.array([300, 100]), np.array([2**20]), "multiply-adds")
    fig, alt = show.draw_stages({"one": way, "two": way})
    assert alt.endswith("between stages: one 75.0% and 1.00 MiB; two 75.0% and 1.00 MiB.")
    assert np.allclose(
        [bar.get_height() for bar in fig.axes[0].patches if hasattr(bar, "get_height")], [0.75, 0.25]
    )
    assert "1.00 MiB" in [text.get_text() for text in fig.axes[0].texts]


def test_pictures_of_the_page_fit_on_it(plate, levels):
    graph, at = plate
    part = np.arange(120) % 2
    way = Pipeline(np.zeros(1), np.array([1]), np.array([], int), "nodes")
    pictures = [
        show.draw_parts(graph, at, {"": part}),
        show.draw_parts(graph, at, {"a": part, "b": part, "c": part}),
        show.draw_parts(as_graph([], n=1), [[0, 0]], {"": [0]}),
        show.draw_levels(levels[:1], at),
        show.draw_climb(levels[:1], at, [part]),
        show.draw_stages({"one stage": way}),
    ]
    for fig, alt in pictures:
        assert fig.get_size_inches()[0] <= 6.4
        assert _checked(alt)
