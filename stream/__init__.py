"""From inference events to alerts: panes, windows, statistics, rules, delivery, and the topics between them."""
