#!/usr/bin/env bash
# Makes the pictures of the README and of docs/screens.md from the real program. Needs python3 with pyte, and a release
# build. It trains for two minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
program=${1:-target/release/aha-lab}
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
# As at a start that is not the first, with nothing remembered.
export AHA_WELCOME=0 AHA_REMEMBER=0

picture() {
    python3 scripts/screenshot.py --size 120x36 --timeout 400 "$@"
}

# One run: a minute of training, then every screen of it.
picture --out docs/help.svg --keys 'wait:60 shot:docs/live.svg
    F3 5 wait:1 Enter wait:1 shot:docs/transcripts.svg
    F4 wait:1 shot:docs/meter.svg
    F3 Esc wait:1 F5 wait:1 shot:docs/search.svg
    F6 wait:1 shot:docs/travel.svg
    F2 Space wait:3
    F10 wait:1 shot:docs/sentinel.svg
    W wait:2 shot:docs/rewards.svg
    Tab wait:1 shot:docs/settings.svg
    C wait:1 Left Left wait:1 shot:docs/charts.svg
    F8 wait:1 Enter wait:12 a wait:1 I wait:20 shot:docs/playground.svg
    F2 ? wait:1' -- "$program" run --runs "$runs" --seed 1

# The Microscope, at the end of the update of a first step.
picture --out docs/microscope.svg --keys 'until:paused F7 wait:1 p wait:8 p wait:4 p wait:3 p wait:10' \
    -- "$program" run --runs "$runs" --seed 1 --paused

# Another task.
picture --out docs/multiplication.svg --keys 'wait:45' -- "$program" run --runs "$runs" --task multiplication

# The two runs that ship with the source, side by side.
picture --out docs/runs.svg --keys 'wait:3 BackTab wait:4 m m v wait:1' \
    -- "$program" open runs/first-aha runs/tinyzero

# The frontier that the shipped run was measured at.
picture --out docs/frontier.svg --keys 'wait:2 F9 wait:2' -- "$program" open runs/first-aha
