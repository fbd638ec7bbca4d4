"""What shows the metrics to people: Grafana boards and the web console."""
