#!/usr/bin/env bash
# The project's checks: style, types, tests. Arguments go to pytest. TEST_PROCESSES (default: 2) share the test files.
set -euo pipefail
cd "$(dirname "$0")/.."
source recipes/environment.sh
install_project dev
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/pyright
exec .venv/bin/python -m pytest --numprocesses "${TEST_PROCESSES:-2}" --dist loadfile --no-loadscope-reorder "$@"
