"""Provide X-User Assertion [ITI-40]: a Security header to the user it vouches for (ITI TF-2: 3.40)."""
