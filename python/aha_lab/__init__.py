"""aha-lab for Python: exact rewards, and a callback that lets the lab watch and command TRL.

``from aha_lab import AhaLab`` needs transformers; everything else is the standard library alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aha_lab.trl import AhaLab

__all__ = ["AhaLab", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Only who uses the callback pays for transformers.
    if name == "AhaLab":
        from aha_lab.trl import AhaLab

        return AhaLab
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
