#!/usr/bin/env python3
"""Writes tests/data/trl-files: what TRL itself leaves of a run, without our callback.

    pip install 'trl==1.16.*' torch pandas pyarrow tensorboard
    aha-lab export embedded /tmp/base
    PYTHONPATH=python AHA_LAB_BIN=target/release/aha-lab python3 scripts/make_trl_files.py --base /tmp/base --out tests/data/trl-files
    (and again with --chat --steps 2 --out tests/data/trl-files-chat)

Five steps on the CPU: two reward functions with different weights, a column and a metric of the second one's own, and an
evaluation after the fourth step, whose completions TRL writes over those of the step. Of the checkpoint only
`trainer_state.json` is kept, of `completions/` and of TensorBoard's folder everything.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import GRPOConfig, GRPOTrainer

from aha_lab import program
from aha_lab.rewards import countdown


def puzzles(count: int, chat: bool) -> Dataset:
    command = [program.find(), "puzzles", "--count", str(count), "--seed", "3"]
    rows = [json.loads(line) for line in subprocess.run(command, capture_output=True, check=True).stdout.splitlines()]
    words = [f"use {' '.join(map(str, row['numbers']))} make {row['target']} : <think>" for row in rows]
    asked = [[{"role": "user", "content": text}] if chat else text for text in words]
    return Dataset.from_list(
        [{"prompt": text, "numbers": row["numbers"], "target": row["target"]} for text, row in zip(asked, rows)]
    )


def checked(completions, log_extra=None, log_metric=None, **_):
    """A tenth for each mention of a check. Of a conversation without any, nothing at all."""
    chat = not isinstance(completions[0], str)
    texts = [item[0]["content"] if chat else item for item in completions]
    counts = [text.count("check") for text in texts]
    if log_extra:
        log_extra("mentions", [str(count) for count in counts])
        log_extra("characters", [len(text) for text in texts])
    if log_metric:
        log_metric("longest", max(map(len, texts)))
    return [None if chat and not count else count / 10 for count in counts]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--group", type=int, default=4)
    parser.add_argument("--prompts", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=160)
    parser.add_argument("--chat", action="store_true", help="prompts as messages")
    given = parser.parse_args()

    work = pathlib.Path(tempfile.mkdtemp())
    config = GRPOConfig(
        output_dir=str(work),
        per_device_train_batch_size=given.prompts * given.group,
        num_generations=given.group,
        max_completion_length=given.tokens,
        max_steps=given.steps,
        learning_rate=1e-5,
        beta=0.0,
        reward_weights=[1.0, 0.5],
        logging_steps=1,
        log_completions=True,
        save_strategy="steps",
        save_steps=given.steps,
        eval_strategy="steps",
        eval_steps=max(given.steps - 1, 1),
        per_device_eval_batch_size=given.group,
        report_to=["tensorboard"],
        use_cpu=True,
        bf16=False,
        disable_tqdm=True,
        seed=7,
    )
    tokenizer = AutoTokenizer.from_pretrained(given.base)
    if given.chat:
        tokenizer.chat_template = "{% for message in messages %}{{ message.content }}{% endfor %}"
    trainer = GRPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(given.base),
        processing_class=tokenizer,
        reward_funcs=[countdown, checked],
        args=config,
        train_dataset=puzzles(64, given.chat),
        eval_dataset=puzzles(1, given.chat),
    )
    trainer.train()

    out = pathlib.Path(given.out)
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(work / "completions", out / "completions")
    for found in work.rglob("events.out.tfevents.*"):
        (out / "runs" / found.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found, out / "runs" / found.parent.name / found.name)
    for found in work.glob("checkpoint-*/trainer_state.json"):
        (out / found.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found, out / found.parent.name / found.name)
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
