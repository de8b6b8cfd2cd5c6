"""The pictures of notebook 02 say what is so."""

import networkx as nx
import numpy as np
import pytest
from matplotlib.patches import FancyBboxPatch

from lessons import as_graph
from lessons.memory import Memory
from lessons.show import topological_sort as show
from lessons.topological_sort import list_schedule, topological_sort

BRANCHES = [("s", "a"), ("s", "b"), ("a", "c"), ("b", "d"), ("c", "j"), ("d", "j")]


@pytest.fixture
def graph():
    return as_graph(BRANCHES, nodes="jabcds", directed=True)


def written(fig):
    return " | ".join(text.get_text().replace("\n", " ") for axes in fig.axes for text in axes.texts)


@pytest.mark.parametrize("seed", range(20))
def test_the_steps_are_those_of_the_sort(seed):
    rng = np.random.default_rng(seed)
    pairs = rng.integers(8, size=(12, 2))
    graph = as_graph(rng.permutation(8)[pairs[pairs[:, 0] < pairs[:, 1]]], n=8, directed=True, parallel="max")
    order = topological_sort(graph)
    for steps in range(9):
        placed, waits_for = show.kahn_after(graph, steps)
        assert placed == order[:steps]
        open_edges = [v for u, v in graph.edges() if u not in placed]
        assert waits_for == {label: open_edges.count(label) for label in graph.nodes}


def test_a_cycle_stops_the_steps(graph):
    looped = as_graph([*BRANCHES, ("c", "a")], nodes=graph.nodes, directed=True)
    assert show.kahn_after(looped, 6)[0] == ["s", "b", "d"]
    assert (
        "Ready: nothing, so the rest is a deadlock."
        in show.draw_kahn(as_graph([(0, 0)], n=1, directed=True), 0)[1]
    )


def test_kahn_is_told_in_words_and_in_the_boxes(graph):
    fig, alt = show.draw_kahn(graph, 2)
    assert alt == "2 of 6 nodes are placed: s, a. Ready: b, c."
    for words in ("s 1st", "a 2nd", "b ready", "c ready", "d waits for 1", "j waits for 2"):
        assert words in written(fig)
    boxes = dict(zip([text.get_text().split("\n")[0] for text in fig.axes[0].texts], _boxes(fig), strict=True))
    assert boxes["b"].get_linewidth() > boxes["d"].get_linewidth(), "ready nodes have the heavier rim"
    assert [boxes[label].get_linestyle() in ("-", "solid") for label in "sbd"] == [True, True, False]
    assert show.draw_kahn(graph, 6)[1] == "All 6 nodes are placed: s, a, b, c, d, j."


def _boxes(fig):
    return [patch for patch in fig.axes[0].patches if isinstance(patch, FancyBboxPatch)]


def test_ordinals():
    told = {1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 112: "112th"}
    assert {number: show._ordinal(number) for number in told} == told


@pytest.mark.parametrize("down", [True, False])
def test_no_two_boxes_overlap_and_edges_lead_on(graph, down):
    at = show._places(graph, down)
    apart = np.abs(np.array([[a - b for b in at.values()] for a in at.values()]))
    assert ((apart < show.BOX).all(axis=-1)).sum() == graph.n, "each box overlaps itself alone"
    assert all(at[u][1] > at[v][1] if down else at[u][0] < at[v][0] for u, v in graph.edges())
    sides = {label: float(place[0 if down else 1]) for label, place in at.items()}
    assert [sides["s"], sides["a"] + sides["b"], sides["c"] + sides["d"], sides["j"]] == [0, 0, 0, 0]


def test_generations_stand_in_columns(graph):
    alt = show.draw_generations(graph)[1]
    assert alt == "The generations as columns: 0: s; 1: a, b; 2: c, d; 3: j. Every edge leads to the right."


@pytest.mark.parametrize(
    ("more", "cycle"),
    [
        ([("c", "s")], "sac"),
        ([("c", "s"), ("d", "s")], "sac"),
        ([("j", "s"), ("d", "b")], "bd"),
        ([("b", "b")], "b"),
    ],
)
def test_a_cycle_is_marked_whatever_other_cycles_there_are(graph, more, cycle):
    looped = as_graph([*BRANCHES, *more], nodes=graph.nodes, directed=True)
    fig, alt = show.draw_cycle(looped, list(cycle))
    assert f"{' → '.join([*cycle, cycle[0]])} lead round in a circle" in alt
    dashed = [patch for patch in fig.axes[0].patches if patch.get_linewidth() > 3]
    assert len(dashed) == len(cycle)
    assert all(patch.get_linestyle() != "-" for patch in dashed)


def test_a_cycle_is_opened_where_the_picture_stays_lowest(graph):
    looped = as_graph([*BRANCHES, ("c", "s")], nodes=graph.nodes, directed=True)
    for cycle in ("sac", "acs", "csa"):
        fig, _ = show.draw_cycle(looped, list(cycle))
        height = {text.get_text(): text.get_position()[1] for text in fig.axes[0].texts}
        assert height == {"s": 0, "a": -1, "b": -1, "c": -2, "d": -2, "j": -3}


def test_what_is_left_without_cycles_keeps_most_edges(graph):
    looped = as_graph([*BRANCHES, ("c", "s"), ("d", "b")], nodes=graph.nodes, directed=True)
    rest = show._without_cycles(looped, ("c", "s"))
    assert nx.is_directed_acyclic_graph(rest.to_networkx())
    assert rest.m >= looped.m - 2


def memory(*alive, names="abcdefghij"):
    peak = alive.index(max(alive))
    return Memory(max(alive), names[peak], np.array(alive), list(names[: len(alive)]))


def test_memory_marks_the_first_highest_step():
    fig, alt = show.draw_memory({"one": memory(1024, 3072, 3072), "other": memory(512, 1024, 256)})
    assert alt.endswith("The highest points: one 3 KiB at b, other 1 KiB at b.")
    one, other = fig.axes
    assert [mark.get_xydata().tolist() for mark in (one.lines[-1], other.lines[-1])] == [[[2, 3]], [[2, 1]]]
    assert one.get_ylim() == other.get_ylim(), "curves that are compared share their axis"
    assert [tick.get_text() for tick in one.get_xticklabels()] == ["a", "b", "c"]
    fig, alt = show.draw_memory({"large": memory(*[1025 * 2**20] * 9)}, "MiB")
    assert "1,025 MiB" in alt
    assert fig.axes[0].get_xlabel() == "step"


def test_visits_are_drawn_at_their_sizes():
    fig, alt = show.draw_visits([10, 1000], {"scanning": [100, 90_000], "Kahn": [10, 900]})
    assert alt.endswith("At 1,000 nodes: scanning 90,000, Kahn 900.")
    assert [line.get_xydata().tolist() for line in fig.axes[0].lines] == [
        [[10, 100], [1000, 90_000]],
        [[10, 10], [1000, 900]],
    ]


def test_pictures_of_the_page_fit_on_it(graph):
    figures = [
        show.draw_kahn(graph, 1),
        show.draw_generations(graph),
        show.draw_cycle(as_graph([(0, 0)], n=1, directed=True), [0]),
        show.draw_memory({"a": memory(1), "b": memory(2)}),
        show.draw_visits([1, 2], {"a": [1, 2]}),
    ]
    assert all(fig.get_size_inches()[0] <= 6.4 for fig, _ in figures)


def test_bars_of_a_schedule_stand_where_and_when_it_says(graph):
    durations = [1, 4, 2, 3, 0, 2]  # j a b c d s
    schedule = list_schedule(graph, 2, durations)
    fig, alt = show.draw_gantt(graph, schedule, until=20, unit="hours")
    bars = [(bar.get_y() + 0.4, bar.get_x(), bar.get_width()) for bar in fig.axes[0].patches]
    planned = [(w, s, f - s) for w, s, f in zip(schedule.worker, schedule.start, schedule.finish, strict=True)]
    assert np.allclose(sorted(bars), sorted(plan for plan in planned if plan[2]))
    assert alt == (
        "6 nodes on 2 workers end at 10. No schedule of so many workers ends before the dashed line at 10."
    )
    assert fig.axes[0].get_xlim()[1] >= 20
    assert fig.axes[0].get_xlabel() == "hours"


def test_a_schedule_above_its_bound_is_told_with_both():
    tasks = as_graph([(1, 9), (4, 5), (4, 6), (4, 7), (4, 8)], nodes=range(1, 10), directed=True)
    schedule = list_schedule(tasks, 4, [3, 2, 2, 2, 4, 4, 4, 4, 9], priority="row")
    fig, alt = show.draw_gantt(tasks, schedule)
    assert alt.startswith("9 nodes on 4 workers end at 15.")
    assert alt.endswith("at 12.")
    assert set("123456789") == {text.get_text() for text in fig.axes[0].texts}
    one = show.draw_gantt(tasks, list_schedule(tasks, 1, [1] * 9))[1]
    assert one.startswith("9 nodes on 1 worker end at 9.")
    assert show.draw_gantt(
        as_graph([], n=0, directed=True), list_schedule(as_graph([], n=0, directed=True), 2, [])
    )
