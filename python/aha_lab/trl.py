"""The callback that makes a run of TRL's ``GRPOTrainer`` one of the lab's.

``GRPOTrainer(..., callbacks=[AhaLab()])`` writes a run directory as it trains and serves its control socket:
``aha-lab open RUN`` shows it, streams its completions, pauses it, steps it, changes it and ends it.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from aha_lab.trl_run import TrlRun


class AhaLab(TrainerCallback):
    """See the module.

    ``runs`` is the folder of run directories, ``name`` the run's name there (by default that of ``output_dir``).
    ``paused`` begins with a pause. ``stream`` is how many completions of the first process are shown while they are
    written. ``task`` says that the problems are the lab's ``countdown`` or ``multiplication``, although the reward is not
    one of `aha_lab.rewards`.
    """

    def __init__(
        self,
        runs: str | os.PathLike[str] = "runs",
        name: str | None = None,
        *,
        paused: bool = False,
        stream: int = 32,
        task: str | None = None,
    ) -> None:
        self._runs, self._name, self._paused = runs, name, paused
        self._stream, self._task = stream, task
        self._trainer: Any = None
        self._run: TrlRun | None = None
        #: Seconds that the training waited for this callback, without pauses, and that its journal worked beside it.
        self.seconds = self.journal_seconds = 0.0

    def attach(self, trainer: Any) -> AhaLab:
        """Names the trainer, where the callback cannot find it by itself."""
        self._trainer = trainer
        return self

    @property
    def run_directory(self) -> str | None:
        """Where the run is written; ``None`` before it has begun, and in all processes but the first."""
        return str(self._run.path) if self._run is not None and self._run.path is not None else None

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        trainer = self._trainer or self._calling_trainer()
        if not hasattr(trainer, "_generate_and_score_completions"):
            raise TypeError(
                f"AhaLab watches TRL's GRPOTrainer, and {type(trainer).__name__} is none; with a trainer that wraps "
                "one, use AhaLab().attach(trainer)."
            )
        if self._run is not None:
            # An earlier call may have ended with an error, of which callbacks are not told.
            self._run.cut_short()
        self._run = TrlRun(
            trainer,
            runs=self._runs,
            name=self._name or os.path.basename(os.path.abspath(args.output_dir or "trl")),
            paused=self._paused,
            stream=self._stream,
            task=self._task,
        )

    def _calling_trainer(self) -> Any:
        """The trainer among whose callbacks this one is: transformers passes it to none of them."""
        frame = sys._getframe(1)
        while frame is not None:
            found = frame.f_locals.get("self")
            handler = getattr(found, "callback_handler", None)
            if handler is not None and any(other is self for other in getattr(handler, "callbacks", ())):
                return found
            frame = frame.f_back  # type: ignore[assignment]
        return None

    def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._run is not None:
            self._run.step_begins()

    def on_substep_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._run is not None:
            self._run.micro_batch_ended()

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if self._run is not None:
            self._run.about_to_update()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        if self._run is not None:
            wanted = self._run.step_ended()
            control.should_save |= wanted["save"]
            control.should_training_stop |= wanted["stop"]
        return control

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **_: Any
    ) -> None:
        if self._run is not None:
            self._run.logged(logs or {})

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._run is not None:
            self._run.saved(os.path.join(args.output_dir or "", f"checkpoint-{state.global_step}"))

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._run is not None:
            self._run.end()
            self.seconds, self.journal_seconds = self._run.seconds, self._run.journal_seconds
