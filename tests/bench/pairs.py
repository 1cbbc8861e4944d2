"""``judge --pairs`` at length: ``python -m tests.bench pairs [PAIRS]`` (default 1000; 10000 takes half an hour).

The real command, a worker a core; killed with SIGKILL when half of the pairs are judged, and run again. Watched from
outside: the memory of the command and of all its processes, in the second run's first and last quarter. The pairs are
tasks and answers of the quickstart's kinds, at most ``BUILDS`` different kernels; a comment makes each module another.
"""

import json
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from tests.bench.judge import candidates

BUILDS = 400
LOOK_SECONDS = 2.0


def main(arguments: list[str]) -> dict[str, Any]:
    """Return rates, memory in MiB, and what is wrong with the verdicts: missing, double, not as the same kernel's."""
    count = int(arguments[0]) if arguments else 1000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kernels = _write(folder / "pairs.jsonl", count)
        first = _Run(folder)
        first.watch(until=count // 2)
        first.kill()
        left = _number(folder)
        second = _Run(folder)
        second.watch(until=count)
        assert second.process.wait() == 0
        verdicts = _verdicts(folder)
    by_kernel: dict[int, set[tuple[str, str | None]]] = {}
    for verdict in verdicts:
        by_kernel.setdefault(int(verdict["id"]) % kernels, set()).add((verdict["status"], verdict["reason"]))
    return {
        "pairs": count,
        "kernels": kernels,
        "judged_before_the_kill": left,
        "missing": count - len({v["id"] for v in verdicts}),
        "double": len(verdicts) - len({v["id"] for v in verdicts}),
        "accepted": sum(v["accepted"] for v in verdicts),
        "kernels_with_several_statuses": sum(len({status for status, _ in v}) > 1 for v in by_kernel.values()),
        "kernels_with_several_reasons": sum(len(v) > 1 for v in by_kernel.values()),
        "pairs_per_second": round((count - left) / second.seconds, 2),
        **second.memory(),
    }


class _Run:
    """One run of the command."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        judge = [sys.executable, "-m", "pipeline.stage", "judge", "--pairs", "pairs.jsonl", "--out", "verdicts.jsonl"]
        environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
        with (folder / "log.txt").open("a") as log:
            self.process = psutil.Popen([*judge, "--backend", "simt"], cwd=folder, env=environment, stderr=log)
        self.rows: list[tuple[int, int]] = []  # resident bytes of the command, and of it and all its processes
        self.seconds = 0.0

    def watch(self, until: int) -> None:
        """Note its memory until it has written so many verdicts, or has ended."""
        began = time.monotonic()
        while self.process.poll() is None and _number(self._folder) < until:
            with suppress(psutil.Error):
                own, all_ = self.process.memory_info().rss, _unshared(self.process)
                self.rows.append((own, all_))
            time.sleep(LOOK_SECONDS)
        self.seconds = time.monotonic() - began

    def kill(self) -> None:
        """End it as a crash does, and wait until its processes are gone as well."""
        children = self.process.children(recursive=True)
        self.process.kill()
        self.process.wait()
        assert not psutil.wait_procs(children, timeout=60)[1]

    def memory(self) -> dict[str, list[float]]:
        """Return the mean resident MiB in the first and the last quarter of the time."""
        quarter = max(1, len(self.rows) // 4)
        parts = self.rows[1 : quarter + 1], self.rows[-quarter:]
        names = "command_mib_first_and_last_quarter", "all_processes_mib_first_and_last_quarter"
        return {
            name: [round(sum(row[i] for row in part) / len(part) / 2**20, 1) for part in parts]
            for i, name in enumerate(names)
        }


def _unshared(process: psutil.Process) -> int:
    """Return the bytes of a process and all below it, each shared page counted in parts."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.Error):
            total += one.memory_full_info().pss
    return total


def _write(path: Path, count: int) -> int:
    """Write so many pairs; return of how many kernels."""
    kernels = candidates(min(count, BUILDS))
    with path.open("w") as file:
        for number in range(count):
            task, code = kernels[number % len(kernels)]
            row = {"id": str(number), "task": task.reference, "candidate": f"{code}\n# {number}\n"}
            file.write(json.dumps(row) + "\n")
    return len(kernels)


def _number(folder: Path) -> int:
    path = folder / "verdicts.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _verdicts(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "verdicts.jsonl").read_text().splitlines()]
