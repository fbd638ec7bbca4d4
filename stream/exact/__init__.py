"""What Faust lacks: records of owned partitions in, each once and in order; state and answers out, acknowledged."""
