#!/bin/sh
# Trains. Arguments are settings of grpo.yaml: ./launch.sh --learning_rate 2e-6
#   CPU=2 ./launch.sh           two processes without a GPU, to try it
#   RESUME=0 ./launch.sh        from the base again, although out/ has checkpoints
# On several nodes: MAIN_ADDRESS (of the first) and MACHINE_RANK (0, 1, ...) on each.
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3}
export RESUME="${RESUME:-1}"

if [ -n "${CPU:-}" ]; then
    # Not accelerate's launcher: with --cpu it starts one process, whatever --num_processes says.
    export ACCELERATE_USE_CPU=true
    exec "$python" -m torch.distributed.run --standalone --nproc_per_node "$CPU" train.py --config grpo.yaml \
        --use_cpu true --bf16 false --use_vllm false --vllm_enable_sleep_mode false --gradient_checkpointing false "$@"
fi

nodes=@NODES@
if [ "$nodes" -gt 1 ]; then
    : "${MAIN_ADDRESS:?the address of the first node}"
    set -- --machine_rank "${MACHINE_RANK:-${SLURM_NODEID:?MACHINE_RANK, 0 on the first node}}" \
        --main_process_ip "$MAIN_ADDRESS" --main_process_port "${MAIN_PORT:-29500}" train.py --config grpo.yaml "$@"
else
    set -- train.py --config grpo.yaml "$@"
fi
exec "$python" -m accelerate.commands.launch --config_file accelerate.yaml "$@"
