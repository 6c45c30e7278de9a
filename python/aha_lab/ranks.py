"""Several processes that train one model: the first decides, and the others do the same.

They meet in the key-value store that torch.distributed already has, not in a collective: a collective that a paused run
keeps waiting would end by its timeout.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

PAUSED = "paused"
#: So many decisions are kept. The slowest process is never so far behind: every step makes them all meet in a collective.
KEPT = 256
#: How often a waiting process looks, seconds.
LOOK = 0.005
#: How often a sampling process looks whether the run is paused, seconds.
GLANCE = 0.02


class Ranks:
    """This process among all that train."""

    def __init__(self, accelerator: Any) -> None:
        self.index: int = accelerator.process_index
        self.count: int = accelerator.num_processes
        self.is_first = self.index == 0
        self._met = 0
        self._store: Any = None
        self._glanced = 0.0
        if self.count > 1:
            from torch.distributed import distributed_c10d

            self._store = distributed_c10d.PrefixStore("aha-lab", distributed_c10d._get_default_store())

    def agree(self, decide: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What the first process decides, in all of them. It may take as long as it likes. All must call it equally
        often."""
        if self._store is None:
            return decide()
        key, old = f"met-{self._met}", f"met-{self._met - KEPT}"
        self._met += 1
        if self.is_first:
            decided = decide()
            self._store.set(key, json.dumps(decided))
            if self._met > KEPT:
                self._store.delete_key(old)
            return decided
        while not self._store.check([key]):
            time.sleep(LOOK)
        return dict(json.loads(self._store.get(key)))

    def announce(self, paused: bool) -> None:
        """In the first process: tells the others, between tokens, to hold or to go on."""
        if self._store is not None:
            self._store.set(PAUSED, "1" if paused else "0")

    def hold(self) -> None:
        """In the others: waits while the first one says so."""
        if self._store is None or self.is_first:
            return
        now = time.monotonic()
        if now - self._glanced < GLANCE:
            return
        while self._store.check([PAUSED]) and self._store.get(PAUSED) == b"1":
            time.sleep(GLANCE)
        self._glanced = time.monotonic()
