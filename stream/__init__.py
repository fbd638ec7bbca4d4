"""Inference events in; panes, metrics, alerts and their deliveries out, each on a topic of its own."""
