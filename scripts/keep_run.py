#!/usr/bin/env python3
"""Copies a finished run for keeping in the repository, some MB instead of tens.

    python3 scripts/keep_run.py runs/<a run> runs/first-aha [STEP...]

All steps, events, pinned answers and measurements of the frontier are kept, and the newest checkpoint with its
optimizer, so that the copy can be played with and forked (not resumed: its log is cut). Of the completions the first
group of every step is kept whole, and every group of each STEP that is named.
"""
import json
import pathlib
import shutil
import sys

source, target = map(pathlib.Path, sys.argv[1:3])
rich = {int(step) for step in sys.argv[3:]}
target.mkdir(parents=True)
for name in ("config.toml", "metrics.jsonl", "events.jsonl", "pinned.jsonl"):
    shutil.copy(source / name, target / name)
if (source / "frontier").is_dir():
    shutil.copytree(source / "frontier", target / "frontier")
newest = max((source / "checkpoints").glob("step-*"))
shutil.copytree(newest, target / "checkpoints" / newest.name)
with (source / "rollouts.jsonl").open() as lines, (target / "rollouts.jsonl").open("w") as kept:
    for line in lines:
        record = json.loads(line)
        if record["group"] == 0 or record["step"] in rich:
            kept.write(line)
(target / "README.md").write_text(
    "A run of `aha-lab run`, made small by `scripts/keep_run.py`: every step, pinned answer and measurement, the newest\n"
    "checkpoint, and of the completions the first group of every step"
    + (f" (all groups of steps {', '.join(map(str, sorted(rich)))})" if rich else "")
    + f".\n`aha-lab open {target}` shows it.\n"
)
