"""The classes of Apache Kafka as a JVM has read them once (class data sharing): half of what each start of it costs."""

import hashlib
import os
import shutil
from pathlib import Path

_KEPT_IN = Path(__file__).resolve().parents[2] / ".pytest_cache" / "kafka"


def archive_of(home: Path) -> Path:
    """Where the archive of this installation, with the `java` of now, is or will be."""
    java = Path(shutil.which("java", path=_java_path()) or "java").resolve()
    written = [f"{path}:{path.stat().st_mtime_ns}" for path in (java, home / "libs") if path.exists()]
    return _KEPT_IN / f"{hashlib.sha256(' '.join(written).encode()).hexdigest()[:16]}.jsa"


def using(archive: Path) -> str:
    """Options of a JVM; it passes over an archive that does not fit."""
    return f"-XX:SharedArchiveFile={archive}"


def writing(archive: Path) -> str:
    """Options of a JVM that writes the archive as it ends, unless it is killed."""
    return f"-XX:ArchiveClassesAtExit={archive}"


def keep(written: Path, archive: Path) -> None:
    """Put a whole one into place, if there is one."""
    if written.exists():
        archive.parent.mkdir(parents=True, exist_ok=True)
        beside = archive.with_name(f"{archive.name}.{os.getpid()}")
        shutil.copyfile(written, beside)
        beside.replace(archive)


def _java_path() -> str:
    """Where Kafka's scripts look for it: first in JAVA_HOME."""
    return os.pathsep.join([f"{os.environ.get('JAVA_HOME', '')}/bin", os.environ.get("PATH", "")])
