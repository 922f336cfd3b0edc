"""A client of any XDS.b registry and repository, as a small Python API (ITI TF-1: 10.1)."""
