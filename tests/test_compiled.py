"""The compiled room: its kernels agree with their definitions, compile once, and also run as Python."""

import ast
import builtins
import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import graphs

import lessons.compiled
from lessons import as_graph
from lessons._csr import NEARLY, mirror_definition
from lessons.compiled import kernel
from lessons.compiled.graph import mirror

ROOM = Path(lessons.compiled.__file__).parent
MODULES = sorted(module.name for module in pkgutil.iter_modules([str(ROOM)]))
ALLOWED = {"numpy", "math", "lessons.compiled", "lessons.compiled.rng"}  # what a module of kernels may import


# ------------------------------------------------------------------------------------------------ the rules


def is_kernel(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and any(
        isinstance(mark, ast.Call) and getattr(mark.func, "id", "") == "kernel" for mark in node.decorator_list
    )


def imported(tree: ast.Module) -> dict[str, str]:
    """{name: the module it comes from}, wherever in the file it is imported."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {(alias.asname or alias.name.split(".")[0]): alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {(alias.asname or alias.name): node.module or "." for alias in node.names}
    return names


def faults(source: str) -> list[str]:
    """What a file of kernels has against the rules of `lessons.compiled`."""
    tree = ast.parse(source)
    origin = imported(tree)
    found = [f"imports {module}" for module in origin.values() if module not in ALLOWED]
    kernels = {node.name: node for node in tree.body if is_kernel(node)}
    for name, node in kernels.items():
        marks = [mark for mark in node.decorator_list if isinstance(mark, ast.Call)]
        values = [getattr(argument, "value", None) for mark in marks for argument in mark.args]
        if len(node.decorator_list) != 1 or len(values) != 1 or not isinstance(values[0], str):
            found.append(f"{name} does not state one signature")
        for call in ast.walk(node):
            if not isinstance(call, ast.Call) or call in marks or not isinstance(call.func, ast.Name):
                continue
            called = call.func.id
            if called not in kernels and not hasattr(builtins, called) and origin.get(called) not in ALLOWED:
                found.append(f"{name} calls {called}, which is no kernel of its file")
        found += [
            f"{name} draws from np.random" for part in ast.walk(node) if getattr(part, "attr", "") == "random"
        ]
    return found


@pytest.mark.parametrize("module", MODULES)
def test_every_file_of_kernels_keeps_the_rules(module):
    assert faults((ROOM / f"{module}.py").read_text(encoding="utf-8")) == []


GOOD = """
import math
import numpy as np
from lessons.compiled import kernel
from lessons.compiled.rng import draw

@kernel("f8(f8)")
def one(x):
    return math.sqrt(abs(x)) + np.floor(draw(x))

@kernel("f8(f8)")
def two(x):
    return one(x) + two(x)
"""


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("math.sqrt(abs(x))", "helper(x)", "one calls helper, which is no kernel of its file"),
        (
            '@kernel("f8(f8)")\ndef two',
            '@kernel(["f8(f8)", "f4(f4)"])\ndef two',
            "two does not state one signature",
        ),
        ('@kernel("f8(f8)")\ndef two', '@kernel("f8(f8)", "f4(f4)")\ndef two', "two does not state one signature"),
        ('@kernel("f8(f8)")\ndef two', '@other\n@kernel("f8(f8)")\ndef two', "two does not state one signature"),
        ("compiled.rng import", "compiled.graph import", "imports lessons.compiled.graph"),
        ("import math", "import scipy.sparse as math", "imports scipy.sparse"),
        ("np.floor(draw(x))", "np.random.random()", "one draws from np.random"),
        ('@kernel("f8(f8)")\ndef one', "def one", "two calls one, which is no kernel of its file"),
    ],
)
def test_the_rules_find_what_breaks_them(old, new, fault):
    assert faults(GOOD) == []
    assert old in GOOD
    assert fault in faults(GOOD.replace(old, new))


@pytest.mark.parametrize("module", MODULES)
def test_every_kernel_is_compiled_for_one_signature(module):
    pytest.importorskip("numba")
    if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
        pytest.skip("NUMBA_DISABLE_JIT is set: nothing is compiled")
    tree = ast.parse((ROOM / f"{module}.py").read_text(encoding="utf-8"))
    kernels = [node.name for node in tree.body if is_kernel(node)]
    assert kernels
    for name in kernels:
        assert len(getattr(importlib.import_module(f"lessons.compiled.{module}"), name).signatures) == 1


# ------------------------------------------------------------------------------------------------ mirror


def reference(indptr, indices, weights, nearly):
    """The first arc without an equal one back, and the weights if there is none, in plain Python."""
    arcs = [(i, int(j)) for i in range(len(indptr) - 1) for j in indices[indptr[i] : indptr[i + 1]]]
    weight = dict(zip(arcs, weights.tolist(), strict=True))
    for at, (i, j) in enumerate(arcs):
        here, back = weight[i, j], weight.get((j, i))
        if back is None or abs(here - back) > nearly * max(abs(here), abs(back)):
            return at, weights.tolist()
    return -1, [weight[min(arc), max(arc)] for arc in arcs]


def csr(matrix):
    """The arrays of a matrix, typed as those of a Graph."""
    matrix = sp.csr_array(matrix)
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data


@st.composite
def almost_symmetric(draw):
    """CSR arrays of an undirected graph, perhaps with arcs taken out, or weights changed, much or by rounding."""
    arcs = draw(graphs(directed=False, max_nodes=6)).to_scipy().tocoo()
    rounding, much = [1.0, 1 + 4e-16, 1 - 4e-16], [1.0, 1.0, 1.0, 1.5, -1.0]
    change = st.sampled_from(rounding + (much if draw(st.booleans()) else []))
    there = st.sampled_from([True, True, False]) if draw(st.booleans()) else st.just(True)
    factors, keep = (draw(st.lists(each, min_size=arcs.nnz, max_size=arcs.nnz)) for each in (change, there))
    keep = np.array(keep, bool)
    weights = (arcs.data * np.array(factors))[keep]
    return csr(sp.coo_array((weights, (arcs.row[keep], arcs.col[keep])), shape=arcs.shape))


@example(csr([[0, 0, 0], [0, 0, 1.0], [7.0, 1.0, 0]]), 0.0)  # 2 -> 0 alone, passed over when 1 meets 2
@example(csr([[0, 2.0], [3.0, 0]]), 0.4)  # equal relative to their size, though 1 apart
@example(csr([[0, 0, 2.0], [0, 0, 0], [0, 0, 0]]), 0.0)  # the arc back would stand behind the last one
@example(csr([[0] * 4, [0, 0, 0, 1.0], [0] * 4, [7.0, 1.0, 5.0, 0]]), 0.0)  # 3 -> 0 is alone, and so is 3 -> 2
@settings(max_examples=300)
@given(almost_symmetric(), st.sampled_from([0.0, NEARLY, 0.6]))
def test_mirror_is_its_definition(arrays, nearly):
    indptr, indices, weights = arrays
    indptr.flags.writeable = indices.flags.writeable = False
    wanted, mirrored = reference(indptr, indices, weights, nearly)
    as_python = lessons.compiled._as_python(getattr(mirror, "py_func", mirror))
    for function in (mirror, as_python, mirror_definition):
        changed = weights.copy()
        assert function(indptr, indices, changed, nearly) == wanted
        assert changed.tolist() == mirrored


def test_weights_whose_difference_is_no_float():
    arrays = np.array([0, 1, 2]), np.array([1, 0], np.int32)
    for function in (mirror, mirror_definition):
        assert function(*arrays, np.array([1e308, -1e308]), NEARLY) == 0


def test_a_large_graph_takes_the_compiled_way(monkeypatch):
    monkeypatch.setattr("lessons._csr.COMPILED_FROM", 0)
    monkeypatch.setattr("lessons._csr.mirror_definition", None)
    assert not as_graph(sp.csr_array([[0, 2.0], [2.0, 0]])).directed
    assert as_graph(sp.csr_array([[0, 2.0], [0, 0]])).directed


def test_kernels_refuse_arrays_of_other_types():
    """One signature: numba must not compile another one, nor copy in silence."""
    pytest.importorskip("numba")
    if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
        pytest.skip("NUMBA_DISABLE_JIT is set: nothing is compiled")
    with pytest.raises(TypeError, match="No matching definition"):
        mirror(np.array([0, 1, 2]), np.array([1, 0], np.int64), np.array([2.0, 2.0]), 0.0)
    assert len(mirror.signatures) == 1


# ------------------------------------------------------------------------------------------------ in processes

ONCE = """
import numpy as np
from lessons import as_graph
from lessons.compiled.graph import mirror
graph = as_graph([(0, 1, 0.5), (1, 2, 0.25)], n=3)
weights = graph.weights.copy()
assert mirror(graph.indptr, graph.indices, weights, 0.0) == -1
weights[0] = 3.0
assert mirror(graph.indptr, graph.indices, weights, 0.0) == 0
assert mirror(np.array([0]), np.array([], np.int32), np.array([]), 0.0) == -1
signatures = getattr(mirror, "signatures", [])
print(len(signatures), sum(mirror.stats.cache_hits.values()) if signatures else "python")
"""


def in_a_process(code: str, **environment: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_a_kernel_compiles_once_and_is_read_from_the_cache_later(tmp_path):
    pytest.importorskip("numba")
    for hits in ("0", "1"):
        told = in_a_process(ONCE, NUMBA_CACHE_DIR=str(tmp_path), NUMBA_DISABLE_JIT="0")
        assert told == f"1 {hits}"
    assert {path.name.split("-")[0] for path in tmp_path.rglob("*.nbc")} == {"graph.mirror", "graph.turned"}
    assert len(list(tmp_path.rglob("*.nbc"))) == 2


def test_the_same_source_runs_as_python():
    assert in_a_process(ONCE, NUMBA_DISABLE_JIT="1") == "0 python"
    missing = "import sys\nsys.modules['numba'] = None\n"
    assert in_a_process(missing + ONCE, NUMBA_DISABLE_JIT="0") == "0 python"


def test_integers_wrap_around_in_python_as_in_compiled_code():
    def twice(number):
        return number + number

    largest = np.uint64(2**64 - 1)
    assert kernel("u8(u8)")(twice)(largest) == 2**64 - 2
    assert lessons.compiled._as_python(twice)(largest) == np.uint64(2**64 - 2)
    assert np.isinf(lessons.compiled._as_python(lambda x: x / np.float64(0))(np.float64(1)))


def test_kernel_signatures():
    pytest.importorskip("numba")
    from numba import types

    read, written = lessons.compiled._numba_signature("void(i8[:], f8[::]!)").args
    assert (read.mutable, written.mutable) == (False, True)
    assert (read.ndim, written.ndim, read.layout, written.layout) == (1, 2, "C", "C")
    assert (read.dtype, written.dtype) == (types.int64, types.float64)
