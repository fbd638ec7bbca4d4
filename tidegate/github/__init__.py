"""A repository, a branch and a model in; a connection in the registry, with its secret, out."""
