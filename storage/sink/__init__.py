"""The sink: every topic lands in ClickHouse, each record once. `service.py` runs it; `position.py` says why once."""
