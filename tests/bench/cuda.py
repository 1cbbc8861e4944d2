"""On a GPU: what a build costs, how many candidates a second are judged, how exact their speedups are.

``python -m tests.bench cuda [correctness] [timing] [build]``: those parts, all by default, each in some minutes. Prints,
and writes ``tests/bench/results/<device>.json`` as it goes; parts that it has from another run stay. Without a GPU: one
line, and exit code 2.
"""

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import as_completed
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.judge.config import JudgeConfig
from pipeline.judge.cuda.backend import GpuBackend
from pipeline.judge.cuda.gpus import why_not
from pipeline.judge.cuda.library import builder
from pipeline.judge.judge import Judge
from pipeline.judge.sandbox import missing
from pipeline.records import Timing, Verdict
from tests.bench.cuda_build import compare
from tests.cheats.cheats import cheats
from tests.cheats.cheats import task as cheats_task
from tests.honest.pairs import pairs

RESULTS = Path(__file__).parent / "results"
SEEDS = "bench-cuda"
TIMED = 10  # every so many honest kernels are timed
TIMING_SECONDS = 450  # after which no other kernel is timed
COMPARED = 2  # kernels that are also compiled with torch's own headers

Note = Callable[[dict[str, Any]], None]


def main(arguments: list[str]) -> dict[str, Any]:
    """Return the figures, after writing them."""
    parts = {"correctness": _correctness, "timing": _timing, "build": _build}
    if unknown := set(arguments) - set(parts):
        print(f"cuda: no part {', '.join(sorted(unknown))}; there are {', '.join(parts)}", file=sys.stderr)
        raise SystemExit(2)
    if lacking := why_not():
        print(f"cuda: {lacking}", file=sys.stderr)
        raise SystemExit(2)
    gpu = GpuBackend.here().gpu
    path = RESULTS / f"{re.sub(r'[^A-Za-z0-9]+', '-', gpu.name).strip('-').lower()}.json"
    figures: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def note(more: dict[str, Any]) -> None:
        figures.update(more)
        RESULTS.mkdir(exist_ok=True)
        path.write_text(json.dumps(figures, indent=2) + "\n")

    with tempfile.TemporaryDirectory() as name:
        cache = Path(name)
        machine = {"device": gpu.name, "memory_mib": gpu.memory_mib, "driver": gpu.driver, "torch": version("torch")}
        note({**machine, "nvcc": builder(cache).toolkit.version, "commit": _commit()})
        for part in arguments or parts:
            parts[part](cache, note)
    print(f"written to {path}")
    return figures


def _correctness(cache: Path, note: Note) -> None:
    """Judge all honest kernels and cheats without timing, cold and with builds cached."""
    honest = [(pair.name, pair.task, pair.code) for pair in pairs()]
    cheating = [(c.name, cheats_task(c.task), c.code) for c in cheats() if not c.strict.startswith("task ")]
    with Judge(_config(cache, timing="none")) as judge:
        judge.submit(honest[0][1], honest[0][2], "warm-up").result()
        cold, verdicts = _judged(judge, honest, accepted=True)
        sandbox = next((v.sandbox for v in verdicts.values()), None)
        turned_away = {n: f"{v.status}, {v.reason}: {v.detail}" for n, v in verdicts.items() if not v.accepted}
        print(
            f"honest, turned away, of {len(verdicts)} in {cold:.0f} s:", json.dumps(turned_away, indent=2), flush=True
        )
        note({"workers": judge.workers, "sandbox": sandbox, "honest": len(honest), "honest_turned_away": turned_away})
        note({"candidates_per_second_cold": round(len(honest) / cold, 2)})
        seconds, rejected = _judged(judge, cheating, accepted=False)
        let_in = [name for name, verdict in rejected.items() if verdict.accepted]
        print(f"cheats, let in, of {len(rejected)} in {seconds:.0f} s:", let_in, flush=True)
        reasons = Counter(f"{v.status}, {v.reason}" for v in rejected.values())
        note({"cheats": len(cheating), "cheats_let_in": let_in, "cheats_reasons": reasons})
        cached, _ = _judged(
            judge, honest, accepted=True
        )  # last: what has the machine for ten minutes may not get to it
        note({"candidates_per_second_cached": round(len(honest) / cached, 2)})


def _timing(cache: Path, note: Note) -> None:
    """Time some honest kernels, each twice in runs of their own: how wide are intervals, how far apart the runs?"""
    rows: dict[str, Any] = {}
    seconds: list[float] = []
    until = time.monotonic() + TIMING_SECONDS
    with ExitStack() as stack:
        configs = [_config(cache, seeds=f"{SEEDS}-{run}", workers=1) for run in range(2)]
        judges = [stack.enter_context(Judge(config)) for config in configs]
        for pair in pairs()[::TIMED]:
            if time.monotonic() > until:
                print("no time for", pair.name, "and those after it")
                break
            start = time.monotonic()
            runs = [judge.submit(pair.task, pair.code, pair.name).result() for judge in judges]
            seconds.append((time.monotonic() - start) / 2)
            rows[pair.name] = _row(pair.name, *runs)
            timed = [row for row in rows.values() if "interval_width" in row]
            medians = {
                f"{name}_median": statistics.median(row[name] for row in timed) if timed else None
                for name in ("interval_width", "runs_apart")
            }
            note({"timed": rows, "seconds_a_timed_candidate": round(statistics.median(seconds), 1), **medians})


def _row(name: str, first: Verdict, second: Verdict) -> dict[str, Any]:
    one, other = first.timing, second.timing
    if one is None or other is None:
        told = [check.detail for check in (*first.checks, *second.checks) if check.name == "timing"]
        print(name, "not timed:", first.status, first.reason, second.status, second.reason, told, flush=True)
        return {"not_timed": f"{first.status}, {first.reason}, {told}"}
    width = (one.speedup_high - one.speedup_low) / one.speedup
    apart = abs(one.speedup - other.speedup) / min(one.speedup, other.speedup)
    print(
        f"{name:40} {_figures(one)}  +-{50 * width:4.1f} %  runs {100 * apart:4.1f} % apart  {one.flags}", flush=True
    )
    told = [check.detail for check in first.checks if check.name == "timing" and check.detail]
    return {**one.model_dump(mode="json"), "told": told, "interval_width": width, "runs_apart": apart}


def _figures(timing: Timing) -> str:
    times = timing.candidate_ms, timing.eager_ms, timing.compile_ms, timing.graph_ms, timing.roofline_ms
    shown = " ".join("-" if ms is None else f"{ms:.4f}" for ms in times)
    return f"{timing.speedup:6.2f}  ms: {shown}  own {timing.own_kernel_share}"


def _build(cache: Path, note: Note) -> None:
    note({"build": compare([pair.name for pair in pairs()], COMPARED, cache)})


def _judged(judge: Judge, work: list[tuple[str, Any, str]], *, accepted: bool) -> tuple[float, dict[str, Verdict]]:
    """Return the seconds for all together, and the verdicts by name: faults have none.

    Faults, and verdicts that should be other ones, are printed as they come.
    """
    start = time.perf_counter()
    futures = {judge.submit(task, code, name): name for name, task, code in work}
    verdicts: dict[str, Verdict] = {}
    for number, future in enumerate(as_completed(futures), 1):
        name, seconds = futures[future], time.perf_counter() - start
        told = f"{number:4} of {len(futures)}, {seconds:4.0f} s  {name}"
        if error := future.exception():
            print(told, "not judged:", type(error).__name__, error, flush=True)
            continue
        verdict = verdicts[name] = future.result()
        if verdict.accepted != accepted:
            print(told, f"{verdict.status}, {verdict.reason}: {(verdict.detail or '')[:300]}", flush=True)
        elif number % 20 == 0:
            print(told, flush=True)
    return time.perf_counter() - start, verdicts


def _config(cache: Path, **more: Any) -> JudgeConfig:
    """Where nothing can be confined, our own files run all the same; the figures say so."""
    sandbox = "auto" if missing() is None else "none"
    return JudgeConfig(**{"backend": "cuda", "cache": cache, "seeds": SEEDS, "sandbox": sandbox, **more})


def _commit() -> str | None:
    if shutil.which("git") is None:
        return None
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None
