"""On a GPU: what a build costs, how many candidates a second are judged, how exact their speedups are.

Prints, and writes ``tests/bench/results/<device>.json``. Without a GPU: one line, and exit code 2.
"""

import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.judge.config import JudgeConfig
from pipeline.judge.cuda.backend import GpuBackend
from pipeline.judge.cuda.gpus import why_not
from pipeline.judge.cuda.library import builder
from pipeline.judge.judge import Judge
from pipeline.records import Verdict
from tests.bench.cuda_build import compare
from tests.cheats.cheats import cheats
from tests.cheats.cheats import task as cheats_task
from tests.honest.pairs import pairs

RESULTS = Path(__file__).parent / "results"
SEEDS = "bench-cuda"
TIMED = 10  # every so many honest kernels are timed
COMPARED = 3  # kernels that are also compiled with torch's own headers


def main(_arguments: list[str]) -> dict[str, Any]:
    """Return the figures, after writing them."""
    if lacking := why_not():
        print(f"cuda: {lacking}", file=sys.stderr)
        raise SystemExit(2)
    backend = GpuBackend.here()
    with tempfile.TemporaryDirectory() as name:
        cache = Path(name)
        tools = builder(cache)
        figures: dict[str, Any] = {
            "device": backend.gpu.name,
            "memory_mib": backend.gpu.memory_mib,
            "driver": backend.gpu.driver,
            "nvcc": tools.toolkit.version,
            "torch": version("torch"),
            "commit": _commit(),
            **_correctness(cache),
            **_timing(cache),
            "build": compare([pair.name for pair in pairs()], COMPARED, cache),
        }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{re.sub(r'[^A-Za-z0-9]+', '-', backend.gpu.name).strip('-').lower()}.json"
    path.write_text(json.dumps(figures, indent=2) + "\n")
    print(f"written to {path}")
    return figures


def _correctness(cache: Path) -> dict[str, Any]:
    """Judge all honest kernels and cheats without timing, cold and with builds cached."""
    honest = [(pair.name, pair.task, pair.code) for pair in pairs()]
    cheating = [(c.name, cheats_task(c.task), c.code) for c in cheats() if not c.strict.startswith("task ")]
    with Judge(JudgeConfig(backend="cuda", cache=cache, seeds=SEEDS, timing="none")) as judge:
        judge.submit(honest[0][1], honest[0][2], "warm-up").result()
        cold, verdicts = _judged(judge, honest)
        cached, _ = _judged(judge, honest)
        _, rejected = _judged(judge, cheating)
    turned_away = {name: f"{v.status}, {v.reason}: {v.detail}" for name, v in verdicts.items() if not v.accepted}
    let_in = [name for name, verdict in rejected.items() if verdict.accepted]
    print("honest, turned away:", json.dumps(turned_away, indent=2))
    print("cheats, let in:", let_in)
    return {
        "workers": judge.workers,
        "sandbox": next(iter(verdicts.values())).sandbox,
        "honest": len(honest),
        "honest_turned_away": turned_away,
        "cheats": len(cheating),
        "cheats_let_in": let_in,
        "cheats_reasons": Counter(f"{v.status}, {v.reason}" for v in rejected.values()),
        "candidates_per_second_cold": round(len(honest) / cold, 2),
        "candidates_per_second_cached": round(len(honest) / cached, 2),
    }


def _timing(cache: Path) -> dict[str, Any]:
    """Time some honest kernels, each twice in runs of their own: how wide are intervals, how far apart the runs?"""
    chosen = [(pair.name, pair.task, pair.code) for pair in pairs()[::TIMED]]
    runs: list[dict[str, Verdict]] = []
    seconds: list[float] = []
    for run in range(2):
        with Judge(JudgeConfig(backend="cuda", cache=cache, seeds=f"{SEEDS}-{run}", workers=1)) as judge:
            spent, verdicts = _judged(judge, chosen)
            seconds.append(spent / len(chosen))
            runs.append(verdicts)
    rows: dict[str, Any] = {}
    for name, first in runs[0].items():
        one, other = first.timing, runs[1][name].timing
        if one is None or other is None:
            told = [check.detail for check in first.checks if check.name == "timing"]
            rows[name] = {"not_timed": f"{first.status}, {first.reason}, {told}"}
            continue
        width = (one.speedup_high - one.speedup_low) / one.speedup
        apart = abs(one.speedup - other.speedup) / min(one.speedup, other.speedup)
        rows[name] = {**one.model_dump(mode="json"), "interval_width": width, "runs_apart": apart}
        print(f"{name:40} {one.speedup:6.2f}  +-{50 * width:4.1f} %  runs {100 * apart:4.1f} % apart  {one.flags}")
    timed = [row for row in rows.values() if "interval_width" in row]
    return {
        "timed": rows,
        "seconds_a_timed_candidate": [round(s, 1) for s in seconds],
        "interval_width_median": statistics.median(row["interval_width"] for row in timed) if timed else None,
        "runs_apart_median": statistics.median(row["runs_apart"] for row in timed) if timed else None,
    }


def _judged(judge: Judge, work: list[tuple[str, Any, str]]) -> tuple[float, dict[str, Verdict]]:
    """Return the seconds for all together, and the verdicts by name."""
    start = time.perf_counter()
    futures = {name: judge.submit(task, code, name) for name, task, code in work}
    verdicts = {name: future.result() for name, future in futures.items()}
    return time.perf_counter() - start, verdicts


def _commit() -> str | None:
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None
