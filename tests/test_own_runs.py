"""Runs of ours that are shipped in `lessons/data/own_runs.json`: how they are recorded, do they come again?"""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import _own_runs
from lessons.datasets import cifar10_jpeg, own_runs, published_graphs
from lessons.random_graphs import ws_flex
from lessons.relational_budgets import match_width
from lessons.relational_training import Images, NetworkBatch
from lessons.sweep import Settings, mlp_family, read_runs, run_sweep, tasks_of

LEVELS = (0.0, 0.75, 1.5, 3.0)  # as planned in benchmarks/sweet_spot_plan.md


@pytest.mark.parametrize("noise", LEVELS)
def test_what_was_planned_is_there(noise):
    runs = own_runs("digits", noise)
    assert runs.errors.shape == (53, 20)
    assert runs.by_epoch.shape == (30, 53)
    assert ((runs.errors > 0) & (runs.errors < 100)).all()
    np.testing.assert_allclose(runs.by_epoch[-1], runs.errors.mean(axis=1), atol=1e-3)
    np.testing.assert_allclose(runs.errors * 4.5, (runs.errors * 4.5).round(), atol=1e-9)
    assert len(runs.groups) == 53
    assert "--seeds 20 --epochs 30" in runs.command


def test_the_shortened_run_is_there():
    runs = own_runs("cifar10-jpeg")
    assert runs.errors.shape == (53, 1)
    assert runs.by_epoch.shape == (5, 53)
    np.testing.assert_allclose(runs.by_epoch[-1], runs.errors[:, 0], atol=1e-3)
    np.testing.assert_allclose(runs.errors * 100, (runs.errors * 100).round(), atol=1e-9)
    assert (runs.by_epoch[0] > runs.by_epoch[-1]).all()
    assert runs.errors.max() < 60  # guessing errs in 90 of 100
    assert runs.width[-1] == 512
    assert runs.command == "lessons sweep --data cifar10-jpeg --graphs 52 --seeds 1 --epochs 5"


def test_more_noise_is_harder():
    means = [own_runs("digits", noise).errors.mean() for noise in LEVELS]
    assert sorted(means) == means


def test_the_graphs_are_the_published_ones_and_the_complete_one_at_the_matched_widths():
    runs, graphs = own_runs("digits"), published_graphs(52)
    family = mlp_family(Settings.usual("digits").recipe)
    for row in (0, 16, 37):
        graph = ws_flex(64, graphs.k[row], graphs.p[row], int(graphs.seed[row]))
        assert match_width(graph, family) == (runs.width[row],)
        assert runs.density[row] == pytest.approx(graph.m / (64 * 63 / 2))
    assert (runs.C[-1], runs.L[-1], runs.density[-1], runs.width[-1]) == (1, 1, 1, 64)


def test_runs_that_there_are_not_are_named():
    with pytest.raises(ValueError, match=r"'digits' with noise=2.*'digits', 0.75"):
        own_runs("digits", 2)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A file of a sweep over three graphs and the complete one."""
    path = tmp_path_factory.mktemp("sweep") / "small.sqlite"
    run_sweep(Settings.usual("digits", graphs=3, noise=1.5, epochs=1), path, seeds=2)
    return path


def test_a_sweep_is_recorded(small, tmp_path, monkeypatch, capsys):
    runs = read_runs(small)
    told = replace(runs, settings=runs.settings | {"graphs": 52})
    with pytest.raises(ValueError, match=r"small\.sqlite: networks .* are missing"):
        _own_runs.entry(small, told)
    with pytest.raises(ValueError, match=r"small\.sqlite: networks .* are missing"):
        _own_runs.main([str(small), "--json", str(tmp_path / "own.json")])
    monkeypatch.setattr(_own_runs, "GRAPHS", 3)
    _own_runs.main([str(small), "--json", str(tmp_path / "own.json")])
    table = json.loads((tmp_path / "own.json").read_text(encoding="utf-8"))
    (entry,) = table["runs"]
    assert entry["command"] == "lessons sweep --data digits --noise 1.5 --graphs 3 --seeds 2 --epochs 1"
    np.testing.assert_allclose(np.array(entry["wrong"]) / 4.5, runs.matrix())
    assert np.shape(entry["by epoch"]) == (1, 4)
    assert entry["width"][-1] == 64
    assert {"source", "command", "date", "machine"} <= set(table)


@pytest.mark.full
def test_the_same_networks_err_as_much_again(tmp_path):
    """To the last bit on one kind of processor; elsewhere roundings grow, and only the mean stays near."""
    path = tmp_path / "again.sqlite"
    run_sweep(Settings.usual("digits", graphs=20, noise=1.5), path, seeds=1)
    again = read_runs(path).matrix()[:20, 0]
    recorded = own_runs("digits", 1.5).errors[:20, 0]
    assert abs(again.mean() - recorded.mean()) < 1.5


@pytest.mark.full
@pytest.mark.data
def test_the_complete_graph_errs_as_much_again_on_the_jpeg_copy():
    settings = Settings.usual("cifar10-jpeg", epochs=5)
    complete = tasks_of(settings, seeds=1)[-1]
    batch = NetworkBatch([complete.network()], settings.recipe)
    copy = cifar10_jpeg()
    assert batch.train(Images(copy.X, copy.y, copy.X_test, copy.y_test))
    assert abs(batch.errors[0, -1] - own_runs("cifar10-jpeg").errors[-1, 0]) < 1
