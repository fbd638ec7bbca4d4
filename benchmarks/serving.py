"""The gateway's application over a file of routes: `python -m benchmarks.serving`. As the product runs it, without the
registry and without the log of ids that tests want."""

import argparse
from pathlib import Path

import uvicorn

from gateway.app import create_app
from gateway.config import GatewayConfig
from gateway.emission.producing import ProducerConfig
from stream.contracts.topics import Topic
from tests.support.gateways import FileRoutes
from web.connection_limits import ConnectionLimits
from web.connections import bounded


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--routes", type=Path, required=True)
    told = parser.parse_args()
    config = GatewayConfig(ProducerConfig(told.bootstrap, Topic.EVENTS.value))
    app = create_app(config, FileRoutes(told.routes))
    uvicorn.run(
        app, port=told.port, loop="uvloop", http=bounded(ConnectionLimits()), access_log=False, log_level="warning"
    )


if __name__ == "__main__":
    main()
