#!/usr/bin/env bash
# Judge videos with N processes on this machine:
#   bash tools/dist_detect.sh N VIDEO [VIDEO ...] --config CONFIG --checkpoint CHECKPOINT [options of tools/detect.py]
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: bash tools/dist_detect.sh N VIDEO [VIDEO ...] --config CONFIG --checkpoint CHECKPOINT [options of tools/detect.py]" >&2; exit 2; }
processes=$1
exec python "$(dirname "$0")/launch.py" \
    --nnodes "${NNODES:-1}" --node_rank "${NODE_RANK:-0}" --nproc_per_node "$processes" \
    --master_addr "${MASTER_ADDR:-127.0.0.1}" --master_port "${PORT:-29500}" \
    "$(dirname "$0")/detect.py" "${@:2}" --launcher pytorch
