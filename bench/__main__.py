"""All measurements in small, one after the other (`make bench`): what they print is written down nowhere."""

import argparse
import subprocess
import sys
import time
from pathlib import Path

# What each is asked for besides `--quick`; all together take some ten minutes.
BRIEFLY = ("--rounds", "3", "--seconds", "3")
MEASUREMENTS = {
    "start": (),
    "consent": ("--rounds", "50"),
    "hidden_timing": ("--rounds", "200"),
}
# Those that need room on a disk, and may be told where.
ON_DISK = {
    "memory": (),
    "documents": (),
    "large": ("--megabytes", "256", "--rounds", "2"),
    "registry": ("--documents", "100000", *BRIEFLY),
    "growth": ("--documents", "20000", *BRIEFLY),
    "audit": ("--records", "100000", *BRIEFLY),
    "soak": ("--minutes", "1", "--overload-seconds", "10"),
}


def main() -> int:
    """Run all of them; 1 if one of them fails."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--directory", type=Path, default=Path("/var/tmp"), help="for what needs room")  # noqa: S108
    directory = arguments.parse_args().directory
    failed = []
    for name, options in {**MEASUREMENTS, **ON_DISK}.items():
        began = time.monotonic()
        print(f"\n# {name}", flush=True)
        where = ("--directory", str(directory)) if name in ON_DISK else ()
        command = [sys.executable, "-m", f"bench.{name}", "--quick", *options, *where]
        if subprocess.run(command).returncode:
            failed.append(name)
        print(f"\n({time.monotonic() - began:.0f} s)", flush=True)
    if failed:
        print(f"\nnot what they should be: {', '.join(failed)}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
