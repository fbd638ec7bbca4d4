"""Events in, without waiting; acknowledged records of `inference.events` out, and a count of each that is not."""
