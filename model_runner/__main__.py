"""`python -m model_runner`: serve one model folder on a Unix socket, and on a TCP port where asked, until SIGTERM."""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # At run time only once the threads of NumPy are set.
    from model_runner.serving.runner_config import RunnerConfig
    from model_runner.wire.tcp_address import TcpAddress

THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
MAX_SOCKET_PATH = 100
"""Unix limits a socket's path to 108 bytes (104 on macOS)."""
EXIT_MODEL_ERROR = 3


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m model_runner", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="folder that holds the model file")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--socket", type=Path, help="Unix socket to serve on")
    where.add_argument(
        "--inherited-socket", action="store_true", help="serve on the listening socket that is standard input"
    )
    parser.add_argument(
        "--listen", help="tcp://host:port to serve on too, once the model is ready; without a host 127.0.0.1"
    )
    parser.add_argument("--token-file", type=Path, help="file with the deployment's token, which --listen needs")
    parser.add_argument("--deployment", required=True, help="id of the deployment that this process serves")
    parser.add_argument("--max-waiting", type=int, default=512, help="requests that may wait; one more is refused")
    parser.add_argument("--max-batch-rows", type=int, default=1024, help="rows that go into the model together")
    parser.add_argument("--load-s", type=float, help="seconds that the model may take to load")
    parser.add_argument("--predict-s", type=float, help="seconds that the model may be at one batch")
    parser.add_argument("--drain-s", type=float, default=10.0, help="seconds that a stop waits for what is under way")
    parser.add_argument("--awaits-word", type=float, help="seconds without touching the folder until told to")
    parser.add_argument("--spare", action="store_true", help="be nobody's until told whose it is, then await the word")
    parser.add_argument("--libraries", default="", help="modules to import meanwhile, separated by commas")
    return parser.parse_args()


def _token(file: Path | None) -> str:
    """Raises OSError or ValueError where there is none."""
    if file is None:
        raise ValueError("whoever reaches the port may ask the model: name the file with its token by --token-file")
    token = file.read_text("ascii").strip()
    if not token:
        raise ValueError(f"{file} is empty: it must hold the deployment's token")
    return token


def main() -> int:
    """Exit code 0 after SIGTERM, 3 when the model folder is at fault, 2 when an argument is."""
    # Before NumPy is imported: a batch of a few rows is slower on many threads, and other runners share the cores.
    for name in THREAD_SETTINGS:
        os.environ.setdefault(name, "1")
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    logging.captureWarnings(True)
    try:
        config = _config(arguments)
    except _WrongArgumentError as error:
        print(error, file=sys.stderr)
        return 2
    return _serve(config)


class _WrongArgumentError(Exception):
    """Says which and why."""


def _config(arguments: argparse.Namespace) -> "RunnerConfig":
    """Raises _WrongArgumentError."""
    from model_runner.limits import Limits  # noqa: PLC0415
    from model_runner.serving.runner_config import RunnerConfig  # noqa: PLC0415

    tcp, token = _port(arguments)
    return RunnerConfig(
        folder=arguments.folder,
        socket=_socket(arguments),
        deployment_id=arguments.deployment,
        max_waiting=arguments.max_waiting,
        max_batch_rows=arguments.max_batch_rows,
        drain_s=arguments.drain_s,
        awaits_word_s=arguments.awaits_word,
        libraries=tuple(arguments.libraries.split(",")),
        is_spare=arguments.spare,
        tcp=tcp,
        token=token,
        limits=Limits(load_seconds=arguments.load_s, predict_seconds=arguments.predict_s),
    )


def _socket(arguments: argparse.Namespace) -> Path | socket.socket:
    from model_runner.process.listening import inherited  # noqa: PLC0415

    if arguments.socket is None:
        try:
            return inherited()
        except OSError as error:
            raise _WrongArgumentError(f"--inherited-socket: {error}") from error
    path: Path = arguments.socket.absolute()
    if len(os.fsencode(path)) > MAX_SOCKET_PATH:
        raise _WrongArgumentError(f"--socket {path} is longer than {MAX_SOCKET_PATH} bytes; use a shorter folder")
    return path


def _port(arguments: argparse.Namespace) -> "tuple[TcpAddress, str] | tuple[None, None]":
    """The address to serve on too, and its token."""
    from model_runner.wire.tcp_address import parse_tcp  # noqa: PLC0415

    if arguments.listen is None:
        return None, None
    try:
        return parse_tcp(arguments.listen), _token(arguments.token_file)
    except (OSError, ValueError) as error:
        raise _WrongArgumentError(f"--listen: {error}") from error


def _serve(config: "RunnerConfig") -> int:
    """Until SIGTERM. The exit code."""
    from model_runner.errors import ModelError  # noqa: PLC0415
    from model_runner.explaining.raised import as_model_error  # noqa: PLC0415
    from model_runner.explaining.report import write_error  # noqa: PLC0415
    from model_runner.serving.server import serve  # noqa: PLC0415

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await serve(config, stop)

    try:
        asyncio.run(run())
    except ModelError as error:
        write_error(error)
        return EXIT_MODEL_ERROR
    except Exception as error:
        logging.exception("the runner ends")
        write_error(as_model_error("model", "was served", error))
        return EXIT_MODEL_ERROR
    return 0


if __name__ == "__main__":
    sys.exit(main())
