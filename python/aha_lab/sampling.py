"""TRL's sampling seen from inside: its completions, their tokens and log-probabilities, and the places between its phases
where a run can be held."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from aha_lab.patches import Patches
from aha_lab.rollouts import Generation, puzzle_of
from aha_lab.streaming import BetweenTokens, Stream

if TYPE_CHECKING:
    from aha_lab.trl_run import TrlRun

#: A column of TRL's batches: which completion a row is, since TRL shuffles them.
ROW = "aha_lab_row"
#: Longest problem that is told to watchers, characters.
LONGEST_PROBLEM = 500


class _Tokens:
    """What is known of the tokens of this process's completions of one generation."""

    def __init__(self, made: Generation, rows: int, width: int, device: torch.device) -> None:
        self.made = made
        nothing = torch.full((rows, width), torch.nan, device=device)
        self.logprobs, self.entropies = nothing, nothing.clone()


class Sampling:
    """See the module."""

    def __init__(self, run: TrlRun, patches: Patches) -> None:
        self._run = run
        self._columns: list[dict[str, Any]] = []
        self._rewards: torch.Tensor | None = None
        self._ids: list[list[int]] = []
        #: By the number of the generation.
        self._tokens: dict[int, _Tokens] = {}
        self._made = 0
        self._looked_up: tuple[torch.Tensor, torch.Tensor | None] | None = None
        self._looking = False
        self._stream: Stream | None = None
        trainer = run.trainer
        patches.wrap(trainer, "_generate_and_score_completions", self._generate_and_score)
        patches.wrap(trainer, "_generate_single_turn", self._generate)
        patches.wrap(trainer, "_calculate_rewards", self._score)
        patches.wrap(trainer, "_compute_loss", self._compute_loss)
        patches.wrap(trainer, "_get_per_token_logps_and_entropies", self._look_up)
        model = trainer.accelerator.unwrap_model(trainer.model)
        patches.wrap(model, "generate", self._between_tokens)

    @property
    def _trains(self) -> bool:
        return bool(self._run.trainer.model.training)

    @property
    def _ends(self) -> list[int]:
        trainer = self._run.trainer
        return [*trainer.eos_token_ids, trainer._tokenizer.pad_token_id]

    def _generate_and_score(self, original: Any, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        run, trains = self._run, self._trains
        with run.own_time():
            self._columns = [{name: value for name, value in row.items() if name != "prompt"} for row in inputs]
            if trains:
                run.apply_edits()
                self._begin(inputs)
        output: dict[str, Any] = original(inputs)
        with run.own_time():
            self._keep(output, trains)
            if trains:
                run.phase("advantage", len(inputs), len(inputs))
                run.boundary("phase")
                run.update_done = 0
                run.phase("update", 0, run.trainer.current_gradient_accumulation_steps)
        return output

    def _begin(self, inputs: Sequence[Mapping[str, Any]]) -> None:
        run = self._run
        run.phase("sample", 0, len(inputs))
        self._stream = None
        if run.ranks.is_first and run.stream_rows > 0:
            puzzles = [self._problem(row) for row in inputs[: run.stream_rows]]
            self._stream = Stream(run.tell, self._decode, run.step, run.trainer.num_generations, puzzles, self._ends)

    def _problem(self, row: Mapping[str, Any]) -> dict[str, Any]:
        prompt = row.get("prompt")
        text = prompt if isinstance(prompt, str) else json.dumps(prompt, default=str, ensure_ascii=False)
        return puzzle_of(row, self._run.task) or {"prompt": text[-LONGEST_PROBLEM:]}

    def _decode(self, ids: Sequence[int]) -> str:
        return str(self._run.trainer._tokenizer.decode(ids, skip_special_tokens=True))

    def _generate(self, original: Any, *arguments: Any, **named: Any) -> Any:
        run = self._run
        if not self._trains:
            return original(*arguments, **named)
        with run.timed("sample"):
            made = original(*arguments, **named)
        with run.own_time():
            self._ids = [list(ids) for ids in made[0]]
            if self._stream is not None and run.is_watched:
                # What was sampled elsewhere is shown all at once.
                self._stream.show(self._ids[: len(self._stream)])
            run.phase("sample", len(self._ids), len(self._ids))
            # With tools, processes take turns of their own number, and cannot meet here.
            if not getattr(run.trainer, "tools", None):
                run.boundary("phase")
        return made

    def _between_tokens(self, original: Any, *arguments: Any, **named: Any) -> Any:
        run = self._run
        ids = named.get("input_ids", arguments[0] if arguments else None)
        if not self._trains or ids is None:
            return original(*arguments, **named)
        total = ids.shape[0]
        criterion = BetweenTokens(
            prompt_length=ids.shape[1],
            stream=self._stream,
            is_watched=lambda: run.is_watched,
            hold=run.hold if run.per_token else lambda: None,
            progress=lambda done: run.phase("sample", done, total),
            ends=self._ends,
        )
        named["stopping_criteria"] = [*(named.get("stopping_criteria") or []), criterion]
        return original(*arguments, **named)

    def _score(self, original: Any, *arguments: Any, **named: Any) -> Any:
        run, trains = self._run, self._trains
        count = len(arguments[1]) if len(arguments) > 1 else 0
        if trains:
            if getattr(run.trainer, "tools", None):
                run.boundary("phase")
            run.phase("score", 0, count)
        with run.timed("score"):
            self._rewards = original(*arguments, **named)
        if trains:
            with run.own_time():
                run.phase("score", count, count)
                run.boundary("phase")
                run.phase("advantage", 0, count)
        return self._rewards

    def _keep(self, output: dict[str, Any], trains: bool) -> None:
        """Gathers what was made from all processes, for the first one to write down."""
        run, trainer = self._run, self._run.trainer
        ids, mask = output["completion_ids"], output["completion_mask"]
        # TRL masks a completion that was cut off, so that only the sampler knows its length.
        local_ids = self._ids if trains else [row[m.bool()].tolist() for row, m in zip(ids, mask)]
        columns = [puzzle_of(columns, run.task) for columns in self._columns]
        rows = self._gathered([{"columns": c, "ids": i} for c, i in zip(columns, local_ids)])
        count = len(rows)
        rewards = self._rewards
        assert rewards is not None
        made = Generation(
            step=run.step,
            per_group=trainer.num_generations if trains else trainer.num_generations_eval,
            task=run.task,
            prompts=list(trainer._logs["prompt"])[-count:],
            completions=list(trainer._logs["completion"])[-count:],
            columns=[row["columns"] for row in rows],
            token_ids=[row["ids"] for row in rows],
            rewards={name: rewards[:, at].tolist() for at, name in enumerate(trainer.reward_func_names)},
            weights=trainer.reward_weights.tolist(),
            advantages=list(trainer._logs["advantages"])[-count:],
            ends=frozenset(self._ends),
        )
        if len(made.completions) == count == len(rewards):
            run.scored(made, evaluates=not trains)
        if trains:
            tokens = _Tokens(made, ids.shape[0], ids.shape[1], ids.device)
            known = output.get("sampling_per_token_logps", output.get("old_per_token_logps"))
            if known is not None:
                tokens.logprobs = known.detach().float()
            self._made += 1
            self._tokens[self._made] = tokens
            output[ROW] = torch.arange(ids.shape[0], device=ids.device) + (self._made << 32)

    def _gathered(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The rows of all processes, in their order."""
        run = self._run
        if run.ranks.count == 1:
            return rows
        accelerator = run.trainer.accelerator
        text = json.dumps(rows, default=str).encode()
        # Padded with spaces, which JSON does not mind.
        local = torch.frombuffer(bytearray(text), dtype=torch.uint8).to(accelerator.device)
        padded = accelerator.pad_across_processes(local[None], dim=1, pad_index=32)
        every = accelerator.gather(padded).cpu().numpy()
        return [row for line in every for row in json.loads(line.tobytes())]

    def _compute_loss(self, original: Any, model: Any, inputs: dict[str, Any]) -> Any:
        inputs = dict(inputs)
        rows = inputs.pop(ROW, None)
        self._looking = True
        try:
            loss = original(model, inputs)
        finally:
            self._looking = False
        if rows is not None and self._looked_up is not None and self._trains:
            with self._run.own_time():
                self._found(rows, *self._looked_up)
        self._looked_up = None
        return loss

    def _look_up(self, original: Any, *arguments: Any, **named: Any) -> Any:
        found = original(*arguments, **named)
        if self._looking:
            self._looked_up = (found[0].detach(), found[1].detach() if found[1] is not None else None)
        return found

    def _found(self, rows: torch.Tensor, logprobs: torch.Tensor, entropies: torch.Tensor | None) -> None:
        """Keeps what the loss computed under the policy that sampled; a later policy's is something else."""
        which, places = rows >> 32, rows & 0xFFFF_FFFF
        tokens = self._tokens.get(int(which[0]))
        if tokens is None:
            return
        width = logprobs.shape[1]
        fresh = torch.isnan(tokens.logprobs[places, :width])
        tokens.logprobs[places, :width] = torch.where(fresh, logprobs.float(), tokens.logprobs[places, :width])
        if entropies is not None:
            tokens.entropies[places, :width] = entropies.float()

    def collect_tokens(self) -> None:
        """At the end of a step: brings what is known of the tokens of all processes to the first."""
        accelerator = self._run.trainer.accelerator
        for tokens in self._tokens.values():
            for name in ("logprobs", "entropies"):
                values = getattr(tokens, name)
                if self._run.ranks.count > 1:
                    padded = accelerator.pad_across_processes(values, dim=1, pad_index=float("nan"))
                    values = accelerator.gather(padded)
                setattr(tokens.made, name, _known(values, tokens.made))
        # A later step may still learn from these completions, but no longer with the policy that sampled them.
        self._tokens.clear()


def _known(values: torch.Tensor, made: Generation) -> list[Any]:
    """Rows of which all tokens are known, and ``None`` for the others."""
    rows = values.cpu().numpy()
    lengths = [len(ids) for ids in made.token_ids]
    whole = [
        len(row) >= length and not bool((row[:length] != row[:length]).any()) for row, length in zip(rows, lengths)
    ]
    return [row if is_whole else None for row, is_whole in zip(rows, whole)]
