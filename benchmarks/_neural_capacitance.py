"""What beta_eff of the first epochs says of the last: zoos of small networks, watched while they learn.

The plan, written before, is `neural_capacitance_plan.md`; the networks are those of `benchmarks._zoos`, the ways
to predict those of `lessons.prediction_of_accuracy`. `measured` trains all of them and gives the table that
`lessons/data/neural_capacitance.json` holds; `report` puts it in words.

Numbers are kept in thousandths with three digits, a line for each seed, networks parted by ";"; everything that is
told is computed from these, and so can be computed again from the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks._harness import provenance
from benchmarks._zoos import SERIES, ZOOS, zoo_watched
from lessons.prediction_of_accuracy import (
    REGRESSION,
    Zoo,
    kendall_taus,
    paired,
    predictions,
)
from lessons.show import mean_and_error
from lessons.sweet_spot import holm

SEEN = 10  # epochs of which everything is kept
DIGITS = 3
KS, TESTED = (3, 5, 10), 5
Figures = dict[str, list[float]]  # of each way to predict, for each seed
NOISE_SEED = 0
CURVES = "features/digits", 100, 10  # of so many networks of this seed every epoch is kept
NO_ACCURACIES = ("training loss", "fall of beta")
QUESTIONS = {
    "beta or the last accuracy": ("beta", "last accuracy"),
    "signed beta or the last accuracy": ("signed beta", "last accuracy"),
    "beta or noise": ("beta", "noise"),
    "signed beta or noise": ("signed beta", "noise"),
    "1/t or the last accuracy": ("1/t", "last accuracy"),
    "a ridge with beta or without": (f"{REGRESSION} with beta", REGRESSION),
    "a ridge with beta or with the norm of weights": (f"{REGRESSION} with beta", f"{REGRESSION} with weight norm"),
}


# ---------------------------------------------------------------------------------------- the zoos, as text


def text_of(values: Sequence[Sequence[float]]) -> str:
    """Numbers of each network, in thousandths, three digits.

    >>> text_of([[0.5, 0.01234], [1.5, 0.0]])
    '500 12.3;1500 0'
    """
    return ";".join(" ".join(_short(1000 * value) for value in one) for one in values)


def _short(value: float) -> str:
    return np.format_float_positional(value, precision=DIGITS, fractional=False, trim="-")


def zoo_text(zoo: str) -> dict[str, Any]:
    """A whole zoo as `Zoo.read` takes it."""
    kind = ZOOS[zoo]
    return part_text(zoo, kind.seeds, range(kind.networks), kind.epochs, SEEN)


def part_text(zoo: str, seeds: Sequence[int], places: Sequence[int], epochs: int, seen: int) -> dict[str, Any]:
    """Some networks of a zoo, trained for so many epochs."""
    found = zoo_watched(zoo, seeds, places, epochs, seen)
    by_seed = [[found[seed, place] for place in places] for seed in seeds]
    return (
        {"about": " ".join((ZOOS[zoo].make.__doc__ or "").split()), "epochs": epochs, "seeds": list(seeds)}
        | {"told": list(by_seed[0][0]["told"]), "settings": [_settings(row) for row in by_seed]}
        | {name: [text_of([one[name] for one in row]) for row in by_seed] for name in SERIES}
        | {name: [text_of([[one[name]] for one in row]) for row in by_seed] for name in ("final", "final_loss")}
    )


def _settings(row: Sequence[dict[str, Any]]) -> str:
    return ";".join(" ".join(f"{value:.4g}" for value in one["told"].values()) for one in row)


# ---------------------------------------------------------------------------------------- what they show


def taus_and_offs(zoo: Zoo, k: int) -> tuple[Figures, Figures]:
    """Of each way to predict Kendall's tau for each seed; of accuracies also how far off they are in the mean."""
    found = predictions(zoo, k, NOISE_SEED)
    taus = {way: kendall_taus(scores, zoo.final).round(4).tolist() for way, scores in found.items()}
    offs = {
        way: np.abs(scores.clip(0, 1) - zoo.final).mean(axis=1).round(4).tolist()
        for way, scores in found.items()
        if way not in NO_ACCURACIES
    }
    return taus, offs


def tests(tau: dict[str, Any]) -> list[dict[str, Any]]:
    """The planned tests, by question and zoo."""
    found = []
    for question, (one, other) in QUESTIONS.items():
        rows = [paired(found_of[str(TESTED)][one], found_of[str(TESTED)][other]) for found_of in tau.values()]
        for zoo, row, p in zip(tau, rows, holm([row.p for row in rows]), strict=True):
            found.append(
                {"question": question, "zoo": zoo, "one": one, "other": other, **row._asdict(), "holm": float(p)}
            )
    return found


def measured() -> dict[str, Any]:
    """The whole table, in some minutes of one core."""
    source = "small networks trained on the digits of scikit-learn and on synthetic lines"
    zoos = {name: zoo_text(name) for name in ZOOS}
    name, seed, count = CURVES
    curves = part_text(name, [seed], range(count), ZOOS[name].epochs, ZOOS[name].epochs)
    head = provenance("neural_capacitance", source, ("numpy", "scipy", "scikit-learn"))
    head["command"] = head["command"].removeprefix("LESSONS_DATA=FOLDER ")  # nothing is downloaded
    return head | {"zoos": zoos, "curves": curves} | shown(zoos)


def shown(zoos: dict[str, Any]) -> dict[str, Any]:
    """What is computed from zoos as text: "tau", "off", "tests"."""
    tau: dict[str, dict[str, Figures]] = {name: {} for name in zoos}
    off: dict[str, dict[str, Figures]] = {name: {} for name in zoos}
    for name, told in zoos.items():
        for k in KS:
            tau[name][str(k)], off[name][str(k)] = taus_and_offs(Zoo.read(name, told), k)
    return {"tau": _lines(tau), "off": _lines(off), "tests": tests(tau)}


def _lines(found: dict[str, Any]) -> dict[str, Any]:
    """Figures of all seeds as one line each."""
    return {
        zoo: {k: {name: " ".join(map(str, row)) for name, row in rows.items()} for k, rows in by_k.items()}
        for zoo, by_k in found.items()
    }


# ---------------------------------------------------------------------------------------- in words


def report(table: dict[str, Any]) -> Iterator[str]:
    """The table as lines of text, with standard errors over seeds."""
    for name in table["zoos"]:
        zoo = Zoo.of(name, table)
        least, middle, most = np.quantile(zoo.final, (0, 0.5, 1))
        yield f"\n{zoo!r}; final accuracy {least:.3f} to {most:.3f}, median {middle:.3f}"
        yield f"  {'tau and how far off, after epochs':<34} {'  '.join(f'{k:>22}' for k in KS)}"
        for way in table["tau"][name][str(KS[0])]:
            yield f"  {way:<34} {'  '.join(_cell(table, name, k, way) for k in KS)}"
        yield from _convergence(zoo)
    yield f"\nplanned tests, after {TESTED} epochs"
    for row in table["tests"]:
        told = f"{row['mean']:+.3f} ± {row['error']:.3f}, more in {row['wins']} of {row['runs']}"
        yield f"  {row['question']:<46} {row['zoo']:<23} {told}, p {row['p']:.2g}, Holm {row['holm']:.2g}"


def _cell(table: dict[str, Any], name: str, k: int, way: str) -> str:
    tau = "{:+.3f} ± {:.3f}".format(*mean_and_error(numbers(table["tau"][name][str(k)][way])))
    away = table["off"][name][str(k)].get(way)
    return f"{tau}  " + (f"{np.mean(numbers(away)):.3f}" if away else "    –")


def numbers(line: str) -> list[float]:
    return [float(number) for number in line.split()]


def _convergence(zoo: Zoo) -> Iterator[str]:
    """How well the fall of beta tells the final loss, beside the loss and the accuracy of the same epoch."""
    for k in KS:
        ways = {
            "fall of beta": -zoo.absolute_beta[:, :, k] / zoo.absolute_beta[:, :, 0],
            "loss": -zoo.loss[:, :, k],
            "accuracy": zoo.accuracy[:, :, k],
        }
        told = "   ".join(
            "{} {:+.3f} ± {:.3f}".format(way, *mean_and_error(kendall_taus(scores, -zoo.final_loss)))
            for way, scores in ways.items()
        )
        yield f"  tau with the final training loss, after {k}: {told}"
