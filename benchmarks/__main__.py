"""`python -m benchmarks [TOPIC...] [--json FILE] [--threads N] [--scale S] [--repeats R]`, in the checkout.

`python -m benchmarks TOPIC --accuracy [--json FILE]` measures what networks, or vectors, get right instead, or
what C and L the published graphs have, what published runs show, or what the first epochs say of the last.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

TOPICS = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))
ACCURACIES = {  # modules with `measured` and `report`
    "neural_capacitance": "_neural_capacitance",
    "node2vec": "_node_vectors",
    "relational_graphs": "_relational_graphs",
    "spectral_gcn": "_citations",
    "sweet_spot": "_sweet_spot",
}
POOLS = ("OMP", "OPENBLAS", "MKL", "BLIS", "VECLIB", "NUMEXPR", "NUMBA", "RAYON")


def main() -> None:
    options = read_options()
    hold_threads(options.threads)
    from benchmarks import _harness  # only now: numpy asks for the number of threads when it is imported

    print(_harness.machine(options.threads), flush=True)
    found = accuracies(options.topics[0]) if options.accuracy else rows(options)
    print(f"\nWith {_harness.versions()}. At the end {_harness.load()}.")
    if options.json is not None:
        write(options.json, found)


def rows(options: argparse.Namespace) -> list[dict[str, object]]:
    from benchmarks import _harness

    rows = []
    for topic in options.topics:
        module = import_module(f"benchmarks.{topic}")
        found = _harness.run(topic, module.cases(options.scale), options.threads, repeats=options.repeats)
        rows += found
        if hasattr(module, "summary"):
            print("", *module.summary(found), sep="\n")
    return rows


def accuracies(topic: str) -> dict[str, object]:
    module = import_module(f"benchmarks.{ACCURACIES[topic]}")
    table: dict[str, object] = module.measured()
    print(*module.report(table), sep="\n")
    return table


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description="Our functions beside their peers.")
    parser.add_argument("topics", nargs="*", metavar="TOPIC", help=f"of {', '.join(TOPICS)}; all unless told")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows here")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="for BLAS, numba and peers; 1")
    parser.add_argument("--scale", type=float, default=1.0, metavar="S", help="all sizes times this; 1")
    parser.add_argument("--repeats", type=int, metavar="R", help="of every case; its own number unless told")
    parser.add_argument("--accuracy", action="store_true", help=f"of {', '.join(ACCURACIES)}: what they get right")
    options = parser.parse_args(arguments)
    unknown = [topic for topic in options.topics if topic not in TOPICS and not options.accuracy]
    if unknown:
        parser.error(f"no topic {unknown[0]!r}: choose from {', '.join(TOPICS)}")
    if options.threads < 1:
        parser.error(f"--threads {options.threads}: at least one is needed")
    if options.repeats is not None and options.repeats < 1:
        parser.error(f"--repeats {options.repeats}: at least one is needed")
    if not 0 < options.scale <= 1:
        parser.error(f"--scale {options.scale}: more than 0, at most 1")
    if options.accuracy and (len(options.topics) != 1 or options.topics[0] not in ACCURACIES):
        parser.error(f"--accuracy: of one topic, {', '.join(ACCURACIES)}")
    if options.json is not None and not options.json.absolute().parent.is_dir():
        parser.error(f"--json {options.json}: there is no folder {options.json.parent}")
    options.topics = options.topics or TOPICS
    return options


def hold_threads(count: int) -> None:
    """Let every pool of threads that numpy, numba and the peers open have `count` threads.

    Raises RuntimeError once numpy is imported: then it is too late.
    """
    if "numpy" in sys.modules:
        raise RuntimeError("numpy is imported already: hold the threads before")
    os.environ |= {f"{pool}_NUM_THREADS": str(count) for pool in POOLS}
    os.environ["VECLIB_MAXIMUM_THREADS"] = str(count)


def write(path: Path, found: object) -> None:
    from lessons._files import replacing

    with replacing(path) as file:
        json.dump(found, file, indent=1, allow_nan=False)
        file.write("\n")


if __name__ == "__main__":
    main()
