"""Rows in on the gateway's side; predictions out of a runner's socket, and each way in which there are none."""
