"""The scan refuses pickles that call what no model needs, in every file that can hold one, and says what to do."""

import bz2
import collections
import functools
import gzip
import importlib
import io
import json
import lzma
import operator
import os
import pickle
import subprocess
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import lightgbm
import numpy as np
import numpy.f2py
import pandas as pd
import pytest
import scipy.io
import sklearn.datasets
import sklearn.tree
import xgboost
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from model_runner.scan.names import Verdict, judge
from model_runner.scan.scanning import scan_folder
from tests.support.pickles import Calls, X, refusal

HOSTILE_OBJECTS: dict[str, tuple[Any, str]] = {
    "os.system": (Calls(os.system, "id"), "posix.system"),
    "eval": (Calls(eval, "1"), "builtins.eval"),
    "exec": (Calls(exec, "1"), "builtins.exec"),
    "open": (Calls(open, "/etc/passwd"), "io.open"),
    "import_module": (Calls(importlib.import_module, "os"), "importlib.import_module"),
    "__import__": (Calls(__import__, "os"), "builtins.__import__"),
    "popen": (Calls(subprocess.Popen, ["id"]), "subprocess.Popen"),
    "getattr": (Calls(getattr, "os", "system"), "builtins.getattr"),
    "partial": (functools.partial(os.system, "id"), "posix.system"),
    "reduce of eval": (Calls(functools.reduce, eval, ["1"]), "_functools.reduce"),
    "map of exec": (Calls(map, exec, ["1"]), "builtins.map"),
    "numpy load": (Calls(np.load, "x.npy"), "numpy.load"),
    "numpy fromfile": (Calls(np.fromfile, "/etc/passwd"), "numpy.fromfile"),
    "pandas read_pickle": (Calls(pd.read_pickle, "http://x/y"), "pandas.read_pickle"),
    "pandas eval": (Calls(pd.eval, "1"), "pandas.eval"),
    "joblib load": (Calls(joblib.load, "x"), "joblib.numpy_pickle.load"),
    "pickle loads": (Calls(pickle.loads, b"x"), "_pickle.loads"),
    "nested in a list": ([1, {"a": (2, Calls(os.system, "id"))}], "posix.system"),
    "a default of a dict": (collections.defaultdict(os.getcwd), "posix.getcwd"),
    "in a pipeline": (make_pipeline(FunctionTransformer(os.system)), "posix.system"),
    "in an object array": (np.array([Calls(os.system, "id")], dtype=object), "posix.system"),
    "behind an array": ([np.arange(1000.0), Calls(os.system, "id"), np.arange(3)], "posix.system"),
    "operator.attrgetter": (Calls(operator.attrgetter, "a"), "operator.attrgetter"),
    "operator.methodcaller": (Calls(operator.methodcaller, "a"), "operator.methodcaller"),
    "operator.call": (Calls(operator.call, print), "operator.call"),
    "numpy f2py": (Calls(np.f2py.run_main, ["-h"]), "numpy.f2py.f2py2e.run_main"),
    "numpy DataSource": (Calls(np.lib.npyio.DataSource, "/"), "numpy.lib.npyio.DataSource"),
    "numpy memmap": (Calls(np.memmap, "/etc/passwd"), "numpy.memmap"),
    "scipy loadmat": (Calls(scipy.io.loadmat, "x"), "scipy.io.matlab._mio.loadmat"),
    "scipy load_npz": (Calls(sparse.load_npz, "x"), "scipy.sparse._matrix_io.load_npz"),
    "scikit-learn load_files": (Calls(sklearn.datasets.load_files, "/"), "sklearn.datasets._base.load_files"),
    "scikit-learn fetch_openml": (FunctionTransformer(sklearn.datasets.fetch_openml), "fetch_openml"),
    "scikit-learn export": (FunctionTransformer(sklearn.tree.export_graphviz), "sklearn.tree._export.export_graphviz"),
    "joblib Parallel": (Calls(joblib.Parallel, 2), "joblib.parallel.Parallel"),
    "joblib Memory": (Calls(joblib.Memory, "/tmp/x"), "calls joblib.memory.Memory"),
    "pandas read_csv": (FunctionTransformer(pd.read_csv), "pandas.read_csv"),
    "pandas ExcelFile": (Calls(pd.ExcelFile, "x"), "ExcelFile"),
    "xgboost DMatrix": (Calls(xgboost.DMatrix, "/etc/passwd"), "xgboost.core.DMatrix"),
    "lightgbm Dataset": (Calls(lightgbm.Dataset, "/etc/passwd"), "lightgbm.basic.Dataset"),
    "a library's function, called": (Calls(np.median, [1.0]), "calls numpy.median"),
    "a library's class, called": (Calls(xgboost.Booster, {}, (), "/etc/passwd"), "calls xgboost.core.Booster"),
    "functions that make code": (FunctionTransformer(scipy._lib._bunch._make_tuple_bunch), "_make_tuple_bunch"),
    "a partial that is called": (Calls(functools.partial(np.load, "x")), "numpy.load"),
    "a method of an object": (FunctionTransformer(StandardScaler().fit), "builtins.getattr"),
    "a method of text that formats": (FunctionTransformer(str.format), "builtins.getattr"),
    "getattr as a step": (FunctionTransformer(getattr), "builtins.getattr"),
    "getattr kept beside its call": ([str.lower, getattr], "builtins.getattr"),
    "an unknown library": (Calls(io.StringIO, "x"), "_io.StringIO"),
}

HOSTILE_BYTES: dict[str, tuple[bytes, str]] = {
    "protocol 0": (b"cos\nsystem\n(S'id'\ntR.", "os.system"),
    "python 2": (b"c__builtin__\nexecfile\n(S'x'\ntR.", "builtins.execfile"),
    "python 2 renamed": (b"ccommands\ngetoutput\n(S'id'\ntR.", "subprocess.getoutput"),
    "instance opcode": (b"(S'id'\nios\nsystem\n.", "os.system"),
    "object opcode": (b"(cos\nsystem\nS'id'\no.", "os.system"),
    "stack global": (b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.", "os.system"),
    "names by the memo": (b"\x80\x04\x8c\x06system\x940\x8c\x02os\x94h\x00\x93\x8c\x02id\x85R.", "os.system"),
    "names by put and get": (b"\x80\x04\x8c\x02osq\x050\x8c\x06systemq\x060h\x05h\x06\x93)R.", "os.system"),
    "a duplicated name": (b"\x80\x04\x8c\x04code2\x93)R.", "code.code"),
    "a dotted name": (b"\x80\x04\x8c\x07sklearn\x8c\x0futils.os.system\x93)R.", "sklearn.utils.os.system"),
    "globals of a function": (
        b"\x80\x04\x8c\x05numpy\x8c\x14save.__globals__.get\x93)R.",
        "numpy.save.__globals__.get",
    ),
    "a ufunc by name": (b"\x80\x04\x8c\x0anumpy.core\x8c\x12_ufunc_reconstruct\x93)R.", "_ufunc_reconstruct"),
    "a module patched": (b"\x80\x04\x8c\x07sklearn\x8c\x06config\x93}\x8c\x01a\x8c\x01bsb.", "sklearn.config"),
    "an extension": (b"\x80\x04\x82\x01.", "extension"),
    "after the end of a list": (b"\x80\x04]\x940\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.", "os.system"),
    "a file of joblib as a pickle": (b"", "name it model.joblib"),
    "a notebook's class": (b"c__main__\nThing\n(tR.", "Define Thing in a file beside the model, such as thing.py"),
    "a result that is called": (
        b"\x80\x04\x8c\x09functools\x8c\x07partial\x93\x8c\x05numpy\x8c\x03exp\x93\x85R)R.",
        "calls what it has made itself",
    ),
    "a class patched": (
        b"\x80\x04\x8c\x0fsklearn.dummy.x\x8c\x01X\x93N}\x8c\x07predict\x8c\x05numpy\x8c\x03exp\x93s\x86b.",
        "changes what it names",
    ),
    "what a library imports": (
        b"\x80\x04\x8c\x1bsklearn.callback._transport\x8c\x06Client\x93\x8c\x01x\x85R.",
        "sklearn.callback._transport.Client",
    ),
    "a module's loader": (b"\x80\x04\x8c\x0csklearn.base\x8c\x0a__loader__\x93.", "sklearn.base.__loader__"),
    "a constructor by another's name": (
        b"ccopy_reg\n_reconstructor\n(cxgboost.core\nBooster\ncxgboost.core\nBooster\nVx\ntR.",
        "calls xgboost.core.Booster",
    ),
    "no pickle": (b"hello", "cannot be loaded, or is no pickle"),
    "cut off": (pickle.dumps(LogisticRegression())[:40], "cannot be loaded, or is no pickle"),
    "empty": (b"\x80", "cannot be loaded, or is no pickle"),
}


def _zlib(content: bytes) -> bytes:
    return zlib.compress(content)


WRAPPINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "pickle": ("model.pkl", bytes),
    "joblib": ("model.joblib", bytes),
    "joblib zlib": ("model.joblib", _zlib),
    "joblib gzip": ("model.joblib", gzip.compress),
    "joblib bz2": ("model.joblib", bz2.compress),
    "joblib xz": ("model.joblib", lzma.compress),
    "joblib lzma": ("model.joblib", lambda content: lzma.compress(content, lzma.FORMAT_ALONE)),
}


@pytest.mark.parametrize("case", HOSTILE_OBJECTS)
@pytest.mark.parametrize("compress", [0, 3, ("lz4", 1)], ids=str)
def test_hostile_objects_saved_by_joblib(case: str, compress: Any, tmp_path: Path) -> None:
    thing, named = HOSTILE_OBJECTS[case]
    joblib.dump(thing, tmp_path / "model.joblib", compress=compress)
    error = refusal(tmp_path)
    assert error.file == "model.joblib"
    assert named in error.problem


@pytest.mark.parametrize("case", HOSTILE_OBJECTS)
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_hostile_objects_saved_by_pickle(case: str, protocol: int, tmp_path: Path) -> None:
    thing, named = HOSTILE_OBJECTS[case]
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(thing, protocol))
    error = refusal(tmp_path)
    assert error.file == "model.pkl"
    # Python 3 writes the names of Python 2 into old protocols.
    assert named.rsplit(".", 1)[-1] in error.problem


@pytest.mark.parametrize("case", HOSTILE_BYTES)
@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_hostile_bytes_in_every_wrapping(case: str, wrapping: str, tmp_path: Path) -> None:
    content, named = HOSTILE_BYTES[case]
    name, wrap = WRAPPINGS[wrapping]
    if case == "a file of joblib as a pickle":
        if name != "model.pkl":
            pytest.skip("is what it is meant to be")
        joblib.dump(np.arange(3), tmp_path / "x")
        content = (tmp_path / "x").read_bytes()
    (tmp_path / name).write_bytes(wrap(content))
    assert named in str(refusal(tmp_path))


@pytest.mark.parametrize("protocol", [2, 4], ids=["plain", "in a frame"])
def test_a_byte_that_is_no_instruction_is_told_by_its_value_and_its_place(protocol: int, tmp_path: Path) -> None:
    content = pickle.dumps(list(range(9)), protocol)[:-1] + b"\xff."
    (tmp_path / "model.pkl").write_bytes(content)
    place = content.index(b"\xff") + 1
    assert f"its byte number {place} has the value 0xff" in refusal(tmp_path).problem
    (tmp_path / "model.pkl").unlink()
    (tmp_path / "model.joblib").write_bytes(zlib.compress(content))
    assert "one of its bytes has the value 0xff" in refusal(tmp_path).problem


def test_opcodes_hidden_behind_an_array_that_only_joblib_skips(tmp_path: Path) -> None:
    """What joblib takes for the bytes of an array a plain unpickler takes for opcodes."""
    stream = io.BytesIO()
    joblib.dump(np.frombuffer(b"cos\nsystem\n(S'id'\ntR.".ljust(64), dtype=np.uint8), stream)
    (tmp_path / "model.pkl").write_bytes(stream.getvalue())
    assert "name it model.joblib" in str(refusal(tmp_path))


@pytest.mark.parametrize("member", ["archive/data.pkl", "model/constants.pkl", "deep/er/x.pkl"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_zips_of_pytorch(member: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(collections.OrderedDict(a=1)))
        archive.writestr("archive/data/0", b"\0" * 64)
    assert scan_folder(tmp_path) == ["model.pt"]
    with zipfile.ZipFile(tmp_path / "model.pt", "a") as archive:
        archive.writestr(member, pickle.dumps(Calls(os.system, "id")))
    assert "posix.system" in str(refusal(tmp_path))


def test_a_module_of_torchscript_is_known_however_it_is_made(tmp_path: Path) -> None:
    """Its names are of the archive's own code, which Python never imports."""
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02c__torch__.net\nNet\n)R.")
        archive.writestr("a/constants.pkl", b"\x80\x02c__torch__.net\nNet\n)\x81.")
    assert scan_folder(tmp_path) == ["model.pt"]


def test_an_archive_in_an_archive(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("w/data.pkl", pickle.dumps(Calls(os.system, "id")))
    with zipfile.ZipFile(tmp_path / "model.pt2", "w") as archive:
        archive.writestr("data/weights/w.pt", inner.getvalue())
    assert "posix.system" in str(refusal(tmp_path))


def test_the_old_files_of_pytorch(tmp_path: Path) -> None:
    parts = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, collections.OrderedDict(), []]
    (tmp_path / "model.pt").write_bytes(b"".join(pickle.dumps(part, 2) for part in parts) + b"\0" * 16)
    assert scan_folder(tmp_path) == ["model.pt"]
    parts[3] = Calls(os.system, "id")
    (tmp_path / "model.pt").write_bytes(b"".join(pickle.dumps(part, 2) for part in parts))
    assert "system" in str(refusal(tmp_path))


def test_the_schema_of_skops(tmp_path: Path) -> None:
    def write(module: str, name: str) -> None:
        node = {"__class__": "Pipeline", "__module__": "sklearn.pipeline", "content": [{"x": 1}]}
        evil = {"__class__": name, "__module__": module, "__loader__": "FunctionNode"}
        with zipfile.ZipFile(tmp_path / "model.skops", "w") as archive:
            archive.writestr("schema.json", json.dumps({**node, "steps": [evil]}))

    write("sklearn.linear_model._logistic", "LogisticRegression")
    assert scan_folder(tmp_path) == ["model.skops"]
    write("os", "system")
    assert "names os.system" in str(refusal(tmp_path))


def test_every_pickle_of_the_folder_is_looked_through(tmp_path: Path) -> None:
    joblib.dump(LogisticRegression(), tmp_path / "model.joblib")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "encoder.pickle").write_bytes(pickle.dumps(Calls(os.system, "id")))
    assert refusal(tmp_path).file == "parts/encoder.pickle"


def test_a_method_that_a_step_keeps_is_refused_with_what_to_put_in_its_place(tmp_path: Path) -> None:
    joblib.dump(make_pipeline(FunctionTransformer(StandardScaler().fit(X).transform)), tmp_path / "model.joblib")
    assert "it keeps a method of an object: put a function in its place" in refusal(tmp_path).fix


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "subprocess.Popen", "importlib.import_module"])
def test_nobody_can_allow_what_attacks_use(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    for allowed in ((name,), ("*",), (f"{module}.*",)):
        assert judge(module, attribute, allowed) is Verdict.DANGEROUS


@pytest.mark.parametrize("library", ["cloudpickle.cloudpickle\n_make_function", "dill._dill\n_create_function"])
def test_functions_saved_by_their_code_are_refused_with_what_to_do(library: str, tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(f"c{library}\n(tR.".encode())
    error = refusal(tmp_path)
    assert "holds a function or a class by its code" in error.problem
    assert "Define it with def or class in a file beside the model" in error.fix
