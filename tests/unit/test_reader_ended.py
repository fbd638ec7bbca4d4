"""What is said of a data file whose reader ended: its last words, and memory where they, or the kernel, say so."""

import pytest

from model_runner.checking.host import Ending, why_reader_ended
from model_runner.limits import Limits


@pytest.mark.parametrize(
    ("code", "said", "is_out_of_memory"),
    [
        (-9, "", False),
        (137, "", True),
        (-6, "terminate called after throwing an instance of 'std::bad_alloc'", False),
        (1, "MemoryError", False),
    ],
)
def test_memory_is_named_where_it_was_memory(code: int, said: str, is_out_of_memory: bool) -> None:
    found = why_reader_ended(Ending(code, said, is_out_of_memory), "reference.parquet", Limits())
    assert found.problem.startswith("takes more than 2 GB to be read"), found.problem
    assert "raise [limits] memory" in found.fix


@pytest.mark.parametrize(
    ("code", "said", "last"),
    [
        (-6, "noise\nparquet: footer is no thrift message\n", "parquet: footer is no thrift message"),
        (-11, "", "nothing"),
        (1, "ImportError: libarrow.so: wrong ELF class", "ImportError: libarrow.so: wrong ELF class"),
    ],
)
def test_anything_else_begins_with_its_last_words(code: int, said: str, last: str) -> None:
    found = why_reader_ended(Ending(code, said, is_out_of_memory=False), "reference.parquet", Limits())
    assert found.file == "reference.parquet"
    assert found.problem.startswith("cannot be read: its reader ended (")
    assert found.problem.endswith(f"said last: {last}")
    assert found.fix.startswith("Save it again.")
