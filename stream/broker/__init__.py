"""Addresses of topics in; what a broker says of them out: where their partitions end, which incarnation they are."""
