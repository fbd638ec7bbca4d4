"""Events of deployments that nobody announced: each named by its line and its bytes."""

from stream.intake.endings import Endings
from stream.intake.events import Record, read_records
from stream.intake.unknown import without
from tests.properties.test_intake_properties import GOOD, NOW_MS, line

STRANGE = line(deployment_id="nobody", event_id="s")


def test_each_is_told_by_its_line_and_its_bytes() -> None:
    records = [Record(3, NOW_MS, b"\n".join([GOOD, b"{", b"", STRANGE, GOOD, STRANGE])), Record(4, NOW_MS, STRANGE)]
    known = without(read_records(records), records, {"d1"}, Endings())
    assert known.offsets == [3, 3]
    found = [(reject.offset, reject.line, reject.raw) for reject in known.rejects if reject.raw != b"{"]
    assert found == [(3, 3, STRANGE), (3, 5, STRANGE), (4, 0, STRANGE)]
