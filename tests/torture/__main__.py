"""`make torture`: kill a server at random instants under load, and see that nothing is lost or half there."""

import argparse
import random
import secrets
import sys
import tempfile
from pathlib import Path

from tests.services import postgresql
from tests.torture.lives import torture


def main() -> int:
    """Run as asked, print the summary; the status says whether anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    asked = parser.parse_args()
    print(f"seed {asked.seed}: {asked.kills} kills on {asked.database}", flush=True)
    choices = random.Random(asked.seed)
    with tempfile.TemporaryDirectory(prefix="coffre-torture-") as directory:
        if asked.database == "sqlite":
            summary = torture(Path(directory), choices, asked.kills, tell=_tell)
        else:
            with (
                postgresql.session_folder() as folder,
                postgresql.fresh_database(folder, migrated=True) as url,
            ):
                summary = torture(Path(directory), choices, asked.kills, database_url=url, tell=_tell)
    print(f"seed {asked.seed}: {summary}")
    return 1 if summary.wrong else 0


def _tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
