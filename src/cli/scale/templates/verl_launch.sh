#!/bin/sh
# Trains. Arguments are settings of countdown.yaml: ./launch.sh actor_rollout_ref.actor.optim.lr=2e-6
#   ./launch.sh worker FIRST:6379    on every node but the first: joins its Ray
#   ./launch.sh head                 on the first of several nodes
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3}
here=$(pwd)
nodes=@NODES@

case "${1:-}" in
worker)
    exec ray start --address "${2:?the address of the first node, such as node0:6379}" --block
    ;;
head)
    shift
    ray start --head --port 6379
    until "$python" -c "import ray, sys; ray.init(address='auto', log_to_driver=False); sys.exit(len(ray.nodes()) < $nodes)"; do
        echo "waiting for $nodes nodes"
        sleep 5
    done
    ;;
*)
    if [ "$nodes" -gt 1 ]; then
        echo "This project is for $nodes nodes: ./launch.sh head on the first, ./launch.sh worker FIRST:6379 on the others." >&2
        exit 2
    fi
    ;;
esac

export VERL_FILE_LOGGER_PATH="$here/metrics.jsonl"
exec "$python" -m verl.trainer.main_ppo --config-path "$here" --config-name countdown \
    "data.train_files='$here/data/train.parquet'" \
    "data.val_files='$here/data/heldout.parquet'" \
    "reward.custom_reward_function.path='$here/reward.py'" \
    "trainer.default_local_dir='$here/checkpoints'" \
    "trainer.rollout_data_dir='$here/rollouts'" \
    "trainer.validation_data_dir='$here/validations'" \
    "$@"
