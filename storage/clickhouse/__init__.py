"""ClickHouse: its tables (migrations), what is read from them (queries), and how both are reached."""
