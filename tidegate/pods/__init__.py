"""Runners as pods of a Kubernetes cluster: what is asked of its API, and what runs in a pod."""
