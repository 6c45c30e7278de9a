"""The child process ``aha-lab score --serve``, which gives the same rewards as the lab itself."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Sequence
from typing import Any

from aha_lab import program


class ScoringFailed(RuntimeError):
    """The program does not answer, although it was started again."""


class Refused(ValueError):
    """A line that cannot be scored; the sentence says why."""


class Scorer:
    """One child, started at first use, and again whenever it has died. Threads may share it; a forked process starts
    its own."""

    def __init__(self, arguments: Sequence[str] = (), path: str | None = None) -> None:
        self._arguments = list(arguments)
        self._path = path
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """One line of JSON there, and one back.

        Raises ``Refused`` if the line is wrong, and ``ScoringFailed`` if nobody answers it.
        """
        line = json.dumps(request, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            if self._owner != os.getpid():
                # The parent's pipes: two processes must not read from one.
                self._child = None
            answer = self._round_trip(line)
            if answer is None:
                self._end()
                answer = self._round_trip(line)
        if answer is None:
            raise ScoringFailed("`aha-lab score --serve` ends without an answer; run it by hand to see why.")
        if "error" in answer:
            raise Refused(str(answer["error"]))
        return answer

    def score(
        self, task: str, numbers: Sequence[int], target: int, completion: str, analyze: bool = False
    ) -> dict[str, Any]:
        """The reward of one completion and why, as ``aha-lab score`` prints it; with ``analyze``, the reasoning too."""
        request = {
            "task": task,
            "numbers": [int(number) for number in numbers],
            "target": int(target),
            # Half a surrogate pair is no text, and JSON readers refuse it.
            "completion": completion.encode("utf-8", "replace").decode(),
        }
        if analyze:
            request["analyze"] = True
        return self.ask(request)

    def readings(self) -> tuple[dict[str, float | None], str]:
        """The means over the completions analyzed since this was last asked, and which rules analyzed them."""
        answer = self.ask({"readings": True})
        return answer["readings"], answer["rules"]

    def close(self) -> None:
        """Ends the child."""
        with self._lock:
            self._end()

    def _round_trip(self, line: bytes) -> dict[str, Any] | None:
        child = self._running()
        try:
            assert child.stdin is not None and child.stdout is not None
            child.stdin.write(line)
            child.stdin.flush()
            answer = child.stdout.readline()
            return json.loads(answer) if answer.endswith(b"\n") else None
        except (OSError, ValueError):
            return None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is not None:
            self._end()
        if self._child is None:
            command = [self._path or program.find(), "score", "--serve", *self._arguments]
            self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self._owner = os.getpid()
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None or self._owner != os.getpid():
            return
        for stream in (child.stdin, child.stdout):
            try:
                if stream is not None:
                    stream.close()
            except OSError:
                pass
        try:
            child.wait(timeout=2)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
