"""One model folder in; a version that answers, and then has its traffic, out; each stage timed."""
