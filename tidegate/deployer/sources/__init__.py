"""Where a job's files come from: a push or a repository on GitHub in; a folder out, and its end told."""
