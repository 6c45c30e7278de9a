#!/usr/bin/env python3
"""Trains with TRL as a user would, watched by the lab.

    pip install 'trl>=1.16' torch
    aha-lab export embedded /tmp/base
    PYTHONPATH=python python3 python/tests/run_trl.py --base /tmp/base --runs /tmp/runs
    PYTHONPATH=python torchrun --standalone --nproc_per_node 2 python/tests/run_trl.py --base /tmp/base --runs /tmp/runs

It prints one line of JSON: where the run is, how long each step took on the clock and on the processor, and how many
seconds the training waited for the callback.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from aha_lab import AhaLab, program
from aha_lab.rewards import countdown


def puzzles(count: int) -> Dataset:
    command = [program.find(), "puzzles", "--count", str(count), "--seed", "3"]
    rows = [json.loads(line) for line in subprocess.run(command, capture_output=True, check=True).stdout.splitlines()]
    words = [f"use {' '.join(map(str, row['numbers']))} make {row['target']} : <think>" for row in rows]
    return Dataset.from_list(
        [{"prompt": text, "numbers": row["numbers"], "target": row["target"]} for text, row in zip(words, rows)]
    )


class Clock(TrainerCallback):
    """When each step ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []
        self.cpu: list[float] = []

    def on_step_end(self, *_: object, **__: object) -> None:
        self.ends.append(time.perf_counter())
        # Of all threads of this process, whatever else the machine does.
        self.cpu.append(time.process_time())

    on_train_begin = on_step_end


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", required=True)
    parser.add_argument("--runs", required=True)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--prompts", type=int, default=4)
    parser.add_argument("--group", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--accumulate", type=int, default=1)
    parser.add_argument("--iterations", type=int, default=1)
    parser.add_argument("--beta", type=float, default=0.0)
    parser.add_argument("--evaluate", type=int, default=0)
    parser.add_argument("--paused", action="store_true")
    parser.add_argument("--without", action="store_true", help="train without the callback, to compare")
    given = parser.parse_args()

    processes = int(os.environ.get("WORLD_SIZE", "1"))
    clock, lab = Clock(), AhaLab(given.runs, paused=given.paused)
    config = GRPOConfig(
        output_dir=str(pathlib.Path(given.runs) / "trl"),
        per_device_train_batch_size=given.prompts * given.group // processes // given.accumulate,
        gradient_accumulation_steps=given.accumulate,
        num_generations=given.group,
        num_iterations=given.iterations,
        max_completion_length=given.tokens,
        max_steps=given.steps,
        learning_rate=1e-5,
        beta=given.beta,
        logging_steps=2,
        save_strategy="no",
        eval_strategy="steps" if given.evaluate else "no",
        eval_steps=given.evaluate or None,
        per_device_eval_batch_size=given.group,
        report_to=[],
        use_cpu=True,
        bf16=False,
        disable_tqdm=True,
        seed=7,
    )
    trainer = GRPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(given.base),
        processing_class=AutoTokenizer.from_pretrained(given.base),
        reward_funcs=countdown,
        args=config,
        train_dataset=puzzles(256),
        eval_dataset=puzzles(8) if given.evaluate else None,
        callbacks=[clock] if given.without else [lab, clock],
    )
    trainer.train()
    if trainer.accelerator.is_main_process:
        told = {
            "run": lab.run_directory,
            "seconds": clock.ends[-1] - clock.ends[0],
            "callback": lab.seconds,
            "journal": lab.journal_seconds,
        }
        steps = [end - begin for begin, end in zip(clock.ends, clock.ends[1:])]
        cpu = [end - begin for begin, end in zip(clock.cpu, clock.cpu[1:])]
        print(json.dumps({**told, "steps": steps, "cpu": cpu}))


if __name__ == "__main__":
    main()
