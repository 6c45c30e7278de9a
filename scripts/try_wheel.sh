#!/usr/bin/env bash
# Builds the wheel of `pip install aha-lab` for this machine, installs it into a new virtual environment, and uses what it
# installed: the program, and the Python package with it. Needs Python 3.10 or newer with venv, and fetches maturin.
#
#     scripts/try_wheel.sh [FOLDER]      # where the wheel goes; by default it is removed again
#
# CARGO_TARGET_DIR, if set, is where the program is built, so that an existing build is used.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
wheels=$(realpath -m "${1:-$scratch/wheels}")

python3 -m venv "$scratch/build"
"$scratch/build/bin/pip" install --quiet --disable-pip-version-check 'maturin>=1.8,<2'
(cd python && "$scratch/build/bin/maturin" build --locked --release --out "$wheels")
wheel=$(ls -t "$wheels"/aha_lab-*.whl | head -n 1)
echo "$wheel: $(du -h "$wheel" | cut -f 1)"

python3 -m venv "$scratch/use"
"$scratch/use/bin/pip" install --quiet --disable-pip-version-check --no-index "$wheel"
# Nothing of this folder, and no other program on PATH, helps what was installed.
cd "$scratch"
installed=$scratch/use/bin
env -i PATH="$installed:/usr/bin:/bin" HOME="$scratch" aha-lab doctor
env -i PATH="$installed:/usr/bin:/bin" HOME="$scratch" \
    aha-lab run --headless --steps 1 --backend cpu --runs runs --set prompts_per_step=2 --set group_size=4
env -i PATH=/usr/bin:/bin HOME="$scratch" "$installed/python" - <<'PYTHON'
from importlib.metadata import version

import aha_lab
from aha_lab.rewards import countdown

assert aha_lab.__version__ == version("aha-lab"), (aha_lab.__version__, version("aha-lab"))
thought = "<think> 3 * 25 = 75 </think> <answer> {} </answer>"
rewards = countdown(
    completions=[thought.format("3 * 25 + 7"), thought.format("3 * 25 - 7")],
    numbers=[[3, 25, 7]] * 2,
    target=[82] * 2,
)
assert rewards == [1.0, 0.1], rewards
print(f"aha_lab {aha_lab.__version__}: rewards {rewards}")
PYTHON
