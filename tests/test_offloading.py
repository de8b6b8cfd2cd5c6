"""Splits of a model between a phone and a server: against brute force over all of them, and by hand."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import strategies  # noqa: F401  (the profile of all our tests)
from hypothesis import given, settings
from hypothesis import strategies as st
from test_memory import models

from lessons.architectures import (
    densenet121,
    inception_block,
    lenet,
    mlp,
    resnet34,
    resnet50,
    transformer_encoder,
    vgg19,
)
from lessons.computational_graphs import multiply_adds, tensors_read, total
from lessons.errors import CycleError, InfeasibleError, UnknownLabel
from lessons.model import ComputationalGraph
from lessons.offloading import Split, least_bytes_cut, offload, positions
from lessons.topological_sort import topological_sort

# ---------------------------------------------------------------------------------------- oracles


def all_splits(model: ComputationalGraph) -> Iterator[set[str]]:
    """The nodes on the phone, every way in which each has there all that it needs."""
    names = [node.name for node in model.nodes]
    needs = {n.name: {p.name for t in n.inputs if (p := model.producer(t))} for n in model.nodes}
    for chosen in product([False, True], repeat=len(names)):
        phone = {name for name, there in zip(names, chosen, strict=True) if there}
        if all(needs[name] <= phone for name in phone):
            yield phone


@dataclass(frozen=True)
class Oracle:
    """What splits of a model cost, from the sentences of the docstrings."""

    model: ComputationalGraph
    splits: list[set[str]]
    maker: dict[str, str | None]  # of each tensor that is no weight
    readers: dict[str, set[str]]
    size: dict[str, int]
    work: dict[str, int]

    def sent(self, phone: set[str]) -> set[str]:
        """Tensors that are given or computed on the phone and read on the server."""
        here = {tensor for tensor, maker in self.maker.items() if maker is None or maker in phone}
        return {tensor for tensor in here if self.readers[tensor] - phone}

    def bytes(self, phone: set[str]) -> int:
        return sum(self.size[tensor] for tensor in self.sent(phone))

    def seconds(self, phone: set[str], *, phone_speed: float, server_speed: float, bandwidth: float) -> Shares:
        return (
            sum(self.work[name] for name in phone) / Fraction(phone_speed),
            self.bytes(phone) / Fraction(bandwidth),
            sum(count for name, count in self.work.items() if name not in phone) / Fraction(server_speed),
        )

    def check(self, found: Split, on_phone: set[str], on_server: set[str]) -> None:
        names = [node.name for node in self.model.nodes]
        phone = set(found.phone)
        assert found.phone == [name for name in names if name in phone]
        assert found.server == [name for name in names if name not in phone]
        assert phone in self.splits
        assert on_phone <= phone
        assert not on_server & phone
        assert found.sent.keys() == self.sent(phone)
        assert found.bytes == self.bytes(phone)
        assert found.flow == found.cost


Shares = tuple[Fraction, Fraction, Fraction]


def oracle(model: ComputationalGraph) -> Oracle:
    makers = {tensor: model.producer(tensor) for tensor in model.tensors if tensor not in model.weights}
    return Oracle(
        model,
        list(all_splits(model)),
        {tensor: maker and maker.name for tensor, maker in makers.items()},
        {tensor: {reader.name for reader, _ in model.consumers(tensor)} for tensor in makers},
        {tensor: model.tensor(tensor).bytes for tensor in makers},
        {node.name: count or 0 for node, count in zip(model.nodes, multiply_adds(model), strict=True)},
    )


def least(
    truth: Oracle, cost: Callable[[set[str]], Fraction], on_phone: set[str], on_server: set[str]
) -> tuple[Fraction, set[str]]:
    """The least cost of a split with these nodes where they are told to be, and the nodes that each of the best
    ones has on the phone: these alone are one of them."""
    costs = [(cost(phone), phone) for phone in truth.splits if on_phone <= phone and not on_server & phone]
    value = min(each for each, _ in costs)
    return value, set.intersection(*(phone for each, phone in costs if each == value))


# ---------------------------------------------------------------------------------------- small models


@st.composite
def pinned(draw: st.DrawFn, truth: Oracle) -> tuple[set[str], set[str]]:
    """Nodes that are told to be on the phone, and on the server, so that some split is left."""
    phone = draw(st.sampled_from(truth.splits))
    told = draw(st.sets(st.sampled_from(list(truth.work)), max_size=3)) if truth.work else set()
    return told & phone, told - phone


@settings(max_examples=150)
@given(st.data(), models())
def test_fewest_bytes_of_all_splits(data, model):
    truth = oracle(model)
    on_phone, on_server = data.draw(pinned(truth))
    found = least_bytes_cut(model, on_phone=on_phone, on_server=on_server)
    truth.check(found, on_phone, on_server)
    assert found.shares == (0, found.bytes, 0)
    best, fewest = least(truth, truth.bytes, on_phone, on_server)
    assert (found.bytes, set(found.phone)) == (best, fewest)


@st.composite
def working(draw: st.DrawFn) -> ComputationalGraph:
    """Small models whose nodes have work: products with weights, joins, and nodes of two outputs."""
    model = ComputationalGraph()
    wide = [(model.input(f"x{k}", (1, size)), size) for k, size in enumerate(draw(SIZES))]
    for k in range(draw(st.integers(1, 7))):
        op = draw(st.sampled_from(["MatMul", "MatMul", "Concat", "Split"]))
        tensor, size = draw(st.sampled_from(wide))
        if op == "Concat":
            others = [(tensor, size), *draw(st.lists(st.sampled_from(wide), min_size=1, max_size=2))]
            wide.append((model.add("Concat", *(name for name, _ in others), axis=1), sum(s for _, s in others)))
        elif op == "Split" and size % 2 == 0:
            model.add("Split", tensor, outputs=[f"left{k}", f"right{k}"], axis=1, num_outputs=2)
            wide += [(f"left{k}", size // 2), (f"right{k}", size // 2)]
        else:
            after = draw(st.integers(1, 9))
            wide.append((model.add("MatMul", tensor, model.weight(f"W{k}", shape=(size, after))), after))
    model.output(wide[-1][0])
    return model


SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=2)
POWERS = st.integers(-6, 6).map(lambda power: 2.0**power)  # so that costs are exact, and equals are equal
SPEEDS = st.floats(1e-9, 1e15)


@settings(max_examples=150)
@given(st.data(), working(), POWERS, POWERS, POWERS)
def test_least_time_of_all_splits(data, model, phone_speed, server_speed, bandwidth):
    truth, speeds = (
        oracle(model),
        {"phone_speed": phone_speed, "server_speed": server_speed, "bandwidth": bandwidth},
    )
    on_phone, on_server = data.draw(pinned(truth))
    found = offload(model, on_phone=on_phone, on_server=on_server, **speeds)
    truth.check(found, on_phone, on_server)
    assert found.shares == truth.seconds(set(found.phone), **speeds)
    best, fewest = least(truth, lambda phone: sum(truth.seconds(phone, **speeds)), on_phone, on_server)
    assert (found.cost, set(found.phone)) == (best, fewest)
    assert (found.nodes_left_out, found.tensors_left_out, found.unit) == (0, 0, "seconds")


@given(working(), SPEEDS, SPEEDS, SPEEDS)
def test_whatever_the_speeds_it_is_right_to_rounding(model, phone_speed, server_speed, bandwidth):
    truth, speeds = (
        oracle(model),
        {"phone_speed": phone_speed, "server_speed": server_speed, "bandwidth": bandwidth},
    )
    found = offload(model, **speeds)
    truth.check(found, set(), set())
    best, _ = least(truth, lambda phone: sum(truth.seconds(phone, **speeds)), set(), set())
    assert found.cost == pytest.approx(float(best), rel=1e-9, abs=0)
    exact = [float(share) for share in truth.seconds(set(found.phone), **speeds)]
    assert found.shares == pytest.approx(exact, rel=1e-9, abs=1e-9 * found.cost)


@given(working(), POWERS, POWERS, POWERS)
def test_positions_are_the_splits_along_an_order(model, phone_speed, server_speed, bandwidth):
    truth, speeds = (
        oracle(model),
        {"phone_speed": phone_speed, "server_speed": server_speed, "bandwidth": bandwidth},
    )
    order = topological_sort(model)
    expected = [list(map(float, truth.seconds(set(order[:k]), **speeds))) for k in range(len(order) + 1)]
    assert positions(model, **speeds).tolist() == expected


@given(models())
def test_tensors_that_are_read(model):
    rows = {node.name: row for row, node in enumerate(model.nodes)}
    found = tensors_read(model)
    assert len({tensor.name for tensor in found}) == len(found)
    assert {tensor.name for tensor in found} == {t for n in model.nodes for t in n.inputs if t} - {*model.weights}
    for tensor in found:
        maker = model.producer(tensor.name)
        assert tensor.bytes == model.tensor(tensor.name).bytes
        assert tensor.maker == (None if maker is None else rows[maker.name])
        assert tensor.readers == sorted({rows[reader.name] for reader, _ in model.consumers(tensor.name)})


# ---------------------------------------------------------------------------------------- by hand


def sized(inputs: dict[str, int], *nodes: tuple[str, str, int]) -> ComputationalGraph:
    """A model of inputs of so many bytes, and of nodes (name, what it reads, bytes)."""
    model = ComputationalGraph()
    for name, size in inputs.items():
        model.input(name, (size,), "uint8")
    for name, read, size in nodes:
        model.add("Any", *read.split(), name=name, domain="test")
        model.declare(name, (size,), "uint8")
    return model


def test_a_chain_is_cut_where_it_is_thinnest():
    model = sized({"x": 90}, ("a", "x", 50), ("b", "a", 7), ("c", "b", 20), ("d", "c", 1))
    found = least_bytes_cut(model, on_server=["d"])
    assert (found.phone, found.server, found.sent) == (["a", "b"], ["c", "d"], {"b": 7})
    assert str(found) == "2 nodes on the phone, 2 on the server, 7 bytes sent; no split sends fewer"
    assert least_bytes_cut(model, on_server=["d"], on_phone=["c"]).sent == {"c": 20}
    free = least_bytes_cut(model)
    assert (free.phone, free.bytes, free.flow) == (["a", "b", "c", "d"], 0, 0)


def test_a_tensor_that_is_read_twice_is_sent_once():
    """x -> a -> (b, c) -> d: as edges, a costs 2 * 10 and the cut would be behind b and c."""
    model = sized({"x": 90}, ("a", "x", 10), ("b", "a", 8), ("c", "a", 8), ("d", "b c b", 1))
    found = least_bytes_cut(model, on_server=["d"])
    assert (found.phone, found.sent, found.bytes) == (["a"], {"a": 10}, 10)


def test_nothing_comes_back():
    """On the server b would spare 100 bytes, but d, on the phone, needs it."""
    model = sized({"x": 5}, ("a", "x", 100), ("b", "a", 100), ("d", "b", 1))
    assert least_bytes_cut(model, on_server=["b"]).phone == []
    with pytest.raises(
        InfeasibleError, match="'d' is to be on the phone and needs 'b' on the server: nothing comes"
    ):
        least_bytes_cut(model, on_phone=["d"], on_server=["b"])
    with pytest.raises(InfeasibleError, match="'b' is to be on the phone and needs 'b' on the server"):
        least_bytes_cut(model, on_phone=["b"], on_server=["b"])


def test_what_follows_must_go_to_a_slow_server_too():
    """The tick that is counted in comes from a split that is allowed, and not from one that is far quicker."""
    model = mlp([10, 1, 1000])
    found = offload(model, phone_speed=1e15, server_speed=1e-9, bandwidth=1e15, on_server=["layer1"])
    assert found.phone == []
    assert found.flow == found.cost == pytest.approx(1010 / 1e-9, rel=1e-9)


def two_towers() -> ComputationalGraph:
    """One input is shrunk, and the other one blown up, before both are joined."""
    model = ComputationalGraph()
    wide, narrow = model.input("wide", (1, 1000)), model.input("narrow", (1, 10))
    for k in range(3):
        wide = model.add("MatMul", wide, model.weight(f"S{k}", shape=((1000, 100, 10, 10)[k], (100, 10, 10)[k])))
        narrow = model.add(
            "MatMul", narrow, model.weight(f"G{k}", shape=((10, 100, 1000)[k], (100, 1000, 1000)[k]))
        )
    model.output(model.add("Concat", wide, narrow, name="joined", axis=1))
    return model


def test_a_split_that_no_position_has():
    """The tower that shrinks belongs on the phone, the one that grows on the server; the order takes both."""
    speeds = {"phone_speed": 1e6, "server_speed": 1e9, "bandwidth": 1e3}
    found = offload(two_towers(), **speeds)
    assert found.sent == {"MatMul_2": 40, "narrow": 40}
    assert positions(two_towers(), **speeds).sum(axis=1).min() > 2 * found.cost


# ---------------------------------------------------------------------------------------- real models


def nearest_to_an_end(model: ComputationalGraph, sizes: dict[str, int] | None = None) -> float:
    """The least of work on the phone / all work + bytes sent / bytes of the inputs.

    Where it is 1, the better end is the best split at any speeds and bandwidth: the seconds of a split are those
    of all work on the server, and a weighted sum of these two shares, each of which is 1 at one of the ends.
    """
    given = sizes or {tensor.name: tensor.bytes for tensor in tensors_read(model) if tensor.maker is None}
    work = total(multiply_adds(model)).value
    return offload(model, phone_speed=work, server_speed=1e30, bandwidth=sum(given.values()), sizes=sizes).cost


def shipped(name: str) -> ComputationalGraph:
    onnx = pytest.importorskip("onnx", reason="onnx ships this model")
    from lessons.onnx_files import from_onnx

    return from_onnx(Path(onnx.__file__).parent / f"backend/test/data/light/light_{name}.onnx")


def test_resnet50_sends_least_behind_its_global_pool():
    found = least_bytes_cut(resnet50(), on_server=["classifier"])
    assert (found.sent, found.server) == ({"head.pool": 4 * 2048}, ["head.flatten", "classifier"])


@pytest.mark.parametrize(
    "build",
    [resnet50, vgg19, densenet121, lenet, inception_block, lambda: transformer_encoder(2, length=128)],
    ids=["resnet50", "vgg19", "densenet121", "lenet", "inception_block", "transformer_encoder"],
)
def test_models_that_are_never_cut_in_the_middle(build):
    assert nearest_to_an_end(build()) == pytest.approx(1, rel=1e-9)


def test_resnet50_is_cut_at_an_end_whatever_the_bandwidth():
    model = resnet50()
    for bandwidth in np.logspace(4, 9, 11):
        found = offload(model, phone_speed=1e10, server_speed=1e13, bandwidth=bandwidth)
        assert found.sent == ({} if bandwidth < 1.47e6 else {"image": 602_112})


@pytest.mark.parametrize(
    ("build", "floats", "octets"),
    [
        (resnet34, 0.8424, 1),
        (lambda: mlp([784, 32, 4096, 10]), 0.1681, 0.2905),
        (lambda: shipped("squeezenet"), 0.3914, 0.6832),
        (lambda: shipped("bvlc_alexnet"), 0.5864, 1),
        (lambda: shipped("shufflenet"), 0.5652, 1),
        (lambda: shipped("zfnet512"), 0.6172, 1),
    ],
    ids=["resnet34", "neck", "squeezenet", "alexnet", "shufflenet", "zfnet"],
)
def test_models_that_are_cut_in_the_middle_and_what_a_photograph_in_bytes_leaves_of_it(build, floats, octets):
    model = build()
    (image,) = model.inputs
    octet = {image: model.tensor(image).size}
    assert nearest_to_an_end(model) == pytest.approx(floats, abs=5e-5)
    assert nearest_to_an_end(model, octet) == pytest.approx(octets, abs=5e-5)


def test_where_squeezenet_is_cut():
    model = shipped("squeezenet")
    found = [
        offload(model, phone_speed=1e9, server_speed=1e12, bandwidth=bandwidth)
        for bandwidth in (1e5, 3e5, 1e6, 3e6, 3e7)
    ]
    assert [(len(split.phone), split.bytes) for split in found] == [
        (66, 0),
        (34, 32_448),
        (19, 93_312),
        (4, 193_600),
        (0, 602_112),
    ]


@pytest.mark.parametrize(
    "build", [lenet, vgg19, lambda: mlp([784, 32, 4096, 10]), resnet34, lambda: shipped("squeezenet")]
)
def test_in_chains_and_narrow_networks_the_best_split_is_the_best_position(build):
    model = build()
    for bandwidth in np.logspace(3, 9, 7):
        speeds = {"phone_speed": 1e9, "server_speed": 1e12, "bandwidth": bandwidth}
        found = offload(model, **speeds)
        assert found.flow == found.cost
        assert found.cost == pytest.approx(positions(model, **speeds).sum(axis=1).min(), rel=1e-9, abs=0)


# ---------------------------------------------------------------------------------------- limits


def test_a_wire_that_is_slow_or_fast_leaves_one_side_empty():
    model = lenet()
    for bandwidth, phone in ((1e-300, 12), (1e300, 0)):
        found = offload(model, phone_speed=1e9, server_speed=1e12, bandwidth=bandwidth)
        assert (len(found.phone), len(found.server)) == (phone, 12 - phone)
    alike = offload(model, phone_speed=1e9, server_speed=1e9, bandwidth=1e9)
    assert alike.sent == {}, "a server as fast as the phone is not worth sending anything"


def test_a_text_is_one_label():
    assert least_bytes_cut(lenet(), on_server="output").sent == {"F6": 4 * 84}


def test_what_is_sent_may_be_smaller_than_in_memory():
    model = lenet()
    speeds = {"phone_speed": 1e9, "server_speed": 1e12, "bandwidth": 8e6}
    assert offload(model, **speeds).sent == {}
    assert offload(model, **speeds, sizes={"image": 1024}).sent == {"image": 1024}
    assert positions(model, **speeds, sizes={"image": 1024})[0, 1] == 1024 / 8e6


def test_what_is_unknown_is_told():
    model = ComputationalGraph()
    h = model.add("Any", model.input("x", ("N",)), name="any", domain="test")
    h = model.add("Gemm", model.input("y", (1, 8)), model.weight("W", shape=(8, 8)), h, name="known")
    model.output(model.add("Relu", h, name="relu"))
    speeds = {"phone_speed": 1.0, "server_speed": 1.0, "bandwidth": 1.0}
    found = offload(model, **speeds)
    assert (found.nodes_left_out, found.tensors_left_out) == (1, 2)
    assert str(found).endswith("none is quicker (not counted: 1 nodes of unknown size, 2 tensors of unknown size)")
    assert (found.phone, found.cost) == (["any", "known", "relu"], 64)
    told = offload(model, **speeds, sizes={"x": 5, "any": 6})
    assert (told.nodes_left_out, told.tensors_left_out) == (1, 0)
    fewest = least_bytes_cut(model, on_server=["relu"])
    assert (fewest.nodes_left_out, fewest.tensors_left_out) == (0, 2)


def test_without_nodes_there_is_nothing_to_do():
    found = offload(ComputationalGraph(), phone_speed=1, server_speed=1, bandwidth=1)
    assert (found.phone, found.server, found.sent, found.cost, found.flow) == ([], [], {}, 0, 0)
    assert positions(ComputationalGraph(), phone_speed=1, server_speed=1, bandwidth=1).tolist() == [[0, 0, 0]]


def test_a_split_goes_through_a_pickle():
    found = offload(mlp([784, 32, 4096, 10]), phone_speed=1e6, server_speed=1e9, bandwidth=1e4)
    assert str(pickle.loads(pickle.dumps(found))) == str(found)


# ---------------------------------------------------------------------------------------- at the door


@pytest.mark.parametrize("use", [offload, positions])
@pytest.mark.parametrize("name", ["phone_speed", "server_speed", "bandwidth"])
@pytest.mark.parametrize("value", [0, -1.0, float("inf"), float("nan")])
def test_speeds_that_are_none_are_refused(use, name, value):
    speeds = {"phone_speed": 1, "server_speed": 1, "bandwidth": 1} | {name: value}
    with pytest.raises(ValueError, match=rf"{name}={value!r}: above 0 and finite"):
        use(lenet(), **speeds)


def test_unknown_names_are_refused():
    for pins in ({"on_phone": ["C2"]}, {"on_server": ["C2"]}):
        with pytest.raises(UnknownLabel, match="no node 'C2'; the nearest is"):
            least_bytes_cut(lenet(), **pins)
    with pytest.raises(UnknownLabel, match="no tensor that a node reads 'imag'; the nearest is 'image'"):
        least_bytes_cut(lenet(), sizes={"imag": 3})
    with pytest.raises(ValueError, match=r"sizes\['image'\]=-1: at least 0"):
        least_bytes_cut(lenet(), sizes={"image": -1})
    with pytest.raises(TypeError, match=r"sizes\['image'\]=1\.5: a whole number is needed"):
        least_bytes_cut(lenet(), sizes={"image": 1.5})


def test_what_is_no_model_without_cycles_is_refused():
    with pytest.raises(TypeError, match="a ComputationalGraph is needed, not a list"):
        least_bytes_cut([(0, 1)])
    model = sized({"x": 5}, ("a", "x", 1), ("b", "a", 1))
    model.rewire("a", 0, "b")
    with pytest.raises(CycleError):
        least_bytes_cut(model)
    model.rewire("a", 0, "z")
    with pytest.raises(ValueError, match="node 'a' reads 'z' at port 0, and nothing gives it"):
        least_bytes_cut(model)
