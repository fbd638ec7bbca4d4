"""A model folder in; a process that predicts what arrives together out."""
