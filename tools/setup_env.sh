#!/usr/bin/env bash
# Makes .venv with everything pinned in tools/requirements and mmfake itself (editable).
# Sourced by demo.sh and test.sh; does nothing when .venv already matches. PYTHON=... chooses the
# interpreter of a new .venv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

wanted=$(cat tools/requirements/*.txt setup.py mmfake/version.py tools/setup_env.sh | cksum)
if [ "$(cat .venv/mmfake-installed 2>/dev/null)" != "$wanted" ]; then
    python=${PYTHON:-python3}
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null ||
        { echo "error: mmfake needs Python >= 3.8; set PYTHON to one, e.g. PYTHON=python3.11" >&2; exit 2; }
    echo "Setting up .venv (once; downloads PyTorch) ..."
    [ -x .venv/bin/python ] || "$python" -m venv .venv ||
        { echo "error: '$python -m venv' failed; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 2; }
    rm -f .venv/mmfake-installed
    pip=(.venv/bin/python -m pip --disable-pip-version-check install --quiet)
    "${pip[@]}" -r tools/requirements/base.txt -r tools/requirements/test.txt
    "${pip[@]}" --no-deps -r tools/requirements/host.txt
    "${pip[@]}" --no-deps --no-build-isolation -e .
    # mim looks for site-packages/mmfake, which an editable install of today does not have
    site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    ln -sfn ../../../../mmfake "$site/mmfake"
    echo "$wanted" > .venv/mmfake-installed
fi
PATH="$PWD/.venv/bin:$PATH"
