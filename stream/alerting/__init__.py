"""Metrics in, one evaluation a record; changes of alerts' states out, by the rules."""
