"""The stream's past, read back from ClickHouse (stream/history.py says what it asks)."""
