"""Which driver a database's address asks for."""

from database.port import Database, Limits
from database.postgresql import PostgresqlDatabase
from database.sqlite import SqliteDatabase


async def open_database(url: str, limits: Limits | None = None) -> Database:
    """Open `sqlite:///relative`, `sqlite:////absolute` or any libpq `postgresql://` address."""
    limits = limits or Limits()
    if url.startswith(("postgresql://", "postgres://")):
        return await PostgresqlDatabase.open(url, limits)
    if path := sqlite_path(url):
        return await SqliteDatabase.open(path, limits)
    raise ValueError("a database address begins with postgresql:// or sqlite:/// and names a file")


def sqlite_path(url: str) -> str:
    """The file an SQLite address names, or nothing if the address is of another kind."""
    return url.removeprefix("sqlite:///") if url.startswith("sqlite:///") else ""
