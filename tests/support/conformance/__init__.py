"""Every estimator that a library exports, saved, served, and held against its own `predict`.

`data.py` has the rows, `estimators.py` the estimators of each library, `wrappings.py` what people put around them,
`cases.py` all of it as cases, `running.py` what becomes of one, `table.py` the counts.
"""
