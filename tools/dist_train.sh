#!/usr/bin/env bash
# Train with N processes on this machine (one per GPU; on a machine without GPU, gloo on the CPU):
#   bash tools/dist_train.sh CONFIG N [options of tools/train.py]
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each.
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: bash tools/dist_train.sh CONFIG N [options of tools/train.py]" >&2; exit 2; }
config=$1 processes=$2
exec python "$(dirname "$0")/launch.py" \
    --nnodes "${NNODES:-1}" --node_rank "${NODE_RANK:-0}" --nproc_per_node "$processes" \
    --master_addr "${MASTER_ADDR:-127.0.0.1}" --master_port "${PORT:-29500}" \
    "$(dirname "$0")/train.py" "$config" --launcher pytorch "${@:3}"
