"""What is installed elsewhere is all that is here."""

import shutil
import sys
import zipfile
from subprocess import run

from tests.house.tree import ROOMS, ROOT


def test_the_wheel_holds_every_file_of_every_room(tmp_path):
    source = tmp_path / "source"  # a build leaves its traces where it runs
    source.mkdir()
    for file in ("pyproject.toml", "setup.cfg", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source)
    for room in ROOMS:
        shutil.copytree(ROOT / room, source / room, ignore=shutil.ignore_patterns("__pycache__"))
    files = {str(path.relative_to(source)) for room in ROOMS for path in (source / room).rglob("*.*")}

    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index"]
    run([*build, "--wheel-dir", tmp_path, source], check=True, capture_output=True)

    (wheel,) = tmp_path.glob("coffre-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {file for file in archive.namelist() if ".dist-info/" not in file}
    assert packed == files
