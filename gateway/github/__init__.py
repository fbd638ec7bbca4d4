"""What GitHub and operators of its connections send in; jobs for the deployer out."""
