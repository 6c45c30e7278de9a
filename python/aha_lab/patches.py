"""Methods of an object, wrapped for a while."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


class Patches:
    """Wraps methods of single objects, never of classes, and puts everything back."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def wrap(self, thing: Any, name: str, around: Callable[..., Any]) -> bool:
        """Calls ``around(original, *arguments)`` in place of a method. Whether there is such a method."""
        original = getattr(thing, name, None)
        if original is None:
            return False

        @functools.wraps(original)
        def wrapped(*arguments: Any, **named: Any) -> Any:
            return around(original, *arguments, **named)

        own = vars(thing).get(name)

        def undo() -> None:
            # Somebody may have wrapped it since; theirs stays.
            if vars(thing).get(name) is wrapped:
                if own is None:
                    delattr(thing, name)
                else:
                    setattr(thing, name, own)

        setattr(thing, name, wrapped)
        self._undo.append(undo)
        return True

    def undo(self) -> None:
        """Puts everything back."""
        while self._undo:
            self._undo.pop()()
