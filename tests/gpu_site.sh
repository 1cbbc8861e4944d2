#!/usr/bin/env bash
# What the GPU tests and benchmarks need beside torch and pytest, in a folder of some 20 MB: for a machine with a GPU
# that can't install anything. There, with this folder carried along:
#   PYTHONPATH=.gpu_site python3 -m tests.bench cuda-sandbox
#   PYTHONPATH=.gpu_site python3 -m pytest -m gpu tests/judge/cuda
#   PYTHONPATH=.gpu_site python3 -m tests.bench cuda
# Argument: the version of Python there.
set -euo pipefail
cd "$(dirname "$0")/.."
version=${1:-3.12}
platforms=()
for tag in manylinux_2_28 manylinux_2_27 manylinux_2_17 manylinux2014 manylinux1; do
    platforms+=(--platform "${tag}_x86_64")
done
rm -rf .gpu_site
"${PYTHON:-python3}" -m pip install --quiet --no-compile --only-binary=:all: --python-version "$version" --implementation cp \
    "${platforms[@]}" --target .gpu_site pydantic tree-sitter tree-sitter-cuda
du -sh .gpu_site
