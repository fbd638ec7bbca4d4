"""The settings of the Faust app, each with its reason."""

from stream.config import StreamConfig
from stream.exact.table import ExactApp

SESSION_TIMEOUT_S = 6.0
"""A worker that died is noticed after this; the embedded broker's first assignment takes half of it."""
HEARTBEAT_S = 1.0
MAX_RECORD_BYTES = 12_582_912
"""As the topics' own limit: a value of the changelog may hold many panes."""

FETCH_BYTES = 1_048_576
"""Of one partition at once. A larger record comes all the same, alone: brokers send the first one whatever its size."""


def make_app(config: StreamConfig) -> ExactApp:
    config.data_folder.mkdir(parents=True, exist_ok=True)
    return ExactApp(
        config.layout.app_id,
        bootstrap=config.bootstrap,
        broker=f"aiokafka://{config.bootstrap.replace(',', ';')}",
        store="memory://",
        datadir=config.data_folder,
        processing_guarantee="at_least_once",  # the exactness is ours: see stream/exact/table.py
        topic_allow_declare=False,  # `tidegate topics` makes topics, never an accident
        topic_disable_leader=True,
        web_host="127.0.0.1",  # Faust's default is the machine's name, and a machine without one could not start
        web_enabled=False,  # tidegate/monitor.py serves health and metrics
        broker_session_timeout=SESSION_TIMEOUT_S,
        broker_heartbeat_interval=HEARTBEAT_S,
        broker_max_poll_interval=300.0,
        broker_commit_interval=2.0,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=FETCH_BYTES,
        producer_max_request_size=MAX_RECORD_BYTES,
        producer_compression_type="lz4",
        producer_acks=-1,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        stream_buffer_maxsize=4096,
        table_standby_replicas=0,
        worker_redirect_stdouts=False,
        agent_supervisor="mode.supervisors.CrashingSupervisor",  # an agent that fails ends the worker; nothing limps on
    )
