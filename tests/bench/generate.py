"""Can one client keep a server busy? ``python -m tests.bench generate [COMPLETIONS]`` (default 5000; 50000 for memory).

The real stage (teacher, engine, journal, store; one turn, so no judge) against a server process of 64 slots and 0.5 s
mean latency. Goals: 0.9 of the slots busy, 10 ms of the client's CPU per completion, flat memory.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil

from pipeline.executors.config import LocalConfig
from pipeline.judge.config import JudgeConfig
from pipeline.progress import StageProgress
from pipeline.records import Task
from pipeline.stages import StageContext, generate
from pipeline.store import StageStore
from pipeline.tables import schema_of, to_row

SLOTS, MEAN_SECONDS, SAMPLES = 64, 0.5, 10
RAMP_SECONDS = 3.0  # not counted: connections are made, code is imported


def main(arguments: list[str]) -> dict[str, Any]:
    """Run the stage in this process and watch its CPU time and memory, and the server's slots."""
    completions = int(arguments[0]) if arguments else 5000
    script = Path(__file__).parents[1] / "servers" / "latency.py"
    command = [sys.executable, str(script), str(SLOTS), str(MEAN_SECONDS)]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child,
    ):
        assert child.stdout is not None
        url = child.stdout.readline().strip()
        try:
            out = Path(folder)
            _write_tasks(out, completions // SAMPLES)
            watch = _Watch(url, out / "generate")
            watch.start()
            _generate(out, url)
            watch.ended.set()
            watch.join()
            return watch.figures()
        finally:
            child.terminate()


class _Watch(threading.Thread):
    """Reads CPU, memory and busy slots from the end of the ramp until the last requests have begun."""

    def __init__(self, url: str, stage: Path) -> None:
        super().__init__(daemon=True)
        self.url, self.stage = url.replace("/v1", "/busy"), stage
        self.rows: list[tuple[float, float, int, int]] = []  # time, CPU seconds, resident bytes, completions
        self.busy: list[float] = []
        self.ended = threading.Event()

    def run(self) -> None:
        process = psutil.Process()
        time.sleep(RAMP_SECONDS)
        self._slots()
        while not self.ended.is_set():
            cpu = process.cpu_times()
            self.rows.append((time.monotonic(), cpu.user + cpu.system, process.memory_info().rss, self._count()))
            self.ended.wait(2.0)
            self.busy.append(self._slots() or 0.0)

    def figures(self) -> dict[str, Any]:
        rows, busy = self.rows[:-1], sorted(self.busy[:-2])  # at the end there is not enough left to ask
        (start, cpu, _, done), (end, cpu_end, _, done_end) = rows[0], rows[-1]
        quarter = max(1, len(rows) // 4)
        memory = [sum(r[2] for r in part) / len(part) / 2**20 for part in (rows[:quarter], rows[-quarter:])]
        figures = {
            "completions": done_end,
            "completions_per_second": round((done_end - done) / (end - start), 1),
            "busy_share_mean": round(sum(busy) / len(busy), 3),
            "busy_share_tenth_percentile": round(busy[len(busy) // 10], 3),
            "client_cpu_ms_per_completion": round(1e3 * (cpu_end - cpu) / (done_end - done), 2),
            "resident_mib_first_and_last_quarter": [round(m, 1) for m in memory],
            "resident_bytes_per_completion": round((memory[1] - memory[0]) * 2**20 / ((done_end - done) * 0.75)),
        }
        for name, value in figures.items():
            print(f"{name:>36}: {value}")
        return figures

    def _slots(self) -> float | None:
        with urllib.request.urlopen(self.url) as answer:
            return json.load(answer)["busy"]

    def _count(self) -> int:
        path = self.stage / "requests.jsonl"
        if not path.exists():
            return 0
        size = path.stat().st_size
        with path.open("rb") as file:
            line = len(file.readline())
        return size // line if line else 0  # all lines are of one length, but for a digit or two of the seed


def _write_tasks(out: Path, count: int) -> None:
    reference = "import torch\n\n\nclass Model(torch.nn.Module):\n    pass\n" + "# what it computes\n" * 60
    with StageStore(out / "tasks", schema_of(Task), {}) as store:
        for n in range(count):
            task = Task(name=f"t{n}", reference=f"{reference}# {n}\n", category="c", source="bench")
            store.append(task.id, to_row(task))
        store.seal({})


def _generate(out: Path, url: str) -> None:
    teacher = {"kind": "openai", "base_url": url, "model": "m", "price": {"prompt": 1, "completion": 2}}
    section = {"teacher": teacher, "samples_per_task": SAMPLES, "concurrency": SLOTS}
    recipe: Any = SimpleNamespace(
        seed=1, executor=LocalConfig(), generate=generate.GenerateConfig.model_validate(section), judge=JudgeConfig()
    )
    with StageStore(out / "generate", generate.SCHEMA, {}) as store:
        generate.run(StageContext(recipe, out, store, StageProgress("generate")))
