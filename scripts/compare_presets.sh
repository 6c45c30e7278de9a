#!/usr/bin/env bash
# Trains every preset for some steps with several seeds from the built-in base, and prints one Markdown table: mean and
# spread over the seeds. A run that is already there is not made again, one that was cut short goes on.
#
#     scripts/compare_presets.sh [FOLDER [STEPS [SEEDS [SETTING...]]]]
#     scripts/compare_presets.sh runs/presets 30 3 > table.md
set -euo pipefail

folder=${1:-runs/presets} steps=${2:-30} seeds=${3:-3}
settings=()
for setting in "${@:4}"; do settings+=(--set "$setting"); done
lab=${AHA_LAB:-target/release/aha-lab}
[ -x "$lab" ] || {
    echo "$lab is not there: build it with cargo build --release, or set AHA_LAB to the program." >&2
    exit 1
}
# It names them all where it refuses another one.
presets=$({ "$lab" run --headless --set preset=? 2>&1 || true; } | sed -n 's/.*takes one of \(.*\)\.$/\1/p' | tr -d ,)
[ -n "$presets" ] || { echo "$lab does not name its presets." >&2; exit 1; }

for preset in $presets; do
    for ((seed = 0; seed < seeds; seed++)); do
        of_run=$folder/$preset-$seed
        mkdir -p "$of_run"
        run=$(find "$of_run" -mindepth 1 -maxdepth 1 -type d | sort | tail -n 1)
        done=0
        [ -z "$run" ] || done=$(wc -l <"$run/metrics.jsonl")
        if [ "$done" -ge "$steps" ]; then continue; fi
        printf '%s, seed %s: from step %s to %s\n' "$preset" "$seed" "$done" "$steps" >&2
        if [ "$done" -gt 0 ]; then
            "$lab" run --headless --resume "$run" --steps "$steps" >"$of_run/output.txt"
        else
            "$lab" run --headless --steps "$steps" --seed "$seed" --runs "$of_run" --set preset="$preset" \
                ${settings[@]+"${settings[@]}"} --set evaluate_every="$steps" --set evaluate_puzzles=200 \
                >"$of_run/output.txt"
        fi
    done
done

python3 - "$folder" "$steps" "$seeds" $presets <<'TABLE'
import json, pathlib, statistics, sys

folder, steps, seeds, presets = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
columns = [
    ("reward", "reward", 3),
    ("accuracy", "accuracy", 3),
    ("eval/accuracy", "held out", 3),
    ("completions/mean_length", "length", 0),
    ("completions/clipped_ratio", "cut off", 3),
    ("entropy", "entropy", 2),
    ("clip_ratio/region_mean", "clipped", 3),
    ("kl", "KL", 3),
    ("step_time", "seconds a step", 1),
]


def of_run(folder):
    """The mean of each metric over the last three steps; of the time, over all."""
    lines = [json.loads(line) for path in folder.glob("*/metrics.jsonl") for line in path.open()][:steps]
    found = {}
    for name, _, _ in columns:
        values = [line.get(name) for line in (lines if name == "step_time" else lines[-3:])]
        values = [value for value in values if value is not None]
        if values:
            found[name] = statistics.fmean(values)
    return found


print(f"After {steps} steps, the mean of the last three, over {seeds} seeds; behind ± their standard deviation.\n")
print("| preset | " + " | ".join(label for _, label, _ in columns) + " |")
print("|---|" + "---|" * len(columns))
for preset in presets:
    runs = [of_run(folder / f"{preset}-{seed}") for seed in range(seeds)]
    cells = []
    for name, _, digits in columns:
        values = [run[name] for run in runs if name in run]
        spread = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
        cells.append(f"{statistics.fmean(values):.{digits}f}{spread}" if values else "")
    print(f"| `{preset}` | " + " | ".join(cells) + " |")
TABLE
