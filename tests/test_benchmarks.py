"""The benchmarks' harness: what it reports is true, whoever is measured. No test here asserts a time."""

import doctest
import gc
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from itertools import islice
from operator import is_not
from pathlib import Path
from statistics import mean

import networkx as nx
import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import (
    _harness,
    _inputs,
    centrality_and_flow,
    communities,
    graph_partitioning,
    node2vec,
    relational_graphs,
    spectral_gcn,
    sweet_spot,
)
from benchmarks._harness import Case, run
from lessons.centrality import betweenness_definition
from lessons.datasets import ring_graph
from lessons.flow_networks import max_flow
from lessons.relational_training import NetworkBatch
from lessons.walks import pagerank_definition

ROOT = Path(command.__file__).parents[1]
KEYS = ["topic", "case", "quantity", "peer", "ours", "theirs", "ratio", "repeats", "threads"]
CONTENDERS = {"graph": {"scipy", "igraph", "rustworkx", "networkx"}, "rng": {"numpy"}}
CONTENDERS["topological_sort"] = {"igraph", "rustworkx", "networkx", "graphlib"}
CONTENDERS["computational_graphs"] = {"onnx", "onnxruntime"}
CONTENDERS["startup"] = {"numba"}
CONTENDERS["backpropagation"] = {"autograd", "jax", "micrograd", "torch"}
CONTENDERS["laplacian_regularization"] = {"scipy", "networkx", "sklearn"}
CONTENDERS["graph_partitioning"] = {"pymetis", "kahip"}
CONTENDERS["graph_signals"] = {"pygsp", "scipy", "sklearn"}
CONTENDERS["communities"] = {"networkit", "igraph", "sknetwork"}
CONTENDERS["centrality_and_flow"] = {"igraph", "scipy", "networkx"}
CONTENDERS["node2vec"] = {"fastnode2vec", "gensim", "node2vec"}
CONTENDERS["spectral_gcn"] = {"scipy", "torch", "torch_geometric"}
CONTENDERS["relational_graphs"] = {"igraph", "networkx", "numpy", "torch"}
CONTENDERS["sweet_spot"] = {"lessons", "torch"}


def installed(topic):
    return {peer for peer in CONTENDERS[topic] if find_spec(peer) is not None}


class Race:
    """Contenders whose calls take as long as told, by a clock of their own; `log` is who was called when."""

    def __init__(self):
        self.now = 0.0
        self.log = []

    def contender(self, name, seconds=(1,), answer=True):
        durations = iter([100.0, *seconds])  # the first call, which warms, is slow and must not count

        def call():
            self.log.append(name)
            self.now += next(durations)
            return answer() if callable(answer) else answer

        return lambda: call

    def case(self, ours, peers, **options):
        defaults = {"right": bool, "repeats": 1}
        return Case("path", 1_000, 999, "walk", "fast", ours=ours, peers=peers, **defaults | options)

    def run(self, *cases, say=lambda line: None):
        return run("walks", cases, threads=3, say=say, clock=lambda: self.now)


@pytest.fixture
def race():
    return Race()


def absent():
    import no_such_peer

    return no_such_peer.call


def test_ratio_is_the_median_of_the_paired_ratios(race):
    case = race.case(race.contender("ours", [1, 2, 3]), {"igraph": race.contender("igraph", [2, 8, 3])}, repeats=3)
    (row,) = race.run(case)
    assert list(row) == KEYS
    assert row == {
        "topic": "walks",
        "case": "path n=1,000 m=999 walk fast",
        "quantity": "time",
        "peer": "igraph",
        "ours": 2,
        "theirs": 3,
        "ratio": 0.5,  # of 1/2, 2/8 and 3/3; neither 2/3 nor the mean
        "repeats": 3,
        "threads": 3,
    }


def test_contenders_alternate_after_one_call_each(race):
    peers = {"a": race.contender("a", [1, 1]), "b": race.contender("b", [1, 1])}
    ours = race.contender("ours", [1, 1])
    race.run(race.case(ours, {"a": peers["a"]}, repeats=2))
    assert race.log == ["ours", "a"] * 3
    race.log.clear()
    race.run(race.case(race.contender("ours", [1, 1]), {"b": peers["b"]}, repeats=2))
    assert race.log == ["ours", "b"] * 3


def test_one_row_a_case_and_peer(race):
    cases = [
        Case("path", n, n - 1, "walk", "fast", lambda: list, {"a": lambda: list, "b": lambda: list}, is_empty)
        for n in (2, 3)
    ]
    rows = race.run(*cases, say=(said := []).append)
    assert [(row["case"][:8], row["peer"]) for row in rows] == [
        ("path n=2", "a"),
        ("path n=2", "b"),
        ("path n=3", "a"),
        ("path n=3", "b"),
    ]
    assert sum("walks: path" in line for line in said) == 2


def is_empty(answer):
    return answer == []


def test_a_missing_peer_is_skipped_by_name(race):
    case = race.case(race.contender("ours"), {"metis": absent, "igraph": race.contender("igraph")})
    rows = race.run(case, say=(said := []).append)
    assert [row["peer"] for row in rows] == ["igraph"]
    assert "  metis: skipped, no_such_peer is not installed" in said


def test_our_own_missing_module_is_no_reason_to_skip(race):
    with pytest.raises(ModuleNotFoundError, match="no_such_peer"):
        race.run(race.case(absent, {"igraph": race.contender("igraph")}))


@pytest.mark.parametrize("wrong", ["ours", "igraph"])
def test_a_wrong_answer_stops_and_names_who_gave_it(race, wrong):
    ours, theirs = (race.contender(name, answer=name != wrong) for name in ("ours", "igraph"))
    with pytest.raises(RuntimeError, match=rf"^{wrong}: a wrong answer.*path n=1,000 m=999 walk fast"):
        race.run(race.case(ours, {"igraph": theirs}))


def test_figures_are_read_off_every_answer(race):
    ours, theirs = iter([9, 1, 4, 3]), iter([9, 2, 2, 2])
    case = race.case(
        race.contender("ours", [1, 1, 1], ours.__next__),
        {"metis": race.contender("metis", [1, 1, 1], theirs.__next__)},
        figures={"cut": float},
        repeats=3,
    )
    time, cut = race.run(case)
    assert (time["quantity"], cut["quantity"]) == ("time", "cut")
    assert (cut["ours"], cut["theirs"], cut["ratio"]) == (3, 2, 1.5)


def test_figures_are_put_together_as_told(race):
    ours, theirs = iter([9, 1, 1, 7]), iter([9, 2, 2, 8])
    case = race.case(
        race.contender("ours", [1, 1, 1], ours.__next__),
        {"metis": race.contender("metis", [1, 1, 1], theirs.__next__)},
        figures={"cut": float, "worst": lambda answer: answer + 1.0},
        together={"cut": mean, "worst": max},
        repeats=3,
    )
    time, cut, worst = race.run(case)
    assert (time["ours"], time["repeats"]) == (1, 3)
    assert (cut["ours"], cut["theirs"], cut["ratio"], cut["repeats"]) == (3, 4, 0.75, 3)  # the mean ratio is 0.625
    assert (worst["ours"], worst["theirs"], worst["ratio"]) == (8, 9, 8 / 9)


def test_repeats_that_are_told_go_before_the_case_s(race):
    case = race.case(race.contender("ours", [1, 1]), {"a": race.contender("a", [2, 2])}, repeats=7)
    (row,) = run("walks", [case], threads=1, say=lambda line: None, clock=lambda: race.now, repeats=2)
    assert row["repeats"] == 2
    assert race.log == ["ours", "a"] * 3


def test_no_ratio_to_nothing(race):
    theirs = race.contender("metis", answer=1)
    case = race.case(race.contender("ours"), {"metis": theirs}, figures={"cut": lambda answer: 0})
    *_, cut = race.run(case, say=(said := []).append)
    assert cut["ratio"] is None
    assert "ratio        -" in said[-1]
    assert json.loads(json.dumps(cut, allow_nan=False)) == cut


def test_no_garbage_is_collected_while_timing(race):
    on = []
    case = Case(
        "path", 2, 1, "walk", "fast", lambda: gc.isenabled, {"a": lambda: gc.isenabled}, always, repeats=1,
        figures={"collector": lambda answer: on.append(answer) or 1.0},
    )  # fmt: skip
    race.run(case)
    assert on == [False, False]
    assert gc.isenabled()


def always(answer):
    return True


def test_the_collector_comes_back_after_an_error(race):
    case = race.case(race.contender("ours"), {"a": race.contender("a")}, figures={"cut": lambda answer: 1 / 0})
    with pytest.raises(ZeroDivisionError):
        race.run(case)
    assert gc.isenabled()


def prepared_at_a_peak(count):
    np.ones(25_000_000).sum()
    return partial(np.ones, count)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory of one call is read from /proc")
def test_memory_is_the_peak_of_the_call_above_what_was_there():
    case = Case(
        "array", 1, 0, "ones", "float64",
        ours=partial(prepared_at_a_peak, 5_000_000),
        peers={"numpy": partial(prepared_at_a_peak, 10_000_000), "absent": absent},
        right=partial(is_not, None),
        quantity="memory",
        repeats=1,
    )  # fmt: skip
    (row,) = run("memory", [case], threads=1, say=lambda line: None)
    assert (row["quantity"], row["peer"]) == ("memory", "numpy")
    assert 40e6 <= row["ours"] < 42e6
    assert 80e6 <= row["theirs"] < 84e6
    assert row["ratio"] == row["ours"] / row["theirs"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory of one call is read from /proc")
def test_a_wrong_answer_is_found_in_its_own_process_too():
    case = Case(
        "array", 1, 0, "ones", "float64", partial(partial, list), {"a": partial(partial, list)}, bool,
        quantity="memory",
    )  # fmt: skip
    with pytest.raises(RuntimeError, match=r"^ours: a wrong answer"):
        run("memory", [case], threads=1, say=lambda line: None)


# ---------------------------------------------------------------------------------------- inputs


def test_random_pairs_are_distinct_and_repeatable():
    for n, m, seed in [(5, 10, 0), (1_000, 5_000, 0), *((6, 12, seed) for seed in range(10))]:
        pairs = _inputs.random_pairs(n, m, seed)
        assert pairs.shape == (m, 2)
        assert pairs.min() >= 0
        assert pairs.max() < n
        assert (pairs[:, 0] != pairs[:, 1]).all()
        assert len({frozenset(pair) for pair in pairs.tolist()}) == m
        assert np.array_equal(pairs, _inputs.random_pairs(n, m, seed))
        assert not np.array_equal(pairs, _inputs.random_pairs(n, m, seed + 1))
    with pytest.raises(ValueError, match="m=13: 6 nodes have at most 12 pairs"):
        _inputs.random_pairs(6, 13, seed=0)


def test_every_size_can_be_drawn():
    for scale in (1e-6, 0.001, 0.01, 1.0):
        n, m = _inputs.sized(100, 287, scale)
        assert len(_inputs.random_pairs(n, m, seed=0)) == m
    assert _inputs.sized(100, 287, 1.0) == (100, 287)


def test_rmat_pairs_are_distinct_repeatable_and_uneven():
    for n, m, seed in [(1, 5, 0), (2, 0, 0), (64, 200, 1), (1_024, 8_000, 0)]:
        pairs = _inputs.rmat_pairs(n, m, seed)
        assert (pairs[:, 0] < pairs[:, 1]).all()
        assert len({tuple(pair) for pair in pairs.tolist()}) == len(pairs) <= m
        assert not len(pairs) or 0 <= pairs.min() <= pairs.max() < n
        assert np.array_equal(pairs, _inputs.rmat_pairs(n, m, seed))
        assert len(pairs) < 2 or not np.array_equal(pairs, _inputs.rmat_pairs(n, m, seed + 1))
    degrees = np.bincount(pairs.ravel(), minlength=1_024)
    assert degrees[0] == degrees.max() > 10 * degrees.mean()
    assert (degrees == 0).any()
    sparse = _inputs.rmat_pairs(2**20, 5_000, seed=0)  # too few to be merged often
    assert 0.74 < (sparse < 2**19).mean() < 0.78  # 0.57 + 0.19: the chance that an end is in the first half
    with pytest.raises(ValueError, match="n=6: a power of two"):
        _inputs.rmat_pairs(6, 13, seed=0)


def test_doctests():
    assert doctest.testmod(_inputs) == doctest.TestResults(failed=0, attempted=2)


# ---------------------------------------------------------------------------------------- partitions


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """LESSONS_DATA, naming a folder without graphs."""
    monkeypatch.setenv("LESSONS_DATA", str(tmp_path))
    graph_partitioning.from_file.cache_clear()


def test_a_graph_whose_file_is_not_there_is_skipped_by_name(nowhere):
    first, second = islice(graph_partitioning.cases(1.0), 2)
    rows = run("graph_partitioning", [first], threads=1, say=(said := []).append)
    assert (first.input, second.input, rows) == ("4elt", "astro-ph", [])
    reason = "LESSONS_DATA names no folder with graphs/4elt.graph"
    assert {f"  {peer}: skipped, {reason}" for peer in installed("graph_partitioning")} <= set(said)


def beside(case, peer, cut, time, ours=1.0):
    figures = {"cut": (cut, 1.0), "time": (time, 1.0), "heaviest": (ours, 1.25)}
    return [
        {"case": case, "peer": peer, "quantity": quantity, "ours": a, "theirs": b, "ratio": a / b}
        for quantity, (a, b) in figures.items()
    ]


def test_the_means_are_over_meshes_and_the_heaviest_part_is_of_all_graphs():
    rows = [
        *beside("4elt n=9 m=8 partition fast k 2", "pymetis", 0.5, 4.0),
        *beside("tet3d n=9 m=8 partition fast k 2", "pymetis", 2.0, 1.0),
        *beside("polblogs n=9 m=8 partition fast k 2", "pymetis", 9.0, 9.0, ours=1.03),
        *beside("del2d n=9 m=8 partition eco k 4", "kahip", 0.9, 0.5),
    ]
    assert list(graph_partitioning.summary(rows)) == [
        "fast   / pymetis cut 1.0000, time 2.0000, geometric means of 2; heaviest part 1.0300, theirs 1.2500",
        "eco    / kahip   cut 0.9000, time 0.5000, geometric means of 1; heaviest part 1.0000, theirs 1.2500",
    ]


def test_a_part_of_ours_that_is_too_heavy_is_an_error():
    rows = beside("4elt n=9 m=8 partition fast k 2", "pymetis", 1.0, 1.0, ours=1.04)
    with pytest.raises(RuntimeError, match=r"^ours, fast: a part of 1\.0400"):
        list(graph_partitioning.summary(rows))


def test_what_is_read_off_a_partition():
    ring = partial(ring_graph, 5)
    assert graph_partitioning.cut(ring, [0, 0, 1, 1, 1]) == 2
    assert graph_partitioning.heaviest(5, 2, [0, 1, 1, 1, 1]) == 4 / 3
    for wrong in ([0, 0, 1, 1], [0, 0, 1, 1, 2], [0, 0, 1, 1, -1], [0, 0, 1, 1, 0.5]):
        assert not graph_partitioning.is_partition(5, 2, wrong)
        with pytest.raises(RuntimeError, match="not 2 parts of 5 nodes"):
            graph_partitioning.heaviest(5, 2, wrong)


# ---------------------------------------------------------------------------------------- centrality and flows


@pytest.mark.parametrize("directed", [False, True])
def test_what_a_page_rank_is_held_to(directed):
    graph_of = partial(centrality_and_flow.rmat, 30, 120, directed)
    graph = graph_of()
    rows = [graph.neighbors(row) for row in graph.nodes]
    known = np.array(pagerank_definition(rows, 0.85, 300))
    assert np.abs(centrality_and_flow.known_pagerank(graph_of) - known).sum() < 1e-13
    assert centrality_and_flow.is_pagerank(graph_of, known)
    assert not centrality_and_flow.is_pagerank(graph_of, known + 2e-10 / 30)


def test_what_betweenness_is_held_to():
    graph_of = partial(centrality_and_flow.rmat, 300, 600)  # more than one block of sources, some nodes apart
    graph = graph_of()
    known = np.array(betweenness_definition([graph.neighbors(row) for row in graph.nodes])) / 2
    assert known.max() > 100
    assert centrality_and_flow.is_betweenness(graph_of, known.tolist())
    for wrong in (known * 2, known + (known == known.max()), known[:-1]):
        assert not centrality_and_flow.is_betweenness(graph_of, wrong)


def test_what_paths_and_triangles_are_held_to():
    graph_of = partial(centrality_and_flow.rmat, 50, 100)
    graph = graph_of().to_networkx()
    lengths = [
        length for _, found in nx.all_pairs_shortest_path_length(graph) for length in found.values() if length
    ]
    assert centrality_and_flow.is_average(graph_of, mean(lengths))
    assert not centrality_and_flow.is_average(graph_of, mean(lengths) + 0.001)
    known = list(nx.clustering(graph).values())
    assert max(known) > 0
    assert centrality_and_flow.is_clustering(graph_of, known)
    assert not centrality_and_flow.is_clustering(graph_of, [*known[:-1], known[-1] + 0.001])


@pytest.mark.parametrize("kind", ["one to one", "hub to hub", "many to many", "grid"])
def test_a_flow_that_is_none_or_not_proved_is_wrong(kind):
    graph, source, target = centrality_and_flow.network(kind, 100, 0)
    right = partial(centrality_and_flow.is_maximum, kind, 100, 0)
    found = max_flow(graph, source, target)
    assert right(found)
    assert right(found.value)
    assert not right(found.value - 1)
    turned = np.where(found.flow == found.flow.max(), 0.0, found.flow)
    for change in (
        {"flow": turned},
        {"flow": -found.flow},
        {"reached": ~found.reached},
        {"value": found.value + 1},
    ):
        assert not right(replace(found, **change))


def test_a_network_s_seeds_are_summed_up_beside_the_better_peer():
    rows = [
        {
            "case": f"grid network n=9 m={9 + seed} max_flow seed {seed}",
            "quantity": quantity,
            "peer": peer,
            "ratio": ratio,
        }
        for seed, peer, quantity, ratio in (
            (1, "igraph", "time", 0.5),
            (1, "scipy", "time", 1.0),
            (2, "igraph", "time", 4.0),
            (2, "scipy", "time", 2.0),
            (2, "scipy", "memory", 9.0),
        )
    ]
    rows.append(rows[0] | {"case": "RMAT graph n=9 m=8 pagerank one thread"})
    assert list(centrality_and_flow.summary(rows)) == [
        "grid network max_flow: 2.00 of igraph and scipy, 1.00 to 4.00 over 2 seeds",
        "RMAT graph n=9 m=8 pagerank one thread: 0.50 of igraph",
    ]


# ---------------------------------------------------------------------------------------- communities


def test_what_a_division_is_held_to():
    graph_of = partial(communities.planted_graph, 600)
    groups = communities.planted(600)[1]
    assert communities.is_division(graph_of, groups)
    assert communities.is_division(graph_of, (3 * groups + 5).tolist())  # whatever the numbers
    assert communities.modularity_of(graph_of, groups) == pytest.approx(
        nx.community.modularity(graph_of().to_networkx(), [np.flatnonzero(groups == c) for c in range(3)])
    )
    assert not communities.is_division(graph_of, groups[:-1])
    assert not communities.is_division(graph_of, np.arange(600) % 3)


def test_no_order_tells_the_group_of_a_planted_graph():
    graph, groups = communities.planted(600)
    assert np.bincount(groups).tolist() == [200, 200, 200]
    same = groups[graph.edge_rows[:, 0]] == groups[graph.edge_rows[:, 1]]
    assert same.mean() == pytest.approx(communities.INSIDE / (communities.INSIDE + communities.ACROSS), abs=0.02)
    assert 2 * graph.m / 600 == pytest.approx(communities.INSIDE + communities.ACROSS, abs=0.7)
    assert np.count_nonzero(np.diff(groups)) > 300


def test_coordinates_are_read_as_k_means_reads_them():
    groups = communities.hard(600, 3)[1]
    told = np.eye(3)[groups] * np.linspace(0.1, 2, 600)[:, None]  # lengths do not count
    assert communities.rand(600, 3, told) == 1.0
    assert abs(communities.rand(600, 3, np.random.default_rng(0).random((600, 3)))) < 0.1


def test_times_and_modularity_are_put_together_over_graphs():
    rows = [
        {
            "case": f"{name} n=9 m=8 leiden two rounds",
            "quantity": quantity,
            "peer": "igraph",
            "ours": a,
            "theirs": b,
        }
        for name, quantity, a, b in (
            ("mesh", "time", 1.0, 4.0),
            ("mesh", "modularity", 0.875, 0.75),
            ("ring", "time", 1.0, 1.0),
            ("ring", "modularity", 0.5, 0.75),
        )
    ]
    rows = [row | {"ratio": row["ours"] / row["theirs"]} for row in rows]
    assert list(communities.summary(rows)) == [
        "leiden two rounds / igraph: time 0.500, geometric mean of 2; "
        "modularity -0.2500 at worst, -0.0625 on average"
    ]


# ---------------------------------------------------------------------------------------- epochs of graph networks


def small_problem(order):
    return spectral_gcn.random_problem(0.02, order)


@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("focus", [False, True])
def test_all_ways_to_train_lose_the_same(order, focus):
    problem = partial(small_problem, order)
    known = spectral_gcn.reference(problem)
    assert known[0] > known[1] > known[2]
    for builder in (spectral_gcn.by_lessons, spectral_gcn.by_scipy):
        losses, dropped = answer = spectral_gcn.ready(problem, partial(builder, focus=focus), epochs=1)()
        assert losses == pytest.approx(known, abs=1e-6)
        assert spectral_gcn.is_right(problem, answer)
        for place in range(3):
            off = [loss + 2e-4 * (place == at) for at, loss in enumerate(losses)]
            assert not spectral_gcn.is_right(problem, (off, dropped))
        assert not spectral_gcn.is_right(problem, (losses, losses[0]))
        assert not spectral_gcn.is_right(problem, (losses, float("nan")))


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize("focus", [False, True])
def test_torch_loses_the_same(by_hand, focus):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    builder = partial(spectral_gcn.by_torch, by_hand=by_hand, focus=focus)
    assert spectral_gcn.is_right(
        partial(small_problem, 0), spectral_gcn.ready(partial(small_problem, 0), builder, 1)()
    )


def test_losses_on_validation_nodes_are_checked():
    problem = partial(small_problem, 0)
    answer = spectral_gcn.validated_by_lessons(problem)()
    assert spectral_gcn.is_validated(problem, answer)
    losses, watched, dropped = answer
    assert not spectral_gcn.is_validated(problem, (losses, [loss + 2e-4 for loss in watched], dropped))


def test_citation_data_that_is_not_there_is_skipped_by_name(monkeypatch, tmp_path):
    monkeypatch.setenv("LESSONS_DATA", str(tmp_path))
    spectral_gcn.planetoid_problem.cache_clear()
    first = next(spectral_gcn.cases(1.0))
    assert run("spectral_gcn", [first], threads=1, say=(said := []).append) == []
    assert "  scipy: skipped, LESSONS_DATA names no folder with planetoid/ind.cora.graph" in said


# ---------------------------------------------------------------------------------------- walks and vectors


small_graph = partial(node2vec.rmat_graph, 1_024, 8_000, 1.0)


@pytest.mark.parametrize(("p", "q"), node2vec.SETTINGS.values())
def test_walks_are_told_from_those_with_another_bias(p, q):
    for bias in node2vec.SETTINGS.values():
        walks = node2vec.our_walks(small_graph, *bias, threads=1)()
        assert node2vec.are_walks(small_graph, p, q, walks) == (bias == (p, q))


def test_what_leaves_the_edges_is_no_walk():
    p, q = node2vec.SETTINGS["p 1 q half"]
    walks = node2vec.our_walks(small_graph, p, q, threads=1)()
    jumping = walks.copy()
    jumping[5, 40:] = walks[6, 40:]
    assert not node2vec.are_walks(small_graph, p, q, jumping)
    assert not node2vec.are_walks(small_graph, p, q, walks[:-1])
    assert not node2vec.are_walks(small_graph, p, q, np.vstack([walks[:-1], walks[:1]]))


@pytest.mark.parametrize("way", [node2vec.walks_in_loop, node2vec.walks_as_documented])
def test_fastnode2vec_walks_on_the_same_graph(way):
    pytest.importorskip("fastnode2vec", reason="fastnode2vec is not installed")
    p, q = node2vec.SETTINGS["p quarter q 4"]
    assert node2vec.are_walks(small_graph, p, q, way(small_graph, p, q)())


def test_vectors_that_learned_nothing_are_wrong():
    graph, rng = small_graph(), np.random.default_rng(0)
    noise = rng.standard_normal((graph.n, node2vec.DIMENSIONS))
    middle = graph.to_scipy() @ noise / np.diff(graph.indptr)[:, None]  # of each node's neighbours
    assert not node2vec.are_vectors(small_graph, noise - middle)
    learned = noise + middle
    assert node2vec.are_vectors(small_graph, learned)
    learned[3, 3] = np.nan
    assert not node2vec.are_vectors(small_graph, learned)


def test_lone_nodes_and_loops_are_left_out():
    graph = node2vec.without_lone(np.array([[1, 1], [2, 5], [5, 2], [5, 7]]))
    assert (graph.n, sorted(graph.edges())) == (3, [(0, 1), (1, 2)])


def test_bloggers_that_are_not_there_are_skipped_by_name(monkeypatch, tmp_path):
    monkeypatch.setenv("LESSONS_DATA", str(tmp_path))
    node2vec.data_graph.cache_clear()
    first, *_ = (case for case in node2vec.cases(0.001) if case.input == "BlogCatalog")
    assert run("node2vec", [first], threads=1, say=(said := []).append) == []
    assert "  fastnode2vec: skipped, LESSONS_DATA names no folder with graphs/blogcatalog.mat" in said


# ---------------------------------------------------------------------------------------- many small graphs


@pytest.mark.parametrize("who", ["our", "igraph", "networkx"])
def test_c_and_l_are_checked_for_all_graphs(who):
    words = partial(relational_graphs.drawn, 4)
    if who == "our":
        answer = relational_graphs.our_measures(words)()
    else:
        pytest.importorskip(who, reason=f"{who} is not installed")
        answer = getattr(relational_graphs, f"{who}_measures")(4)()
    C, L = (np.array(found) for found in answer)
    last = 2e-9 * (np.arange(4) == 3)
    assert relational_graphs.are_measures(words, (C, L))
    assert not relational_graphs.are_measures(words, (C + last, L))
    assert not relational_graphs.are_measures(words, (C, L - last))
    assert not relational_graphs.are_measures(words, (C[:3], L[:3]))


def test_known_c_and_l_are_those_of_networkx_and_infinite_where_nodes_are_apart():
    graphs = [nx.gnm_random_graph(64, 90, seed=1), nx.gnm_random_graph(64, 200, seed=3)]
    A = np.array([nx.to_numpy_array(graph, dtype=bool) for graph in graphs])
    words = (A * 2 ** np.arange(64, dtype=np.uint64)).sum(axis=2, dtype=np.uint64)
    assert (relational_graphs.matrices(words) == A).all()
    C, L = relational_graphs.known_measures(lambda: words)
    assert pytest.approx([nx.average_clustering(graph) for graph in graphs]) == C
    assert [nx.is_connected(graph) for graph in graphs] == [False, True]
    assert L[0] == np.inf
    assert L[1] == pytest.approx(nx.average_shortest_path_length(graphs[1]))


def test_without_kernels_the_answer_is_the_same():
    from lessons import random_graphs

    kept = random_graphs.compiled
    ready = partial(relational_graphs.our_words, 3)
    found = [ready()(), relational_graphs.in_plain_python(ready)()]
    assert np.array_equal(*found)
    assert random_graphs.compiled is kept


def test_ours_are_the_published_graphs_and_no_others():
    for found in (relational_graphs.our_graphs(3)(), relational_graphs.our_words(3)()):
        assert relational_graphs.are_rewired(3, 0.8, found)
        assert not relational_graphs.are_rewired(3, 0.8, found[::-1])
        assert not relational_graphs.are_rewired(3, 0.8, found[:2])


def test_peers_graphs_have_lost_as_much_of_the_ring_as_told():
    def made(p):
        return [nx.watts_strogatz_graph(64, 8, p, seed=seed) for seed in range(20)]

    right = partial(relational_graphs.are_rewired, 20, 0.8)
    assert right(made(0.2))
    assert not right(made(0.1))
    assert not right(made(0.26))
    assert not right(made(0.2)[:19])
    less = made(0.2)
    less[7].remove_edge(*next(iter(less[7].edges)))
    assert not right(less)
    loop = made(0.2)
    loop[7].remove_edge(*next(iter(loop[7].edges)))
    loop[7].add_edge(5, 5)
    assert not right(loop)


def test_igraph_keeps_as_much_of_the_ring_as_told():
    igraph = pytest.importorskip("igraph", reason="igraph is not installed")
    for _, ready, kept in relational_graphs.igraph_ways(40):
        found = ready()()
        assert all(isinstance(graph, igraph.Graph) for graph in found)
        assert relational_graphs.are_rewired(40, kept, found)
        assert not relational_graphs.are_rewired(40, kept - 0.1, found)
        assert not relational_graphs.are_rewired(40, kept + 0.1, found)


def test_the_sweep_draws_its_settings_from_all():
    k, p, seed = relational_graphs.sample(500)
    assert len({*zip(k, p, seed, strict=True)}) == 500
    assert (k.min() < 9, k.max() > 61, p.min() < 0.001, p.max() > 0.98) == (True,) * 4
    assert set(seed) == set(range(30))
    answer = relational_graphs.our_sweep(3)()
    assert relational_graphs.are_measures(partial(relational_graphs.sweep_words, 3), answer)


def test_widths_are_those_of_the_published_search():
    (widths,) = answer = relational_graphs.our_widths(1)()
    assert relational_graphs.are_widths(1, answer)
    assert relational_graphs.widths_by_masks(1)() == answer
    assert not relational_graphs.are_widths(1, [(*widths[:3], widths[3] + 1)])


small_epoch = partial(relational_graphs.epoch_problem, 256, 64, 64, 64)


@pytest.mark.parametrize("builder", [relational_graphs.by_lessons, relational_graphs.by_numpy])
def test_relational_networks_lose_the_same(builder):
    losses = relational_graphs.ready(small_epoch, builder)()
    assert len(losses) == relational_graphs.CHECKED
    assert len(set(losses)) == len(losses)
    assert relational_graphs.is_right(small_epoch, losses)
    for place in range(len(losses)):
        off = [loss + 2e-4 * (place == at) for at, loss in enumerate(losses)]
        assert not relational_graphs.is_right(small_epoch, off)


@pytest.mark.parametrize("mask_gradients", [False, True])
def test_relational_networks_of_torch_lose_the_same(mask_gradients):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    builder = partial(relational_graphs.by_torch, mask_gradients=mask_gradients)
    assert relational_graphs.is_right(small_epoch, relational_graphs.ready(small_epoch, builder)())


def test_what_was_asked_for_is_told_of_300_graphs_and_the_rate_of_the_sweep():
    def row(case, ratio, ours=1.0):
        return {"case": case, "peer": "igraph", "ratio": ratio, "ours": ours}

    rows = [
        row("300 graphs n=64 m=405 batch_measures from words", 0.009),
        row("3000 graphs n=64 m=405 batch_measures from words", 0.5),
        row("300 graphs n=64 m=256 ws_flex peer with its own generator", 0.07),
        row("300 graphs n=64 m=256 ws_flex peer with the generator of Python", 0.07),
        row("3000 graphs n=64 m=900 sweep drawn from all settings", 0.02, ours=0.1),
    ]
    assert list(relational_graphs.summary(rows)) == [
        "300 graphs batch_measures from words: 0.009 of igraph, at most 0.01 asked: reached",
        "300 graphs ws_flex peer with its own generator: 0.07 of igraph, at most 0.06 asked: missed",
        "sweep: 30,000 graphs a second; 2,700,000 would take 90 s, an estimate",
    ]


def test_what_was_asked_for_is_told_of_cases_that_there_are():
    told = [*relational_graphs.measures_cases(300, 1), *relational_graphs.flex_cases(300, 1)]
    assert set(relational_graphs.ASKED) <= {f"{case.function} {case.variant}" for case in told}


# ---------------------------------------------------------------------------------------- heads of tables


def test_a_table_s_head_tells_source_command_day_and_machine():
    head = _harness.provenance("node2vec", "papers", ("numpy", "pytest"))
    assert list(head) == ["source", "command", "date", "machine"]
    assert head["command"].endswith("python -m benchmarks node2vec --accuracy --json lessons/data/node2vec.json")
    assert f"numpy {np.__version__}, pytest {pytest.__version__}, " in head["machine"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", head["date"])


# ---------------------------------------------------------------------------------------- many networks at once

few_networks = partial(sweet_spot.networks_problem, 3, None, 64)


def test_networks_trained_at_once_lose_what_each_loses_in_float64():
    losses = sweet_spot.ready(few_networks, sweet_spot.by_lessons)()
    assert sweet_spot.is_right(few_networks, losses)
    assert np.ptp(losses) > 0.01
    assert not sweet_spot.is_right(few_networks, losses[::-1])
    assert not sweet_spot.is_right(few_networks, losses + 2e-6)
    assert not sweet_spot.is_right(few_networks, losses + np.array([0, 0, 2e-3]))


@pytest.mark.parametrize("peer", sweet_spot.PEERS)
def test_the_same_networks_in_torch_lose_the_same(peer):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    assert sweet_spot.is_right(few_networks, sweet_spot.ready(few_networks, sweet_spot.PEERS[peer])())


def test_a_network_starts_as_its_batch_has_it():
    given = few_networks()
    for network, start in zip(given.networks, given.starts, strict=True):
        alone = NetworkBatch([network], given.recipe)
        for k, mask in enumerate(start.masks):
            W = start.start[3 * k]
            np.testing.assert_array_equal(W, alone._of[f"W{k}"][0, : W.shape[0], : W.shape[1]])
            assert mask is None or not W[~mask].any()
        np.testing.assert_array_equal(start.start[-2], alone._of["head"][0, :, : network.width])


def test_each_network_meets_each_row_once_at_most():
    part = few_networks().whole
    steps, networks, batch = part.rows.shape
    assert (steps, networks, batch) == (21, 3, 64)
    for g in range(networks):
        assert len(set(part.rows[:, g].ravel().tolist())) == steps * batch


def test_arrays_are_padded_to_the_largest():
    assert sweet_spot.padded([np.ones((1, 3)), np.full((2, 1), 2)]).tolist() == [
        [[1, 1, 1], [0, 0, 0]],
        [[2, 0, 0], [2, 0, 0]],
    ]


def test_a_sweep_is_right_that_is_whole_and_loses_what_each_network_loses_alone():
    size = sweet_spot.Size(graphs=1, seeds=2, epochs=1)
    runs = sweet_spot.sweep(size, workers=1)()
    assert sweet_spot.is_swept(size, runs)
    losses = runs.losses_by_epoch
    for other in (losses[:3], losses[::-1], np.where(np.arange(4)[:, None] == 1, np.nan, losses)):
        assert not sweet_spot.is_swept(size, replace(runs, losses_by_epoch=other))


def test_what_was_asked_for_is_told_of_networks_and_how_many_an_hour():
    rows = [
        {"case": "64 networks of width 64 n=1 m=2 NetworkBatch 128 rows a step peer stacked", "peer": "torch"},
        {
            "case": "64 networks of width 64 n=1 m=2 NetworkBatch 128 rows a step peer one at a time",
            "peer": "torch",
        },
        {"case": "159 networks n=64 m=5 run_sweep 30 epochs 2 workers", "peer": "lessons"},
        {"case": "2 networks n=64 m=5 run_sweep 1 epochs 2 workers", "peer": "lessons"},
    ]
    figures = [{"ratio": 0.5}, {"ratio": 0.4}, {"ratio": 0.6, "ours": 36.0, "theirs": 60.0}, {"ratio": 4.0}]
    assert list(sweet_spot.summary([row | more for row, more in zip(rows, figures, strict=True)])) == [
        "64 networks of width 64 n=1 m=2 NetworkBatch 128 rows a step: 0.5 of torch stacked, at most 0.72 asked: "
        "reached",
        "64 networks of width 64 n=1 m=2 NetworkBatch 128 rows a step: 0.4 of torch one at a time, at most 0.38 "
        "asked: missed",
        "159 networks n=64 m=5 run_sweep 30 epochs 2 workers: 0.6 of lessons 1 worker, at most 0.6 asked: reached",
        "159 networks n=64 m=5 run_sweep 30 epochs 2 workers: 15,900 networks an hour, 9,540 with 1 worker",
    ]


def test_what_was_asked_for_is_told_of_networks_that_there_are():
    told = {str(case).partition(" peer ")[2] or "1 worker" for case in sweet_spot.cases(0.001)}
    assert told == set(sweet_spot.ASKED)


# ---------------------------------------------------------------------------------------- the command


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """What one run of all topics on tiny inputs says and writes."""
    file = tmp_path_factory.mktemp("benchmarks") / "rows.json"
    arguments = [sys.executable, "-m", "benchmarks", "--scale", "0.001", "--threads", "2", "--json", str(file)]
    environment = os.environ | {
        "NUMBA_DISABLE_JIT": "0"
    }  # what is measured is compiled, in every run of the tests
    done = subprocess.run(
        arguments, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.full
def test_a_tiny_run_writes_valid_rows(tiny):
    _, rows = tiny
    assert {row["topic"] for row in rows} == {topic for topic in command.TOPICS if installed(topic)}
    for row in rows:
        assert list(row) == KEYS
        assert re.fullmatch(r"[\w ]+ n=[\d,]+ m=[\d,]+ \w+ [\w ]+", row["case"])
        assert row["ours"] > 0
        assert row["theirs"] > 0
        assert row["ratio"] > 0
        assert row["threads"] == 2
    keys = [(row["case"], row["quantity"], row["peer"]) for row in rows]
    assert len(set(keys)) == len(keys)


@pytest.mark.full
@pytest.mark.parametrize("topic", command.TOPICS)
def test_every_peer_of_a_topic_is_measured_or_named_as_missing(tiny, topic):
    said, rows = tiny
    measured = {row["peer"] for row in rows if row["topic"] == topic}
    assert measured == installed(topic)
    for peer in CONTENDERS[topic] - installed(topic):
        assert f"{peer}: skipped, {peer} is not installed" in said


@pytest.mark.full
def test_the_table_tells_machine_and_versions(tiny):
    said, _ = tiny
    assert "threads held to 2" in said.splitlines()[0]
    assert f"numpy {np.__version__}" in said.splitlines()[-1]
    for line in (said.splitlines()[0], said.splitlines()[-1]):
        assert re.search(r"load (\d+\.\d|unknown)", line)


def test_threads_are_set_before_numpy_is_imported():
    watched = """
import os, runpy, sys

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            print({key: value for key, value in os.environ.items() if "THREADS" in key})
            sys.exit()

sys.meta_path.insert(0, Watch())
sys.argv = ["benchmarks", "rng", "--threads", "3"]
runpy.run_module("benchmarks", run_name="__main__")
"""
    clean = {key: value for key, value in os.environ.items() if "THREADS" not in key}
    done = subprocess.run(
        [sys.executable, "-c", watched],
        cwd=ROOT,
        env=clean | {"OMP_NUM_THREADS": "7"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    seen = eval(done.stdout)
    names = {f"{pool}_NUM_THREADS" for pool in ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON")}
    assert {seen.get(name) for name in names} == {"3"}


@pytest.mark.full
def test_a_topic_s_summary_is_said_after_its_rows(tiny):
    said, _ = tiny
    for peer in installed("graph_partitioning"):
        assert re.search(rf"^strong / {peer} +cut \d\.\d{{4}}, time ", said, re.MULTILINE)


def test_too_late_to_hold_threads():
    with pytest.raises(RuntimeError, match="numpy is imported already"):
        command.hold_threads(1)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["grpah"], "no topic 'grpah': choose from "),
        (["--threads", "0"], "--threads 0: at least one"),
        (["--scale", "0"], "--scale 0.0: more than 0"),
        (["--repeats", "0"], "--repeats 0: at least one"),
        (["graph", "--accuracy"], "--accuracy: of one topic, neural_capacitance, node2vec, relational_graphs"),
        (["node2vec", "spectral_gcn", "--accuracy"], "--accuracy: of one topic"),
        (["--json", "nowhere/rows.json"], "there is no folder nowhere"),
    ],
)
def test_bad_arguments_are_named(arguments, problem, capsys):
    with pytest.raises(SystemExit):
        command.read_options(arguments)
    assert problem in capsys.readouterr().err


def test_all_topics_unless_told():
    assert command.read_options([]).topics == command.TOPICS
    assert command.read_options(["rng"]).topics == ["rng"]


def test_the_example_of_the_readme_is_a_topic():
    text = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    rows = run("sorting", names["cases"](0.001), threads=1, say=lambda line: None)
    assert [row["peer"] for row in rows] == ["numpy"]


def test_processor_and_blas_are_named():
    assert re.match(r"\d{4}-\d\d-\d\d, .+, \d+ cores, threads held to 4, .+, Python 3", _harness.machine(4))


def test_blas_is_named_without_threadpoolctl(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    assert "kernel unknown: threadpoolctl is not installed" in _harness.machine(1)
