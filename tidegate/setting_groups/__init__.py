"""Settings by what they are for: names, units, defaults and reasons; `tidegate/settings.py` reads them as one."""
