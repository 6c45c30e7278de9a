#!/usr/bin/env bash
# Makes the pictures of the README from the real program. Needs python3 with pyte, and a release build.
set -euo pipefail
cd "$(dirname "$0")/.."
program=${1:-target/release/aha-lab}
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
# One run: a minute and a half of training, then its transcripts with a self-corrected one open.
python3 scripts/screenshot.py --size 120x36 --out docs/help.svg --timeout 240 \
    --keys 'wait:120 shot:docs/live.svg Tab 5 wait:1 Enter wait:1 shot:docs/transcripts.svg ? wait:1' \
    -- "$program" run --runs "$runs" --seed 1
