"""Published runs, file by file: what is read, what is refused, and the real ones beside another reader."""

import hashlib
import io
import os
import re
from pathlib import Path

import numpy as np
import pytest

from lessons import _graph2nn, _published_runs
from lessons._published_runs import EPOCHS, TASKS, Part, Task, read_runs
from lessons.datasets import published_runs
from lessons.errors import DataMissing, FormatError

ROWS = np.array([[64, 0.125, 0.25, 7, 0.5, 3.25], [64, 0.7000004, 0.1234567, 0, 0.75, 1.5]])  # of a list
GRAPHS = np.array([[64, 0.125, 0.25, 7, 0.5, 3.25], [64, 0.7, 0.123457, 0, 0.75, 1.5], [64, 1, 0, 1, 1, 1]])
NAMES = [["0.125", "0.25", "7.0"], ["0.7", "0.123457", "0.0"], ["1.0", "0.0", "1.0"]]

needs_data = pytest.mark.skipif(
    "LESSONS_DATA" not in os.environ, reason="LESSONS_DATA names no folder of downloaded data"
)


def names_of(graphs):
    """(graphs, 15) as the files name them."""
    return np.array([["talk", "dense", "64.0", "ws", *each[:2], "sum", each[2], *"1234567"] for each in graphs])


def results_of(errors, seeds=(1, 2), width=100.0, nodes=64.0):
    """(graphs, seeds, 8) of errors (graphs, seeds)."""
    found = np.zeros((len(errors), len(seeds), 8))
    found[..., 3], found[..., 5], found[..., 6], found[..., 7] = errors, nodes, width, seeds
    return found


def saved(array, **settings):
    file = io.BytesIO()
    np.save(file, array, **settings)
    return file.getvalue()


def read(folder, names, results, seeds=(1, 2)):
    paths = folder / "names.npy", folder / "results.npy"
    for path, content in zip(paths, (names, results), strict=True):
        path.write_bytes(content if isinstance(content, bytes) else saved(content))
    return read_runs(*paths, seeds, GRAPHS)


ERRORS = np.array([[30.0, 31.5], [32.25, 33.0], [34.0, 35.0]])


# ---------------------------------------------------------------------------------------- one file of each


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [1, 2], [2], []])
def test_each_graph_has_its_own_results(tmp_path, order):
    names = names_of(NAMES)[order]
    found = read(tmp_path, names, results_of(ERRORS[order]))
    known = np.full((3, 2), np.nan)
    known[order] = ERRORS[order]
    assert np.array_equal(found[..., 0], known, equal_nan=True)
    assert (found[order, :, 1] == 100).all()


@pytest.mark.parametrize(
    "names",
    [
        b"",
        saved(np.zeros((3, 15))),
        saved(names_of(NAMES).astype("S9")),
        saved(names_of(NAMES).astype(">U9")),
        saved(names_of(NAMES).astype(object), allow_pickle=True),
        saved(names_of(NAMES)[:, :14]),
        saved(names_of(NAMES).ravel()),
        saved(names_of(NAMES)).replace(b"<U", b"<O"),
        saved(names_of(NAMES)).replace(b"(3, 15), }", b"(3, 15), __import__('os'), }"),
        saved(np.asfortranarray(names_of(NAMES))),
    ],
)
def test_what_are_no_names(tmp_path, names):
    with pytest.raises(FormatError, match=r"names\.npy: does not begin as an array \(graphs, 15\) of text"):
        read(tmp_path, names, results_of(ERRORS))


@pytest.mark.parametrize(
    "results",
    [
        b"\x93NUMPY",
        saved(results_of(ERRORS).astype(np.float32)),
        saved(results_of(ERRORS)[:, :1]),
        saved(results_of(ERRORS)[..., :7]),
        saved(names_of(NAMES)),
        saved(results_of(ERRORS)).replace(b"<f8", b"|O "),
    ],
)
def test_what_are_no_results(tmp_path, results):
    with pytest.raises(FormatError, match=r"results\.npy: does not begin as an array \(graphs, 2, 8\) of float64"):
        read(tmp_path, names_of(NAMES), results)


def test_files_that_are_not_as_long_as_they_say(tmp_path):
    names, results = saved(names_of(NAMES)), saved(results_of(ERRORS))
    many = re.sub(rb"\((\d), 15\), }        ", rb"(999999999, 15), }", names)
    size = names_of(NAMES).itemsize * 15
    for content, problem in (
        (names[:-1], f"{3 * size - 1} bytes for 3 graphs of {size} bytes each"),
        (names + b"\0", f"{3 * size + 1} bytes for 3 graphs"),
        (many, f"{3 * size} bytes for 999999999 graphs"),  # and no memory is taken for them
    ):
        with pytest.raises(FormatError, match=rf"names\.npy: {problem}"):
            read(tmp_path, content, results)
    with pytest.raises(FormatError, match=r"results\.npy: 383 bytes for 3 graphs of 128 bytes each"):
        read(tmp_path, names, results[:-1])


def test_text_that_is_not_plain(tmp_path):
    names = saved(names_of(NAMES))
    for odd in (b"\xe9\0\0\0", b"\xff\xff\xff\xff", b"\0\xd8\0\0"):
        with pytest.raises(FormatError, match="holds more than plain text"):
            read(tmp_path, names[:-4] + odd, results_of(ERRORS))


@pytest.mark.parametrize(
    "words", [["0.125", "0.25", "8.0"], ["nan", "0.25", "7.0"], ["", "", ""], ["a", "0", "1"]]
)
def test_a_graph_that_is_not_on_the_list(tmp_path, words):
    with pytest.raises(FormatError, match=re.escape(f"are {words}, which no graph of the list has")):
        read(tmp_path, names_of([*NAMES[:2], words]), results_of(ERRORS))


def test_names_and_results_that_do_not_belong_together(tmp_path):
    with pytest.raises(FormatError, match=r"names\.npy: tells of a graph twice"):
        read(tmp_path, names_of([*NAMES[:2], NAMES[0]]), results_of(ERRORS))
    with pytest.raises(FormatError, match=r"results\.npy: 3 graphs, and 2 in names\.npy"):
        read(tmp_path, names_of(NAMES[:2]), results_of(ERRORS))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (3, [-0.1, 100.1, np.nan, np.inf]),
        (5, [16, 0, np.nan]),
        (6, [0, -1, 100.5, 1e9, np.nan, np.inf]),
        (7, [1, 3, np.nan]),
    ],
)
def test_figures_that_no_run_has(tmp_path, column, values):
    for value in values:
        results = results_of(ERRORS)
        results[2, 1, column] = value
        with pytest.raises(FormatError, match="run 1 of graph 2 has error, nodes, width and seed"):
            read(tmp_path, names_of(NAMES), results)


# ---------------------------------------------------------------------------------------- a task of two graphs


def write(folder, file, content):
    path = folder / "graph2nn" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def given_runs(tmp_path, monkeypatch):
    """A task of two graphs and the complete one, two epochs, two seeds; of one a run broke off between them."""
    start, width = "analysis/final_results/", np.array([[120.0], [80.0], [64.0]])
    contents = {"analysis/graphs_n64_3942.npy": saved(ROWS)}
    for seed, stem in ((1, "net"), (2, "net_seed2")):
        place = f"{start}net_seed{seed}"
        contents[f"{place}/names_{stem}_epoch100.npy"] = saved(names_of(NAMES[::-1])[: 4 - seed])
        for epoch in (50, 100):
            results = results_of(ERRORS[:, [seed - 1]] + 100 - epoch, (seed,), width)[::-1]
            contents[f"{place}/results_{stem}_epoch{epoch}.npy"] = saved(
                results[: 4 - seed if epoch == 100 else 3]
            )
    contents[f"{start}net_seed2/names_net_seed2_epoch50.npy"] = saved(names_of(NAMES[::-1]))
    sums = {file: hashlib.sha256(content).hexdigest() for file, content in contents.items()}
    parts = (Part("net_seed1", "net", (1,)), Part("net_seed2", "net_seed2", (2,)))
    monkeypatch.setitem(TASKS, "cnn6", Task((64, 3942), (50, 100), parts))
    monkeypatch.setattr(_published_runs, "sums", lambda: sums)
    monkeypatch.setitem(_graph2nn.LISTS, (64, 3942), sums["analysis/graphs_n64_3942.npy"])
    monkeypatch.setattr(_published_runs, "URL", "http://127.0.0.1:9/")
    monkeypatch.setattr("lessons._downloads.RETRIES", 0)
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setenv("LESSONS_DATA", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "*")
    return {file: write(tmp_path, file, content) for file, content in contents.items()}


def test_a_task_from_its_files(given_runs):
    runs = published_runs("cnn6")
    assert repr(runs) == "PublishedRuns(cnn6: 3 graphs, 2 seeds, 2 epochs)"
    assert (runs.task, runs.n, runs.epochs.tolist()) == ("cnn6", 64, [50, 100])
    known = np.array([ERRORS + 50, ERRORS])
    known[1, 0, 1] = np.nan
    assert np.array_equal(runs.errors, known, equal_nan=True)
    assert runs.width.tolist() == [120, 80, 64]
    assert runs.k.tolist() == [8, 64 * 0.7, 63]
    assert (runs.p.tolist(), runs.seed.tolist()) == ([0.25, 0.123457, 0], [7, 0, 1])
    assert (runs.C.tolist(), runs.L.tolist()) == ([0.5, 0.75, 1], [3.25, 1.5, 1])
    assert runs.density.tolist() == [256 / 2016, 1434 / 2016, 1]


def test_nothing_is_parsed_where_a_file_is_altered(given_runs, monkeypatch):
    def parsed(*given):
        raise AssertionError(f"{given} was parsed")

    monkeypatch.setattr(_published_runs, "read_runs", parsed)
    path = next(path for file, path in given_runs.items() if "net_seed2/results" in file)
    with path.open("ab") as file:
        file.write(b"\n")
    with pytest.raises(FormatError, match=rf"{path.name}: not the published file: its SHA-256 is"):
        published_runs("cnn6")


def test_where_a_file_is_missing(given_runs):
    next(path for file, path in given_runs.items() if "net_seed2/results" in file).unlink()
    with pytest.raises(DataMissing) as caught:
        published_runs("cnn6")
    way = "python -c \"from lessons.datasets import published_runs; published_runs('cnn6')\""
    assert str(caught.value).startswith(
        f"The archive of cnn6 runs is not on this machine. Get it with: {way}   (with a network; or put it into "
    )


def test_two_widths_of_a_graph(given_runs, monkeypatch):
    def read(names, results, seeds, rows):
        table = read_runs(names, results, seeds, rows)
        table[1, :, 1] += seeds[0]
        return table

    monkeypatch.setattr(_published_runs, "read_runs", read)
    with pytest.raises(FormatError, match="and those beside it tell two widths of a graph"):
        published_runs("cnn6")


# ---------------------------------------------------------------------------------------- the real ones


def test_the_sums_are_of_every_file_that_is_read():
    sums = _published_runs.sums()
    assert len(sums) == 189
    assert all(re.fullmatch("[0-9a-f]{64}", total) for total in sums.values())
    for task in TASKS.values():
        for part in task.parts:
            start = f"analysis/final_results/{part.folder}"
            for epoch in task.epochs:
                assert f"{start}/results_{part.stem}_epoch{epoch}.npy" in sums
            assert f"{start}/names_{part.stem}_epoch{task.epochs[-1]}.npy" in sums


@pytest.mark.data
@needs_data
@pytest.mark.parametrize("task", TASKS)
def test_real_runs_one_by_one(task):
    """Beside numpy.load and a search for the words that name a graph."""
    runs, folder = published_runs(task), Path(os.environ["LESSONS_DATA"], "graph2nn", "analysis", "final_results")
    graphs = np.load(folder.parent / f"graphs_n{runs.n}_{len(runs.k) - 1}.npy")
    words = [(str(round(k, 6)), str(round(p, 6)), str(seed)) for _, k, p, seed, _, _ in graphs.tolist()]
    words.append(("1.0", "0.0", "1.0"))
    data, last = ("cifar10", 200) if task == "mlp" else ("imagenet", 100)
    for when, epoch in enumerate([200] if task == "mlp" else EPOCHS):
        for seed in range(1, 2 if task == "mlp" else 4):
            place = folder / (f"{task}_{data}" + ("" if task == "mlp" else f"_seed{seed}"))
            (results,) = place.glob(f"results_*_epoch{epoch}.npy")
            told = sorted(place.glob(f"names_*_epoch{epoch}.npy")) or sorted(
                place.glob(f"names_*_epoch{last}.npy")
            )
            rows = {tuple(row): i for i, row in enumerate(np.load(told[0])[:, [4, 5, 7]].tolist())}
            errors = np.load(results)[..., 3]
            known = np.array(
                [errors[rows[each]] if each in rows else [np.nan] * errors.shape[1] for each in words]
            )
            seeds = slice(None) if task == "mlp" else slice(seed - 1, seed)
            assert np.array_equal(runs.errors[when][:, seeds], known, equal_nan=True)


@pytest.mark.data
@needs_data
def test_where_runs_are_missing():
    """Two broke off between epochs 20 and 50, nothing else is missing."""
    for task, places in {"resnet34_sep": [2, 1], "efficientnet": [39, 2]}.items():
        lost = np.argwhere(np.isnan(published_runs(task).errors)).tolist()
        assert lost == [[epoch, *places] for epoch in (7, 8, 9)]
    for task in ("mlp", "cnn6", "resnet34", "resnet50"):
        assert not np.isnan(published_runs(task).errors).any()
