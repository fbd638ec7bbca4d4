"""The git remote: `http://host:8700/git/<workspace>/<model>.git`."""
