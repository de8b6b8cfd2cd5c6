"""Figures of the published runs: as the paper and its notebook tell them, from what is recorded and from the runs.

`TOLD` has every figure with the decimals it is told with, or was computed with by another program, and by how
much it may differ. Those of `_sweet_spot.findings` need means and spreads only, so they are computed anew from the
table that is shipped; the others need every run.
"""

import os
from functools import cache

import numpy as np
import pytest
import scipy.stats

from benchmarks import _relational_graphs, _sweet_spot
from benchmarks._sweet_spot import BEST, PUBLISHED, TOPS, spots
from lessons._published_runs import CELL_MEANS, TASKS
from lessons.datasets import PublishedErrors, published_errors, published_graphs, published_runs, recorded
from lessons.sweet_spot import Groups, clearly_worse, graph_effect, held_out, in_cells, quadratic, sweet_spot

TOLD = {
    "complete_graph_error": ([33.344, 0.362249], 5e-06),
    "best_graph_error": ([32.054, 0.144444], 5e-06),
    "best_graph_C_L": ([0.448461, 2.479167], 5e-06),
    "lowest_mean_error": ([31.984, 0.447106, 1943], 5e-06),
    "mlp_per_graph_spot": ([0.09065856, 0.71865489, 1.63293651, 3.0421627], 5e-09),
    "mlp_best_cell": ([5, 7, 15, 32.3353333], 5e-07),
    "mlp_cell_spot": ([0.1, 0.5, 1.8166667, 2.75, 12], 5e-08),
    "cnn6_complete_and_best": ([48.268, 0.137239, 46.728, 0.16303], 5e-06),
    "cnn6_spot": ([0.29980691, 0.70254873, 1.5719246, 2.75248016], 5e-09),
    "resnet34_complete_and_best": ([25.725333, 0.06662, 24.566667, 0.102063], 5e-06),
    "resnet34_spot": ([0.09765469, 0.63607354, 1.58035714, 2.5218254], 5e-09),
    "resnet34sep_complete_and_best": ([28.386667, 0.050658, 27.172, 0.18082], 5e-06),
    "resnet34sep_spot": ([0.09765469, 0.70254873, 1.5719246, 2.52876984], 5e-09),
    "resnet50_complete_and_best": ([23.092667, 0.051545, 22.418667, 0.093728], 5e-06),
    "resnet50_spot": ([0.43011589, 0.70254873, 1.5719246, 2.28075397], 5e-09),
    "efficientnet_complete_and_best": ([25.587333, 0.045028, 25.07, 0.166789], 5e-06),
    "efficientnet_spot": ([0.12291667, 0.6953647, 1.40833333, 2.30833333], 5e-09),
    "consistent_sweet_spot": ([0.43011589, 0.5, 1.81666667, 2.28075397], 5e-09),
    "sweet_spot_mlp_error": ([171, 32.502889, 0.329305], 5e-06),
    "r_mlp_resnet34": ([0.658496], 5e-06),
    "r_mlp_resnet34sep": ([0.715342], 5e-06),
    "r_resnet34sep_resnet34": ([0.931342], 5e-06),
    "r_resnet34sep_resnet50": ([0.797199], 5e-06),
    "r_mlp_resnet50": ([0.326046], 5e-06),
    "cellmean_mlp_recomputed": ([0], 1e-09),
    "mlp_quadratic_err_vs_L": ([1473, 0.56334, -2.796358, 35.917837, 2.4819, 0.5371], 6e-05),
    "mlp_quadratic_err_vs_C": ([1373, 2.198356, -1.487175, 32.68019, 0.3382, 0.2427], 6e-05),
    "r_52_vs_3942": ([0.902899], 5e-06),
    "r_449_vs_3942": ([0.974106], 5e-06),
    "r_epoch3_vs_100_resnet34": ([0.9283], 5e-05),
    "r_epoch3_vs_100_cnn6": ([0.9241], 5e-05),
    "r_epoch3_vs_100_efficientnet": ([0.7585], 5e-05),
    "r_epoch3_vs_100_resnet34sep": ([0.5247], 5e-05),
    "r_epoch3_vs_100_resnet50": ([0.4794], 5e-05),
    "bio_cat": ([52, 820, 0.551438, 1.807692], 5e-06),
    "bio_mcvisual": ([30, 308, 0.526331, 1.721839], 5e-06),
    "bio_mcwhole": ([71, 746, 0.454895, 2.329796], 5e-06),
    "regenerated_graphs_and_widths": ([0], 0),
    "budget": ([2364416, 0.00103197, 512, 1539], 1e-06),
    "reliability_of_graph_means": ([0.66835], 5e-06),
    "cubic_C_L_R2_error_density_logdensity": ([0.642295, 0.98858, 0.996016], 5e-06),
    "winners_curse_top10": ([32.019, 32.527], 0.002),
}
FROM_RUNS = ("cellmean_mlp_recomputed", "regenerated_graphs_and_widths", "budget", "winners_curse_top10")
LEFT = {"cnn6": 25, "resnet34": 15, "resnet34_sep": 29, "resnet50": 14, "efficientnet": 34}  # not clearly worse
PARABOLAS = {  # error over L, and over C: how many graphs, and the three factors; told to the third decimal
    "cnn6": ((18, 1.048, -4.733, 52.165), (18, 2.364, -2.445, 47.484)),
    "resnet34": ((18, 0.825, -3.508, 28.481), (18, 2.140, -1.415, 24.956)),
    "resnet34_sep": ((18, 0.865, -3.693, 31.257), (18, 1.899, -1.363, 27.539)),
    "resnet50": ((18, 0.406, -1.460, 23.925), (18, 0.658, -1.195, 23.094)),
    "efficientnet": ((16, 1.306, -5.329, 30.569), (12, 0.532, -0.567, 25.320)),
}

needs_data = pytest.mark.skipif(
    "LESSONS_DATA" not in os.environ, reason="LESSONS_DATA names no folder of downloaded data"
)


@cache
def table():
    return recorded("sweet_spot")


@cache
def errors():
    return {task: published_errors(task) for task in TASKS}


@cache
def found():
    """From the shipped tables of means."""
    return _sweet_spot.findings(errors(), recorded("relational_graphs")["brains"])


@cache
def measured():
    """From the runs, with the data."""
    return _sweet_spot.measured()


def close(figures, name):
    told, apart = TOLD[name]
    assert len(figures) == len(told)
    assert figures == pytest.approx(told, rel=0, abs=apart)


# ---------------------------------------------------------------------------------------- the figures


def test_every_figure_is_told_once():
    assert len(TOLD) == 42
    assert set(found()) == set(TOLD) - set(FROM_RUNS)
    assert set(table()["headlines"]) == set(TOLD)


@pytest.mark.parametrize("name", [name for name in TOLD if name not in FROM_RUNS])
def test_from_the_recorded_means(name):
    close(found()[name], name)


@pytest.mark.parametrize("name", TOLD)
def test_as_recorded(name):
    close(table()["headlines"][name], name)


@pytest.mark.data
@needs_data
@pytest.mark.parametrize("name", TOLD)
def test_from_the_runs(name):
    close(measured()["headlines"][name], name)


@pytest.mark.data
@needs_data
def test_the_brains_that_the_figures_are_of():
    again = {name: _relational_graphs.brain(name) for name in recorded("relational_graphs")["brains"]}
    for name, figures in _sweet_spot.of_brains(again).items():
        close(figures, name)


# ---------------------------------------------------------------------------------------- what is recorded


def test_what_is_recorded_is_what_the_command_measures():
    assert table()["published"] == PUBLISHED
    assert list(table()["tasks"]) == list(TASKS)
    assert table()["winner's curse"]["top"] == list(TOPS)
    assert "MIT License, Copyright (c) Facebook, Inc. and its affiliates" in table()["source"]
    for task, told in errors().items():
        graphs = TASKS[task].graphs[1] + 1
        assert len(told.groups) == len(told.density) == graphs
        assert told.by_epoch.shape == (len(TASKS[task].epochs), graphs)
        assert told.epochs.tolist() == list(TASKS[task].epochs)
        assert np.array_equal(told.by_epoch[-1], told.groups.mean)
        assert (told.groups.C[-1], told.groups.L[-1], told.density[-1]) == (1, 1, 1)
        assert told.best == BEST[task]
        assert ((told.density > 0.1) & (told.density <= 1)).all()


def test_the_tasks_on_imagenet_have_the_52_graphs():
    chosen = published_graphs(52)
    for task in ("cnn6", "resnet34", "resnet34_sep", "resnet50"):
        groups = errors()[task].groups[:-1]
        assert np.array_equal(groups.C, chosen.C)
        assert np.array_equal(groups.L, chosen.L)


def test_a_task_that_there_is_not():
    for get in (published_errors, published_runs):
        with pytest.raises(ValueError, match=r"task='vgg': one of \['mlp', 'cnn6'"):
            get("vgg")


def test_where_a_run_broke_off():
    """The paper has its seed 1 twice; the group has one run less."""
    for task, told in errors().items():
        lacking = {"resnet34_sep": [2], "efficientnet": [39]}.get(task, [])
        seeds = 5 if task == "mlp" else 3
        assert np.flatnonzero(told.groups.runs != seeds).tolist() == lacking
        assert (told.groups.runs[lacking] == seeds - 1).all()
        assert (told.as_published.runs == seeds).all()
        assert np.flatnonzero(told.as_published.mean != told.groups.mean).tolist() == lacking


def test_the_best_that_is_told_is_not_the_lowest():
    """Of the perceptron a graph of a lower mean is passed by, of CNN-6 another has the same."""
    for task, told in errors().items():
        mean = told.groups.mean
        before = (mean < mean[told.best] - 1e-9).sum(), (np.abs(mean - mean[told.best]) < 1e-9).sum()
        assert before == {"mlp": (1, 2), "cnn6": (0, 2)}.get(task, (0, 1))


def test_as_many_graphs_are_not_clearly_worse_as_the_paper_has():
    for task, known in LEFT.items():
        told = errors()[task]
        assert (~clearly_worse(told.as_published, told.best)).sum() == known
    mlp = errors()["mlp"]
    assert (~clearly_worse(mlp.groups, mlp.best)).sum() == 363
    assert len(in_cells(mlp.groups)) == 74


def test_without_the_run_told_twice_the_boxes_are_the_same():
    for task in ("resnet34_sep", "efficientnet"):
        told = errors()[task]
        assert sweet_spot(told.groups, told.best) == sweet_spot(told.as_published, told.best)


def test_beside_the_other_best_the_box_of_cnn6_is_another():
    groups = errors()["cnn6"].groups
    assert (~clearly_worse(groups, 23)).sum() == 14
    assert [*sweet_spot(groups, 23)][:2] == pytest.approx([0.3013, 0.6988], abs=5e-5)


def test_two_experiments_decide_where_all_boxes_overlap():
    """C from below and L from above are ResNet-50's ends, the other two the perceptron's."""
    boxes = spots(errors())
    common = found()["consistent_sweet_spot"]
    assert common == [boxes["resnet50"].C_low, boxes["mlp"].C_high, boxes["mlp"].L_low, boxes["resnet50"].L_high]


@pytest.mark.parametrize("task", PARABOLAS)
def test_parabolas_of_the_tasks_on_imagenet(task):
    groups = errors()[task].as_published
    slices = ((groups.L, (groups.C >= 0.4) & (groups.C <= 0.6)), (groups.C, (groups.L >= 2) & (groups.L <= 2.5)))
    for (x, rows), (count, *factors) in zip(slices, PARABOLAS[task], strict=True):
        assert rows.sum() == count
        assert quadratic(x[rows], groups.mean[rows])[:3] == pytest.approx(factors, abs=0.001)


def test_most_graphs_beat_the_complete_one():
    mean = errors()["mlp"].groups.mean
    assert (mean[:-1] < mean[-1]).mean() == pytest.approx(0.988, abs=5e-4)


def test_the_report_tells_every_figure():
    lines = list(_sweet_spot.report(table()))
    assert len(lines) == 3 * len(TASKS) + 1 + len(TOLD) + 1 + len(TOPS) + 1 + len(PUBLISHED) - 1
    assert "\nmlp: 3942 graphs and the complete one, 5 runs each" in lines
    assert "\nresnet34_sep: 52 graphs and the complete one, 3 runs each, 1 missing" in lines
    assert "  best, row 3552   32.05 +- 0.14 %" in lines
    assert "  best 10    32.019   32.527" in lines
    assert any(line.startswith("  budget ") and line.endswith(" 2364416 0.001031967 512 1539") for line in lines)


# ---------------------------------------------------------------------------------------- with the data


@pytest.mark.data
@needs_data
@pytest.mark.parametrize("task", TASKS)
def test_a_task_is_recorded_as_it_is_measured(task):
    known, again = (PublishedErrors.of(task, each["tasks"][task]) for each in (table(), measured()))
    for name in ("groups", "as_published"):
        for column, values in vars(getattr(known, name)).items():
            assert np.abs(values - getattr(getattr(again, name), column)).max() < 2e-6
    assert np.abs(known.by_epoch - again.by_epoch).max() < 2e-6
    assert np.array_equal(known.density, again.density)


@pytest.mark.data
@needs_data
@pytest.mark.parametrize("task", TASKS)
def test_what_is_told_of_a_task_by_other_means(task):
    """Spreads and means run by run, density by what the settings say, the effect of the graph by SciPy."""
    runs, told = published_runs(task), errors()[task]
    last = runs.errors[-1]
    assert np.abs(np.nanmean(last, axis=1) - told.groups.mean).max() < 1e-6
    assert np.abs(np.nanstd(last, axis=1) - told.groups.std).max() < 1e-6
    assert np.array_equal((~np.isnan(last)).sum(axis=1), told.groups.runs)
    assert np.abs(runs.density[:-1] - runs.k[:-1] / (runs.n - 1)).max() < 0.5 / (runs.n * (runs.n - 1) / 2) + 1e-5
    known = scipy.stats.f_oneway(*([error for error in row if error == error] for row in last))
    assert [*graph_effect(told.groups)] == pytest.approx([*known], rel=1e-4)


@pytest.mark.data
@needs_data
@pytest.mark.parametrize("task", CELL_MEANS)
def test_published_means_of_cells(task):
    assert _sweet_spot.cell_means_off(task, measured_errors()) < 1e-9


@cache
def measured_errors():
    """Every digit, not those that are recorded."""
    return {
        task: PublishedErrors.of(task, _sweet_spot.task_table(published_runs(task)))
        for task in (*CELL_MEANS, "cnn6")
    }


@pytest.mark.data
@needs_data
def test_the_winner_s_curse_as_recorded():
    known = table()["winner's curse"]
    errors = published_runs("mlp").errors[-1, :-1]
    for top, chosen, left_out in zip(*known.values(), strict=True):
        assert [*held_out(errors, top)] == pytest.approx([chosen, left_out], abs=1e-6)


@pytest.mark.data
@needs_data
def test_a_cell_s_runs_are_pooled_as_if_they_were_of_one_graph():
    """From means and spreads of graphs as from every run in the cells."""
    runs = published_runs("mlp")
    cells = in_cells(errors()["mlp"].groups)
    single = Groups.of(np.repeat(runs.C, 5), np.repeat(runs.L, 5), runs.errors[-1].reshape(-1, 1))
    again = in_cells(single)
    assert np.array_equal(cells.runs, again.runs)
    assert np.abs(cells.mean - again.mean).max() < 1e-6
    assert np.abs(cells.std - again.std).max() < 1e-6
