"""What a killed supervisor left of models that were being checked goes; what is a deployment's stays."""

from pathlib import Path

from storage import registry
from storage.registry import Database
from tidegate.sockets import make_socket_folder, runner_socket
from tidegate.supervisor.left_candidates import remove_left


def _leave(tmp_path: Path, name: str) -> list[Path]:
    """Folder, socket's folder, log and what was rotated away of it."""
    folder, socket = tmp_path / "candidates" / name, runner_socket(tmp_path / "run", name).parent
    for made in (folder, socket):
        made.mkdir(parents=True)
    logs = [tmp_path / f"runner-{name}.log{number}" for number in ("", ".1", ".2")]
    for log in logs:
        log.write_text("words\n")
    return [folder, socket, *logs]


def test_it_goes_with_its_log_unless_it_became_a_deployment(tmp_path: Path) -> None:
    dsn = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    registry.upgrade(dsn)
    make_socket_folder(tmp_path / "run")
    checked = _leave(tmp_path, "d1")
    folder, socket, *logs = _leave(tmp_path, "d2")
    database = Database(dsn)
    version = registry.create_version(
        database, "market", artifact_url="away://s/a", sha256="0" * 64, format="py", input_schema=None, manifest={}
    )
    registry.create_deployment(database, version.id, deployment_id="d2")
    database.close()
    others = tmp_path / "runner-d11.log"
    others.write_text("words\n")

    remove_left(tmp_path / "candidates", tmp_path / "run", tmp_path, dsn)

    assert [path for path in (*checked, folder, socket) if path.exists()] == []
    assert all(log.is_file() for log in (*logs, others))


def test_a_process_that_was_a_spare_has_a_folder_of_another_name(tmp_path: Path) -> None:
    """An empty folder names the model that it was given."""
    dsn = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    registry.upgrade(dsn)
    make_socket_folder(tmp_path / "run")
    folder, socket, *logs = _leave(tmp_path, "d1")
    folder.rename(folder.with_name("spare-d0"))
    folder.mkdir()
    waiting = tmp_path / "spare-d3.log"
    waiting.write_text("words\n")
    (folder.parent / "spare-d3").mkdir()
    remove_left(tmp_path / "candidates", tmp_path / "run", tmp_path, dsn)
    assert [path for path in (folder.parent, socket, *logs, waiting) if path.exists()] == []


def test_a_registry_that_cannot_tell_costs_no_log_and_no_start(tmp_path: Path) -> None:
    make_socket_folder(tmp_path / "run")
    folder, socket, *logs = _leave(tmp_path, "d1")
    remove_left(tmp_path / "candidates", tmp_path / "run", tmp_path, f"sqlite:///{tmp_path / 'away' / 'r.sqlite'}")
    assert not folder.exists()
    assert not socket.exists()
    assert all(log.is_file() for log in logs)


def test_there_may_be_none(tmp_path: Path) -> None:
    remove_left(tmp_path / "candidates", tmp_path / "run", tmp_path, f"sqlite:///{tmp_path / 'registry.sqlite'}")
