"""The floors of the house: who may import whom, what stands at module level, and nothing in circles."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import networkx as nx
import pytest

import lessons
from lessons import course

HOUSE = Path(lessons.__file__).parent
ROOMS = {"show", "exercises", "compiled", "gpu"}
ABOVE = {"datasets", "experiments", "sweep", "course", "cli"}  # modules beside the topics that stand on them
GROUND = {"", "graph", "errors", "metis", "model", "operators", "onnx_files", "architectures"}
# and whatever begins with an underscore; "" is lessons/__init__.py
BESIDE = dict.fromkeys(("execution", "memory", "rewriting"), "topological_sort")  # further files of a topic
ENGINE = ("layers", "recomputation", "tape", "tensor", "tensor_functions", "training", "value")
BESIDE |= dict.fromkeys(ENGINE, "backpropagation")
BESIDE |= dict.fromkeys(("conjugate_gradients", "neighbours"), "laplacian_regularization")
BESIDE["chebyshev"] = "graph_signals"
BESIDE |= dict.fromkeys(("bisection", "cuts", "flows", "multilevel", "packing", "pipeline"), "graph_partitioning")
BESIDE |= dict.fromkeys(("graph_shuffles", "local_moves", "spectral_clustering"), "communities")
BESIDE |= dict.fromkeys(("graph_layers", "node_classification"), "spectral_gcn")
FLOWS = ("centrality", "flow_networks", "neurons", "offloading", "paths", "small_world", "walks")
BESIDE |= dict.fromkeys(FLOWS, "centrality_and_flow")
BESIDE |= dict.fromkeys(("biased_walks", "link_prediction", "skip_gram", "vector_files"), "node2vec")
RELATIONAL = ("graph_measures", "graph_selection", "random_graphs", "relational_budgets")
BESIDE |= dict.fromkeys(RELATIONAL, "relational_graphs")
BESIDE["relational_training"] = "sweet_spot"
BESIDE |= dict.fromkeys(("prediction_of_accuracy", "resilience"), "neural_capacitance")

MAY_IMPORT = {
    "ground": {"ground", "compiled", "gpu"},
    "topic": {"ground", "topic", "compiled", "gpu"},
    "compiled": {"compiled"},
    "gpu": {"ground", "gpu"},
    "experiments": {"ground", "topic"},
    "datasets": {"ground", "topic", "experiments"},
    "sweep": {"ground", "topic", "compiled", "gpu", "datasets"},
    "show": {"ground", "topic", "datasets", "show"},
    "exercises": {"ground", "topic", "datasets", "show", "exercises"},
    "course": {"ground", "topic"},
    "cli": {"ground", "topic", "datasets", "sweep", "course", "show", "exercises"},
}


@dataclass(frozen=True)
class Import:
    """`module` imports `target`; `inside` a function, and so only when that is called."""

    module: str
    target: str
    inside: bool


def floor_of(module: str) -> str:
    """The floor of a module of ours: "graph" -> "ground", "show.graph" -> "show", a topic -> "topic"."""
    first = module.partition(".")[0]
    if first in GROUND or first.startswith("_"):
        return "ground"
    return first if first in ROOMS | ABOVE else "topic"


def imports_of(house: Path) -> tuple[set[str], list[Import]]:
    """The modules of a package `lessons`, without that word, and all that they import when they run."""
    files = {}
    for path in sorted(house.rglob("*.py")):
        parts = path.relative_to(house).with_suffix("").parts
        files[".".join(part for part in parts if part != "__init__")] = path
    found = []
    for module, path in files.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found += [Import(module, target, inside) for target, inside in _imports(tree, False, set(files))]
    return set(files), found


def _imports(node: ast.AST, inside: bool, modules: set[str]) -> Iterator[tuple[str, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue  # read by people and by mypy, never run
        if isinstance(child, ast.Import):
            yield from ((alias.name, inside) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute here"
            for alias in child.names:
                whole = f"{child.module}.{alias.name}"
                yield (whole if whole.removeprefix("lessons.") in modules else str(child.module)), inside
        else:
            within = inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _imports(child, within, modules)


def faults(house: Path, required: dict[str, set[str]]) -> list[str]:
    """What stands where it may not; `required` names, for each topic, those that its notebook builds on."""
    _, imports = imports_of(house)
    found = []
    ways = nx.DiGraph()
    for step in imports:
        if step.target.partition(".")[0] != "lessons":
            found += _foreign(step)
            continue
        target = step.target.removeprefix("lessons").removeprefix(".")
        floors = floor_of(step.module), floor_of(target)
        ways.add_edge(step.module, target)
        if floors[1] not in MAY_IMPORT[floors[0]]:
            found.append(f"{step.module} imports {target}")
        if floors[1] in {"compiled", "gpu"} and floors[0] != floors[1] and not step.inside:
            found.append(f"{step.module} imports {target} at module level")
        if floors == ("topic", "topic"):
            topics = BESIDE.get(step.module, step.module), BESIDE.get(target, target)
            if topics[0] != topics[1] and topics[1] not in required.get(topics[0], set()):
                found.append(f"{step.module} imports {target}, which it does not require")
    return found + [f"a circle through {sorted(circle)}" for circle in _circles(ways)]


def _foreign(step: Import) -> list[str]:
    """At module level the ground, topics and kernels import the standard library and NumPy."""
    package = step.target.partition(".")[0]
    light = step.inside or package in sys.stdlib_module_names or package == "numpy"
    if light or floor_of(step.module) not in {"ground", "topic", "compiled", "datasets"}:
        return []
    return [f"{step.module} imports {step.target} at module level"]


def _circles(ways: nx.DiGraph) -> Iterator[set[str]]:
    yield from (part for part in nx.strongly_connected_components(ways) if len(part) > 1)
    yield from ({node} for node in nx.nodes_with_selfloops(ways))


def requirements() -> dict[str, set[str]]:
    """For each lesson of the course, all those before it that it builds on, near or far."""
    chain = nx.DiGraph()  # given its edges at once, old versions of networkx ask for pandas
    chain.add_edges_from((lesson.id, needed) for lesson in course.lessons() for needed in lesson.requires)
    return {topic: nx.descendants(chain, topic) for topic in chain}


def test_everything_stands_on_its_floor():
    modules, imports = imports_of(HOUSE)
    assert {"graph", "compiled.graph", "topological_sort", "show"} <= modules
    assert Import("_csr", "lessons.compiled.graph", True) in imports
    assert Import("graph", "numpy", False) in imports
    assert faults(HOUSE, requirements()) == []


@pytest.mark.parametrize(
    ("module", "code", "fault"),
    [
        ("graph", "from lessons import kahn", "graph imports kahn"),
        ("graph", "import scipy.sparse", "graph imports scipy.sparse at module level"),
        ("_files", "from tqdm import tqdm", "_files imports tqdm at module level"),
        ("graph", "from lessons.compiled.graph import k", "graph imports compiled.graph at module level"),
        ("kahn", "from lessons.gpu import k", "kahn imports gpu at module level"),
        ("kahn", "def f():\n    from lessons.show import x", "kahn imports show"),
        ("kahn", "def f():\n    import lessons.exercises.kahn", "kahn imports exercises.kahn"),
        ("kahn", "import lessons.datasets", "kahn imports datasets"),
        ("kahn", "import lessons.course as c", "kahn imports course"),
        ("kahn", "class A:\n    import networkx", "kahn imports networkx at module level"),
        (
            "kahn",
            "try:\n    import numba\nexcept ImportError:\n    numba = None",
            "kahn imports numba at module level",
        ),
        ("kahn", "from lessons.flow import f", "kahn imports flow, which it does not require"),
        ("flow", "from lessons.kahn import f", None),
        ("kahn", "import math, numpy.linalg", None),
        ("kahn", "def f():\n    import scipy.sparse\n    from lessons.compiled import graph", None),
        ("kahn", "if TYPE_CHECKING:\n    from lessons.show import x\n    import networkx", None),
        ("show.kahn", "from lessons.cli import x", "show.kahn imports cli"),
        ("show.kahn", "import matplotlib\nfrom lessons.kahn import f", None),
        ("compiled.graph", "from lessons.graph import x", "compiled.graph imports graph"),
        ("errors", "def f():\n    from lessons.graph import Graph", "a circle through ['errors', 'graph']"),
    ],
)
def test_the_rules_find_what_breaks_them(tmp_path, module, code, fault):
    files = {
        "": "from lessons.graph import Graph",
        "graph": "from lessons.errors import E",
        "errors": "",
        "_files": "",
    }
    files |= dict.fromkeys(["kahn", "flow", "datasets", "course", "cli", "compiled", "compiled.graph", "gpu"], "")
    files |= dict.fromkeys(["show", "show.kahn", "exercises", "exercises.kahn"], "")
    folders = {"", "compiled", "gpu", "show", "exercises"}
    for name, text in (files | {module: files[module] + "\n" + code}).items():
        path = tmp_path / name.replace(".", "/") / "__init__.py" if name in folders else None
        path = path or tmp_path / (name.replace(".", "/") + ".py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert faults(tmp_path, {"flow": {"kahn"}}) == ([] if fault is None else [fault])


HEAVY = {
    "scipy",
    "networkx",
    "numba",
    "llvmlite",
    "matplotlib",
    "pooch",
    "tqdm",
    "sklearn",
    "IPython",
    "ipywidgets",
    "onnx",
}


@pytest.mark.parametrize(
    "module",
    [
        "lessons",
        "lessons.metis",
        "lessons.computational_graphs",
        "lessons.architectures",
        "lessons.backpropagation",
        "lessons.execution",
        "lessons.memory",
        "lessons.rewriting",
        "lessons.topological_sort",
        "lessons.datasets",
    ],
)
def test_importing_brings_nothing_heavier_than_numpy(module):
    code = f"import sys, {module}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    brought = set(run.stdout.split())
    assert brought & HEAVY == set()
    bare = "import sys, numpy.random\nprint(*{name.partition('.')[0] for name in sys.modules})"
    run = subprocess.run([sys.executable, "-c", bare], capture_output=True, text=True, timeout=60, check=True)
    assert brought - set(run.stdout.split()) - sys.stdlib_module_names == {"lessons"}


def test_the_package_exports_only_its_graph():
    assert lessons.__all__ == ["Graph", "as_graph"]
    code = (
        "import lessons, types\n"
        "public = {name: value for name, value in vars(lessons).items() if not name.startswith('_')}\n"
        "print(*(name for name, value in public.items() if not isinstance(value, types.ModuleType)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert sorted(run.stdout.split()) == ["Graph", "as_graph"]
