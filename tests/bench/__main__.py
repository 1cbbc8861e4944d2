"""Benchmarks: ``python -m tests.bench NAME``, see ``BENCHES``. Figures, never assertions; JSON on the last line."""

import importlib
import json
import os
import platform
import sys

from pipeline.doctor import cpu_name

BENCHES = (
    "curate",
    "cuda",
    "cuda-build",
    "cuda-sandbox",
    "generate",
    "judge",
    "judge-quality",
    "loop",
    "pairs",
    "serve",
    "startup",
)


def main() -> int:
    """Run the named benchmark and print its figures beside the machine's."""
    if len(sys.argv) < 2 or sys.argv[1] not in BENCHES:
        print(f"usage: python -m tests.bench {'|'.join(BENCHES)}", file=sys.stderr)
        return 2
    figures = importlib.import_module(f"tests.bench.{sys.argv[1].replace('-', '_')}").main(sys.argv[2:])
    machine = {"cores": os.cpu_count(), "machine": platform.machine(), "processor": cpu_name()}
    print(json.dumps({"bench": sys.argv[1], **figures, **machine}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
