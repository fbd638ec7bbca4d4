"""What landed in ClickHouse in; the windows and open alerts of topics that are no more out."""
