"""A model folder in; a report of how it serves, or an error that says what to mend, out."""
