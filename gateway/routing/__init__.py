"""The route table in; the deployments that answer for a path out, with a runner awake for each."""
