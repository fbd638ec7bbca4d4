"""Pickles in, before anything loads them; what they name beside the list of what models need out.

`names.py` judges a name by `lists.py` and `held.py`, `walk.py` walks over one pickle, `calls.py` and `states.py` say
what it may do with what it names, `files.py` what is a pickle in which file, `__main__.py` is the process. A second
line of defence: the first is the sandbox, in which this runs as well.
"""
