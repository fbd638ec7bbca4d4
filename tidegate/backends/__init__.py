"""Settings of Kafka, ClickHouse and the registry in; these reachable out, with all that they need before they are used.

That is topics, tables, passwords and a sandbox.
"""
