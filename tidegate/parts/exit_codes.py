"""What a process of the stack says by the code that it ends with."""

EXIT_SETTINGS = 2
"""It cannot work with these settings: to start it again would not help."""
