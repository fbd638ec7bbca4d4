"""Where each process answers for itself (/readyz, /metrics): so many ports above the setting `monitor_port`."""

SINK_OFFSET = 0
NOTIFIER_OFFSET = 1
DEPLOYER_OFFSET = 2
STREAM_OFFSET = 10
"""Of the first stream worker; the others follow."""
