"""Where the program ``aha-lab`` is."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path

NAME = "aha-lab.exe" if os.name == "nt" else "aha-lab"


class ProgramMissing(RuntimeError):
    """There is no program ``aha-lab``."""


def find() -> str:
    """The path of the program: ``AHA_LAB_BIN``, then ``PATH``, then the one that this package's wheel installed.

    Raises ``ProgramMissing`` with what to do.
    """
    named = os.environ.get("AHA_LAB_BIN")
    if named:
        if not shutil.which(named):
            raise ProgramMissing(f"AHA_LAB_BIN is {named!r}, which is no program that can be run.")
        return named
    folders = [sysconfig.get_path("scripts"), str(Path(sys.executable).parent)]
    found = shutil.which("aha-lab") or next(
        (path for folder in folders if (path := shutil.which(NAME, path=folder))), None
    )
    if not found:
        raise ProgramMissing(
            "There is no program `aha-lab` on PATH: install it with `pip install aha-lab` or `cargo install aha-lab`, "
            "or name it in AHA_LAB_BIN."
        )
    return found
