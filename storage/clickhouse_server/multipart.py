"""A multipart form taken apart where it lies: fields as text, files as places in the body, which may be large."""

import mmap
import re
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import HTTP

from storage.clickhouse_server.body import Spool
from storage.clickhouse_server.errors import INCORRECT_DATA, ClickHouseError

_MAX_FIELDS = 16 << 20
_MAX_PARTS = 4096
_MAX_HEAD = 1 << 16
_LINE_END = re.compile(rb"[ \t]*\r\n")


@dataclass(frozen=True, slots=True)
class FormFile:
    """A part with a file name: the bytes of the body from `start` to `end`."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Form:
    """`fields` by name; the last of a name counts."""

    fields: dict[str, str]
    files: tuple[FormFile, ...]


def read_form(content_type: str, spool: Spool) -> Form:
    """The form in `spool`.

    Raises ClickHouseError 117 for what is no multipart form, for fields above 16 MiB and for more than 4,096 parts.
    """
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_boundary()
    if not boundary or not boundary.isascii():
        raise _refusal("The body is not the multipart form it says it is: there is no boundary")
    with mmap.mmap(spool.descriptor(), 0, access=mmap.ACCESS_READ) as body:
        return _read(body, b"--" + boundary.encode())


def _read(body: mmap.mmap, delimiter: bytes) -> Form:
    fields: dict[str, str] = {}
    files: list[FormFile] = []
    size = parts = 0
    position = 0 if body[: len(delimiter)] == delimiter else body.find(b"\r\n" + delimiter) + 2
    if position == 1:
        raise _refusal("The body is not the multipart form it says it is: its boundary does not occur")
    position += len(delimiter)
    while body[position : position + 2] != b"--":
        head, start, end = _part(body, position, delimiter)
        name = str(head.get_param("name", "", header="content-disposition"))
        parts += 1
        if head.get_filename() is not None:
            files.append(FormFile(name, start, end))
        else:
            size += end - start
            if size > _MAX_FIELDS:
                raise _refusal(f"The fields of a form are larger than {_MAX_FIELDS} bytes")
            fields[name] = body[start:end].decode("utf-8", "surrogateescape")
        if parts > _MAX_PARTS:
            raise _refusal(f"A form has more than {_MAX_PARTS} parts")
        position = end + 2 + len(delimiter)
    return Form(fields, tuple(files))


def _part(body: mmap.mmap, position: int, delimiter: bytes) -> tuple[Message, int, int]:
    """The headers of the part behind the delimiter that ends at `position`, and where its content is."""
    line = _LINE_END.match(body, position)
    if line is None:
        raise _refusal("A multipart form is damaged: a boundary is not followed by a line break")
    begin = line.end()
    # Back by one line break: a part without headers has its empty line at once.
    start = body.find(b"\r\n\r\n", begin - 2, begin + _MAX_HEAD) + 4
    end = body.find(b"\r\n" + delimiter, max(start - 2, begin - 2))
    if start == 3 or end < 0:
        raise _refusal("A multipart form is cut off")
    head = BytesHeaderParser(policy=HTTP).parsebytes(body[begin:start])
    return head, start, max(start, end)


def _refusal(text: str) -> ClickHouseError:
    return ClickHouseError(INCORRECT_DATA, text, "INCORRECT_DATA")
