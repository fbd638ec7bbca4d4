"""The statistics of drift, one a file; `measure` computes all of them for one series in one window.

Throughout, `window` are the counts c of the window (n rows) and `reference` those r of the reference
(m rows), over the same bins or buckets: float arrays of one shape (bins,). Logarithms are natural
unless a file says otherwise. Everything is pure.
"""
