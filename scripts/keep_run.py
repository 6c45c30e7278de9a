#!/usr/bin/env python3
"""Copies a finished run for keeping in the repository, a few MB instead of tens.

    python3 scripts/keep_run.py runs/<a run> runs/first-aha

All steps and events are kept; of the completions the first GROUPS groups of every step, without their
log-probabilities and entropies. Checkpoints stay behind.
"""
import json
import pathlib
import shutil
import sys

GROUPS = 2

source, target = map(pathlib.Path, sys.argv[1:3])
target.mkdir(parents=True)
for name in ("config.toml", "metrics.jsonl", "events.jsonl"):
    shutil.copy(source / name, target / name)
with (source / "rollouts.jsonl").open() as lines, (target / "rollouts.jsonl").open("w") as kept:
    for line in lines:
        record = json.loads(line)
        if record["group"] < GROUPS:
            record.update(logprobs=[], entropies=[])
            kept.write(json.dumps(record, separators=(",", ":"), ensure_ascii=False) + "\n")
(target / "README.md").write_text(
    f"A run of `aha-lab run`, made small by `scripts/keep_run.py`: every step, and the completions of the first\n"
    f"{GROUPS} groups of each, without log-probabilities and entropies. `aha-lab open runs/first-aha`\n"
    f"shows it.\n"
)
