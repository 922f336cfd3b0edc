"""What an entry takes in the tables and indexes of the registry, next to its XML."""

import psycopg

from bench.targets import Result
from registry.fragments import unpack

SAMPLE = 5000

# A directory holds rows of all kinds of objects; the share of entries is that of their number.
_STORED = """
    SELECT pg_total_relation_size('document_entry')::float8 / entries.number
        + (SELECT pg_total_relation_size('registered_object')::float8 / count(*) FROM registered_object)
        + (SELECT pg_total_relation_size('registered_unique_id')::float8 / count(*) FROM registered_unique_id)
    FROM (SELECT count(*) AS number FROM document_entry) AS entries
"""
_SAMPLE = "SELECT coalesce(fragment, large_fragment) FROM document_entry TABLESAMPLE SYSTEM (%s) LIMIT %s"


def measured(url: str) -> list[Result]:
    """The bytes of a row with its share of all indexes."""
    with psycopg.connect(url) as connection:
        (stored,) = connection.execute(_STORED).fetchone() or (0.0,)
        # A hundredth of the pages, or all where these would be few.
        found = connection.execute(_SAMPLE, (1, SAMPLE)).fetchall()
        found = found or connection.execute(_SAMPLE, (100, SAMPLE)).fetchall()
    raw = sum(len(unpack(fragment)) for (fragment,) in found) / len(found)
    return [Result("15", f"{stored:,.0f} bytes", f"its XML: {raw:,.0f} bytes", (stored / raw,))]
