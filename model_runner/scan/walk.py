"""The walk over one pickle: Python's own machine, with stand-ins for whatever it names. Nothing in it is run.

Python's, because opcodes build names at will (memo, STACK_GLOBAL): only a machine that keeps the same stack sees the
same names.
"""

import _compat_pickle
import pickle
from collections.abc import Callable
from typing import IO, Any, ClassVar

import numpy as np

from model_runner.explaining.raised import in_words
from model_runner.scan.calls import HostileError, Judge, called, takes_attributes
from model_runner.scan.stand_ins import StandIn, is_name, stand_in
from model_runner.scan.states import check_state

_WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
_CHUNK = 1 << 20


class MalformedError(Exception):
    """The machine cannot go on: then neither could the one that loads."""


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
        self.uncalled = 0
        """How often `getattr` came to the stack, less its calls: it may be called in harmless ways, and never kept."""

    def load(self) -> Any:
        found = super().load()
        if self.uncalled:
            self._judge("builtins", "getattr", False)
        return found

    def what_stands_for_an_instruction(self, byte: object) -> str:
        """It was the last that was read."""
        if not isinstance(byte, int):
            return f"an array in it lacks its {byte!r}"
        frame = self._unframer.current_frame
        ahead = 0 if frame is None else len(frame.getbuffer()) - frame.tell()
        try:
            place = f"its byte number {self._handle.tell() - ahead:,}"
        except OSError:  # what is compressed by zlib is read from front to back
            place = "one of its bytes"
        return f"{place} has the value 0x{byte:02x}, which is no instruction of a pickle"

    def find_class(self, module: str, name: str) -> Any:
        module, name = _renamed(module, name, self.proto)
        found = _REAL.get((module, name)) or stand_in(module, name)
        if takes_attributes(found):
            self.uncalled += 1
        else:
            self._judge(module, name, False)
        return found

    def persistent_load(self, _: Any) -> StandIn:
        """PyTorch's references to the storages beside the pickle."""
        return StandIn()

    def get_extension(self, code: int) -> None:
        raise MalformedError(f"it names the extension {code}, of which only the process that wrote it knows")

    def load_reduce(self) -> None:
        arguments = self.stack.pop()
        self.stack[-1] = self._call(self.stack[-1], arguments)

    dispatch[pickle.REDUCE[0]] = load_reduce

    def _instantiate(self, target: Any, arguments: Any) -> None:
        self.append(self._call(target, arguments))

    def _call(self, target: Any, arguments: Any) -> Any:
        if _is_real(target):
            return target(*arguments)
        self.uncalled -= takes_attributes(target)
        return called(target, arguments, self._judge)

    def load_build(self) -> None:
        state, target = self.stack[-1], self.stack[-2]
        if is_name(target) or _is_real(target):
            raise HostileError("changes what it names, instead of what it has made of it")
        check_state(target, state)
        super().load_build()
        if isinstance(target, StandIn) and target.full_name == _WRAPPER:
            if not self._joblib:
                raise MalformedError("it is a joblib file: name it model.joblib")
            self._skip_array(target.state)

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


def _counting(load: Callable[[Walker], None]) -> Callable[[Walker], None]:
    """An opcode that puts onto the stack what was there before."""

    def loads(walker: Walker) -> None:
        load(walker)
        walker.uncalled += takes_attributes(walker.stack[-1])

    return loads


for _code in (pickle.GET, pickle.BINGET, pickle.LONG_BINGET, pickle.DUP):
    Walker.dispatch[_code[0]] = _counting(_Machine.dispatch[_code[0]])


def walk(file: IO[bytes], judge: Judge, *, joblib: bool) -> None:
    """Walk over the pickle that begins here; the file stands behind it afterwards.

    Args:
        joblib: whether arrays follow their notes, as in the files of joblib.

    Raises:
        MalformedError: it cannot be read.
        HostileError: it does what no library writes into a pickle.
    """
    walker = Walker(file, judge, joblib=joblib)
    try:
        walker.load()
    except (MalformedError, HostileError, MemoryError):
        raise
    except KeyError as error:
        # That of its instructions, by their byte; or a state lacks what joblib writes.
        raise MalformedError(walker.what_stands_for_an_instruction(error.args[0])) from error
    except (pickle.UnpicklingError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise MalformedError(in_words(error)) from error
    except (EOFError, OverflowError, RecursionError, AssertionError) as error:
        raise MalformedError(in_words(error)) from error


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


_REAL: dict[tuple[str, str], Any] = {("numpy", "dtype"): _dtype, ("_codecs", "encode"): _encode}
"""What is made, where all else is only stood in for."""


def _is_real(target: Any) -> bool:
    return any(target is each for each in _REAL.values())
