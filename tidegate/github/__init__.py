"""Connections to GitHub repositories: which model each deploys, and with which secrets."""
