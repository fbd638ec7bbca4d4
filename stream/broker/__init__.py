"""A broker's address and names of topics in; what it says of them out.

That is where their partitions end, and which incarnation they are.
"""
