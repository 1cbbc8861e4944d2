#!/usr/bin/env bash
# The project's checks: style, types, tests. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
source recipes/environment.sh
install_project dev
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/pyright
exec .venv/bin/python -m pytest "$@"
