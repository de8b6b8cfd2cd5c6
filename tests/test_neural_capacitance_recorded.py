"""Zoos of networks that were watched: that they learn as they should, what is recorded, and a part made again."""

import doctest
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from benchmarks import _neural_capacitance
from benchmarks._neural_capacitance import CURVES, KS, NO_ACCURACIES, QUESTIONS, SEEN, numbers, part_text
from benchmarks._zoos import SERIES, ZOOS, Stack, betas, dead, network, zoo_watched
from lessons.datasets import recorded
from lessons.layers import Linear, Sequential
from lessons.neural_capacitance import neural_capacitance
from lessons.prediction_of_accuracy import Zoo, predictions
from lessons.relational_graphs import RelationalLinear
from lessons.tensor_functions import cross_entropy, relu
from lessons.training import SGD, Adam


@cache
def table():
    return recorded("neural_capacitance")


def test_the_doctests_of_the_protocol():
    assert doctest.testmod(_neural_capacitance) == doctest.TestResults(failed=0, attempted=1)


# ---------------------------------------------------------------------------------------- how networks learn


def by_the_engine(one):
    """The network as a model of the tensor engine, and the tensors that move."""
    steps, moving = [], []
    for k, (W, graph) in enumerate(zip(one.W, one.graphs, strict=True), start=1):
        sizes, kept = W.shape[::-1], {"seed": 0, "dtype": np.float64}
        layer = Linear(*sizes, **kept) if graph is None else RelationalLinear(graph, *sizes, **kept)
        b = np.zeros(len(W)) if one.b is None else one.b[k - 1]
        layer.load(layer.state() | {"W": W, "b": b})
        steps += [layer, relu] + [divided] * (k == one.probe)
        if k <= (one.moving or len(one.W)):
            moving += [layer.W, layer.b]
    return Sequential(*steps[:-1]), moving


def divided(x):
    """By the root of the mean square of each row."""
    return x / ((x * x).mean(axis=1, keepdims=True) + 1e-6) ** 0.5


@pytest.mark.parametrize("zoo", ZOOS)
def test_a_stack_learns_what_the_engine_learns(zoo):
    """Two networks of one shape, five steps: losses and weights."""
    alike = [network(zoo, 900, 0)]
    place = 1
    while len(alike) < 2:
        other = network(zoo, 900 + place // 20, place % 20)
        alike += [other] * (other.shape == alike[0].shape)
        place += 1
    stack = Stack(alike)
    rows_of = [one.parts[0] for one in alike]
    batches = [[(X[at : at + 10], y[at : at + 10]) for at in range(0, 50, 10)] for X, y in rows_of]
    models = [by_the_engine(one) for one in alike]
    kinds = [
        Adam(moving, one.rate) if one.adam else SGD(moving, one.rate, momentum=0.9)
        for one, (_, moving) in zip(alike, models, strict=True)
    ]
    for rows in zip(*batches, strict=True):
        X, y = map(np.stack, zip(*rows, strict=True))
        losses, _ = stack.gradients(X, y)
        stack.step(X, y)
        for k, (model, _) in enumerate(models):
            loss = cross_entropy(model(rows[k][0]), rows[k][1])
            assert losses[k] == pytest.approx(loss.item(), rel=1e-9)
            kinds[k].zero_grad()
            loss.backward()
            kinds[k].step()
    for k, (model, _) in enumerate(models):
        layers = [step for step in model.steps if isinstance(step, Linear)]
        for at, layer in enumerate(layers):
            assert stack.W[at][k] == pytest.approx(layer.W.data, rel=1e-8, abs=1e-10)
            assert stack.b[at][k, 0] == pytest.approx(layer.b.data, rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("zoo", ZOOS)
def test_a_network_learns_the_same_in_whatever_company(zoo):
    """Alone, and with others: nothing of one gets into another."""
    one = zoo_watched(zoo, [901], [2], epochs=2, seen=1)[901, 2]
    other = zoo_watched(zoo, [901, 902], [0, 1, 2], epochs=2, seen=1)[901, 2]
    for name in (*SERIES, "final", "final_loss"):
        assert one[name] == pytest.approx(other[name], rel=1e-9), name
    assert one["told"] == other["told"]


def test_the_masks_of_architectures_hold():
    one = next(
        one for one in (network("architectures/digits", 900, k) for k in range(24)) if one.told["edges"] < 14
    )
    stack = Stack([one])
    X, y = one.parts[0]
    stack.epoch(X[None], y[None], 100)
    for W, there in zip(stack.W, stack.there, strict=True):
        assert ((W == 0) == (np.broadcast_to(there, W.shape) == 0)).all()


def test_the_probe_does_not_move():
    one = network("transfer/digits", 900, 0)
    stack = Stack([one])
    X, y = one.parts[0]
    stack.epoch(X[None], y[None], 50)
    moved = [not np.array_equal(new[0], old) for new, old in zip(stack.W, one.W, strict=True)]
    assert moved == [True] * one.probe + [False] * 4
    assert not any(b.any() for b in stack.b[one.probe :])


def test_rows_are_apart():
    """Nothing that is learned from is tested on."""
    for zoo in ("features/digits", "hyperparameters/digits", "transfer/digits"):
        images = [{row.tobytes() for row in X.round(9)} for X, _ in network(zoo, 900, 3).parts]
        if zoo != "features/digits":  # with few pixels two images can be the same
            assert not images[0] & images[1] | images[0] & images[2] | images[1] & images[2]
    classes = [np.unique(y).tolist() for _, y in network("transfer/digits", 900, 3).parts]
    assert classes == [[0, 1, 2, 3, 4]] * 3


def test_a_dead_network_is_drawn_again():
    one = network("hyperparameters/digits", 900, 0)
    assert not dead(one)
    gone = replace(one, b=[np.full(len(W), -100.0) for W in one.W])
    assert dead(gone)
    (X, y), *_ = gone.parts
    assert betas(Stack([gone]).model(0), X, y) == (0, 0)


def test_beta_is_the_library_s():
    one = network("architectures/digits", 900, 1)
    (X, y), *_ = one.parts
    model = Stack([one]).model(0)
    known = neural_capacitance(model, X, y), neural_capacitance(model, X, y, absolute=True)
    assert betas(model, X, y) == pytest.approx(known, rel=1e-12)


# ---------------------------------------------------------------------------------------- what is recorded


def test_what_is_recorded_is_what_the_command_measures():
    told = "python -m benchmarks neural_capacitance --accuracy --json lessons/data/neural_capacitance.json"
    assert table()["command"] == told
    assert list(table()["zoos"]) == list(table()["tau"]) == list(table()["off"]) == list(ZOOS)
    for name, kind in ZOOS.items():
        zoo = Zoo.of(name, table())
        assert (zoo.epochs, zoo.seeds) == (kind.epochs, tuple(kind.seeds))
        assert zoo.accuracy.shape == (len(kind.seeds), kind.networks, SEEN + 1)
        held(zoo)


def test_of_some_networks_every_epoch_is_recorded():
    name, seed, count = CURVES
    curves, zoo = Zoo.read(name, table()["curves"]), Zoo.of(name, table())
    assert curves.accuracy.shape == (1, count, ZOOS[name].epochs + 1)
    held(curves)
    place = zoo.seeds.index(seed)
    for series in ("accuracy", "loss", "beta", "absolute_beta", "weight_norm", "gradient_norm"):
        assert getattr(curves, series)[0, :, : SEEN + 1] == pytest.approx(
            getattr(zoo, series)[place, :count], rel=0.01
        )
    assert curves.final[0] == pytest.approx(zoo.final[place, :count], abs=0.005)


def held(zoo):
    """Whether these can be what they are said to be."""
    for share in (zoo.accuracy, zoo.final):
        assert ((share >= 0) & (share <= 1)).all()
    for size in (zoo.loss, zoo.absolute_beta, zoo.weight_norm, zoo.gradient_norm, zoo.final_loss):
        assert np.isfinite(size).all()
        assert (size >= 0).all()
    assert np.isfinite(zoo.beta).all()
    for first, last in ((zoo.accuracy, -zoo.accuracy), (-zoo.loss, zoo.loss)):  # they learn, nearly all of them
        assert (first[:, :, 0] + last[:, :, -1] < 0).mean() > 0.95


@pytest.mark.parametrize("name", ZOOS)
def test_order_and_distance_are_those_of_the_recorded_networks(name):
    """At one k. Another version of scikit-learn may end its steps elsewhere, and two networks change places."""
    taus, offs = _neural_capacitance.taus_and_offs(Zoo.of(name, table()), 5)
    for way, found in taus.items():
        assert found == pytest.approx(numbers(table()["tau"][name]["5"][way]), abs=0.025), way
    for way, found in offs.items():
        assert found == pytest.approx(numbers(table()["off"][name]["5"][way]), abs=0.002), way


def test_every_way_is_told_at_every_k():
    ways = list(predictions(Zoo.of("features/digits", table()), 2))
    for name, kind in ZOOS.items():
        assert list(table()["tau"][name]) == list(table()["off"][name]) == [str(k) for k in KS]
        for k in map(str, KS):
            assert list(table()["tau"][name][k]) == ways
            assert list(table()["off"][name][k]) == [way for way in ways if way not in NO_ACCURACIES]
            assert {len(numbers(row)) for row in table()["tau"][name][k].values()} == {len(kind.seeds)}


def test_the_tests_are_those_of_the_plan():
    tau = {
        name: {k: {way: numbers(row) for way, row in rows.items()} for k, rows in by_k.items()}
        for name, by_k in table()["tau"].items()
    }
    again = _neural_capacitance.tests(tau)
    assert len(again) == len(QUESTIONS) * len(ZOOS) == len(table()["tests"])
    for found, known in zip(again, table()["tests"], strict=True):
        words = ("question", "zoo", "one", "other", "wins", "runs")
        assert [found[key] for key in words] == [known[key] for key in words]
        assert [found[key] for key in ("mean", "error")] == pytest.approx(
            [known[key] for key in ("mean", "error")]
        )
        assert [found[key] for key in ("p", "holm")] == pytest.approx(
            [known[key] for key in ("p", "holm")], rel=1e-4
        )
        assert known["holm"] >= known["p"]


def test_the_plan_tells_the_zoos_as_they_are():
    plan = Path(_neural_capacitance.__file__).with_name("neural_capacitance_plan.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| (\w+/\w+) \|.*\| ([\d, ]+) \| (\d+) \| (\d+) x (\d+) \|$", plan, re.MULTILINE)
    assert [row[0] for row in told] == list(ZOOS)
    for name, rows, epochs, networks, seeds in told:
        kind = ZOOS[name]
        assert [int(epochs), int(networks), int(seeds)] == [kind.epochs, kind.networks, len(kind.seeds)]
        counts = [len(y) for _, y in network(name, kind.seeds[0], 0).parts]
        assert [int(count.replace(",", "")) for count in rows.split(", ")] == counts


def test_the_report_tells_every_zoo_way_and_test():
    lines = "\n".join(_neural_capacitance.report(table()))
    assert lines.count("Zoo(") == len(ZOOS)
    assert lines.count("Holm") == len(ZOOS) * len(QUESTIONS)
    assert all(lines.count(f"  {way:<34} ") == len(ZOOS) for way in table()["tau"]["features/digits"]["5"])


# ---------------------------------------------------------------------------------------- made again


@pytest.mark.parametrize("name", ["features/digits", "transfer/digits"])
def test_two_networks_are_as_recorded(name):
    """Their first two epochs, trained again; elsewhere rounding differs, and grows with every step."""
    again = Zoo.read(name, part_text(name, [100], [0, 1], epochs=2, seen=2))
    known = Zoo.of(name, table())
    for series in ("loss", "absolute_beta", "weight_norm", "gradient_norm"):
        assert getattr(again, series)[0] == pytest.approx(getattr(known, series)[0, :2, :3], rel=0.01), series
    assert again.beta[0] == pytest.approx(known.beta[0, :2, :3], rel=0.02, abs=1e-5)
    assert again.accuracy[0] == pytest.approx(known.accuracy[0, :2, :3], abs=0.003)


@pytest.mark.full
@pytest.mark.parametrize("name", ZOOS)
def test_two_networks_end_as_recorded(name):
    kind = ZOOS[name]
    again = Zoo.read(name, part_text(name, [kind.seeds[1]], [0, 1], kind.epochs, SEEN))
    known = Zoo.of(name, table())
    assert again.final[0] == pytest.approx(known.final[1, :2], abs=0.02)
