#!/usr/bin/env bash
# Test with N processes on this machine:
#   bash tools/dist_test.sh CONFIG CHECKPOINT N [options of tools/test.py]
set -euo pipefail
[ $# -ge 3 ] || { echo "usage: bash tools/dist_test.sh CONFIG CHECKPOINT N [options of tools/test.py]" >&2; exit 2; }
config=$1 checkpoint=$2 processes=$3
exec python "$(dirname "$0")/launch.py" \
    --nnodes "${NNODES:-1}" --node_rank "${NODE_RANK:-0}" --nproc_per_node "$processes" \
    --master_addr "${MASTER_ADDR:-127.0.0.1}" --master_port "${PORT:-29500}" \
    "$(dirname "$0")/test.py" "$config" "$checkpoint" --launcher pytorch "${@:4}"
