"""Numbered statements in; tables, and answers to the named queries of them, out."""
