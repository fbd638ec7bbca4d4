"""Looks through pickles before they are loaded: which globals they name, against a list of those that models need.

`names.py` is the list, `walk.py` the walk over one pickle, `files.py` what is a pickle in which file, `__main__.py` the
process. A second line of defence: the first is the sandbox, in which this runs as well.
"""
