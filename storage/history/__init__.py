"""The stream's past, read back from ClickHouse (stream/rebuilding/history.py says what it asks)."""
