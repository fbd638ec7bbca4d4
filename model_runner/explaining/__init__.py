"""An exception in; an error that names the file, the problem and the fix out."""
