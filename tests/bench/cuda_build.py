"""Does nvcc take the fast path's output of every honest kernel, and what does a build cost?

Every kernel of ``tests/honest`` is built in an empty cache, one at a time, with none of them run. For the ratio, some
of them are also compiled by the commands that ``load_inline`` runs: g++ on torch/extension.h and nvcc on
torch/types.h, not linked. A torch for the CPU has these headers too, without c10's CUDA part, so that kernels which
include that part are left out. Seconds are the processor's, of all compilers together: they hold on a busy machine.
"""

import resource
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from pipeline.errors import UserError
from pipeline.judge.cuda.build import allowed_flags, build
from pipeline.judge.cuda.full import load_inline_commands
from pipeline.judge.cuda.library import builder
from pipeline.judge.simt.build import ExtensionSource
from tests.honest.pairs import Pair, pairs
from tests.judge.cuda.captured import sources_of

COMPARED = 2  # kernels that are also compiled with torch's own headers, a minute or more each
NEEDS_CUDA_HEADERS = ("c10/cuda", "ATen/cuda")


def main(arguments: list[str]) -> dict[str, Any]:
    """Print what was built how; ``arguments``: how many kernels to compare, and to build every n-th only."""
    compared = int(arguments[0]) if arguments else COMPARED
    step = int(arguments[1]) if len(arguments) > 1 else 1
    with tempfile.TemporaryDirectory() as name:
        cache = Path(name)
        try:
            tools = builder(cache)
        except UserError as error:
            raise SystemExit(f"cuda-build: {error}") from None
        fast: dict[str, float] = {}
        full: list[str] = []
        failed: dict[str, str] = {}
        for pair in pairs()[::step]:
            seconds, outcome = _build(pair, cache)
            if outcome == "fast":
                fast[pair.name] = seconds
            elif outcome == "full":
                full.append(pair.name)
            else:
                failed[pair.name] = outcome
            print(f"{pair.name:45} {seconds:6.2f} s  {outcome[:120]}", flush=True)
        ratios = compare(list(fast), compared, cache)
    times = sorted(fast.values())
    return {
        "kernels": len(fast) + len(full) + len(failed),
        "fast": len(fast),
        "full": full,
        "failed": failed,
        "cpu_seconds_median": round(statistics.median(times), 2),
        "cpu_seconds_p90": round(times[int(0.9 * len(times))], 2),
        "load_inline": ratios,
        "nvcc": tools.toolkit.version,
    }


def cpu_seconds() -> float:
    """Return the processor's time of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _build(pair: Pair, cache: Path) -> tuple[float, str]:
    """Return the seconds of all builds of a kernel's module, and "fast", "full" or what went wrong."""
    start, names = cpu_seconds(), []
    try:
        for source in _sources(pair):
            start = cpu_seconds() if not names else start
            names.append(build(source, cache).name)
    except Exception as error:  # noqa: BLE001  (a figure: which kernels can't be built, and why)
        return cpu_seconds() - start, f"{type(error).__name__}: {error}"
    return cpu_seconds() - start, "full" if any(n.endswith(".full.so") for n in names) else "fast"


def _sources(pair: Pair) -> list[ExtensionSource]:
    module: dict[str, Any] = {}
    exec(pair.task.reference, module)
    found = sources_of(pair.code, module["get_init_inputs"]())
    if not found:
        raise ValueError("asks for no build")
    return found


def compare(names: list[str], count: int, cache: Path) -> list[dict[str, Any]]:
    """Return for some kernels, evenly spread, the seconds of both builds one after the other on this machine."""
    by_name = {pair.name: pair for pair in pairs()}
    usable = [n for n in names if not any(h in by_name[n].code for h in NEEDS_CUDA_HEADERS)]
    chosen = usable[:: max(1, len(usable) // count)][:count] if count else []
    found: list[dict[str, Any]] = []
    for name in chosen:
        (source, *_) = _sources(by_name[name])
        fresh = ExtensionSource(source.cpp, f"{source.cuda}\n// timed again", source.functions, source.flags)
        start = cpu_seconds()
        build(fresh, cache)
        ours = cpu_seconds() - start
        row = {"kernel": name, "fast_s": round(ours, 2), **_with_torch_headers(fresh, cache)}
        row["ratio"] = round((row["main_s"] + row["cuda_s"]) / ours, 1)
        print(row, flush=True)
        found.append(row)
    return found


def _with_torch_headers(source: ExtensionSource, cache: Path) -> dict[str, Any]:
    row: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        commands = load_inline_commands(source, Path(name), builder(cache), allowed_flags(source))
        for part, command in zip(("main", "cuda"), commands, strict=True):
            start = cpu_seconds()
            done = subprocess.run(command, cwd=name, capture_output=True, text=True, check=False)
            row[f"{part}_s"] = round(cpu_seconds() - start, 1)
            row[f"{part}_compiles"] = done.returncode == 0
            if done.returncode:
                row[f"{part}_error"] = next((line for line in done.stderr.splitlines() if "error" in line), "")[-200:]
    return row
