"""The refs of a push in; a decision on each out, while git waits."""
