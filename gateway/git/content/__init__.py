"""A commit in; the files that it holds out, counted before they are written."""
