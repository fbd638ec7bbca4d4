"""Headers and connections of strangers in; who may ask, from which page, and how many at once, out.

The token's file too.
"""
