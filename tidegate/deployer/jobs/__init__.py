"""Jobs in, by the socket; processes that do their work, side by side, and every line they say out."""
