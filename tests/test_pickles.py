"""Pickles from elsewhere: data are read as the standard library reads them; whatever else they say is refused."""

from __future__ import annotations

import os
import pickle
import pickletools
import struct
import time
import tracemalloc
import warnings
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from pickled import array_of, dtype_of, matrix_of, named, python2, written

from lessons._pickles import ARRAY, LISTS, MATRIX, load_array, load_lists, load_matrix, restricted_load
from lessons.errors import FormatError

numbers = st.integers(-(2**31), 2**31 - 1)
plain = st.recursive(
    st.none() | st.booleans() | numbers | st.text("ab\n\xff\x00", max_size=3) | st.text("x", min_size=256),
    lambda part: (
        st.lists(part, max_size=4)
        | st.lists(part, max_size=4).map(tuple)
        | st.dictionaries(numbers | st.text("ab", max_size=2), part, max_size=4)
    ),
    max_leaves=12,
)


def unpickled(data: bytes) -> object:
    """What the standard library makes of it; NumPy and SciPy may tell that a name is old."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return pickle.loads(data, encoding="latin1")


def refused(data: bytes, allowed=MATRIX) -> str:
    """Why it is refused, and not read."""
    with pytest.raises(FormatError) as caught:
        restricted_load(data, allowed)
    assert len(str(caught.value)) < 400
    return caught.value.problem


def file_of(folder: Path, data: bytes) -> Path:
    path = folder / "some.pickle"
    path.write_bytes(data)
    return path


# ------------------------------------------------------------------------------------------------ data


@given(plain)
def test_plain_data_as_the_standard_library_reads_them(value):
    data = python2(value)
    assert restricted_load(data, {}) == unpickled(data) == value


@given(
    st.recursive(st.integers(0, 300), lambda part: st.lists(part) | st.dictionaries(numbers, part), max_leaves=20)
)
def test_what_the_standard_library_writes(value):
    """With its memo, and its short forms."""
    assert restricted_load(pickle.dumps(value, protocol=2), {}) == value


def test_one_object_in_two_places_stays_one():
    shared = list(range(300))
    first, second = restricted_load(pickle.dumps([shared, shared], protocol=2), {})
    assert first is second
    assert first == shared


@given(
    st.lists(st.integers(0, 4), max_size=2),
    st.sampled_from(["<i4", "<f4", "|u1"]),
    st.sampled_from("CF"),
    st.integers(0, 9),
)
def test_arrays(tmp_path_factory, shape, dtype, order, seed):
    array = np.random.default_rng(seed).integers(-9, 9, shape).astype(dtype, order=order)
    path = file_of(tmp_path_factory.getbasetemp(), python2(array))
    for read in (load_array(path), unpickled(path.read_bytes())):
        assert np.array_equal(read, array)
        assert (read.dtype, read.shape) == (array.dtype, array.shape)


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 9))
def test_matrices(tmp_path_factory, rows, columns, seed):
    rng = np.random.default_rng(seed)
    dense = (rng.integers(-9, 9, (rows, columns)) * rng.integers(0, 2, (rows, columns))).astype(np.float32)
    path = file_of(tmp_path_factory.getbasetemp(), python2(scipy.sparse.csr_array(dense)))
    matrix = load_matrix(path)
    assert isinstance(matrix, scipy.sparse.csr_array)
    assert matrix.dtype == np.float32
    assert np.array_equal(matrix.toarray(), dense)
    assert np.array_equal(unpickled(path.read_bytes()).toarray(), dense)


def test_an_error_calls_bytes_by_their_name():
    with pytest.raises(FormatError, match=r"^inner/file: is cut short"):
        restricted_load(b"\x80\x02", {}, Path("inner", "file"))


def test_columns_in_any_order_are_sorted(tmp_path):
    parts = {"indptr": [0, 2], "indices": [2, 0], "data": [5, 7]}
    state = {"_shape": (1, 3)} | {name: np.array(part, np.int32) for name, part in parts.items()}
    matrix = load_matrix(file_of(tmp_path, b"\x80\x02" + matrix_of(state) + b"."))
    assert matrix.indices.tolist() == [0, 2]
    assert matrix.toarray().tolist() == [[7, 0, 5]]
    matrix.data[:] = 1  # its own, to write to


@given(st.dictionaries(numbers, st.lists(numbers, max_size=4), min_size=1, max_size=5), st.booleans())
def test_lists(tmp_path_factory, lists, default):
    path = file_of(tmp_path_factory.getbasetemp(), python2(defaultdict(list, lists) if default else lists))
    assert load_lists(path) == lists
    assert unpickled(path.read_bytes()) == lists


# ------------------------------------------------------------------------------------------------ hostile names

COMMAND = "touch '{}'"
HOSTILE = [
    ("os", "system"),
    ("posix", "system"),
    ("nt", "system"),
    ("subprocess", "getoutput"),
    ("__builtin__", "eval"),
    ("__builtin__", "getattr"),
    ("__builtin__", "__import__"),
    ("builtins", "exec"),
    ("builtins", "list"),
    ("numpy.testing", "runstring"),
    ("numpy.testing._private.utils", "runstring"),
    ("numpy", "load"),
    ("numpy", "ndarray.tofile"),
    ("numpy", "ndarrays"),
    ("numpy dtype", ""),
    ("", "numpy dtype"),
    (r"n\x75mpy", "dtype"),
    ("numpy", "dtype "),
    ("numpy", ""),
    ("Numpy", "ndarray"),
    ("numpy.core", "multiarray._reconstruct"),
    ("numpy.core.multiarray", "_reconstruct.__globals__"),
    ("numpy.core.multiarray", "fromfile"),
    ("numpy.core.multiarray.", "_reconstruct"),
    ("scipy.sparse", "csr_matrix"),
    ("scipy.sparse.csr", "csr_matrix.__init__"),
    ("collections", "namedtuple"),
    ("__builtin__", "list.append"),
    ("lessons._pickles", "restricted_load"),
    ("copy_reg", "_reconstructor"),
    ("functools", "partial"),
]


@pytest.mark.parametrize(
    "allowed", [{}, ARRAY, MATRIX, {**MATRIX, **LISTS}], ids=["none", "array", "matrix", "all"]
)
@pytest.mark.parametrize(("module", "name"), HOSTILE)
def test_a_name_that_is_not_listed(tmp_path, module, name, allowed):
    canary = tmp_path / "called"
    for string in (COMMAND.format(canary), f"__import__('pathlib').Path({str(canary)!r}).touch()"):
        data = b"\x80\x02" + named(module, name) + written(string) + b"\x85R."
        assert f"names {module}.{name},".replace("\\", r"\\") in refused(data, allowed)
    assert not canary.exists()


def test_the_canary_would_be_seen(tmp_path):
    canary = tmp_path / "called"
    unpickled(b"\x80\x02" + named(os.system.__module__, "system") + written(COMMAND.format(canary)) + b"\x85R.")
    assert canary.exists()


@pytest.mark.parametrize("pair", [*MATRIX, *LISTS], ids=".".join)
def test_no_listed_pair_stands_for_the_real_thing(pair):
    """What is called in its place was written here."""
    called = {**MATRIX, **LISTS}[pair]
    assert called is None or called.__module__ == "lessons._pickles"


def test_an_error_names_the_file_and_is_short(tmp_path):
    path = file_of(tmp_path, b"\x80\x02" + named("a" * 10_000, "b" * 10_000) + b".")
    with pytest.raises(FormatError, match=r"some\.pickle: names aaa") as caught:
        restricted_load(str(path), {})
    assert caught.value.path == str(path)
    assert len(str(caught.value)) < 400


# ------------------------------------------------------------------------------------------------ hostile forms

KNOWN = {"PROTO", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2"}
KNOWN |= {"BINSTRING", "SHORT_BINSTRING", "EMPTY_LIST", "EMPTY_DICT", "EMPTY_TUPLE"}
KNOWN |= {"GLOBAL", "REDUCE", "NEWOBJ", "BUILD"}
KNOWN |= {"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "APPEND", "APPENDS", "SETITEM", "SETITEMS"}
KNOWN |= {"BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET"}
OTHERS = [opcode for opcode in pickletools.opcodes if opcode.name not in KNOWN]


@pytest.mark.parametrize("opcode", OTHERS, ids=[opcode.name for opcode in OTHERS])
def test_an_instruction_that_data_do_not_need(opcode):
    """Persistent ids, extension codes, names from the stack, objects by the old ways: whatever their argument."""
    problem = refused(b"\x80\x02(" + opcode.code.encode("latin1") + b"os\nsystem\n.")
    assert problem.startswith(f"has the instruction {opcode.name},")


ENTRY = named("numpy", "dtype")
NAMED_ONLY = named("numpy", "ndarray")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (NAMED_ONLY + b")R", "calls a NoneType"),
        (NAMED_ONLY + b")\x81", "calls a NoneType"),
        (written("eval") + b")R", "calls a str"),
        (ENTRY + b")RN\x85R", "missing 1 required"),
        (ENTRY + written(("i4", 0, 1)) + b"R)R", "calls a _DType"),
        (ENTRY + written("i4") + b"R", "treats a str as a tuple"),
        (ENTRY + written({"dtype": 1}) + b"b", "gives a state to a type"),
        (NAMED_ONLY + written({"a": 1}) + b"b", "gives a state to a NoneType"),
        (b"]" + written({"__class__": 1}) + b"b", "gives a state to a list"),
        (b"}K\x01a", "treats a dict as a list"),
        (b"]K\x01K\x01s", "treats a list as a dict"),
        (named("scipy.sparse.csr", "csr_matrix") + b")\x81(K\x01K\x01u", "treats a _Matrix as a dict"),
        (b"})K\x01s", "has a tuple for a key"),
        (b"}NK\x01s", "has a NoneType for a key"),
        (b"}(K\x01u", "shorter"),
        (b"h\x07", "asks for 7 of its memo"),
        (b"K\x01K\x02", "leaves 2 objects"),
        (b"", "leaves 0 objects"),
        (b"(", "leaves 0 objects"),
        (b"a", "takes more from its stack"),
        (b"t", "takes more from its stack"),
        (b"R", "takes more from its stack"),
        (b"K\x01K\x02(\x86", "takes more from its stack"),
        (b"]K\x01(a", "takes more from its stack"),
        (b"\xff", "has b'\\xff' for an instruction"),
        (b"c\xff\xfe\n\x00\r\n", r"names \xff\xfe.\x00\r, which"),
        (b"cnumpy\ndtype", "is cut short"),
        (b"cnumpy", "is cut short"),
        (b"q\x00", "takes more from its stack"),
        (b"b", "takes more from its stack"),
    ],
)
def test_instructions_that_do_not_fit(body, problem):
    assert problem in refused(b"\x80\x02" + body + b".")


@pytest.mark.parametrize(
    "data", [b"", b"\x80", b"no pickle at all", b"\x80\x02", b"<html></html>", b"\x93NUMPY\x01\x00"]
)
def test_what_is_no_pickle(data):
    refused(data)


def test_every_prefix_of_a_matrix_is_cut_short():
    data = python2(scipy.sparse.csr_array(np.eye(3, dtype=np.float32)))
    for length in range(len(data)):
        refused(data[:length])
    assert "goes on for 3 bytes after its end" in refused(data + b"abc")


WHOLE = python2(scipy.sparse.csr_array(np.array([[0, 1], [2, 0]], np.float32)))


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    with suppress(FormatError):
        restricted_load(b"\x80\x02" + data + b".", MATRIX)


@given(st.data())
def test_changed_bytes_are_read_or_refused(tmp_path_factory, data):
    changed = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    path = file_of(tmp_path_factory.getbasetemp(), bytes(changed))
    with suppress(FormatError):
        matrix = load_matrix(path)
        assert matrix[:, : 10**6].sum(axis=0).shape == (min(matrix.shape[1], 10**6),)


# ------------------------------------------------------------------------------------------------ size and depth


def state_of(shape, code="i4", text="", order="<"):
    parts = [written(1), written(shape), dtype_of(code, order), written(False), written(text)]
    return array_of(b"(" + b"".join(parts) + b"t")


@pytest.mark.parametrize(
    "body",
    [
        b"Nr\xff\xff\xff\xff",  # a place in the memo
        b"T\xff\xff\xff\x7fabc",  # a string
        b"\x8d" + struct.pack("<Q", 2**62),  # BINUNICODE8
        b"\x8b\xff\xff\xff\x7f",  # LONG4
        state_of((2**31 - 1,)),
        state_of((2**31 - 1, 2**31 - 1)),
        state_of((1,), "V2000000000"),
        state_of((1,), "S2000000000"),
    ],
)
def test_a_header_claims_no_memory(tmp_path, body):
    path = file_of(tmp_path, b"\x80\x02" + body + b".")
    tracemalloc.start()
    with pytest.raises(FormatError):
        load_array(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_matrix_claims_no_memory(tmp_path):
    empty = np.zeros(0, np.int32)
    state = {"_shape": (2**31 - 1, 2**31 - 1), "indptr": empty, "indices": empty, "data": empty}
    path = file_of(tmp_path, b"\x80\x02" + matrix_of(state) + b".")
    tracemalloc.start()
    with pytest.raises(FormatError, match="do not fit its shape"):
        load_matrix(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


DEEP = 50_000


@pytest.mark.parametrize("body", [b"]" * DEEP + b"a" * (DEEP - 1), b")" + b"\x85" * DEEP], ids=["lists", "tuples"])
def test_nesting_of_any_depth(tmp_path, body):
    path = file_of(tmp_path, b"\x80\x02" + body + b".")
    with pytest.raises(FormatError, match="dict of lists"):
        load_lists(path)
    with pytest.raises(FormatError, match="treats a"):
        load_array(path)


def test_a_nested_key_is_not_hashed():
    """A tuple of itself twice, sixty times over: its hash would take for ever."""
    assert "has a tuple for a key" in refused(b"\x80\x02})" + b"q\x00h\x00\x86" * 60 + b"Ns.")


def test_a_list_under_many_keys_is_counted_not_walked(tmp_path):
    """A file of 45 kB that tells of 25 million neighbours."""
    shared = b"](" + b"K\x01" * 5000 + b"eq\x00"
    others = b"".join(written(key) + b"h\x00" for key in range(5000))
    path = file_of(tmp_path, b"\x80\x02}(" + written(-1) + shared + others + b"u.")
    with pytest.raises(FormatError, match="longer than the file"):
        load_lists(path)


def test_one_string_under_many_arrays_is_not_copied():
    """A file of 0.3 MB: its 100 arrays of 0.2 MB each stay one string until one is asked for."""
    text = "\0" * 200_000
    first = array_of(b"(" + written(1) + written((50_000,)) + dtype_of("i4") + b"\x89" + written(text) + b"q\x07t")
    again = array_of(b"(" + written(1) + written((50_000,)) + dtype_of("i4") + b"\x89h\x07t")
    data = b"\x80\x02](" + first + again * 100 + b"e."
    tracemalloc.start()
    arrays = restricted_load(data, MATRIX)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(arrays) == 101
    assert peak < 2_000_000


# ---------------------------------------------------------------------------------------- faults of content


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (written([1, 2]), "treats a list as a _Array"),
        (named("numpy.core.multiarray", "_reconstruct") + b")R", "without its five parts"),
        (array_of(written((1, 2))), "without its five parts"),
        (array_of(written((1, (0,), "i4", False, ""))), "treats a str as a _DType"),
        (state_of((1,), "O8", "\0" * 8), "a type that is none of"),
        (state_of((1,), "i8", "\0" * 8), "a type that is none of"),
        (state_of((1,), "i4", "\0" * 4, ">"), "a type that is none of"),
        (state_of((1,), "i4", "\0" * 4, "|"), "a type that is none of"),
        (state_of((1,), "u1", "\0"), "a type that is none of"),
        (state_of((1,), [], "\0" * 4), "a type that is none of"),
        (state_of((-1,), text="\0" * 4), "of a shape that is none"),
        (state_of((True,), text="\0" * 4), "of a shape that is none"),
        (state_of(("1",), text="\0" * 4), "of a shape that is none"),
        (state_of([1], text="\0" * 4), "treats a list as a tuple"),
        (state_of((2,), text="\0" * 4), r"shape \(2,\) and type int32 in 4 bytes"),
        (state_of((1, 1, 1), text="\0" * 4), r"shape \(1, 1, 1\)"),
        (state_of((1,), text=7), "treats a int as a str"),
        (state_of((1,), text="\0" * 4).replace(b"\x89", b"K\x01"), "of an order or of a shape that is none"),
    ],
)
def test_faults_of_an_array(tmp_path, body, problem):
    path = file_of(tmp_path, b"\x80\x02" + body + b".")
    with pytest.raises(FormatError, match=problem) as caught:
        load_array(path)
    assert caught.value.path == str(path)


GOOD = {"_shape": (2, 2), "indptr": [0, 1, 2], "indices": [1, 0], "data": [1, 2]}


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"_shape": (2,)}, "of a shape that is none"),
        ({"_shape": (2, -2)}, "of a shape that is none"),
        ({"_shape": (2, True)}, "of a shape that is none"),
        ({"_shape": None}, "treats a NoneType as a tuple"),
        ({"_shape": (3, 2)}, "do not fit its shape"),
        ({"data": [1]}, "do not fit its shape"),
        ({"indices": [[1], [0]]}, "do not fit its shape"),
        ({"data": [[1], [0]]}, "do not fit its shape"),
        ({"indptr": [1, 1, 2]}, "does not lead from 0"),
        ({"indptr": [0, 1, 1]}, "does not lead from 0"),
        ({"indptr": np.array([0, 1, 2], np.float32)}, "does not lead from 0"),
        ({"indices": np.array([1, 0], np.float32)}, "does not lead from 0"),
        ({"indptr": [0, 3, 2]}, "an index out of range"),
        ({"indices": [2, 0]}, "an index out of range"),
        ({"indices": [-1, 0]}, "an index out of range"),
        ({"indptr": [0, 2, 2], "indices": [1, 1]}, "an entry twice"),
        ({"data": np.array([1, np.nan], np.float32)}, "not finite"),
        ({"data": np.array([1, np.inf], np.float32)}, "not finite"),
        ({"data": None}, "treats a NoneType as a _Array"),
    ],
)
def test_faults_of_a_matrix(tmp_path, changed, problem):
    state = {
        name: np.array(part, np.int32) if isinstance(part, list) else part
        for name, part in (GOOD | changed).items()
    }
    path = file_of(tmp_path, b"\x80\x02" + matrix_of(state) + b".")
    with pytest.raises(FormatError, match=problem):
        load_matrix(path)


def test_a_matrix_without_a_state(tmp_path):
    path = file_of(tmp_path, b"\x80\x02" + named("scipy.sparse.csr", "csr_matrix") + b")\x81.")
    with pytest.raises(FormatError, match="treats a NoneType as a dict"):
        load_matrix(path)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([1], "a dict of lists"),
        ({}, "a dict of lists"),
        ({"a": [1]}, "a dict of lists"),
        ({1: (1,)}, "a dict of lists"),
        ({1: ["a"]}, "other than whole numbers"),
        ({1: [True]}, "other than whole numbers"),
        ({1: [[1]]}, "other than whole numbers"),
    ],
)
def test_faults_of_lists(tmp_path, value, problem):
    with pytest.raises(FormatError, match=problem):
        load_lists(file_of(tmp_path, python2(value)))


# ------------------------------------------------------------------------------------------------ the real files


@pytest.mark.data
@pytest.mark.skipif("LESSONS_DATA" not in os.environ, reason="LESSONS_DATA names no folder of downloaded data")
@pytest.mark.parametrize("name", ["cora", "citeseer"])
def test_the_real_files_as_the_standard_library_reads_them(name):
    folder = Path(os.environ["LESSONS_DATA"], "planetoid")
    start = time.process_time()
    for part in ("x", "tx", "allx"):
        path = folder / f"ind.{name}.{part}"
        ours, theirs = load_matrix(path), unpickled(path.read_bytes())
        assert ours.shape == theirs.shape
        assert (abs(ours - theirs)).nnz == 0
    for part in ("y", "ty", "ally"):
        path = folder / f"ind.{name}.{part}"
        assert np.array_equal(load_array(path), unpickled(path.read_bytes()))
    path = folder / f"ind.{name}.graph"
    assert load_lists(path) == unpickled(path.read_bytes())
    print(f"{name}: {time.process_time() - start:.2f} s")
