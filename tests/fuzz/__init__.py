"""Readers of what peers send, held against what nobody would send: see `__main__.py`."""
