"""The entry point of each process: it reads the settings and hands plain configurations to the parts."""
