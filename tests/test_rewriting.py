"""Rewritten models compute what the original does, on the same weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from lessons.architectures import resnet50
from lessons.errors import UnsupportedOperator
from lessons.execution import run
from lessons.memory import memory_order, peak_memory
from lessons.model import ComputationalGraph
from lessons.onnx_files import from_onnx, to_onnx, with_random_weights
from lessons.rewriting import fold_batch_norms, weights_as_nodes

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"


def image(model: ComputationalGraph) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.standard_normal(t.shape, np.float32) for name, t in model.inputs.items()}


def agree(one: ComputationalGraph, other: ComputationalGraph) -> bool:
    """Whether all outputs are equal up to 1e-4 of the largest number in each."""
    inputs = image(one)
    ours, theirs = run(one, inputs), run(other, inputs)
    assert ours.keys() == theirs.keys()
    return all(np.abs(a - theirs[t]).max() <= 1e-4 * np.abs(a).max() for t, a in ours.items())


def small(*, bias: bool = True, **attributes: float) -> ComputationalGraph:
    """A convolution of 2 channels to 3, and its normalisation."""
    model, rng = ComputationalGraph(), np.random.default_rng(1)
    model.input("x", (1, 2, 5, 5))
    model.weight("W", rng.standard_normal((3, 2, 3, 3), np.float32))
    model.weight("b", rng.standard_normal(3, np.float32))
    for name in ("scale", "shift", "mean", "variance"):
        model.weight(name, rng.random(3, np.float32) + np.float32(0.5))
    model.add("Conv", "x", "W", *["b"] * bias, name="conv", pads=[1, 1, 1, 1])
    model.add("BatchNormalization", "conv", "scale", "shift", "mean", "variance", name="norm", **attributes)
    model.output(model.add("Relu", "norm", name="y"))
    return model


def test_resnet_loses_53_nodes_and_computes_the_same():
    model = with_random_weights(from_onnx(LIGHT / "light_resnet50.onnx"), seed=3)
    twin = model.copy()
    folded = fold_batch_norms(model)
    assert len(model.nodes) - len(folded.nodes) == 53
    assert "BatchNormalization" not in {node.op for node in folded.nodes}
    assert agree(model, folded)
    assert model == twin
    assert len(fold_batch_norms(resnet50()).nodes) == 175  # no values, so nothing to fold


@pytest.mark.parametrize("attributes", [{}, {"epsilon": 0.5}])
@pytest.mark.parametrize("bias", [True, False])
def test_kernel_and_bias_take_all_of_it_over(bias, attributes):
    model = small(bias=bias, **attributes)
    folded = fold_batch_norms(model)
    assert [(node.name, node.op) for node in folded.nodes] == [("conv", "Conv"), ("y", "Relu")]
    assert agree(model, folded)
    assert set(folded.weights) == {"conv/folded kernel", "conv/folded bias"}
    assert all(weight.array().dtype == np.float32 for weight in folded.weights.values())
    assert folded.problems() == []
    assert from_onnx(to_onnx(folded)) == folded


def test_what_others_read_or_what_is_not_known_stays():
    shown = small()
    shown.output("conv")
    read = small()
    read.output(read.add("Neg", "conv"))
    computed = small()
    computed.rewire("norm", 4, computed.add("Abs", "mean"))
    trains = small(training_mode=1)
    for model in (shown, read, computed, trains):
        assert fold_batch_norms(model).nodes == model.nodes
    pooled = small()
    pooled.rewire("norm", 0, pooled.add("MaxPool", "conv", kernel_shape=[1, 1]))
    assert fold_batch_norms(pooled) == pooled


def test_a_wrong_fold_would_be_seen():
    model = small()
    other = small(epsilon=1e-2)
    assert not agree(model, other)
    assert not agree(model, fold_batch_norms(other))


def test_weights_are_loaded_by_nodes_and_count():
    model = small()
    loaded = weights_as_nodes(model)
    assert [node.name for node in loaded.nodes] == [*model.weights, "conv", "norm", "y"]
    assert loaded.weights == {}
    assert agree(model, loaded)
    best = memory_order(loaded)
    assert best.optimal
    weights = sum(weight.tensor.bytes for weight in model.weights.values())
    assert peak_memory(loaded).alive[-3] == peak_memory(model).alive[0] + weights
    assert best.memory.peak < peak_memory(loaded).peak


def test_shapes_stay_weights_and_names_stay_apart():
    model = ComputationalGraph()
    flat = model.add("Reshape", model.input("x", (2, 3)), model.weight("shape", np.array([3, 2])), name="W")
    model.weight("weight", np.ones((2, 2), np.float32))
    model.output(model.add("MatMul", flat, "weight", name="weight node"))
    model.output(model.add("Neg", model.weight("other", np.ones(2, np.float32)), name="weight", outputs=["z"]))
    loaded = weights_as_nodes(model)
    assert list(loaded.weights) == ["shape"]
    assert [node.name for node in loaded.nodes][2:] == ["W", "weight node", "weight"]
    assert loaded.tensor("weight node").shape == (3, 2)
    assert agree(model, loaded)
    loaded.output(loaded.add("Load", "x", domain="test"))
    with pytest.raises(UnsupportedOperator, match=r"test\.Load"):
        run(loaded, image(loaded))
