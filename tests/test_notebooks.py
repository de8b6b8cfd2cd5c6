"""What every notebook keeps to: saved as it ran, silent about its machine, nothing hidden from the tests."""

import json
import re
from itertools import pairwise

import pytest

from lessons import course

NOTEBOOKS = sorted(course.notebooks().glob("*.ipynb"))

# Cells whose output is not compared (a slider each), and outputs with digits that are not (`measured`).
# The numbers rise only here, on purpose.
NOT_COMPARED = {
    "00_start_here": {"ignored": 2, "measured": 1},
    "01_computational_graphs": {"ignored": 3, "measured": 2},
    "02_topological_sort": {"ignored": 2, "measured": 1},
    "03_backpropagation": {"ignored": 1, "measured": 9},
    "04_laplacian_regularization": {"ignored": 1, "measured": 3},
    "05_graph_partitioning": {"ignored": 2, "measured": 8},
    "06_centrality_and_flow": {"ignored": 3, "measured": 8},
    "07_graph_signals": {"ignored": 3, "measured": 5},
    "08_communities": {"ignored": 2, "measured": 16},
    "09_node2vec": {"ignored": 2, "measured": 2},
    "10_spectral_gcn": {"ignored": 2, "measured": 9},
    "11_relational_graphs": {"ignored": 1, "measured": 7},
    "12_sweet_spot": {"ignored": 2, "measured": 6},
    "13_neural_capacitance": {"ignored": 1, "measured": 5},
}


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def code_of(cells):
    return [(cell, "".join(cell["source"])) for cell in cells if cell["cell_type"] == "code"]


def outputs_of(cells):
    return [output for cell, _ in code_of(cells) for output in cell["outputs"]]


def prose_of(cells):
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def test_it_was_saved_after_a_run_from_top_to_bottom(cells):
    counts = [cell["execution_count"] for cell, _ in code_of(cells)]
    assert counts == list(range(1, len(counts) + 1))
    assert not [output for output in outputs_of(cells) if output["output_type"] == "error"]


def test_nothing_is_saved_that_changes_from_run_to_run(path, cells):
    metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]
    assert set(metadata) == {"kernelspec", "lessons"}
    assert metadata["kernelspec"]["name"] == "python3"
    for cell in cells:  # only the cell that installs on Colab is folded
        folded = {"jupyter"} if "colab" in cell["metadata"].get("tags", []) else set()
        assert set(cell["metadata"]) <= {"slideshow", "tags"} | folded
    assert not [output for output in outputs_of(cells) if any("widget" in kind for kind in output.get("data", {}))]
    told = [output for output in outputs_of(cells) if "base64" not in json.dumps(output)]
    assert not re.search(r"at 0x[0-9a-f]{6,}|/(tmp|home|root|Users)/|C:\\\\", json.dumps(told))


def test_what_is_not_compared_is_counted(path, cells):
    sources = [source for _, source in code_of(cells)]
    hidden = r"nbval-(ignore|skip)|NBVAL_(IGNORE|SKIP)"
    ignored = [cell for cell, source in code_of(cells) if re.search(hidden, source + str(cell["metadata"]))]
    measured = [
        output for output in outputs_of(cells) if 'class="measured"' in json.dumps(output).replace("\\", "")
    ]
    assert {"ignored": len(ignored), "measured": len(measured)} == NOT_COMPARED[path.stem]
    assert len(ignored) == sum("explore(" in source for source in sources), "only sliders are not compared"


def test_every_picture_has_its_alt_text(cells):
    bundles = [output["data"] for output in outputs_of(cells) if "data" in output]
    assert not [bundle for bundle in bundles if {"image/png", "image/svg+xml", "image/jpeg"} & set(bundle)]
    pictures = [
        tag for bundle in bundles for tag in re.findall("<img[^>]*>", "".join(bundle.get("text/html", "")))
    ]
    assert pictures
    assert all(re.search(r'alt="[^"]{20,}"', tag) for tag in pictures)


def test_it_has_a_card_and_says_what_you_can_now_do(path, cells):
    prose, lesson = prose_of(cells), course.read_lesson(path)
    card = next("".join(cell["source"]) for cell in cells if "|---|---|" in "".join(cell["source"]))
    rows = re.findall(r"^\| ([A-Z].+?) \|", card, re.MULTILINE)
    assert rows == ["You will be able to", "You need", "Time", "Runs in", "Library"]
    assert lesson.minutes is not None
    assert f"{lesson.minutes[0]} minutes to read" in card
    assert f"{lesson.minutes[1]} minutes to do" in card
    assert re.search(
        r"^## Where this fails$.*^## At scale$.*^## What you can now do$", prose, re.MULTILINE | re.DOTALL
    )
    for required in lesson.requires:
        assert f"{course.find(required).number:02d}_{required}.ipynb" in card


def test_headings_rise_by_one(cells):
    levels = [len(marks) for marks in re.findall(r"^(#+) ", prose_of(cells), re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_links_to_headings_and_notebooks_lead_somewhere(path, cells):
    prose = prose_of(cells)
    headings = {title.replace(" ", "-") for title in re.findall(r"^#+ (.+)$", prose, re.MULTILINE)}
    targets = re.findall(r"\]\(([^)]+)\)", prose)
    assert [target for target in targets if target.startswith("#") and target[1:] not in headings] == []
    local = [target.split("#")[0] for target in targets if ".ipynb" in target and "://" not in target]
    assert [target for target in local if not (path.parent / target).exists()] == []


def test_its_exercises_are_all_there(path, cells):
    exercises = pytest.importorskip(f"lessons.exercises.{course.read_lesson(path).id}").EXERCISES
    asked = re.findall(r'check\("([a-z0-9_]+-\d+)"', "\n".join(source for _, source in code_of(cells)))
    assert list(dict.fromkeys(asked)) == [exercise.id for exercise in exercises]


def test_no_cell_is_longer_than_a_screen(cells):
    lengths = [sum(bool(line.strip()) for line in source.splitlines()) for _, source in code_of(cells)]
    assert max(lengths) <= 20
