"""Values of events in, whole batches at a time; counts and sums by the bins of a profile out."""
