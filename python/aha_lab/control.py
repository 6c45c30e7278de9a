"""What a person wants of the run: paused or not, how many phases or steps until the next pause, which keys changed.

The training thread asks at its boundaries, and between tokens where it can be held there; commands come from the threads
of the socket.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

#: Tells watchers an event of the lab's protocol.
Tell = Callable[[Mapping[str, Any]], None]
#: Writes an event into the journal: its name, its words, its fields.
Note = Callable[..., None]
#: Checks a key and its value; returns both as the lab writes them, or raises ``ValueError`` with a sentence.
Check = Callable[[str, str], "tuple[str, str]"]

PHASES = ("sample", "score", "advantage", "update", "evaluate")
LARGEST_COUNT = 2**32 - 1


class Control:
    """See the module."""

    def __init__(self, tell: Tell, note: Note, check: Check, pauses_within: str, paused: bool = False) -> None:
        self._changed = threading.Condition()
        self._tell, self._note, self._check = tell, note, check
        self._pauses_within = pauses_within
        self._pause = paused
        self._phases = 0
        self._steps = 0
        self._edits: list[tuple[str, str]] = []
        self._checkpoint = False
        self._stop = False
        self._held = False
        self.on_change: Callable[[bool], None] = lambda paused: None

    def command(self, request: Mapping[str, Any]) -> tuple[bool, str]:
        """Carries a command out. Whether it is accepted, and a sentence."""
        name = request.get("command")
        act = {
            "pause": self._on_pause,
            "resume": self._on_resume,
            "step": self._on_step,
            "set": self._on_set,
            "checkpoint": self._on_checkpoint,
            "stop": self._on_stop,
        }.get(name if isinstance(name, str) else "")
        if name in ("pin", "unpin", "inspect", "try_again"):
            return False, f"TRL's trainer has no `{name}`; it takes pause, resume, step, set, checkpoint and stop."
        if act is None:
            return False, 'This is not a command; write one such as {"command":"pause"}.'
        return act(request)

    def _on_pause(self, _: Mapping[str, Any]) -> tuple[bool, str]:
        with self._changed:
            if not self._pause:
                self._pause = True
                self._tell({"temporality": "pausing"})
            self._phases = self._steps = 0
        self.on_change(True)
        soon = "within one token" if self._pauses_within == "token" else "at the end of this phase"
        return True, f"The run pauses {soon}."

    def _on_resume(self, _: Mapping[str, Any]) -> tuple[bool, str]:
        self._go(0, 0)
        return True, "The run resumes."

    def _on_step(self, request: Mapping[str, Any]) -> tuple[bool, str]:
        counts = {name: request[name] for name in ("phases", "steps") if name in request}
        count = next(iter(counts.values()), None)
        if len(counts) != 1 or isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= LARGEST_COUNT:
            return False, 'Give a number of at least 1: {"command":"step","phases":1} or {"command":"step","steps":1}.'
        self._go(counts.get("phases", 0), counts.get("steps", 0))
        ((unit, count),) = counts.items()
        self._note("stepped", f"for {count} {unit}", **counts)
        return True, "The run continues for this many phases or steps, then pauses."

    def _go(self, phases: int, steps: int) -> None:
        with self._changed:
            if self._pause:
                self._tell({"temporality": "unpausing"})
            self._pause, self._phases, self._steps = False, phases, steps
            self._changed.notify_all()
        self.on_change(False)

    def _on_set(self, request: Mapping[str, Any]) -> tuple[bool, str]:
        key, value = request.get("key"), request.get("value")
        if not isinstance(key, str) or not isinstance(value, str):
            return False, 'Give a key and a value, both as text: {"command":"set","key":"temperature","value":"0.8"}.'
        try:
            key, value = self._check(key, value)
        except ValueError as error:
            return False, str(error)
        with self._changed:
            self._edits.append((key, value))
        return True, f"{key} = {value} applies from the next step on."

    def _on_checkpoint(self, _: Mapping[str, Any]) -> tuple[bool, str]:
        with self._changed:
            self._checkpoint = True
            self._changed.notify_all()
        return True, "A checkpoint is written when this step ends."

    def _on_stop(self, _: Mapping[str, Any]) -> tuple[bool, str]:
        with self._changed:
            self._stop = True
            self._pause, self._phases, self._steps = False, 0, 0
            self._changed.notify_all()
        self.on_change(False)
        return True, "The run finishes this step, writes a checkpoint and ends."

    @property
    def wants_pause(self) -> bool:
        """Whether to hold at the next place; reading it costs nothing."""
        return self._pause

    @property
    def stops(self) -> bool:
        """Whether the run is to end."""
        return self._stop

    def take_edits(self) -> list[tuple[str, str]]:
        """Keys and values to set, in the order in which they came."""
        with self._changed:
            edits, self._edits = self._edits, []
        return edits

    def take_checkpoint(self) -> bool:
        """Whether a checkpoint was asked for since this was last called."""
        with self._changed:
            wanted, self._checkpoint = self._checkpoint, False
        return wanted

    def ended(self, what: str) -> None:
        """Counts the end of a ``phase`` or a ``step``: a person may have asked to go just so far."""
        with self._changed:
            left = self._phases if what == "phase" else self._steps
            if left == 0:
                return
            if what == "phase":
                self._phases -= 1
            else:
                self._steps -= 1
            if left == 1:
                self._pause = True
                self._tell({"temporality": "pausing"})
        if left == 1:
            self.on_change(True)

    def hold(self, wakes: Callable[[], bool] = lambda: False) -> None:
        """Waits while the run is paused; ``wakes`` says whether something else is to be done meanwhile."""
        if self._pause and not self._held:
            self._held = True
            self._tell({"temporality": "paused"})
            self._note("paused", "by a person")
        with self._changed:
            while self._pause and not wakes():
                # Wakes up now and then, so that Ctrl-C is heard.
                self._changed.wait(0.5)
        if self._held and not self._pause:
            self._held = False
            self._tell({"temporality": "live"})
            self._note("resumed", "by a person")

    def checkpoint_is_wanted(self) -> bool:
        """For `hold`: a paused run writes a checkpoint at once."""
        return self._checkpoint
