#!/usr/bin/env python3
"""Copies a finished run for keeping in the repository, some MB instead of tens.

    python3 scripts/keep_run.py runs/<a run> runs/first-aha [STEP...] [every:N] [path:OLD=NEW...]

All steps, events, pinned answers and measurements of the frontier are kept, and the newest checkpoint with its
optimizer, so that the copy can be played with and forked (not resumed: its log is cut). Of the completions the first
group of every step (of every Nth with every:N) is kept whole, and every group of each STEP that is named. path: puts
another path in the place of one in the events and the configuration, such as that of a base that moved.
"""
import json
import pathlib
import shutil
import sys

source, target = map(pathlib.Path, sys.argv[1:3])
options = sys.argv[3:]
rich = {int(option) for option in options if option.isdigit()}
every = next((int(option[6:]) for option in options if option.startswith("every:")), 1)
moved = [option[5:].split("=", 1) for option in options if option.startswith("path:")]
target.mkdir(parents=True)
for name in ("metrics.jsonl", "pinned.jsonl"):
    shutil.copy(source / name, target / name)
for name in ("config.toml", "events.jsonl"):
    text = (source / name).read_text()
    for old, new in moved:
        text = text.replace(old, new)
    (target / name).write_text(text)
if (source / "frontier").is_dir():
    shutil.copytree(source / "frontier", target / "frontier")
newest = max((source / "checkpoints").glob("step-*"))
shutil.copytree(newest, target / "checkpoints" / newest.name)
with (source / "rollouts.jsonl").open() as lines, (target / "rollouts.jsonl").open("w") as kept:
    for line in lines:
        record = json.loads(line)
        if record["group"] == 0 and record["step"] % every == 0 or record["step"] in rich:
            kept.write(line)
(target / "README.md").write_text(
    "A run of `aha-lab run`, made small by `scripts/keep_run.py`: every step, pinned answer and measurement, the newest\n"
    "checkpoint, and of the completions the first group of every "
    + ("step" if every == 1 else f"{every}th step")
    + (f" (all groups of steps {', '.join(map(str, sorted(rich)))})" if rich else "")
    + f".\n`aha-lab open {target}` shows it.\n"
    + ("Folders named in its events were put in the place of those it was made in.\n" if moved else "")
)
