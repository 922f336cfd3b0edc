"""Bringing a database to the tables this version works with."""

from server.migrations.migrate import NEWEST, migrate

__all__ = ["NEWEST", "migrate"]
