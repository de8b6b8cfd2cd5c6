"""Errors give the offending value and what to do, and travel between processes with all they know."""

import pickle
import re

import pytest

from lessons import as_graph, errors
from lessons.errors import (
    ConvergenceError,
    CycleError,
    DataMissing,
    FormatError,
    InfeasibleError,
    TapeError,
    UnknownLabel,
    UnsupportedOperator,
    require,
)


def travelled(error: Exception) -> Exception:
    """The error after a journey through pickle, found to say the same."""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(error, protocol))
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert vars(again) == vars(error)
    return again


def test_format_error(tmp_path):
    error = travelled(FormatError(tmp_path / "mesh.graph", 3, "vertex 9 of 4"))
    assert isinstance(error, ValueError)
    assert (error.path, error.line, error.problem) == (str(tmp_path / "mesh.graph"), 3, "vertex 9 of 4")
    assert str(error) == f"{tmp_path / 'mesh.graph'}, line 3: vertex 9 of 4"


def test_cycle_error():
    error = travelled(CycleError(("a", ("b", 1), "c")))
    assert isinstance(error, ValueError)
    assert error.cycle == ["a", ("b", 1), "c"]
    assert "'a' -> ('b', 1) -> 'c' -> 'a'." in str(error)
    assert "Remove one" in str(error)
    assert "0 -> 0." in str(CycleError([0]))


@pytest.mark.parametrize("length", [12, 13, 14, 10_000])
def test_a_long_cycle_is_cut_in_the_middle(length):
    text = str(CycleError(list(range(length))))
    assert len(text) < 250
    shown = re.findall(r"(\d+)(?= ->|\.)", text)
    hidden = re.search(r"\.\.\. (\d+) more", text)
    assert len(shown) - 1 + (int(hidden[1]) if hidden else 0) == length
    assert shown[0] == shown[-1] == "0"
    assert shown[-2] == str(length - 1)


def test_infeasible_error():
    error = travelled(InfeasibleError("7 parts of 3 nodes: ask for at most 3"))
    assert isinstance(error, ValueError)
    assert str(error) == "7 parts of 3 nodes: ask for at most 3"


def test_convergence_error():
    error = travelled(ConvergenceError("power iteration", 0.123456, 100))
    assert isinstance(error, RuntimeError)
    assert (error.problem, error.residual, error.iterations) == ("power iteration", 0.123456, 100)
    assert str(error).startswith("power iteration: residual 0.123 after 100 iterations. Allow more")


def test_unsupported_operator_lists_all_of_them():
    error = travelled(UnsupportedOperator(iter(["LSTM", "Einsum", "LSTM"])))
    assert isinstance(error, NotImplementedError)
    assert error.operators == ["Einsum", "LSTM"]
    assert "Einsum, LSTM" in str(error)


def test_tape_error():
    error = travelled(TapeError("a part of this tape is freed"))
    assert isinstance(error, RuntimeError)
    assert str(error) == "a part of this tape is freed"


def test_data_missing_gives_the_command():
    error = travelled(DataMissing("Cora", "lessons get cora"))
    assert isinstance(error, FileNotFoundError)
    assert (error.name, error.command) == ("Cora", "lessons get cora")
    assert str(error) == "Cora is not on this machine. Get it with: lessons get cora"


@pytest.mark.parametrize(
    ("label", "labels", "nearest"),
    [
        ("Kosete", ["Marius", "Cosette"], "Cosette"),
        (7, [1, 5, 10], 5),
        (-3, range(10), 0),
        (10**9, range(10**6), 10**6 - 1),
        (500_000.4, range(10**6), 500_000),
        (250_001, [2 * i for i in range(200_000)], 250_000),
        (10**400, [0.5, 1.5], 0.5),
        (10**400, range(3), 2),
        (float("inf"), range(3), 2),
        (float("nan"), range(3), 0),
        (2.9, ["a", 3], 3),
        ("2", range(10), 2),
        (("a", 1), [("a", 2), "b"], ("a", 2)),
        (None, ["x"], "x"),
        ("q", [], None),
        ("q", range(0), None),
        (3, range(0), None),
        (3, ["x", ("y",)], "x"),
    ],
)
def test_unknown_label_names_the_nearest(label, labels, nearest):
    error = travelled(UnknownLabel(label, labels)) if label == label else UnknownLabel(label, labels)
    assert isinstance(error, KeyError)
    assert error.nearest == nearest
    assert error.label is label or error.label == label
    wanted = "there are none" if nearest is None else f"the nearest is {nearest!r}"
    assert str(error).startswith(f"no node {label!r}")
    assert str(error).endswith(wanted)


def test_an_error_of_a_large_graph_comes_at_once_and_stays_small():
    graph = as_graph([], n=10**6)
    with pytest.raises(UnknownLabel, match="nearest is 999999") as caught:
        graph.index(1_000_001)
    assert len(pickle.dumps(caught.value)) < 200


def test_a_missing_package_names_the_extra():
    with pytest.raises(ImportError, match=re.escape("pip install 'graph-lessons[gpu]'")) as caught:
        require("no_such_package_here", "gpu")
    assert caught.value.name == "no_such_package_here"
    assert str(travelled(caught.value)).startswith("no_such_package_here is not installed")
    assert require("json", "course").dumps([1]) == "[1]"


def test_every_error_of_the_module_is_tested_here():
    classes = {
        name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)
    }
    assert classes == {
        "ConvergenceError",
        "CycleError",
        "DataMissing",
        "FormatError",
        "InfeasibleError",
        "TapeError",
        "UnknownLabel",
        "UnsupportedOperator",
    }
