"""One training by TRL: what its trainer does is written down and shown, and what a person wants is done to it."""

from __future__ import annotations

import atexit
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aha_lab import __version__, description, settings
from aha_lab.control import Control
from aha_lab.control_socket import ControlSocket
from aha_lab.journal import Journal
from aha_lab.patches import Patches
from aha_lab.program import ProgramMissing
from aha_lab.ranks import Ranks
from aha_lab.rollouts import Facts, Generation, Recorder
from aha_lab.run_directory import RunDirectory
from aha_lab.sampling import Sampling
from aha_lab.scorer import Refused, Scorer, ScoringFailed


def _trl_version() -> str:
    import trl

    return str(trl.__version__)


class TrlRun:
    """See the module. In all processes but the first it only holds and follows."""

    def __init__(
        self, trainer: Any, runs: str | os.PathLike[str], name: str, paused: bool, stream: int, task: str | None
    ) -> None:
        self.trainer = trainer
        self.task = description.task_of(trainer) if task is None else task
        self.ranks = Ranks(trainer.accelerator)
        self.per_token = description.pauses_within(trainer) == "token"
        self.path: Path | None = None
        self.control: Control | None = None
        #: Seconds that the training waited for this, without pauses, and that the journal's thread worked.
        self.seconds = self.journal_seconds = 0.0
        self.stream_rows = stream
        self.update_done = 0
        self._socket: ControlSocket | None = None
        self._journal: Journal | None = None
        self._generations: list[Generation] = []
        self._evaluated: list[Generation] = []
        self._facts: Facts | None = None
        self._seen: dict[str, int] = {}
        self._timed: dict[str, float] = {}
        self._held = self._held_before = 0.0
        self._began = self._is_closed = False
        self._num_tokens = int(trainer.state.num_input_tokens_seen)
        self._rate = self._grad_norm = None
        self._losses: list[Any] = []
        self._patches = Patches()
        if self.ranks.is_first:
            self._begin(runs, name, paused)
        self.sampling = Sampling(self, self._patches)
        self._patches.wrap(trainer, "training_step", self._training_step)
        self._patches.wrap(trainer.accelerator, "clip_grad_norm_", self._clip_grad_norm)
        atexit.register(self.cut_short)

    def _begin(self, runs: str | os.PathLike[str], name: str, paused: bool) -> None:
        trainer, scorer = self.trainer, Scorer()
        try:
            rules: str | None = scorer.readings()[1]
        except (ProgramMissing, ScoringFailed, Refused):
            # The lab analyzes the completions itself when it opens the run.
            rules = None
        run = RunDirectory(
            runs,
            name,
            description.config_of(trainer, self.task),
            description.provenance_of(trainer, __version__, rules),
            description.engine_of(trainer, _trl_version()),
        )
        run.replace("trl_arguments.json", trainer.args.to_json_string().encode())
        self.path = run.path
        self._journal = Journal(run, self.warn)
        self._scorer = scorer
        self._recorder = Recorder(scorer, self._worded, self.warn)
        within = description.pauses_within(trainer)
        check = lambda key, value: settings.check(trainer, key, value)  # noqa: E731
        self.control = Control(self.tell, self.note, check, within, paused)
        self.control.on_change = self.ranks.announce
        if paused:
            self.ranks.announce(True)
        self.note("started", f"by TRL's {type(trainer).__name__}")
        try:
            self._socket = ControlSocket(run.path, self.control.command)
        except (OSError, AttributeError) as error:
            self.warn(f"The run takes no commands: its socket cannot be made ({error}).")
        print(f"aha-lab: aha-lab open {self.path}", file=sys.stderr)

    # --- what is told and noted -----------------------------------------------------------------------------------

    @property
    def step(self) -> int:
        """The step in hand."""
        return int(self.trainer.state.global_step) + 1

    @property
    def is_watched(self) -> bool:
        return self._socket is not None and self._socket.watched

    def tell(self, event: Mapping[str, Any]) -> None:
        if self._socket is not None:
            self._socket.tell(event)

    def phase(self, phase: str, done: int, total: int) -> None:
        self.tell({"phase": {"step": self.step, "phase": phase, "done": done, "total": total}})

    def note(self, name: str, detail: str, **fields: Any) -> None:
        if self._journal is not None:
            self._journal.event(int(self.trainer.state.global_step), name, detail, **fields)

    def warn(self, sentence: str) -> None:
        self.tell({"warning": sentence})
        print(f"aha-lab: {sentence}", file=sys.stderr)

    def _worded(self, prompt: Any) -> str:
        named = getattr(self.trainer, "chat_template_kwargs", None) or {}
        return str(
            self.trainer.processing_class.apply_chat_template(
                prompt, tokenize=False, add_generation_prompt=True, **named
            )
        )

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Counts the time of a phase, without pauses."""
        began, held = time.perf_counter(), self._held
        yield
        spent = time.perf_counter() - began - (self._held - held)
        self._timed[phase] = self._timed.get(phase, 0.0) + spent

    @contextmanager
    def own_time(self) -> Iterator[None]:
        """Counts what the training waits for this package."""
        began, held = time.perf_counter(), self._held
        yield
        self.seconds += time.perf_counter() - began - (self._held - held)

    # --- where the run can be held ----------------------------------------------------------------------------------

    def hold(self) -> None:
        """Between two tokens."""
        if self.control is not None:
            if self.control.wants_pause:
                self._hold()
        elif self.ranks.count > 1:
            self.ranks.hold()

    def _hold(self, wakes: bool = False) -> None:
        assert self.control is not None
        began = time.perf_counter()
        if self.control.wants_pause and self._journal is not None:
            # Who looks at a paused run finds all of it.
            self._journal.flush()
        self.control.hold(self.control.checkpoint_is_wanted if wakes else lambda: False)
        self._held += time.perf_counter() - began

    def boundary(self, ended: str | None = None) -> None:
        """At a place that all processes reach: holds them all while the run is paused."""
        self.ranks.agree(lambda: self._decide(ended))

    def _decide(self, ended: str | None) -> dict[str, Any]:
        if ended is not None and self.control is not None:
            self.control.ended(ended)
        self._hold()
        return {}

    def apply_edits(self) -> None:
        """Before a step samples: changes what a person wants changed, in all processes."""

        def decide() -> dict[str, Any]:
            self._hold()
            assert self.control is not None
            return {"edits": self.control.take_edits()}

        for key, value in self.ranks.agree(decide)["edits"]:
            before = settings.apply(self.trainer, key, value)
            self.note("set", f"{key} = {value} (was {before})", key=key, value=value, before=before)

    # --- the trainer's own calls ------------------------------------------------------------------------------------

    def step_begins(self) -> None:
        with self.own_time():
            self._end_of_step()
            self._held_before = self._held

    def micro_batch_ended(self) -> None:
        with self.own_time():
            self.update_done += 1
            self.phase("update", self.update_done, self.trainer.current_gradient_accumulation_steps)
            self.boundary()

    def about_to_update(self) -> None:
        self._rate = self.trainer.optimizer.param_groups[0]["lr"]

    def step_ended(self) -> dict[str, bool]:
        """Collects what the step measured. Whether a checkpoint is wanted, and an end."""
        with self.own_time():
            self._collect()
            total = self.trainer.current_gradient_accumulation_steps
            # The trainer has counted the step already.
            done = {"step": int(self.trainer.state.global_step), "done": total, "total": total}
            self.tell({"phase": {**done, "phase": "update"}})

            def decide() -> dict[str, bool]:
                self._decide("phase")
                assert self.control is not None
                stops = self.control.stops
                return {"save": self.control.take_checkpoint() or stops, "stop": stops}

            wanted = self.ranks.agree(decide)
            self.tell({"phase": {**done, "phase": "evaluate", "done": 0, "total": 0}})
            return wanted

    def _training_step(self, original: Any, *arguments: Any, **named: Any) -> Any:
        loss = original(*arguments, **named)
        self._losses.append(loss.detach())
        return loss

    def _clip_grad_norm(self, original: Any, *arguments: Any, **named: Any) -> Any:
        norm = original(*arguments, **named)
        self._grad_norm = norm
        return norm

    def scored(self, generation: Generation, evaluates: bool) -> None:
        """Completions with their rewards and advantages."""
        (self._evaluated if evaluates else self._generations).append(generation)

    def _collect(self) -> None:
        """What this step measured; TRL averages it over several before it logs."""
        self.sampling.collect_tokens()
        if not self.ranks.is_first:
            self._losses.clear()
            return
        step = int(self.trainer.state.global_step)
        held = self._held - self._held_before
        metrics = self._fresh_metrics()
        if "step_time" in metrics:
            metrics["step_time"] = max(0.0, metrics["step_time"] - held)
        if self._losses:
            # Each micro-batch's loss is divided by their number already.
            metrics["loss"] = float(sum(loss.float() for loss in self._losses))
        if self._grad_norm is not None:
            metrics["grad_norm"] = float(self._grad_norm)
        metrics["learning_rate"] = self._rate
        metrics["policy_version"] = self._generations[0].step - 1 if self._generations else None
        metrics |= self._times(metrics)
        self._losses, self._grad_norm = [], None
        self._facts = Facts(step, {name: value for name, value in metrics.items() if value is not None})

    def _fresh_metrics(self) -> dict[str, Any]:
        """The trainer's own metrics of this step: those that came since the last one."""
        metrics: dict[str, Any] = {}
        for name, values in self.trainer._metrics["train"].items():
            seen = self._seen.get(name, 0)
            fresh = values[seen:] if len(values) > seen else ([] if name != "num_tokens" else values)
            known = [value for value in fresh if value == value]
            if known:
                metrics[name] = known[-1] if name == "num_tokens" else sum(known) / len(known)
            self._seen[name] = len(values)
        return metrics

    def _times(self, metrics: Mapping[str, Any]) -> dict[str, Any]:
        timed, self._timed = self._timed, {}
        times = {f"time/{phase}": spent for phase, spent in timed.items()}
        if "step_time" in metrics:
            times["time/update"] = max(0.0, metrics["step_time"] - sum(timed.values()))
        written = sum(len(ids) for made in self._generations for ids in made.token_ids)
        trained = metrics.get("num_tokens", self._num_tokens) - self._num_tokens
        self._num_tokens += trained
        if trained > 0 and times.get("time/update"):
            times["tokens_per_second/update"] = trained / times["time/update"]
        if written and timed.get("sample"):
            times["tokens_per_second/sample"] = written / timed["sample"]
        return times

    def logged(self, logs: Mapping[str, Any]) -> None:
        """TRL empties its lists of metrics now."""
        if self.trainer.model.training:
            self._seen.clear()
        elif self._facts is not None:
            numbers = {name: value for name, value in logs.items() if name.startswith("eval_")}
            self._facts.metrics |= {name: value for name, value in numbers.items() if isinstance(value, (int, float))}

    def saved(self, path: str) -> None:
        step = int(self.trainer.state.global_step)
        self.tell({"checkpoint": {"step": step, "path": os.path.abspath(path)}})
        self.note("checkpoint", path)

    def _end_of_step(self) -> None:
        """Writes the step down, and holds between this one and the next."""
        self._write()

        def decide() -> dict[str, Any]:
            assert self.control is not None
            if first:
                self.control.ended("phase")
                self.control.ended("step")
            self._hold(wakes=True)
            return {"save": self.control.wants_pause and self.control.take_checkpoint()}

        first = self._began
        self._began = True
        while self.ranks.agree(decide)["save"]:
            first = False
            self._save_now()

    def _save_now(self) -> None:
        trainer = self.trainer
        if trainer.state.global_step > 0:
            trainer._save_checkpoint(trainer.model, trial=None)
            trainer.callback_handler.on_save(trainer.args, trainer.state, trainer.control)

    def _write(self) -> None:
        facts, self._facts = self._facts, None
        if facts is None or self._journal is None:
            return
        generations, self._generations = self._generations, []
        facts.evaluated, self._evaluated = self._evaluated, []
        recorder = self._recorder
        self._journal.step(lambda: recorder.lines(generations, facts))

    # --- the end ----------------------------------------------------------------------------------------------------

    def end(self) -> None:
        """As asked, or because all steps are done."""
        self._write()
        steps = int(self.trainer.state.global_step)
        self.note("finished", f"after {steps} steps")
        if self._journal is not None:
            self._journal.flush()
        self.tell({"finished": {"steps": steps, "run": str(self.path)}})
        self._close()

    def cut_short(self) -> None:
        """The process, or the call of ``train``, ends before the training does."""
        if self._is_closed:
            return
        self._write()
        self.note("failed", "it was cut short")
        if self._journal is not None:
            self._journal.flush()
        self.tell({"failed": "The training was cut short."})
        self._close()

    def _close(self) -> None:
        atexit.unregister(self.cut_short)
        self._patches.undo()
        self._is_closed = True
        if self._socket is not None:
            self._socket.close()
        if self._journal is not None:
            self._journal.close()
            self.journal_seconds = self._journal.seconds
            self._scorer.close()
        self._socket = self._journal = None
