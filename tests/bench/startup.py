"""Seconds from the shell to the first answer of the command line."""

import statistics
import subprocess
import sys
import time
from typing import Any


def main(_arguments: list[str]) -> dict[str, Any]:
    """Time --help and an empty interpreter, alternately."""
    commands = {"help": ["-m", "pipeline.stage", "--help"], "empty_interpreter": ["-c", "pass"]}
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(15):
        for name, arguments in commands.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
            seconds[name].append(time.perf_counter() - start)
    medians = {f"{name}_seconds": round(statistics.median(values), 3) for name, values in seconds.items()}
    print(
        f"--help: {medians['help_seconds']} s (goal: 0.3); python -c pass: {medians['empty_interpreter_seconds']} s"
    )
    return medians
