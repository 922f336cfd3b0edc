"""A PostgreSQL registry with so many rows that no plan reads a table whole if it need not."""

from collections.abc import Iterator, Sequence

import psycopg

# Enough rows that reading a table whole is never the cheaper way.
FILL = """
CREATE FUNCTION uuid_of(n int) RETURNS uuid LANGUAGE sql IMMUTABLE
    AS $$ SELECT lpad(n::text, 32, '0')::uuid $$;
INSERT INTO patient (cx, last_object, created) SELECT 'p' || n, 100, 0 FROM generate_series(1, 20000) n;
INSERT INTO document_entry
    (id, patient, entry_uuid, unique_id, logical_id, version, latest, status, object_type, availability,
     confidentiality_code, event_code_list, author_person, reference_id_list, fragment)
    SELECT n, n % 500 + 1, uuid_of(n), 'u' || n, uuid_of(n), 1, true, 0, 0, 0, '{1}', '{}', '{}', '{}',
           '\\x00'
    FROM generate_series(1, 10000) n;
INSERT INTO submission_set
    (id, patient, entry_uuid, status, source_id, submission_time, author_person, fragment)
    SELECT n, n % 500 + 1, uuid_of(n), 0, 's', 0, '{}', '\\x00' FROM generate_series(10001, 20000) n;
INSERT INTO folder
    (id, patient, entry_uuid, logical_id, version, latest, status, last_update_time, code_list, fragment)
    SELECT n, n % 500 + 1, uuid_of(n), uuid_of(n), 1, true, 0, 0, '{1}', '\\x00'
    FROM generate_series(20001, 22000) n;
INSERT INTO association (id, patient, entry_uuid, status, association_type, source, target, fragment)
    SELECT n, n % 500 + 1, uuid_of(n), 0, n % 7 + 1, n % 20000 + 1, n % 10000 + 1, '\\x00'
    FROM generate_series(22001, 42000) n;
INSERT INTO withdrawal (document, replacement) SELECT n, n + 1 FROM generate_series(1, 9000) n;
INSERT INTO registered_object (entry_uuid, id, kind) SELECT uuid_of(n), n, 1 FROM generate_series(1, 42000) n;
INSERT INTO registered_unique_id (unique_id, id, kind) SELECT 'u' || n, n, 1 FROM generate_series(1, 22000) n;
INSERT INTO code (code, scheme) SELECT 'c' || n, '2.999' FROM generate_series(1, 10000) n;
ANALYZE;
"""


def scans_in(connection: psycopg.Connection, text: bytes, arguments: Sequence[object]) -> Iterator[str]:
    """Each table that the plan of this statement reads from end to end, or by no condition of an index."""
    ((plans,),) = connection.execute(b"EXPLAIN (FORMAT JSON) " + text, arguments).fetchall()
    nodes = [plans[0]["Plan"]]
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        searched = {"Index Cond", "Recheck Cond", "TID Cond"} & node.keys()
        if "Relation Name" in node and node["Node Type"] != "ModifyTable" and not searched:
            yield f"{node['Node Type']} {node['Relation Name']}"
