#!/usr/bin/env bash
# The test suite in two stacks, each in a throw-away environment:
#   classic   Python 3.10, torch 2.1, numpy 1.26, OpenCV 4 (tools/requirements/classic.txt)
#   current   Python 3.11, the releases of today (tools/requirements/base.txt)
# Both are tried and a table says how they ended; the status is 0 if all passed. The classic torch is
# a download of about 2 GB, so this is no part of .ci/run.
#
#   bash tools/test_matrix.sh [--dir DIR] [classic|current] [arguments of pytest]
#
# --dir DIR keeps the environments in DIR for the next time; otherwise they are removed at the end.
# PYTHON310=... and PYTHON311=... choose the interpreters.
set -uo pipefail
case "${1:-}" in
    -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit ;;
esac
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() { echo "error: $1" >&2; exit 2; }

folder=''
if [ "${1:-}" = --dir ]; then
    [ -n "${2:-}" ] || fail '--dir needs a folder'
    mkdir -p "$2" || fail "$2 cannot be made; choose another folder"
    folder=$(cd "$2" && pwd)
    shift 2
fi
case "${1:-}" in
    classic | current) stacks=("$1"); shift ;;
    '' | -* | tests | tests/*) stacks=(classic current) ;;
    *) fail "'$1' is no stack; choose classic or current" ;;
esac
if [ -z "$folder" ]; then
    folder=$(mktemp -d) || fail 'no folder for the environments; choose one with --dir'
    trap 'rm -rf "$folder"' EXIT
fi
trap 'exit 130' INT
trap 'exit 143' TERM

# Makes or completes the environment $1 with the Python $2 and the requirements $3.
make_environment() {
    local environment=$1 python=$2 requirements=$3
    "$python" -m venv "$environment" || return
    local pip=("$environment/bin/python" -m pip --disable-pip-version-check install --quiet)
    "${pip[@]}" -r "tools/requirements/$requirements" -r tools/requirements/test.txt &&
        "${pip[@]}" --no-deps -r tools/requirements/host.txt &&
        # an editable install writes into the checkout: it gets a copy of its own
        rm -rf "$environment/checkout" && mkdir "$environment/checkout" &&
        tar -c --exclude=./.venv --exclude=./data --exclude=./work_dirs --exclude=./.git . |
        tar -x -C "$environment/checkout" &&
        "${pip[@]}" --no-deps --no-build-isolation -e "$environment/checkout" &&
        ln -sfn "$environment/checkout/mmfake" "$(site_of "$environment")/mmfake"
}

site_of() { "$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; }

describe() {
    "$1/bin/python" -c '
import platform, cv2, numpy, torch
print(f"{platform.python_version():8} {torch.__version__:14} {numpy.__version__:8} {cv2.__version__:8}")'
}

status=0
rows=()
for stack in "${stacks[@]}"; do
    case $stack in
        classic) python=${PYTHON310:-python3.10} requirements=classic.txt ;;
        current) python=${PYTHON311:-python3.11} requirements=base.txt ;;
    esac
    environment=$folder/$stack
    echo "== $stack: making an environment with $python ..."
    what='-' seconds='-'
    if ! "$python" -c 'import sys' 2>/dev/null; then
        result="no $python"
    elif ! make_environment "$environment" "$python" "$requirements"; then
        result='not installed'
    else
        what=$(describe "$environment")
        echo "== $stack: Python, torch, numpy, OpenCV $what"
        begun=$SECONDS
        (cd "$environment/checkout" && PATH="$environment/bin:$PATH" \
            OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} python -m pytest "$@")
        code=$?
        case $code in
            0) result=passed ;;
            5) result='no test chosen' ;;
            *) result="failed ($code)" ;;
        esac
        seconds=$((SECONDS - begun))
    fi
    [ "$result" = passed ] || status=1
    rows+=("$(printf '%-8s %-42s %6s  %s' "$stack" "$what" "$seconds" "$result")")
done
printf '\n%-8s %-8s %-14s %-8s %-9s %6s  %s\n' stack Python torch numpy OpenCV s result
printf '%s\n' "${rows[@]}"
exit $status
