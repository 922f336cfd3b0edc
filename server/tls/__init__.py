"""Authenticate Node [ITI-19] on every listener of this server (ITI TF-2: 3.19)."""
