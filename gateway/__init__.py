"""HTTP in, from clients, operators, git and GitHub; predictions, and the events of them, out."""
