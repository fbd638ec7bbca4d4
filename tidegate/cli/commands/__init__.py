"""One command's arguments in; its work done, and its words or its JSON out."""
