"""Questions about former topics in (`stream/rebuilding/history.py`); what landed of them out."""
