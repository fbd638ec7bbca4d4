"""A prediction request in; its answer out, then its events and its copies for shadows."""
