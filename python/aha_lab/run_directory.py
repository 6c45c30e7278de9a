"""A run directory as the lab reads it: one writer, whole lines only, and nothing that is half there.

``runs/<UTC time>-<name>/`` holds ``config.toml``, ``metrics.jsonl``, ``rollouts.jsonl``, ``events.jsonl``, and a lock that
the operating system releases when this process dies.
"""

from __future__ import annotations

import datetime
import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows: nobody can tell there whether the run is live.
    fcntl = None  # type: ignore[assignment]

LONGEST_NAME = 60
#: Child processes do not inherit the files; Windows must be told not to change line ends.
_FLAGS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class DirectoryTaken(RuntimeError):
    """No folder could be made for the run."""


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def timestamp() -> str:
    """This moment in RFC 3339."""
    return now().isoformat(timespec="microseconds").replace("+00:00", "Z")


def part_of_a_file_name(name: str) -> str:
    """Letters, digits and ``._-`` stay; everything else becomes ``-``."""
    part = re.sub(r"[^A-Za-z0-9._-]", "-", name.strip()[:LONGEST_NAME]).strip("-.")
    return part or "run"


def toml_of(value: Any) -> str | None:
    """A value as TOML; ``None`` for what TOML has no word for here."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if -(2**63) <= value < 2**63 else None
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else None
    if isinstance(value, str):
        # JSON's escapes are TOML's, but for DEL and for halves of surrogate pairs.
        text = value.encode("utf-8", "replace").decode().replace("\x7f", " ")
        return json.dumps(text, ensure_ascii=False)
    if isinstance(value, (list, tuple)):
        items = [toml_of(item) for item in value]
        return None if None in items else "[" + ", ".join(item for item in items if item is not None) + "]"
    return None


def table_of(values: Mapping[str, Any]) -> str:
    """Lines of ``key = value``."""
    lines = ((key, toml_of(value)) for key, value in values.items() if value is not None)
    return "".join(f"{key} = {text}\n" for key, text in lines if text is not None)


def json_line(record: Mapping[str, Any]) -> bytes:
    """One line of JSON; what is not finite is ``null``, for which JSON has no other word."""
    write = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode
    try:
        text = write(dict(record))
    except ValueError:
        text = write(_finite(record))
    # Half a surrogate pair is no text.
    return text.encode("utf-8", "replace") + b"\n"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


class Log:
    """One of the three logs. A write that fails leaves whole lines only, and can be tried again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o644)
        self.length = 0

    def append(self, lines: bytes) -> None:
        """Writes whole lines, all or none. Raises ``OSError`` if the disk refuses."""
        view = memoryview(lines)
        try:
            os.lseek(self._file, self.length, os.SEEK_SET)
            while view:
                view = view[os.write(self._file, view) :]
        except OSError:
            os.ftruncate(self._file, self.length)
            raise
        self.length += len(lines)

    def close(self) -> None:
        os.fsync(self._file)
        os.close(self._file)


class RunDirectory:
    """The directory of one run, new and locked by this process."""

    def __init__(
        self,
        runs: str | os.PathLike[str],
        name: str,
        config: Mapping[str, Any],
        provenance: Mapping[str, Any],
        engine: Mapping[str, Any],
    ) -> None:
        self.path = self._make(Path(runs), name)
        text = (
            "schema_version = 1\n"
            + table_of(config)
            + "\n[provenance]\n"
            + table_of({**provenance, "created": timestamp()})
            + "\n[provenance.engine]\n"
            + table_of(engine)
        )
        self._lock = self._locked()
        self.replace("run.pid", str(os.getpid()).encode())
        self.rollouts = Log(self.path / "rollouts.jsonl")
        self.metrics = Log(self.path / "metrics.jsonl")
        self.events = Log(self.path / "events.jsonl")
        # Last: from now on it is a run.
        self.replace("config.toml", text.encode())

    @staticmethod
    def _make(runs: Path, name: str) -> Path:
        runs.mkdir(parents=True, exist_ok=True)
        begun = f"{now().strftime('%Y-%m-%dT%H-%M-%S')}-{part_of_a_file_name(name)}"
        for suffix in ["", *(f"-{number}" for number in range(2, 1001))]:
            try:
                (runs / (begun + suffix)).mkdir()
            except FileExistsError:
                continue
            return (runs / (begun + suffix)).absolute()
        raise DirectoryTaken(f"There are a thousand runs named {begun} in {runs}; give this one another name.")

    def _locked(self) -> list[int]:
        """Open files whose locks say that this process writes the run."""
        if fcntl is None:
            return []
        opened = [
            os.open(self.path / "run.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600),
            os.open(self.path, os.O_RDONLY | os.O_CLOEXEC),
        ]
        for file in opened:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                # Not every file system can lock folders, nor every one files; the other lock has to do.
                pass
        return opened

    def replace(self, name: str, content: bytes) -> None:
        """Writes a file whole, or leaves what was there."""
        partial = self.path / f"{name}.partial"
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, self.path / name)

    def write(self, log: Log, records: Iterable[Mapping[str, Any]]) -> None:
        """Appends records as whole lines. Raises ``OSError`` if the disk refuses; none of them is written then."""
        lines = b"".join(json_line(record) for record in records)
        if lines:
            log.append(lines)

    def close(self) -> None:
        """Closes the logs and gives the lock back."""
        for log in (self.rollouts, self.events, self.metrics):
            log.close()
        (self.path / "run.pid").unlink(missing_ok=True)
        for file in self._lock:
            os.close(file)
        self._lock = []
