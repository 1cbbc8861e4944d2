"""curate on made-up rows of 2,000 to 8,000 tokens: cost a row, peak memory, and near duplicates against datatrove.

    python -m tests.bench curate [ROWS ...]        (default: 2500 10000)
    python -m tests.bench curate 10000 100000 1000000

Each number of rows is curated by the real stage, in processes of its own on two cores, with every filter that looks
into texts; making the tables is not timed, and what is written is deleted. A row takes some 15 KB on the disk and as
much again while the stage runs, so a million rows need 50 GB for a while, under BENCH_DIR or the system's folder for
temporary files. Memory is the largest sum of the processes' shares (PSS), looked up every second. datatrove
(``pip install datatrove spacy 'xxhash<4'``, with PYTHONPATH set to where they are, if elsewhere) hashes the kernels of the same
rows, as many as are curated but at most ``COMPARED``, in one process; ours too. The figures so far are kept in
tests/bench/results/ after every number of rows.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pipeline.curation import minhash, near_duplicates
from pipeline.curation.features import Texts
from pipeline.stages import StageContext, curate
from pipeline.store import StageStore, write_json
from tests.bench.curate_rows import kernels, write_run
from tests.synthetic_run import CONSOLE, recipe

RESULTS = Path(__file__).parent / "results"
COMPARED = 20_000  # kernels at most in the comparison with datatrove
FILTERS = [
    {"kind": "correct"},
    {"kind": "reasoned"},
    {"kind": "duplicates", "across_tasks": "renamed"},
    {"kind": "near_duplicates"},
    {"kind": "same_task"},
    {"kind": "too_long", "max_tokens": 10_000},
    {"kind": "looping"},
    {"kind": "language"},
    {"kind": "leaks"},
    {"kind": "personal_data"},
    {"kind": "honest"},
    {"kind": "select", "arm": "concur", "when_unmeasured": "shortest"},
    {"kind": "balance"},
]


def main(arguments: list[str]) -> dict[str, Any]:
    """Print the cost for each number of rows, and the comparison."""
    sizes = sorted(map(int, arguments)) or [2500, 10_000]
    figures: dict[str, Any] = {"sizes": {}}
    for n in sizes:
        one = _of_size(n)
        figures["sizes"][n] = one
        print(
            f"{n:8d} rows of {one['characters'] / 1000:.1f} K characters: {one['seconds']:7.1f} s, "
            f"{one['cpu_ms_a_row']:.2f} ms of CPU a row, {one['peak_gb']:.2f} GB, {one['kept']} kept "
            f"(tables made in {one['made_in_seconds']:.0f} s)",
            flush=True,
        )
        _keep(figures, sizes)
    least, most = figures["sizes"][sizes[0]], figures["sizes"][sizes[-1]]
    figures["growth"] = round(most["cpu_ms_a_row"] / least["cpu_ms_a_row"], 2)
    print(f"cost a row, {sizes[-1]} against {sizes[0]} rows: {figures['growth']:.2f} times (goal: 1)", flush=True)
    figures |= _near_duplicates(min(COMPARED, sizes[-1]))
    _keep(figures, sizes)
    return figures


def _keep(figures: dict[str, Any], sizes: list[int]) -> None:
    RESULTS.mkdir(exist_ok=True)
    write_json(RESULTS / f"curate-{sizes[-1]}.json", figures)


def _of_size(n: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        started = time.perf_counter()
        characters = write_run(Path(folder), n)
        made = time.perf_counter() - started
        command = [sys.executable, "-m", "tests.bench.curate", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            peak = 0
            while process.poll() is None:
                peak = max(peak, _memory(process.pid))
                time.sleep(1)
            said = process.stdout.read() if process.stdout else ""
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
    one = json.loads(said.splitlines()[-1])
    return {
        **one,
        "cpu_ms_a_row": round(1000 * one["cpu_seconds"] / n, 3),
        "peak_gb": round(peak / 1e9, 2),
        "characters": round(characters / n),
        "made_in_seconds": round(made, 1),
    }


def _memory(root: int) -> int:
    """Return the bytes of a process and all below it, memory that several share counted once (PSS)."""
    below: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
        below.setdefault(parent, []).append(int(path.parent.name))
    total, waiting = 0, [root]
    while waiting:
        process = waiting.pop()
        waiting += below.get(process, [])
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def _curate(out: Path) -> None:
    """Run the stage on two cores and print its cost, in seconds."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    config = curate.CurateConfig.model_validate({"filters": FILTERS})
    started = time.perf_counter()
    with StageStore(out / "curate", curate.SCHEMA, {}, curate.FURTHER) as store:
        stats = curate.run(StageContext(recipe(curate=config), out, store, CONSOLE))
        store.seal(stats)
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(use.ru_utime + use.ru_stime for use in uses)
    figures = {"seconds": round(time.perf_counter() - started, 1), "cpu_seconds": round(cpu, 2)}
    print(json.dumps({**figures, "kept": stats["funnel"]["kept"]}))


def _near_duplicates(n: int) -> dict[str, Any]:
    """Search n kernels with our filter and with datatrove's steps, one after the other in this process, in seconds of CPU."""
    codes = list(kernels(n))
    started = time.process_time()
    config = near_duplicates.Config()
    signatures = [near_duplicates.examine(Texts("", "", code), config) or b"" for code in codes]
    groups = minhash.groups(len(codes), minhash.near_pairs(signatures, config.threshold))
    ours = time.process_time() - started
    repeated = sum(group != i for i, group in enumerate(groups))
    print(f"near duplicates among {n} kernels: {ours:.2f} s of CPU, {repeated} found", flush=True)
    figures = {"kernels": n, "near_duplicates_seconds": round(ours, 2), "near_duplicates": repeated}
    try:
        theirs, removed = _by_datatrove(codes)
    except ImportError as error:
        print(f"datatrove is not installed here, so nothing to compare with ({error})")
        return {**figures, "datatrove_seconds": None}
    print(f"datatrove: {theirs:.2f} s, {removed} found; ours takes {ours / theirs:.2f} of it (goal: at most 1)")
    return {**figures, "datatrove_seconds": round(theirs, 2), "datatrove": removed}


def _by_datatrove(codes: list[str]) -> tuple[float, int]:
    """Return the seconds of CPU of datatrove's signatures, buckets and clusters, and how many documents it would remove."""
    from datatrove.data import Document  # type: ignore[import-not-found]
    from datatrove.pipeline.dedup.minhash import (  # type: ignore[import-not-found]
        MinhashConfig,
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupSignature,
    )
    from datatrove.utils.text import TextNormConfig  # type: ignore[import-not-found]
    from loguru import logger  # type: ignore[import-not-found]

    logger.remove()
    config = MinhashConfig(
        num_buckets=minhash.BANDS,
        hashes_per_bucket=minhash.PLACES // minhash.BANDS,
        norm_config=TextNormConfig(norm_numbers=False),  # else all tables of numbers are the same
    )
    with tempfile.TemporaryDirectory() as folder:
        names = [f"{folder}/{name}" for name in ("signatures", "buckets", "removed")]
        sign = MinhashDedupSignature(names[0], config)
        sign.word_tokenizer.word_tokenize("loads the tokenizer, which is not timed")
        started = time.process_time()
        sign.run(Document(text=code, id=str(i)) for i, code in enumerate(codes))
        for bucket in range(config.num_buckets):
            MinhashDedupBuckets(names[0], names[1], config=config).run(None, bucket, config.num_buckets)
        MinhashDedupCluster(names[1], names[2], config=config).run(None, 0, 1)
        seconds = time.process_time() - started
        removed = sum(path.stat().st_size for path in Path(names[2]).rglob("*.remove")) // 4
    return seconds, removed


if __name__ == "__main__":
    _curate(Path(sys.argv[1]))
