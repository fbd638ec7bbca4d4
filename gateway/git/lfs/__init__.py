"""Large files in and out by the protocol of Git LFS, kept by their hash."""
