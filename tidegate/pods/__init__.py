"""Runners that the registry wants in; pods of a Kubernetes cluster out."""
