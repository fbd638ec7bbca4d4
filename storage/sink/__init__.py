"""Records of every topic in; rows in the table of its name out, each once (`position.py` says why once)."""
