"""Memory, orders and execution: against brute force over all orders, and against onnx's own reference."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest
import strategies  # noqa: F401  (the profile of all our tests)
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

import lessons.execution
from lessons.architectures import densenet121, inception_block, resnet50, transformer_encoder, vgg19
from lessons.errors import CycleError, UnknownLabel, UnsupportedOperator
from lessons.execution import memory_order, peak_memory, run
from lessons.model import ComputationalGraph
from lessons.onnx_files import from_onnx, to_onnx, with_random_weights
from lessons.operators.execution import execute
from lessons.rewriting import weights_as_nodes

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"

# ---------------------------------------------------------------------------------------- oracles


def all_orders(model: ComputationalGraph) -> Iterator[list[str]]:
    """Every order of the nodes in which each comes after those that it needs."""
    needs = {n.name: {p.name for t in n.inputs if (p := model.producer(t))} for n in model.nodes}

    def extend(order: list[str]) -> Iterator[list[str]]:
        if len(order) == len(needs):
            yield order
        for name in needs:
            if name not in order and needs[name] <= set(order):
                yield from extend([*order, name])

    return extend([])


VIEWS = {"Identity", "Reshape"}


def storage_of(model: ComputationalGraph, tensor: str) -> str:
    """The tensor in whose memory this one lies."""
    node = model.producer(tensor)
    if node is None or node.op not in VIEWS or node.outputs[0] != tensor:
        return tensor
    return storage_of(model, node.inputs[0])


def alive_by_definition(model: ComputationalGraph, order: list[str]) -> list[int]:
    """The bytes alive while each node runs, tensor by tensor from the sentences of the docstring."""
    place = {name: k for k, name in enumerate(order)}
    tensors = model.tensors
    spans: dict[str, list[int]] = {}
    for tensor in tensors:
        root, node = storage_of(model, tensor), model.producer(tensor)
        if root in model.weights:
            continue
        uses = [place[reader.name] for reader, _ in model.consumers(tensor)]
        uses += [len(order)] * (tensor in model.outputs)
        uses += [] if node is None else [place[node.name]]
        spans.setdefault(root, []).extend(uses)
    alive = [0] * len(order)
    for root, uses in spans.items():
        start = 0 if root in model.inputs else min(uses)
        for k in range(start, min(max(uses, default=-1) + 1, len(order))):
            alive[k] += tensors[root].bytes
    return alive


@st.composite
def models(draw: st.DrawFn, most: int = 6) -> ComputationalGraph:
    """Small models of nodes of unknown operators with declared sizes: several outputs, views, repeated and
    optional ports, weights, tensors that nobody reads, inputs that are outputs."""
    model, tensors = ComputationalGraph(), []
    for k in range(draw(st.integers(1, 2))):
        tensors.append(model.input(f"x{k}", (draw(st.integers(1, 9)),), "uint8"))
    tensors.append(model.weight("W", shape=(100,), dtype="uint8"))
    for k in range(draw(st.integers(0, most))):
        op = draw(st.sampled_from(["Any", "Any", "Identity"]))
        least = int(op in VIEWS)
        ports = draw(
            st.lists(st.sampled_from([*tensors, ""] if op == "Any" else tensors), min_size=least, max_size=3)
        )
        count = draw(st.integers(1, 2)) if op == "Any" else 1
        names = [f"t{k}.{j}" for j in range(count)]
        if op in VIEWS:
            model.add("Identity", ports[0], name=f"n{k}", outputs=names)
        else:
            model.add("Any", *ports, name=f"n{k}", outputs=names, domain="test")
            for name in names:
                model.declare(name, (draw(st.integers(0, 9)),), "uint8")
        tensors += names
    for tensor in draw(st.lists(st.sampled_from(tensors), unique=True, max_size=3)):
        model.output(tensor)
    return model


@st.composite
def models_in_order(draw: st.DrawFn) -> tuple[ComputationalGraph, list[str]]:
    """A small model and one of its orders."""
    model = draw(models(most=8))
    needs = {n.name: {p.name for t in n.inputs if (p := model.producer(t))} for n in model.nodes}
    order: list[str] = []
    while len(order) < len(needs):
        ready = [name for name in needs if name not in order and needs[name] <= set(order)]
        order.append(draw(st.sampled_from(ready)))
    return model, order


# ---------------------------------------------------------------------------------------- memory


@given(models_in_order())
def test_peak_memory_is_what_its_definition_says(case):
    model, order = case
    memory = peak_memory(model, order)
    assert memory.alive.tolist() == alive_by_definition(model, order)
    assert memory.order == order
    if order:
        assert memory.peak == max(memory.alive)
        assert memory.node == order[memory.alive.tolist().index(memory.peak)]


@settings(max_examples=250)
@given(models())
def test_memory_order_is_the_best_of_all_orders(model):
    least = min(peak_memory(model, order).peak for order in all_orders(model))
    best = memory_order(model)
    assert best.optimal
    assert best.memory.peak == best.lower_bound == least
    assert peak_memory(model, best.order).peak == least
    hasty = memory_order(model, states=0)
    assert hasty.lower_bound <= least <= hasty.memory.peak
    assert peak_memory(model, hasty.order).peak == hasty.memory.peak
    assert hasty.memory.peak <= peak_memory(model).peak
    assert hasty.optimal == (hasty.memory.peak == hasty.lower_bound)


def layered(n: int, span: int, seed: int) -> ComputationalGraph:
    """A model of n nodes, each of which reads two of the `span` tensors before it."""
    rng = np.random.default_rng(seed)
    model = ComputationalGraph()
    tensors = [model.input("x", (10,), "uint8")]
    for k in range(n):
        read = [tensors[-1 - int(rng.integers(min(span, len(tensors))))] for _ in range(2)]
        tensors.append(model.add("Any", *read, name=f"n{k}", domain="test"))
        model.declare(tensors[-1], (int(rng.integers(1, 1000)),), "uint8")
    model.output(tensors[-1])
    return model


def test_what_is_too_wide_to_be_proven_is_told_and_still_better():
    model = layered(60, 8, seed=3)
    hasty, best = memory_order(model, states=100), memory_order(model)
    assert best.optimal
    assert not hasty.optimal
    assert hasty.lower_bound < best.memory.peak <= hasty.memory.peak < peak_memory(model).peak
    assert hasty.memory.peak < 1.1 * best.memory.peak  # the beam search comes near
    assert f"every order needs at least {hasty.lower_bound:,}" in str(hasty)
    assert str(best).endswith("; no order needs less")


def sized(*nodes: tuple[str, str, int]) -> ComputationalGraph:
    """A model with an input x of a byte, of nodes (name, what it reads, bytes); the last one gives the output."""
    model = ComputationalGraph()
    model.input("x", (1,), "uint8")
    for name, read, size in nodes:
        model.add("Any", *read.split(), name=name, domain="test")
        model.declare(name, (size,), "uint8")
    model.output(nodes[-1][0])
    return model


def test_a_node_that_frees_what_was_loaded_need_not_wait():
    model = sized(("load", "", 100), ("a", "x", 150), ("b", "a", 1), ("short", "load", 1), ("end", "b short", 60))
    best = memory_order(model)
    assert peak_memory(model).peak == 251
    assert (best.memory.peak, best.optimal) == (151, True)
    assert best.order.index("short") < best.order.index("end")


def test_what_is_read_again_later_is_alive_in_between_in_every_order():
    loaded = sized(("load", "", 100), ("a", "x load", 1), ("b", "a", 50), ("c", "b", 1), ("d", "c load", 1))
    assert memory_order(loaded, states=0).lower_bound == 100 + 1 + 50
    given_at_the_start = sized(("a", "x", 50), ("b", "a", 1), ("c", "b x", 1))
    assert memory_order(given_at_the_start, states=0).lower_bound == 1 + 50 + 1


def test_order_as_given_is_not_made_worse():
    model = ComputationalGraph()
    x = model.input("x", (1,), "uint8")
    for name, read, size in (("late", x, 1), ("a", x, 8), ("a end", "a", 1), ("b", x, 9), ("b end", "b", 1)):
        model.add("Any", read, name=name, domain="test")
        model.declare(name, (size,), "uint8")
    model.output("late", "a end", "b end")
    given_order = [node.name for node in model.nodes]
    assert memory_order(model, states=0).memory.peak <= peak_memory(model, given_order).peak


@pytest.mark.parametrize(
    ("build", "default", "best"),
    [
        (resnet50, 9_633_792, 9_633_792),
        (densenet121, 8_429_568, 8_429_568),
        (inception_block, 1_906_688, 1_605_632),
        (lambda: transformer_encoder(length=512), 28_311_552, 26_738_688),
        (vgg19, 25_690_112, 25_690_112),
        (lambda: weights_as_nodes(resnet50()), 111_734_688, 10_340_352),
        (lambda: weights_as_nodes(densenet121()), 39_555_488, 8_433_152),
        (lambda: weights_as_nodes(transformer_encoder(length=512)), 361_442_308, 26_738_692),
        (lambda: weights_as_nodes(vgg19()), 600_351_904, 411_174_912),
    ],
)
def test_peaks_of_published_models(build, default, best):
    model = build()
    found = memory_order(model)
    assert peak_memory(model).peak == default
    assert (found.memory.peak, found.optimal) == (best, True)


def test_peak_of_resnet_by_hand():
    """In its first block the sum of two tensors of 56 x 56 x 256 numbers is a third: nothing else is alive."""
    memory = peak_memory(resnet50())
    assert memory.peak == 3 * 4 * 56 * 56 * 256
    assert memory.alive[memory.order.index("stage1.block1.add")] == memory.peak


def test_memory_tells_what_it_does_not_know():
    model = ComputationalGraph()
    model.output(model.add("Relu", model.add("Any", model.input("x", ("N",)), name="any", domain="test")))
    memory = peak_memory(model)
    assert (memory.peak, memory.left_out) == (0, 3)
    assert str(memory) == "0 bytes while 'any' runs (3 tensors of unknown size not counted)"
    assert peak_memory(model.bind({"N": 5})).left_out == 2
    empty = ComputationalGraph()
    empty.output(empty.input("x", (3,), "uint8"))
    assert (peak_memory(empty).peak, peak_memory(empty).node, str(peak_memory(empty))) == (3, None, "3 bytes")
    assert memory_order(empty).optimal


def diamond() -> ComputationalGraph:
    model = ComputationalGraph()
    a = model.add("Relu", model.input("x", (1,)), name="a")
    both = [model.add("Relu", a, name=name) for name in "bc"]
    model.output(model.add("Add", *both, name="d"))
    return model


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ("acdb", "node 'd' stands before 'b' in the order, and needs what that gives"),
        ("abc", "node 'd' is missing from the order, which has 3 of 4 nodes"),
        ("abcbd", "node 'b' stands twice in the order, at 1 and at 3"),
    ],
)
def test_wrong_orders_are_refused(order, message):
    for use in (
        lambda: peak_memory(diamond(), list(order)),
        lambda: run(diamond(), {"x": ONE}, order=list(order)),
    ):
        with pytest.raises(ValueError, match="^" + message + "$"):
            use()


ONE = np.ones(1, np.float32)


def test_unknown_names_dangling_ports_and_cycles_are_refused():
    model = diamond()
    with pytest.raises(UnknownLabel, match="no node 'e'; the nearest is"):
        peak_memory(model, list("abce"))
    with pytest.raises(UnknownLabel, match="no node 'e'; the nearest is"):
        run(model, {"x": ONE}, order=list("abce"))
    model.rewire("a", 0, "d")
    for use in (peak_memory, memory_order, lambda model: run(model, {"x": ONE})):
        with pytest.raises(CycleError):
            use(model)
    model.rewire("a", 0, "z")
    for use in (peak_memory, memory_order):
        with pytest.raises(ValueError, match="node 'a' reads 'z' at port 0, and nothing gives it"):
            use(model)


# ---------------------------------------------------------------------------------------- execution


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
