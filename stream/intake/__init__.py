"""Raw records in; events out, each with what it is counted against, and a reason for whatever is none."""
