# Sourced by recipes/quickstart.sh and tests/run.sh: makes .venv in the project's root and installs the project.
#   install_project [EXTRA]     for example: install_project dev
# Does nothing when what it would install is there already. PYTHON names the interpreter (default: python3, 3.11+).

install_project() {
    local extra="${1:+[$1]}" pins installed=".venv/installed${1:+-$1}"
    "${PYTHON:-python3}" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo "error: Python 3.11 or newer is needed (found: $("${PYTHON:-python3}" --version 2>&1)); set PYTHON" >&2
        return 2
    }
    command -v g++ >/dev/null || {
        echo "error: g++ is needed to judge kernels on the CPU (Debian: apt-get install g++)" >&2
        return 2
    }
    [ -x .venv/bin/python ] || "${PYTHON:-python3}" -m venv .venv || {
        echo "error: python3 -m venv failed (Debian: apt-get install python3-venv)" >&2
        return 2
    }
    pins="$(cat pyproject.toml recipes/constraints.txt | cksum)"
    if [ "$(cat "$installed" 2>/dev/null)" != "$pins" ]; then
        echo "installing into .venv (pinned by recipes/constraints.txt) ..."
        .venv/bin/python -m pip install --quiet --no-compile --disable-pip-version-check -c recipes/constraints.txt -e ".$extra" || return 1
        .venv/bin/python -m compileall -qq -j 0 .venv/lib || true # as pip does, on all cores; what no Python can read stays
        echo "$pins" >"$installed"
    fi
}
