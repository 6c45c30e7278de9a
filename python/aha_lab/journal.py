"""Writes a run's logs beside the training: a thread takes records from a bounded queue. A full queue or a full disk
makes the training wait; no line is ever dropped."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from aha_lab.run_directory import Log, RunDirectory, timestamp

#: Steps that may wait to be written.
MOST_WAITING = 64
#: How soon a write that the disk refused is tried again, seconds.
AGAIN = 1.0

#: Makes the records of a log from what the training handed over; it runs in the writer's thread.
Maker = Callable[[], tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]]


class Journal:
    """The writer of a run directory. All methods may be called from any thread."""

    def __init__(self, run: RunDirectory, warn: Callable[[str], None]) -> None:
        self.run = run
        self._warn = warn
        self._queue: queue.Queue[Maker | Mapping[str, Any] | None] = queue.Queue(MOST_WAITING)
        self._closed = False
        #: Seconds of a processor that the thread has used.
        self.seconds = 0.0
        self._thread = threading.Thread(target=self._work, name="aha-lab-journal", daemon=True)
        self._thread.start()

    def event(self, step: int, name: str, detail: str, **fields: Any) -> None:
        """What happened now."""
        self._put({"time": timestamp(), "step": step, "event": name, **fields, "detail": detail})

    def step(self, make: Maker) -> None:
        """A step: ``make`` gives its completions and its metrics. Waits while too many steps are unwritten."""
        self._put(make)

    def _put(self, work: Maker | Mapping[str, Any]) -> None:
        if not self._closed:
            self._queue.put(work)

    def flush(self) -> None:
        """Waits until everything is written."""
        self._queue.join()

    def close(self) -> None:
        """Writes everything, and ends."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        self._thread.join()
        self.run.close()

    def _work(self) -> None:
        while (work := self._queue.get()) is not None:
            try:
                self._write(work)
            except Exception as error:  # A record that cannot be made must not end the writer, nor the training.
                self._warn(f"A record of the run could not be made and is missing: {error!r}.")
            finally:
                self.seconds = time.thread_time()
                self._queue.task_done()
        self._queue.task_done()

    def _write(self, work: Maker | Mapping[str, Any]) -> None:
        if callable(work):
            rollouts, metrics = work()
            # Metrics last: a step that has its line has its completions.
            self._append(self.run.rollouts, rollouts)
            self._append(self.run.metrics, metrics)
        else:
            self._append(self.run.events, [work])

    def _append(self, log: Log, records: list[Mapping[str, Any]]) -> None:
        refused = False
        while True:
            try:
                self.run.write(log, records)
                return
            except OSError as error:
                if not refused:
                    self._warn(f"{log.path} cannot be written ({error.strerror}); the run waits and tries again.")
                refused = True
                time.sleep(AGAIN)
