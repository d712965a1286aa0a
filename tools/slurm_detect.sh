#!/usr/bin/env bash
# Judge videos on a Slurm cluster:
#   [GPUS=8 GPUS_PER_NODE=8 CPUS_PER_TASK=16 SRUN_ARGS=...] bash tools/slurm_detect.sh PARTITION JOB_NAME VIDEO [VIDEO ...] --config CONFIG --checkpoint CHECKPOINT [options of tools/detect.py]
set -euo pipefail
[ $# -ge 3 ] || { echo "usage: bash tools/slurm_detect.sh PARTITION JOB_NAME VIDEO [VIDEO ...] --config CONFIG --checkpoint CHECKPOINT [options of tools/detect.py]" >&2; exit 2; }
gpus=${GPUS:-8} per_node=${GPUS_PER_NODE:-8}
exec srun -p "$1" --job-name="$2" --gres=gpu:"$per_node" --ntasks="$gpus" --ntasks-per-node="$per_node" \
    --cpus-per-task="${CPUS_PER_TASK:-16}" --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
    python -u "$(dirname "$0")/detect.py" "${@:3}" --launcher slurm
