"""Execution: every tensor against onnx's own reference, measured memory against what was predicted."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest
import strategies  # noqa: F401  (the profile of all our tests)
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

import lessons.execution
from lessons.architectures import vgg19
from lessons.errors import UnknownLabel, UnsupportedOperator
from lessons.execution import run
from lessons.memory import memory_order, peak_memory
from lessons.model import ComputationalGraph
from lessons.onnx_files import from_onnx, to_onnx, with_random_weights
from lessons.operators.execution import execute
from lessons.rewriting import weights_as_nodes

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
ONE = np.ones(1, np.float32)


class BatchNormalization(OpRun):
    """Until opset 13 it trains where it has further outputs. The reference trains all the same."""

    def _run(self, x, scale, bias, mean, var, epsilon=None, **_):
        scale, bias, mean, var = (each.reshape(-1, 1, 1) for each in (scale, bias, mean, var))
        return (((x - mean) * (scale / np.sqrt(var + epsilon)) + bias).astype(x.dtype),)


class LRN(OpRun):
    """Each channel is divided by a mean over its neighbours. The reference goes through images where it should
    go through channels, so that it divides the first few only."""

    def _run(self, x, alpha=None, beta=None, bias=None, size=None):
        squares = np.zeros_like(x)
        for c in range(x.shape[1]):
            first, last = max(0, c - (size - 1) // 2), c + size // 2
            squares[:, c] = np.square(x[:, first : last + 1]).sum(axis=1)
        return ((x / (bias + alpha / size * squares) ** beta).astype(x.dtype),)


class Dropout(OpRun):
    """Until opset 9 the mask has the type of the data. The reference gives truth values, as it became later."""

    def _run(self, x, **_):
        return (x, np.ones_like(x))[: len(self.onnx_node.output)]


class Softmax(OpRun):
    """Until opset 12 over all axes from the first on. The reference takes the last one, as it became later."""

    def _run(self, x, axis=None):
        flat = x.reshape(len(x), -1)
        powers = np.exp(flat - flat.max(axis=1, keepdims=True))
        return ((powers / powers.sum(axis=1, keepdims=True)).reshape(x.shape),)


@cache
def light(name: str) -> ComputationalGraph:
    return with_random_weights(from_onnx(LIGHT / f"light_{name}.onnx"), seed=5)


def image(model: ComputationalGraph, seed: int) -> dict[str, np.ndarray]:
    """Images of squares of random colours: to a network, images of fine noise are all alike."""
    rng = np.random.default_rng(seed)
    square = np.ones((32, 32), np.float32)
    return {name: np.kron(rng.standard_normal((1, 3, 7, 7), np.float32), square) for name in model.inputs}


def all_tensors(model: ComputationalGraph) -> list[str]:
    return [tensor for node in model.nodes for tensor in node.outputs if tensor]


@cache
def reference(name: str, part: int | None = None) -> Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """onnx's own executor, of a light model or of its first nodes, which gives every tensor."""
    model = light(name) if part is None else first_nodes(light(name), part)
    proto = to_onnx(model)
    del proto.graph.output[:]
    proto.graph.output.extend(onnx.helper.make_empty_tensor_value_info(t) for t in all_tensors(model))
    evaluator = ReferenceEvaluator(proto, new_ops=[BatchNormalization, Dropout, LRN, Softmax])
    return lambda inputs: dict(zip(evaluator.output_names, evaluator.run(None, inputs), strict=True))


def first_nodes(model: ComputationalGraph, count: int) -> ComputationalGraph:
    return model.subgraph(model.inputs, [node.outputs[0] for node in model.nodes[:count]])


def disagree(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> list[str]:
    """The tensors that differ in shape or type, or somewhere by more than 1e-4 of their largest number."""
    assert ours.keys() == theirs.keys()
    return [tensor for tensor, array in ours.items() if not _agree(array, theirs[tensor])]


def _agree(a: np.ndarray, b: np.ndarray) -> bool:
    alike = (a.shape, a.dtype) == (b.shape, b.dtype) and np.isfinite(b).all()
    return bool(alike and np.abs(a - b).max() <= 1e-4 * np.abs(b).max())


MODELS = ["squeezenet", "resnet50", "densenet121", "inception_v1", "bvlc_alexnet"]
QUICK = [("squeezenet", 3), *((name, 1) for name in MODELS[1:])]
LONG = [pytest.param(name, 3, marks=pytest.mark.full) for name in MODELS[1:]]


@pytest.mark.parametrize(("name", "count"), QUICK + LONG)
def test_every_tensor_agrees_with_the_reference(name, count):
    """SqueezeNet on three inputs; the other four, where the reference takes long, on one, and in full on three.

    That they vary is looked for before the Softmax: that of ResNet-50 is 1 for one class, whatever the input.
    """
    model = light(name)
    images = [image(model, seed) for seed in range(count)]
    theirs = [reference(name)(each) for each in images]
    last = model.producer(model.outputs[0])
    scores = np.array([answer[last.inputs[0] if last.op == "Softmax" else last.outputs[0]] for answer in theirs])
    scores = scores.reshape(count, -1) / np.abs(scores).max()
    assert (scores.std(axis=1) > 0.1).all()  # it varies over classes
    assert (np.abs(np.diff(scores, axis=0)).max(axis=1, initial=0) > 0.02).all()  # and over inputs
    for given_image, answer in zip(images, theirs, strict=True):
        assert disagree(run(model, given_image, outputs=all_tensors(model)), answer) == []


def swapped(op, inputs, attributes, **options):
    return execute(op, inputs[::-1] if op == "Concat" else inputs, attributes, **options)


def shifted(op, inputs, attributes, **options):
    pads = attributes.get("pads", ())
    if op == "Conv" and any(pads):
        attributes = {**attributes, "pads": (pads[0] + 1, pads[1], pads[2] - 1, pads[3])}
    return execute(op, inputs, attributes, **options)


def without_stride(op, inputs, attributes, **options):
    strides = attributes.get("strides", ())
    return execute(op, inputs, {**attributes, "strides": [1] * len(strides)} if strides else attributes, **options)


def other_epsilon(op, inputs, attributes, **options):
    norm = op == "BatchNormalization"
    return execute(op, inputs, {**attributes, "epsilon": 1e-3} if norm else attributes, **options)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("squeezenet", swapped),
        ("squeezenet", shifted),
        ("squeezenet", without_stride),
        ("resnet50", other_epsilon),
    ],
)
def test_the_comparison_rejects_wrong_executors(name, wrong, monkeypatch):
    part = first_nodes(light(name), 16)
    given_image = image(part, 0)
    theirs = reference(name, 16)(given_image)
    assert disagree(run(part, given_image, outputs=all_tensors(part)), theirs) == []
    monkeypatch.setattr(lessons.execution, "execute", wrong)
    assert disagree(run(part, given_image, outputs=all_tensors(part)), theirs) != []


@pytest.mark.full
def test_vgg19_of_an_eighth_of_the_width_agrees_with_the_reference():
    model = with_random_weights(vgg19(width=1 / 8), seed=5)
    given_image = image(model, 0)
    theirs = ReferenceEvaluator(to_onnx(model)).run(None, given_image)[0]
    assert theirs.std() > 1e-3 * np.abs(theirs).max()
    assert _agree(run(model, given_image)[model.outputs[0]], theirs)


@pytest.mark.parametrize("name", [*MODELS, "shufflenet"])
def test_measured_memory_is_the_predicted_one(name):
    model = light(name)
    for order in (None, memory_order(model).order):
        assert measured(model, order) == peak_memory(model, order).alive.tolist()


def measured(model: ComputationalGraph, order: list[str] | None = None) -> list[int]:
    seen: list[tuple[str, int]] = []
    run(model, image(model, 0), order=order, observe=lambda *each: seen.append(each))
    assert [node for node, _ in seen] == (order or peak_memory(model).order)
    return [alive for _, alive in seen]


def test_measured_memory_of_loaded_weights_is_the_predicted_one():
    model = weights_as_nodes(light("squeezenet"))
    best = memory_order(model)
    assert measured(model, best.order) == best.memory.alive.tolist()
    assert max(measured(model)) == peak_memory(model).peak > 1.5 * best.memory.peak


def test_memory_that_is_really_allocated_is_the_predicted_one():
    """Elementwise operators need no memory besides their outputs, and the interpreter tells every allocation:
    names, lists and the heads of arrays may take 50 kB beside 40 MB. The caller keeps the input to the end, as
    the last node does."""
    model = ComputationalGraph()
    x = model.input("x", (1000, 2500))
    flat = model.weight("flat", np.array([-1]))
    a = model.add("Relu", x)
    b = model.add("Reshape", model.add("Neg", model.add("Neg", x)), flat)
    c = model.add("Add", model.add("Mul", b, b), model.add("Reshape", a, flat))
    model.output(model.add("Add", model.add("Reshape", x, flat), c, name="y"))
    for order in (None, memory_order(model).order):
        run(model, {"x": np.zeros((1000, 2500), np.float32)}, order=order)  # what is imported and kept
        tracemalloc.start()
        run(model, {"x": np.zeros((1000, 2500), np.float32)}, order=order)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        predicted = peak_memory(model, order).peak
        assert predicted <= peak <= predicted + 50_000
    assert predicted == 40_000_000


def test_only_what_is_needed_runs_and_any_tensor_can_be_asked_for():
    model = ComputationalGraph()
    x, y = model.input("x", (1,)), model.input("y", (1,))
    model.add("Relu", x, name="h")
    model.add("Unheard", y, name="other", domain="test")
    model.output(model.add("Neg", "h", name="end"), "other")
    ran: list[str] = []
    answer = run(model, {"x": ONE}, outputs=["h", "x"], observe=lambda node, _: ran.append(node))
    assert (list(answer), answer["h"], answer["x"]) == (["h", "x"], 1, 1)
    assert ran == ["h"]
    assert run(model, {"x": ONE}, outputs=["end"], order=["other", "h", "end"])["end"] == -1
    with pytest.raises(UnknownLabel, match="no tensor 'hh'; the nearest is 'h'"):
        run(model, {"x": ONE}, outputs=["hh"])


def test_part_between_tensors_runs_on_what_is_given_there():
    """Split gives two tensors; one of them is given instead."""
    model = ComputationalGraph()
    model.input("x", (4,))
    model.add("Split", "x", name="split", outputs=["low", "high"], num_outputs=2)
    model.output(model.add("Sub", "low", "high", name="y"))
    part = model.subgraph(["x", "high"], ["y"])
    inputs = {"x": np.float32([1, 2, 3, 4]), "high": np.float32([5, 5])}
    seen: list[int] = []
    assert run(part, inputs, observe=lambda _, alive: seen.append(alive))["y"].tolist() == [-4, -3]
    assert seen == peak_memory(part).alive.tolist() == [16 + 8 + 8, 8 + 8 + 8]
    assert run(weights_as_nodes(part), inputs)["y"].tolist() == [-4, -3]


def test_weights_as_outputs_and_their_views_take_no_memory():
    model = ComputationalGraph()
    W = model.weight("W", np.float32([[1, 2], [3, 4]]))
    flat = model.add("Reshape", W, model.weight("shape", np.array([-1])), name="flat")
    model.output(W, model.add("Mul", model.input("x", (1,)), flat, name="y"), flat)
    seen: list[int] = []
    answer = run(model, {"x": ONE}, observe=lambda _, alive: seen.append(alive))
    assert seen == peak_memory(model).alive.tolist() == [4, 4 + 16]
    assert [answer[t].tolist() for t in ("W", "y", "flat")] == [[[1, 2], [3, 4]], [1, 2, 3, 4], [1, 2, 3, 4]]


def summed() -> ComputationalGraph:
    model = ComputationalGraph()
    inputs = model.input("left", ("N", 2)), model.input("right", ("N", 2))
    model.output(model.add("Add", *inputs, name="sum"))
    return model


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"left": np.ones((3, 2), "f")}, r"the inputs \['right'\] are missing: give an array for each"),
        (
            {"left": np.ones((3, 2)), "right": np.ones((3, 2), "f")},
            r"input 'left' is float64, the model takes float32: give x.astype\('float32'\)",
        ),
        (
            {"left": np.ones((3, 3), "f"), "right": np.ones((3, 2), "f")},
            r"input 'left' has the shape \(3, 3\), the model takes \('N', 2\): reshape it",
        ),
        (
            {"left": np.ones((3, 2), "f"), "right": np.ones(2, "f")},
            r"input 'right' has the shape \(2,\), the model takes \('N', 2\): reshape it",
        ),
        (
            {"left": np.ones((3, 2), "f"), "right": np.ones((1, 2), "f")},
            r"input 'right' of shape \(1, 2\) makes 'N' 1, and input 'left' made it 3: both are 'N' long",
        ),
    ],
)
def test_inputs_are_checked_at_the_door(inputs, message):
    with pytest.raises(ValueError, match="^" + message + "$"):
        run(summed(), inputs)


def test_an_array_alone_is_told_that_inputs_have_names():
    with pytest.raises(
        TypeError, match=r"inputs are {name: array}, not a ndarray: the names are \['left', 'right'\]"
    ):
        run(summed(), np.zeros(3))


def test_unknown_inputs_name_the_nearest():
    with pytest.raises(UnknownLabel, match="no input 'lefft'; the nearest is 'left'"):
        run(summed(), {"lefft": np.ones((3, 2), "f"), "right": np.ones((3, 2), "f")})


def test_inputs_may_lie_in_larger_arrays():
    """Their own bytes count, not those of the array that they are a part of."""
    images = np.ones((100, 3, 2), np.float32)
    seen: list[int] = []
    inputs = {"left": images[0], "right": images[1].T.copy().T}
    assert (run(summed(), inputs, observe=lambda _, alive: seen.append(alive))["sum"] == 2).all()
    assert seen == peak_memory(summed().bind({"N": 3})).alive.tolist() == [3 * 24]


def test_what_cannot_be_computed_is_refused_at_once():
    model = ComputationalGraph()
    x = model.add("Relu", model.input("x", (1,)), name="first")
    model.output(model.add("If", model.add("Magic", model.add("Loop", x), domain="example.org")))
    ran: list[str] = []
    with pytest.raises(UnsupportedOperator) as refusal:
        run(model, {"x": ONE}, observe=lambda node, _: ran.append(node))
    assert refusal.value.operators == ["If", "Loop", "example.org.Magic"]
    assert ran == []


def test_weights_without_values_are_named():
    model = ComputationalGraph()
    model.output(model.add("MatMul", model.input("x", (1, 2)), model.weight("W", shape=(2, 2)), name="y"))
    for refused in (model, weights_as_nodes(model)):
        with pytest.raises(ValueError, match=r"'W' has a shape but no values: with_random_weights\(model, seed\)"):
            run(refused, {"x": np.ones((1, 2), np.float32)})
    assert run(with_random_weights(model, 1), {"x": np.ones((1, 2), np.float32)})["y"].shape == (1, 2)


def test_errors_within_an_operator_name_the_node():
    model = ComputationalGraph()
    model.output(
        model.add("MatMul", model.input("x", (None,)), model.weight("W", np.ones((2, 2), "f")), name="product")
    )
    with pytest.raises(ValueError, match=r"^node 'product': MatMul of shapes"):
        run(model, {"x": np.ones(3, np.float32)})


def test_inputs_and_model_stay_as_they_were():
    model = light("squeezenet")
    given_image, twin = image(model, 0), model.copy()
    before = {name: array.copy() for name, array in given_image.items()}
    run(model, given_image)
    assert all((given_image[name] == array).all() for name, array in before.items())
    assert model == twin
