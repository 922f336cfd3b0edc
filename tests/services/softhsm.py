"""SoftHSM: a PKCS#11 token in software, as real as a card to whoever speaks to its module."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pkcs11

ROOT = Path(__file__).parents[2]
PIN, OFFICER_PIN = "493817", "8461"


@dataclass(frozen=True)
class SoftHsm:
    """The tokens of one directory."""

    module: Path
    configuration: Path

    @classmethod
    def at(cls, directory: Path) -> "SoftHsm":
        """Tokens in this directory, for this process and whom it starts."""
        said = subprocess.run([ROOT / "setup" / "softhsm"], capture_output=True, text=True, check=True)
        tokens = directory / "tokens"
        tokens.mkdir(parents=True)
        configuration = directory / "softhsm2.conf"
        configuration.write_text(f"directories.tokendir = {tokens}\nlog.level = ERROR\n")
        os.environ.update(cls(Path(), configuration).environment)
        return cls(Path(said.stdout.strip()), configuration)

    @property
    def environment(self) -> dict[str, str]:
        """Where the module finds its tokens."""
        return {"SOFTHSM2_CONF": str(self.configuration)}

    def new_token(self, label: str) -> None:
        """Make a token by SoftHSM's own tool."""
        command = ["softhsm2-util", "--init-token", "--free", "--label", label]
        command += ["--so-pin", OFFICER_PIN, "--pin", PIN]
        subprocess.run(command, check=True, capture_output=True, env=os.environ | self.environment)
        self.restart()

    def restart(self) -> None:
        """Lose every session of this process, as when a card is pulled out and put in again."""
        pkcs11.lib(str(self.module)).reinitialize()
