"""Runs the embedded stack: starts its processes in order, keeps them running, drains and stops them."""
