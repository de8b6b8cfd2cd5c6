"""Stages of a model: against the definition, and against brute force over all ways to cut small models."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
import strategies  # noqa: F401  (the profile of all our tests)
from hypothesis import given, settings
from hypothesis import strategies as st
from test_memory import layered, models

from lessons.architectures import densenet121, inception_block, mlp, resnet34, resnet50, transformer_encoder, vgg19
from lessons.computational_graphs import depth, levels, multiply_adds, total
from lessons.errors import CycleError
from lessons.model import ComputationalGraph
from lessons.pipeline import Pipeline, equal_depth, pipeline_of, pipeline_partition

# ---------------------------------------------------------------------------------------- oracles


def sent_by_definition(model: ComputationalGraph, stages: Sequence[int]) -> list[int]:
    """The bytes over each boundary, tensor by tensor from the sentences of `pipeline_of`."""
    stage = dict(zip((node.name for node in model.nodes), stages, strict=True))
    sent = []
    for boundary in range(max(stages)):
        crossing = set()
        for tensor in model.tensors:
            uses = [stage[reader.name] for reader, _ in model.consumers(tensor)]
            node = model.producer(tensor)
            there = [stage[node.name]] if node else uses if tensor in model.inputs else []
            if any(s <= boundary for s in there) and any(s > boundary for s in uses):
                crossing.add(tensor)
        sent.append(sum(model.tensor(tensor).bytes for tensor in crossing))
    return sent


def edges(model: ComputationalGraph) -> list[tuple[int, int]]:
    """Who reads what whom gives, as rows of `model.nodes`."""
    row = {node.name: k for k, node in enumerate(model.nodes)}
    return [
        (row[node.name], row[reader.name])
        for node in model.nodes
        for tensor in node.outputs
        for reader, _ in (model.consumers(tensor) if tensor else ())
    ]


def all_stages(model: ComputationalGraph, k: int) -> Iterator[tuple[int, ...]]:
    """Every way to cut a model into k stages, none empty, with every edge inside one or forward."""
    forward = edges(model)
    for stages in product(range(k), repeat=len(model.nodes)):
        if len(set(stages)) == k and all(stages[u] <= stages[v] for u, v in forward):
            yield stages


@dataclass(frozen=True)
class Best:
    """The least work of the slowest stage, and the fewest bytes with no stage above the bound."""

    least: int
    most: int
    sent: int


def best_of_all(model: ComputationalGraph, k: int, imbalance: float, weights: list[int]) -> Best:
    def heaviest(stages: tuple[int, ...]) -> int:
        return max(sum(w for w, s in zip(weights, stages, strict=True) if s == stage) for stage in range(k))

    ways = [(heaviest(stages), stages) for stages in all_stages(model, k)]
    least = min(work for work, _ in ways)
    most = int(least * (1 + imbalance))  # exact: the imbalances drawn are halves
    return Best(least, most, min(sum(sent_by_definition(model, s)) for work, s in ways if work <= most))


def check_valid(model: ComputationalGraph, found: Pipeline, k: int, weights: list[int]) -> None:
    stages = found.stages.tolist()
    assert found.stages.dtype == np.int32
    assert set(stages) == set(range(k))
    assert all(stages[u] <= stages[v] for u, v in edges(model))
    assert found.work.tolist() == [
        sum(w for w, stage in zip(weights, stages, strict=True) if stage == s) for s in range(k)
    ]
    assert found.sent.tolist() == sent_by_definition(model, stages)
    assert found.most is None or found.work.max() <= found.most


@st.composite
def cases(draw: st.DrawFn) -> tuple[ComputationalGraph, int, float, list[int]]:
    """A small model, k, an imbalance, and weights, not all 0."""
    model = draw(models(most=6).filter(lambda model: model.nodes))
    n = len(model.nodes)
    weights = draw(st.lists(st.integers(0, 9), min_size=n, max_size=n).filter(any))
    return model, draw(st.integers(1, n)), draw(st.sampled_from([0, 0.5, 1, 4])), weights


# ---------------------------------------------------------------------------------------- small models


@settings(max_examples=250)
@given(cases())
def test_the_best_stages_of_all(case):
    model, k, imbalance, weights = case
    best = best_of_all(model, k, imbalance, weights)
    found = pipeline_partition(model, k, imbalance, vertex_weights=weights)
    check_valid(model, found, k, weights)
    assert found.optimal
    assert (found.most, found.bytes) == (best.most, best.sent)
    assert found.unit == "vertex weights"
    hasty = pipeline_partition(model, k, imbalance, vertex_weights=weights, states=0)
    check_valid(model, hasty, k, weights)
    assert not hasty.optimal
    assert hasty.most >= best.most
    assert hasty.most > best.most or hasty.bytes >= best.sent


@given(cases(), st.randoms(use_true_random=False))
def test_stages_of_your_own_cost_what_the_definition_says(case, random):
    model, k, _, weights = case
    stages = random.choice(list(all_stages(model, k)))
    found = pipeline_of(model, stages, vertex_weights=weights)
    check_valid(model, found, k, weights)
    assert tuple(found.stages.tolist()) == stages
    assert found.bytes == sum(found.sent)
    assert found.slowest == max(found.work) / (sum(weights) / k)
    assert (found.most, found.optimal) == (None, False)


@given(models(most=8).filter(lambda model: model.nodes))
def test_bands_of_equal_depth(model):
    for k in range(1, depth(model) + 1):
        found = equal_depth(model, k)
        check_valid(model, found, k, [1] * len(model.nodes))
        band = dict(zip(levels(model).tolist(), found.stages.tolist(), strict=True))
        counts = np.bincount([band[level] for level in sorted(band)])
        assert counts.max() - counts.min() <= 1
    with pytest.raises(ValueError, match=f"k={depth(model) + 1}: 1 to {depth(model)}"):
        equal_depth(model, depth(model) + 1)


# ---------------------------------------------------------------------------------------- by hand


def skipping() -> ComputationalGraph:
    """x -> a -> b -> c -> d, and x and the 20 bytes of a are read by c and d, too."""
    model = ComputationalGraph()
    model.input("x", (7,), "uint8")
    for name, read, size in (("a", "x", 20), ("b", "a", 300), ("c", "b a x", 4000), ("d", "c a x", 50_000)):
        model.add("Any", *read.split(), name=name, domain="test")
        model.declare(name, (size,), "uint8")
    model.output("d", "a")
    return model


def test_what_is_sent_by_hand():
    """What skips a stage crosses two boundaries, an input crosses from its first reader on, each once; an output
    is sent only where it is read."""
    found = pipeline_of(skipping(), [0, 1, 2, 3])
    assert found.sent.tolist() == [20 + 7, 300 + 20 + 7, 4000 + 20 + 7]
    assert pipeline_of(skipping(), [0, 1, 1, 1]).sent.tolist() == [20 + 7]


def test_an_input_waits_at_its_first_reader():
    model = ComputationalGraph()
    a = model.add("Relu", model.input("early", (10,), "uint8"), name="a")
    model.output(model.add("Add", a, model.input("late", (10,), "uint8"), name="b"))
    assert pipeline_of(model, [0, 1]).sent.tolist() == [10]


def test_work_is_multiply_adds_unless_told():
    model = mlp([64, 32, 16, 10])
    found = pipeline_of(model, [0, 0, 0, 1, 1])
    assert (found.unit, found.work.tolist()) == ("multiply-adds", [64 * 32 + 32 * 16, 16 * 10])
    assert found.sent.tolist() == [4 * 16]
    assert pipeline_of(model, [0, 0, 0, 1, 1], vertex_weights=[1, 2, 3, 4, 5]).work.tolist() == [6, 9]


@pytest.mark.parametrize("vertex_weights", [None, [0, 0, 0, 0]])
def test_where_nothing_has_work_nodes_count(vertex_weights):
    found = pipeline_partition(skipping(), 2, 0, vertex_weights=vertex_weights)
    assert (found.unit, found.work.tolist(), found.optimal) == ("nodes", [2, 2], True)
    assert str(found) == (
        "2 stages, the slowest with 1.000 of the mean nodes, 327 bytes sent; none as even send fewer"
    )


def test_what_is_unknown_is_told():
    model = ComputationalGraph()
    h = model.add("Any", model.input("x", ("N",)), name="any", domain="test")
    h = model.add("Gemm", model.input("y", (1, 8)), model.weight("W", shape=(8, 8)), h, name="known")
    model.output(model.add("Relu", h, name="relu"))
    found = pipeline_partition(model, 2)
    assert (found.nodes_left_out, found.tensors_left_out, found.optimal) == (1, 2, False)
    assert str(found).endswith(" (not counted: 1 nodes of unknown size, 2 tensors of unknown size)")
    assert not pipeline_partition(model, 2, vertex_weights=[1, 1, 1]).optimal, "bytes are not known either"


def test_the_bound_is_that_of_the_slowest_stage_that_must_be():
    """One node has 90 of 100: no stage can have less, and a tenth more lets it take the node beside it."""
    model = skipping()
    weights = [2, 90, 5, 3]
    assert pipeline_partition(model, 3, 0, vertex_weights=weights).most == 90
    assert pipeline_partition(model, 3, 0.1, vertex_weights=weights).most == 99
    loose = pipeline_partition(model, 2, 10, vertex_weights=weights)
    assert (loose.stages.tolist(), loose.bytes) == ([0, 1, 1, 1], 27)


# ---------------------------------------------------------------------------------------- larger ones


@pytest.mark.parametrize(
    ("build", "k", "sent", "naive"),
    [
        (resnet50, 2, 1_003_520, 802_816),
        (resnet50, 8, 13_146_112, 14_551_040),
        (resnet34, 4, 802_816, 1_404_928),
        (densenet121, 4, 2_809_856, 3_016_832),
        (vgg19, 8, 10_854_400, 16_558_080),
        (inception_block, 4, 2_007_040, 2_257_920),
        (lambda: transformer_encoder(length=128), 8, 2_752_512, 4_325_376),
    ],
)
def test_published_models(build, k, sent, naive):
    model = build()
    found, bands = pipeline_partition(model, k), equal_depth(model, k)
    assert (found.bytes, found.optimal, bands.bytes) == (sent, True, naive)
    assert found.work.sum() == bands.work.sum() == total(multiply_adds(model)).value
    slack = bands.work.max() / pipeline_partition(model, k, 0).most - 1
    assert pipeline_partition(model, k, float(slack) + 1e-9).bytes <= bands.bytes


def test_a_transformer_is_cut_between_its_layers():
    """Its layers have like work, and one tensor of 128 x 768 float32 flows between them."""
    found = pipeline_partition(transformer_encoder(length=128), 4, 0)
    assert found.sent.tolist() == [4 * 128 * 768] * 3
    assert found.slowest == 1
    for node, stage in zip(transformer_encoder(length=128).nodes, found.stages.tolist(), strict=True):
        assert stage == (int(node.name.split(".")[0].removeprefix("layer")) - 1) // 3


def test_more_slack_never_sends_more():
    sent = [pipeline_partition(resnet50(), 4, imbalance).bytes for imbalance in (0, 0.02, 0.05, 0.1, 0.3, 1)]
    assert sent == sorted(sent, reverse=True)
    assert sent[0] > sent[-1]


def test_what_is_too_wide_to_be_proven_is_told_and_still_near():
    model = layered(45, 7, seed=3)
    for k in (2, 4, 8):
        best, hasty = pipeline_partition(model, k, states=60_000), pipeline_partition(model, k, states=2_000)
        check_valid(model, hasty, k, [1] * 45)
        assert (best.optimal, hasty.optimal, hasty.most) == (True, False, best.most)
        assert best.bytes <= hasty.bytes <= 1.02 * best.bytes


# ---------------------------------------------------------------------------------------- at the door


def test_bad_input_is_refused():
    model = skipping()
    for bad, message in ((0, "k=0: 1 to 4"), (5, "k=5: 1 to 4")):
        with pytest.raises(ValueError, match=message):
            pipeline_partition(model, bad)
    with pytest.raises(TypeError, match=r"k=2\.5: a whole number is needed"):
        pipeline_partition(model, 2.5)
    with pytest.raises(ValueError, match=r"imbalance=-0\.1: a finite number, zero or more"):
        pipeline_partition(model, 2, -0.1)
    with pytest.raises(ValueError, match=r"node 'b' weighs 0\.5: whole numbers, 0 or larger"):
        pipeline_partition(model, 2, vertex_weights=[1, 0.5, 1, 1])
    with pytest.raises(ValueError, match="'b' in stage 1 gives what 'c' in stage 0 needs: no edge may point back"):
        pipeline_of(model, [0, 1, 0, 1])
    with pytest.raises(ValueError, match="stage 1 is empty: number the stages 0, 1, 2"):
        pipeline_of(model, [0, 0, 2, 2])
    with pytest.raises(ValueError, match="too many to count; give vertex_weights"):
        pipeline_partition(mlp([2**31, 2**31, 2]), 2)


@pytest.mark.parametrize(
    "use", [pipeline_partition, equal_depth, lambda model, k: pipeline_of(model, [0, 0, 1, 1])]
)
def test_what_is_no_model_without_cycles_is_refused(use):
    with pytest.raises(TypeError, match="a ComputationalGraph is needed, not a list"):
        use([(0, 1)], 1)
    with pytest.raises(ValueError, match="a model without nodes has no stages"):
        use(ComputationalGraph(), 1)
    model = skipping()
    model.rewire("a", 0, "d")
    with pytest.raises(CycleError):
        use(model, 2)
    model.rewire("a", 0, "z")
    with pytest.raises(ValueError, match="node 'a' reads 'z' at port 0, and nothing gives it"):
        use(model, 2)


def test_every_node_alone_and_all_together():
    model = skipping()
    assert pipeline_partition(model, 4).stages.tolist() == [0, 1, 2, 3]
    whole = pipeline_partition(model, 1)
    assert (whole.stages.tolist(), whole.sent.tolist(), whole.bytes) == ([0] * 4, [], 0)
    assert str(pickle.loads(pickle.dumps(whole))) == str(whole)
