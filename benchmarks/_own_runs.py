"""`python -m benchmarks._own_runs FILE... --json lessons/data/own_runs.json`: what our own sweeps have found.

Each FILE was written by `lessons sweep`, with the 52 graphs and the complete one. For each there is recorded how
many test rows each network got wrong after its last epoch, and the mean over seeds after every epoch.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.__main__ import write
from lessons.sweep import Runs, read_runs

SOURCE = "networks trained on the digits of scikit-learn and on a JPEG copy of CIFAR-10, see `lessons sweep`"
TESTED = {"digits": 450, "cifar10": 10_000, "cifar10-jpeg": 10_000}  # rows of the test
GRAPHS = 52  # beside the complete one
DIGITS = 4  # decimals of mean errors in percent


def table(files: Sequence[Path]) -> dict[str, Any]:
    """What `lessons/data/own_runs.json` holds. Raises ValueError for a file in which networks are missing."""
    from benchmarks._harness import provenance

    head = provenance("own_runs", SOURCE, ["numpy"])
    head["command"] = "lessons sweep, as told with each; python -m benchmarks._own_runs FILE... --json OUT"
    return head | {"runs": [entry(path, read_runs(path)) for path in files]}


def entry(path: Path, runs: Runs) -> dict[str, Any]:
    """What is recorded of one file."""
    settings, errors = runs.settings, runs.matrix()
    if settings["graphs"] != GRAPHS or np.isnan(errors).any():
        raise ValueError(
            f"{path}: networks of the {GRAPHS} graphs and the complete one are missing, or have failed"
        )
    data, noise, (graphs, seeds) = settings["data"], settings["noise"], errors.shape
    wrong = (errors / 100 * TESTED[data]).round().astype(int)
    by_epoch = runs.errors_by_epoch.reshape(graphs, seeds, -1).mean(axis=1).T
    epochs = settings["recipe.epochs"]
    told = f" --noise {noise:g}" if noise else ""
    return {
        "command": f"lessons sweep --data {data}{told} --graphs {GRAPHS} --seeds {seeds} --epochs {epochs}",
        "data": data,
        "noise": noise,
        "begun": settings["begun"],
        "hours": round(float(runs.seconds.sum()) / 3600, 3),
        "rows": TESTED[data],
        "width": runs.width.reshape(graphs, seeds)[:, 0].tolist(),
        "wrong": wrong.tolist(),
        "by epoch": by_epoch.round(DIGITS).tolist(),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Record the files that the command line names."""
    parser = argparse.ArgumentParser("python -m benchmarks._own_runs", description="Records our own sweeps.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="that `lessons sweep` wrote")
    parser.add_argument("--json", type=Path, metavar="FILE", required=True, help="where to write the table")
    options = parser.parse_args(arguments)
    write(options.json, table(options.files))


if __name__ == "__main__":
    main()
