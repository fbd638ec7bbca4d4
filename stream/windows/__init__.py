"""Panes of all source partitions in; windows, measured and judged, out as drift and service metrics."""
