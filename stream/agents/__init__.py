"""The Faust agents: thin, each around a pure part that it feeds, flushes and restores."""
