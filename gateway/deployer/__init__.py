"""Questions to the deployer in; its answers out, line by line: the protocol of its socket and a client."""
