"""What networks on graphs cost: against masks counted, networks built, the models of lesson 01, the published
figures and, with the data, all published widths; widths that fit against a search that walks."""

from __future__ import annotations

import os
import pickle
from functools import cache
from itertools import pairwise
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import graphs

from lessons import Graph, architectures, as_graph
from lessons.computational_graphs import multiply_adds, parameters, total
from lessons.datasets import ring_graph
from lessons.errors import InfeasibleError
from lessons.layers import Layer
from lessons.random_graphs import ws_flex
from lessons.relational_budgets import FAMILIES, Cost, Family, LayerPlan, cost, match_width
from lessons.relational_graphs import RelationalCNN, RelationalMLP, relational_mask

# Multiply-adds and parameters of the published dense networks; of the MLP's parameters 2.369 million are logged.
PUBLISHED = {
    "mlp": (2_364_416, 2_364_416 + 2 * 4 * 512 + 10),
    "cnn6": (166_438_912, 1_440_296),
    "resnet34": (3_663_761_408, 21_797_672),
    "resnet34_sep": (553_614_592, 3_118_312),
    "resnet50": (4_089_184_256, 25_557_032),
}
MATCHED = list(PUBLISHED)

SEVERAL = settings(max_examples=30)
ANY = graphs().filter(lambda graph: graph.n > 0)
MORE = st.integers(0, 9)  # units beyond one for each node


def complete(n: int) -> Graph:
    return as_graph([(u, v) for u in range(n) for v in range(u)], n=n)


def sample(k: float, p: float = 0.3, seed: int = 0) -> Graph:
    return ws_flex(64, k, p, seed)


def two_stages(widths: tuple[int, ...]) -> list[LayerPlan]:
    first, second = widths
    return [
        LayerPlan("in", "dense", 5, first, 3, 16),
        LayerPlan("round1", "relational", first, first, 3, 16),
        LayerPlan("own", "depthwise", first, first, 3, 4, after="nothing"),
        LayerPlan("round2", "relational", first, second, 1, 4),
        LayerPlan("out", "dense", second, 3, after="bias"),
    ]


TWO = Family("two stages", (8, 24), two_stages)  # on the complete graph of up to 8 nodes
ONE = Family("one stage", (9,), lambda widths: [LayerPlan("only", "relational", 8, widths[0], after="nothing")])


# ---------------------------------------------------------------------------------------- what is counted


@pytest.mark.parametrize("name", MATCHED)
def test_the_complete_graph_costs_what_was_published(name):
    family = FAMILIES[name]
    assert cost(complete(64), name) == Cost(*PUBLISHED[name])
    assert cost(complete(64), family, family.widths) == Cost(*PUBLISHED[name])
    assert family.budget == PUBLISHED[name][0]


@pytest.mark.parametrize("name", ["resnet34", "resnet50"])
def test_the_complete_graph_is_the_network_of_lesson_01(name):
    model = getattr(architectures, name)()
    assert cost(complete(64), name) == Cost(total(multiply_adds(model)).value, total(parameters(model)).value)


@pytest.mark.parametrize("n", [1, 7, 51, 64])
def test_of_complete_graphs_the_number_of_nodes_does_not_matter(n):
    for name in MATCHED:
        assert cost(complete(n), name) == Cost(*PUBLISHED[name])


def counted(layers: list[LayerPlan], graph: Graph) -> Cost:
    """The same by masks, which are built here."""
    products = learnt = 0
    for layer in layers:
        heard = {
            "dense": np.ones((layer.n_out, layer.n_in)),
            "depthwise": np.eye(layer.n_out),
            "relational": relational_mask(graph, layer.n_out, layer.n_in) if layer.kind == "relational" else None,
        }[layer.kind]
        weights = int(heard.sum()) * layer.window * layer.window
        products += layer.positions * weights
        learnt += weights + layer.n_out * {"norm": 2, "bias": 1, "nothing": 0}[layer.after]
    return Cost(products, learnt)


@given(ANY, MORE, MORE)
def test_the_cost_is_that_of_the_masks(graph, first, second):
    widths = graph.n + first, graph.n + second
    found = cost(graph, TWO, widths)
    assert found == counted(two_stages(widths), graph)
    assert type(found.multiply_adds) is type(found.parameters) is int


def test_the_published_families_cost_what_their_masks_say():
    graph = sample(9.3)
    for name, widths in {"mlp": (531,), "cnn6": (70, 141, 283), "resnet50": (260, 521, 1042, 1031)}.items():
        assert cost(graph, name, widths) == counted(FAMILIES[name].layers(widths), graph)


def learnt_by(model: Layer) -> int:
    """The numbers that a network of ours can learn, those that a mask lets be."""
    missing = sum(
        (layer.W.size // layer.mask.size) * int((~layer.mask).sum())
        for layer in model.layers()
        if hasattr(layer, "mask")
    )
    return sum(tensor.size for tensor in model.parameters()) - missing


def test_networks_learn_as_many_numbers_as_are_counted():
    graph = sample(12.5)
    model = RelationalMLP(graph, 3072, 70, 10, seed=0)
    assert learnt_by(model) == cost(graph, "mlp", [70]).parameters
    images = Family(
        "small images",
        (6, 9),
        lambda widths: [
            LayerPlan("stem", "dense", 1, 7, 3, 64),
            LayerPlan("a1", "relational", 7, widths[0], 3, 64),
            LayerPlan("a2", "relational", widths[0], widths[0], 3, 64),
            LayerPlan("b1", "relational", widths[0], widths[1], 3, 16),
            LayerPlan("b2", "relational", widths[1], widths[1], 3, 16),
            LayerPlan("head", "dense", widths[1], 10, after="bias"),
        ],
    )
    ring = ring_graph(6)
    assert learnt_by(RelationalCNN(ring, 1, (6, 9), 10, stem=7, seed=0)) == cost(ring, images).parameters


@given(ANY)
def test_a_fixed_width_mlp_sends_five_messages_along_each_arc(graph):
    loops = sum(u == v for u, v in graph.edges())
    arcs = (1 if graph.directed else 2) * (graph.m - loops) + graph.n
    assert cost(graph, "fixed_mlp") == Cost(5 * arcs, 5 * arcs)


@SEVERAL
@given(graphs(directed=True).filter(lambda graph: graph.n > 0), MORE, MORE)
def test_turning_all_arcs_and_the_layer_round_costs_the_same(graph, out, into):
    n_in, n_out = graph.n + into, graph.n + out
    there = Family("there", (1,), lambda widths: [LayerPlan("round", "relational", n_in, n_out)])
    back = Family("back", (1,), lambda widths: [LayerPlan("round", "relational", n_out, n_in)])
    assert cost(graph, there).multiply_adds == cost(graph.reverse, back).multiply_adds


def test_it_is_the_heads_of_arcs_that_hear():
    star = as_graph([(0, leaf) for leaf in range(1, 4)], n=4, directed=True)  # all hear 0, which hears itself
    assert cost(star, ONE, [4]).multiply_adds == 4 * 2 + 3 * 2  # two units each in the layer before
    assert cost(star, ONE, [5]).multiply_adds == counted(ONE.layers([5]), star).multiply_adds
    assert cost(star, "fixed_mlp") == cost(star.reverse, "fixed_mlp") == Cost(35, 35)


def test_layers_can_be_read_as_a_list():
    layers = FAMILIES["mlp"].layers([600])
    assert [(layer.name, layer.kind, layer.n_in, layer.n_out) for layer in layers] == [
        ("stem", "dense", 3072, 512),
        ("round1", "relational", 512, 600),
        ("round2", "relational", 600, 600),
        ("round3", "relational", 600, 600),
        ("head", "dense", 600, 10),
    ]
    sides = {name: [layer.positions for layer in FAMILIES[name].layers(FAMILIES[name].widths)] for name in MATCHED}
    assert sides["cnn6"] == [side**2 for side in (112, 28, 28, 14, 14, 7, 7, 1)]
    for name in ("resnet34", "resnet34_sep", "resnet50"):
        assert set(sides[name]) == {side**2 for side in (112, 56, 28, 14, 7, 1)}
    kinds = {
        name: {layer.name for layer in FAMILIES[name].layers(FAMILIES[name].widths) if layer.kind == "dense"}
        for name in MATCHED
    }
    assert kinds["resnet34"] == kinds["resnet34_sep"] == kinds["cnn6"] == kinds["mlp"] == {"stem", "head"}
    assert kinds["resnet50"] == {"stem", "head", *(f"stage{k}.block1.shortcut" for k in range(1, 5))}


@pytest.mark.parametrize("name", ["resnet34", "resnet50", "resnet34_sep"])
def test_each_layer_reads_what_the_one_before_gives(name):
    widths = FAMILIES[name].scaled(FAMILIES[name].widths[0] + 4)
    layers = FAMILIES[name].layers(widths)
    through = [layer for layer in layers if not layer.name.endswith("shortcut")]
    assert all(before.n_out == after.n_in for before, after in pairwise(through))
    around = {layer.name.removesuffix(".shortcut"): layer for layer in layers if layer.name.endswith("shortcut")}
    blocks = {layer.name.rpartition(".")[0] for layer in through} - {""}
    for block in blocks:
        inside = [layer for layer in through if layer.name.startswith(f"{block}.")]
        if block in around:
            assert (around[block].n_in, around[block].n_out) == (inside[0].n_in, inside[-1].n_out)
            assert around[block].positions == inside[-1].positions
        else:
            assert inside[0].n_in == inside[-1].n_out
    assert set(around) == {f"stage{k}.block1" for k in range(1, 5)}


# ---------------------------------------------------------------------------------------- widths that fit


@pytest.mark.parametrize("name", MATCHED)
def test_the_complete_graph_fits_as_it_was_published(name):
    assert match_width(complete(64), name) == FAMILIES[name].widths


@pytest.mark.parametrize("name", MATCHED)
@pytest.mark.parametrize("k", [8.0, 23.7, 60.2])
def test_the_cost_is_just_above_the_budget(name, k):
    graph, family = sample(k), FAMILIES[name]
    widths = match_width(graph, name)
    first = widths[0]
    assert cost(graph, family, widths).multiply_adds >= family.budget
    assert cost(graph, family, family.scaled(first)).multiply_adds >= family.budget
    assert cost(graph, family, family.scaled(first - 1)).multiply_adds < family.budget
    for stage, together in enumerate(family.scaled(first)):
        given_back, most = together - widths[stage], round(together / first)
        assert 0 <= given_back <= (most if stage else 0)
        if stage and given_back < most:
            at_its_turn = (*widths[:stage], widths[stage] - 1, *family.scaled(first)[stage + 1 :])
            assert cost(graph, family, at_its_turn).multiply_adds < family.budget
    if name == "mlp":
        assert widths == family.scaled(first)


def walked(graph: Graph, family: Family, budget: int) -> tuple[int, ...]:
    """The search as published: towards the budget by the root of what is missing, then in steps of one."""

    def costs(widths: tuple[int, ...]) -> int:
        return cost(graph, family, widths).multiply_adds

    first = family.widths[0]
    for _ in range(15):
        first = round(first * round((budget / costs(family.scaled(first))) ** 0.5, 2))
    while costs(family.scaled(first)) < budget:
        first += 1
    while costs(family.scaled(first - 1)) >= budget:
        first -= 1
    widths = list(family.scaled(first))
    for stage in range(1, len(widths)):
        for _ in range(round(widths[stage] / first)):
            widths[stage] -= 1
            if costs(tuple(widths)) < budget:
                widths[stage] += 1
                break
    return tuple(widths)


@pytest.mark.parametrize("name", MATCHED)
@pytest.mark.parametrize("k", [8.0, 14.5, 44.0])
def test_the_published_search_comes_to_the_same_widths(name, k):
    graph = sample(k, seed=3)
    assert match_width(graph, name) == walked(graph, FAMILIES[name], FAMILIES[name].budget)


@SEVERAL
@given(ANY, st.integers(0, 20_000))
def test_the_first_width_is_the_least_that_will_do(graph, more):
    least = cost(graph, TWO, TWO.scaled(graph.n)).multiply_adds
    budget = least + more
    first = match_width(graph, TWO, budget)[0]
    enough = (w for w in range(graph.n, 10_000) if cost(graph, TWO, TWO.scaled(w)).multiply_adds >= budget)
    assert first == next(enough)


@SEVERAL
@given(ANY)
def test_widths_give_each_node_a_unit_or_there_are_none(graph):
    least = cost(graph, TWO, TWO.scaled(graph.n)).multiply_adds
    assert match_width(graph, TWO, least) == TWO.scaled(graph.n)
    with pytest.raises(
        InfeasibleError, match=f"budget={least - 1}: two stages with a unit for each of {graph.n} nodes"
    ):
        match_width(graph, TWO, least - 1)


def test_fewer_edges_give_wider_networks():
    order = np.random.default_rng(0).permutation(np.argwhere(np.triu(np.ones((64, 64)), 1)))
    nested = [as_graph(order[:m], n=64) for m in (2016, 1500, 800, 300, 20, 0)]
    for name in ("mlp", "cnn6"):
        widths = [match_width(graph, name)[0] for graph in nested]
        assert all(narrow < wide for narrow, wide in pairwise(widths))


def test_a_larger_budget_gives_wider_networks():
    graph = sample(10)
    found = [match_width(graph, "mlp", budget)[0] for budget in (1_700_000, 2_000_000, 2_364_416, 10**7, 10**9)]
    assert all(narrow < wide for narrow, wide in pairwise(found))
    assert found[2] == match_width(graph, "mlp")[0]


def test_a_network_of_ones_own():
    graph = ring_graph(6)
    assert match_width(graph, ONE) == (18,)  # half of all pairs are there, so 9 units become 18
    assert match_width(graph, ONE, 8 * 9 + 1)[0] > 18
    twice = Family(
        "twice", (3, 3), lambda widths: [LayerPlan("a", "dense", *widths), LayerPlan("b", "dense", 3, 1)]
    )
    assert match_width(graph, twice, 100) == (10, 10)


# ---------------------------------------------------------------------------------------- what is refused


CNN71 = as_graph(nx.cycle_graph(71))


@pytest.mark.parametrize(
    ("call", "kind", "problem"),
    [
        (lambda: cost(ring_graph(4), "vgg"), ValueError, "family='vgg': one of fixed_mlp, mlp, cnn6, resnet34, "),
        (lambda: match_width(ring_graph(4), "vgg"), ValueError, "family='vgg'"),
        (lambda: cost(ring_graph(4), "cnn6", [64, 64]), ValueError, r"widths=\(64, 64\) of cnn6: 3 are needed"),
        (lambda: cost(ring_graph(4), "mlp", [9.5]), TypeError, "widths=9.5: a whole number"),
        (lambda: cost(ring_graph(4), "mlp", [0]), ValueError, "widths=0"),
        (
            lambda: cost(ring_graph(4), "mlp", [3]),
            ValueError,
            r"round1.*widths=\(3,\): each of 4 nodes needs a unit",
        ),
        (lambda: cost(CNN71, "cnn6"), ValueError, "stage1.conv1.*each of 71 nodes needs a unit"),
        (lambda: match_width(CNN71, "cnn6"), ValueError, "stage1.conv1 of cnn6 has 64 units.*too few for the 71"),
        (lambda: cost(ring_graph(4), "mlp", 512), TypeError, r"widths=512: a sequence.*such as \(512,\)"),
        (lambda: cost(ring_graph(4), "cnn6", 9.5), TypeError, r"widths=9.5: a sequence.*\(64, 128, 256\)"),
        (lambda: match_width(ring_graph(64), "fixed_mlp"), ValueError, "fixed_mlp: each node is one unit"),
        (lambda: match_width(ring_graph(64), "fixed_mlp", 9), ValueError, "fixed_mlp: each node is one unit"),
        (lambda: FAMILIES["fixed_mlp"].budget, ValueError, "fixed_mlp: each node is one unit"),
        (lambda: match_width(ring_graph(64), "mlp", 0), ValueError, "budget=0"),
        (lambda: match_width(ring_graph(64), "mlp", 2e6), TypeError, "budget=2000000.0"),
        (lambda: match_width(ring_graph(64), "mlp", 1_000_000), InfeasibleError, "64 nodes takes 1575424 or more"),
        (lambda: cost(None, "mlp"), TypeError, "None"),
        (lambda: LayerPlan("x", "sparse", 2, 2), ValueError, "kind='sparse' of x: one of"),
        (lambda: LayerPlan("x", "dense", 2, 2, after="relu"), ValueError, "after='relu' of x: one of"),
        (lambda: LayerPlan("x", "depthwise", 2, 3), ValueError, "x from 2 to 3 channels"),
    ],
)
def test_what_cannot_be_counted(call, kind, problem):
    with pytest.raises(kind, match=problem):
        call()


@pytest.mark.parametrize(
    ("name", "units"),
    [("mlp", 512), ("cnn6", 64), ("resnet34", 64), ("resnet34_sep", 64), ("resnet50", 64)],
)
def test_a_graph_larger_than_what_never_widens_is_refused_before_any_search(name, units):
    one_more = as_graph(nx.cycle_graph(units + 1))
    with pytest.raises(ValueError, match=f"of {name} has {units} units .* at most {units}, or a Family") as told:
        match_width(one_more, name)
    assert "widths=" not in str(told.value), "none was given"
    assert min(match_width(as_graph(nx.cycle_graph(units)), name)) >= units


def test_widths_that_change_nothing():
    still = Family("still", (4,), lambda widths: [LayerPlan("only", "relational", 4, 4)])
    with pytest.raises(InfeasibleError, match="budget=1000: still does not reach it, however wide"):
        match_width(ring_graph(4), still, 1000)


def test_families_are_values():
    assert repr(FAMILIES["cnn6"]) == "Family(name='cnn6', widths=(64, 128, 256))"
    assert all(name == family.name for name, family in FAMILIES.items())
    assert pickle.loads(pickle.dumps(FAMILIES["resnet50"])).budget == FAMILIES["resnet50"].budget
    with pytest.raises(AttributeError):
        FAMILIES["mlp"].widths = (1,)


# ---------------------------------------------------------------------------------------- as published


needs_data = pytest.mark.skipif(
    "LESSONS_DATA" not in os.environ, reason="LESSONS_DATA names no folder of downloaded data"
)


@cache
def published_graphs(count: int) -> dict[tuple[str, ...], Graph]:
    """The listed graphs by what the logs call them: density, chance and seed, as text."""
    rows = np.load(analysis() / f"graphs_n64_{count}.npy", allow_pickle=False)
    found = {}
    for n, density, p, seed in rows[:, :4].tolist():
        density, p = round(density, 6), round(p, 6)
        found[str(density), str(p), str(seed)] = ws_flex(int(n), n * density, p, int(seed))
    return found


def analysis() -> Path:
    return Path(os.environ["LESSONS_DATA"], "graph2nn", "analysis")


def logged(folder: str) -> dict[tuple[str, ...], list[float]]:
    """{density, chance and seed of a graph: millions of parameters, billions of multiply-adds, first width}."""
    (names,) = (analysis() / "final_results" / folder).glob("names_*_epoch*00.npy")
    results = np.load(names.with_name(names.name.replace("names", "results")), allow_pickle=False)
    called = np.load(names, allow_pickle=False)
    keys = [(k, p, seed) for k, p, seed in called[:, [4, 5, 7]].tolist()]
    assert len(set(keys)) == len(keys)
    assert (results == results)[:, :, [0, 1, 6]].all()
    return {key: rows[0, [0, 1, 6]].tolist() for key, rows in zip(keys, results, strict=True)}


def of_ours(graph: Graph, name: str) -> list[float]:
    widths = match_width(graph, name)
    found = cost(graph, name, widths)
    return [round(found.parameters / 1e6, 3), round(found.multiply_adds / 1e9, 3), widths[0]]


DENSE = ("1.0", "0.0", "1.0")  # what the logs call the complete graph


def compare(graphs: dict[tuple[str, ...], Graph], folder: str, name: str) -> int:
    """All that is logged there, found again; gives how many graphs that were."""
    rows = logged(folder)
    dense = cost(complete(64), name)
    assert rows.pop(DENSE)[:2] == [round(dense.parameters / 1e6, 3), round(dense.multiply_adds / 1e9, 3)]
    differing = {key: (row, ours) for key, row in rows.items() if (ours := of_ours(graphs[key], name)) != row}
    assert differing == {}
    return len(rows)


@pytest.mark.data
@needs_data
def test_all_published_mlps():
    assert compare(published_graphs(3942), "mlp_cifar10", "mlp") == 3942


@pytest.mark.data
@needs_data
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", MATCHED[1:])
def test_all_published_convolutional_networks(name, seed):
    count = compare(published_graphs(52), f"{name}_imagenet_seed{seed}", name)
    assert count == (51 if (name, seed) == ("resnet34_sep", 2) else 52)  # one run did not end
