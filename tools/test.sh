#!/usr/bin/env bash
# Lint and test suite in .venv, which is made if absent. Arguments go to pytest: bash tools/test.sh -k s3d
set -euo pipefail
source "$(dirname "$0")/setup_env.sh"
ruff check .
ruff format --check .
# The default tier; the other one: bash tools/test.sh -m nightly
# Two test files at a time, one thread per process: the suite starts processes of its own, and
# 2 x 2 threads on 2 cores crawl.
OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} python -m pytest -n 2 --dist loadfile "$@"
