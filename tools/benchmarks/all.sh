#!/usr/bin/env bash
# All CPU benchmarks one after another: model, loader, preparation, detection. Each prints the machine and
# ratios of paired, alternated runs; less is faster. Under ten minutes on two idle cores; close what else runs.
#
#   bash tools/benchmarks/all.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tools/setup_env.sh
status=0
for name in model loader prepare detect; do
    script=tools/benchmarks/$name.py
    [ -f "$script" ] || continue
    echo
    echo "== $script"
    python "$script" || { status=$?; echo "error: $script ended with status $status" >&2; }
done
exit "$status"
