"""Between two tokens of transformers' ``generate``: shows the text so far, and holds while the run is paused."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from transformers import StoppingCriteria

#: How often streamed text is sent, seconds.
CADENCE = 0.03
#: What a tokenizer decodes part of a character to.
BROKEN = "\ufffd"


class _Row:
    """The text of a completion that is being written."""

    def __init__(self) -> None:
        self._begin = self.sent = 0
        self.ended = False

    def fresh(self, ids: Sequence[int], decode: Callable[[Sequence[int]], str]) -> str:
        """The text since the last call; never part of a character."""
        # The tokens before are decoded too: many tokenizers put a space before a word only behind another.
        before = decode(ids[self._begin : self.sent])
        now = decode(ids[self._begin :])
        if len(now) <= len(before) or now.endswith(BROKEN):
            return ""
        self._begin, self.sent = self.sent, len(ids)
        return now[len(before) :]


class Stream:
    """The completions of this process that are shown while they are written."""

    def __init__(
        self,
        tell: Callable[[Mapping[str, Any]], None],
        decode: Callable[[Sequence[int]], str],
        step: int,
        per_group: int,
        puzzles: Sequence[Mapping[str, Any]],
        ends: Sequence[int],
    ) -> None:
        self._tell, self._decode, self._step, self._per_group = tell, decode, step, per_group
        self._rows = [_Row() for _ in puzzles]
        self._ends = set(ends)
        for row, puzzle in enumerate(puzzles):
            self._tell({"completion": {**self._place(row), "puzzle": puzzle}})

    def _place(self, row: int) -> dict[str, int]:
        return {"step": self._step, "group": row // self._per_group, "index": row % self._per_group}

    def __len__(self) -> int:
        return len(self._rows)

    def show(self, written: Sequence[Sequence[int]]) -> None:
        """Sends what is new of these tokens, one list for each completion."""
        for number, (row, ids) in enumerate(zip(self._rows, written)):
            if row.ended:
                continue
            # Behind its end there is only padding.
            end = next((at for at, token in enumerate(ids) if token in self._ends), None)
            row.ended = end is not None
            # One event a token: watchers count them.
            for length in range(row.sent + 1, (len(ids) if end is None else end) + 1):
                text = row.fresh(ids[:length], self._decode)
                if text:
                    self._tell({"token": {**self._place(number), "text": text}})


class BetweenTokens(StoppingCriteria):
    """Never stops a completion."""

    def __init__(
        self,
        prompt_length: int,
        stream: Stream | None,
        is_watched: Callable[[], bool],
        hold: Callable[[], None],
        progress: Callable[[int], None],
        ends: Sequence[int],
    ) -> None:
        self._prompt_length = prompt_length
        self._stream, self._is_watched = stream, is_watched
        self._hold, self._progress = hold, progress
        self._ends = list(ends)
        self._shown = 0.0

    def __call__(self, input_ids: torch.LongTensor, scores: Any, **_: Any) -> torch.BoolTensor:
        if self._is_watched() and time.monotonic() - self._shown >= CADENCE:
            self.show(input_ids)
        self._hold()
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)  # type: ignore[return-value]

    def show(self, input_ids: torch.Tensor) -> None:
        """Shows what there is."""
        written = input_ids[:, self._prompt_length :]
        if self._stream is not None:
            self._stream.show(written[: len(self._stream)].tolist())
        ended = torch.isin(written, torch.tensor(self._ends, device=written.device)).any(dim=1)
        self._progress(int(ended.sum()))
        self._shown = time.monotonic()
