"""Environment variables in; values with units, defaults and reasons out. `settings.py` reads all as one."""
