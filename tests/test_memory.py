"""The memory of orders, and the order of least memory: against the definition and brute force over all orders."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import strategies  # noqa: F401  (the profile of all our tests)
from hypothesis import given, settings
from hypothesis import strategies as st

from lessons.architectures import densenet121, inception_block, resnet50, transformer_encoder, vgg19
from lessons.errors import CycleError, UnknownLabel
from lessons.execution import run
from lessons.memory import memory_order, peak_memory
from lessons.model import ComputationalGraph
from lessons.rewriting import weights_as_nodes

ONE = np.ones(1, np.float32)

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
    assert not memory_order(model).optimal, "nothing is proven of what is not known"
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
    for use in (peak_memory, memory_order, lambda model: run(model, {"x": ONE})):
        with pytest.raises(ValueError, match="node 'a' reads 'z' at port 0, and nothing gives it"):
            use(model)
