#!/usr/bin/env bash
# From nothing to an evaluated model, on a machine without a GPU and without a key. Needs Python 3.11+ and g++.
set -euo pipefail
cd "$(dirname "$0")/.."
source recipes/environment.sh
install_project
exec .venv/bin/python -m pipeline.stage run recipes/quickstart.yaml "$@"
