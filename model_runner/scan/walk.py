"""The walk over one pickle: Python's own machine, with stand-ins for whatever it names. Nothing in it is run.

Python's, because opcodes build names at will (memo, STACK_GLOBAL): only a machine that keeps the same stack sees the
same names.
"""

import _compat_pickle
import pickle
from collections.abc import Callable
from typing import IO, Any, ClassVar

import numpy as np

Judge = Callable[[str, str], None]
"""Called with (module, name) of each global; raises where it must not be named."""

_WRAPPER = ("joblib.numpy_pickle", "NumpyArrayWrapper")
_CHUNK = 1 << 20


class MalformedError(Exception):
    """The machine cannot go on: then neither could the one that loads."""


class StandIn:
    """In the place of an object: takes whatever a pickle does to objects, and does nothing."""

    state: Any = None

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __call__(self, *_: Any, **__: Any) -> "StandIn":
        return StandIn()

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None: ...

    def append(self, item: Any) -> None: ...

    def extend(self, items: Any) -> None: ...

    def add(self, item: Any) -> None: ...


class ArrayStandIn(StandIn):
    """Joblib's note that the bytes of an array follow it in the file."""


_Machine: Any = pickle._Unpickler
"""The one in Python: private by its name, but joblib builds on it as well."""


class Walker(_Machine):  # type: ignore[misc]
    """Walks over one pickle; `load` raises what `judge` raises."""

    dispatch: ClassVar[dict[int, Any]] = dict(_Machine.dispatch)

    def __init__(self, file: IO[bytes], judge: Judge, *, joblib: bool) -> None:
        super().__init__(file)
        self._handle = file
        self._judge = judge
        self._joblib = joblib

    def find_class(self, module: str, name: str) -> Any:
        module, name = _renamed(module, name, self.proto)
        self._judge(module, name)
        if (module, name) in _REAL:
            return _REAL[module, name]
        if (module, name) == _WRAPPER:
            return type(name, (ArrayStandIn,), {})
        return type("StandIn", (StandIn,), {})

    def persistent_load(self, _: Any) -> StandIn:
        """PyTorch's references to the storages beside the pickle."""
        return StandIn()

    def get_extension(self, code: int) -> None:
        raise MalformedError(f"it names the extension {code}, of which only the process that wrote it knows")

    def load_build(self) -> None:
        super().load_build()
        if isinstance(self.stack[-1], ArrayStandIn):
            if not self._joblib:
                raise MalformedError("it is a joblib file: name it model.joblib")
            self._skip_array(self.stack[-1].state)

    dispatch[pickle.BUILD[0]] = load_build

    def _skip_array(self, state: Any) -> None:
        """As joblib reads it: another pickle for objects, else padding and the bytes of the array."""
        dtype, shape = state["dtype"], state["shape"]
        if not isinstance(dtype, np.dtype):
            raise MalformedError("an array in it has no known type")
        if dtype.hasobject:
            walk(self._handle, self._judge, joblib=False)
            return
        if state.get("numpy_array_alignment_bytes") is not None:
            self._skip(self._handle.read(1)[0])
        self._skip(dtype.itemsize * int(np.prod([int(size) for size in shape], dtype=object)))

    def _skip(self, size: int) -> None:
        while size > 0:
            found = len(self._handle.read(min(size, _CHUNK)))
            if not found:
                raise MalformedError("it ends within an array")
            size -= found


def walk(file: IO[bytes], judge: Judge, *, joblib: bool) -> None:
    """Walk over the pickle that begins here; the file stands behind it afterwards.

    Args:
        joblib: whether arrays follow their notes, as in the files of joblib.

    Raises:
        MalformedError: it cannot be read.
    """
    try:
        Walker(file, judge, joblib=joblib).load()
    except (MalformedError, MemoryError):
        raise
    except (pickle.UnpicklingError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise MalformedError(f"{type(error).__name__}: {error}") from error
    except (EOFError, OverflowError, RecursionError, AssertionError) as error:
        raise MalformedError(f"{type(error).__name__}: {error}") from error


def _renamed(module: str, name: str, protocol: int) -> tuple[str, str]:
    """Names of Python 2, as loading translates them."""
    if protocol < 3:
        if (module, name) in _compat_pickle.NAME_MAPPING:
            return _compat_pickle.NAME_MAPPING[module, name]
        module = _compat_pickle.IMPORT_MAPPING.get(module, module)
    return module, name


def _dtype(*arguments: Any) -> Any:
    """The size of an array follows from it."""
    return np.dtype(*arguments)


def _encode(text: Any, encoding: str = "") -> Any:
    """How old protocols write bytes; parts of a dtype may be among them."""
    return text.encode(encoding) if isinstance(text, str) and encoding == "latin1" else StandIn()


_REAL = {("numpy", "dtype"): _dtype, ("_codecs", "encode"): _encode}
"""What is made, where all else is only stood in for."""
