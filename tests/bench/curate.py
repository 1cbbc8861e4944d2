"""curate on generated rows of 2,000 to 8,000 tokens: rows a second, peak memory, and near duplicates against datatrove.

    python -m tests.bench curate [ROWS ...]        (default: 2500 10000; the largest number is what is reported)

Each number of rows is curated by the real stage in a process of its own, on two cores, with every filter that looks
into texts; generating the tables is not timed, and what is written is deleted. A row takes some 25 KB of text and as
much again while the stage runs, so a million rows need 60 GB of disk for a while. datatrove (``pip install datatrove
spacy``, with PYTHONPATH set to where they are, if elsewhere) hashes the same kernels in one process; ours too.
"""

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.agent.prompting import translate
from pipeline.curation import minhash, near_duplicates
from pipeline.curation.features import Texts
from pipeline.records import Candidate, Check, Message, Task, Verdict
from pipeline.stages import StageContext, curate
from pipeline.store import StageStore, write_json
from pipeline.tables import schema_of, to_row
from tests.honest.pairs import pairs
from tests.synthetic_run import CONSOLE, recipe

SAMPLES_PER_TASK = 5
SENTENCES = 20_000
NEAR_COPIES = 0.1  # of the tasks have kernels that nearly repeat another task's
NUMBERS = 400  # of a kernel's table: so many that kernels with other tables are no near duplicates
COMPARED = 2000  # kernels in the comparison with datatrove
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
    figures = {}
    for n in sizes:
        with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
            characters = _write_run(Path(folder), n)
            command = [sys.executable, "-m", "tests.bench.curate", folder]
            figures[n] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        one = figures[n]
        print(
            f"{n:8d} rows of {characters / n / 1000:.1f} K characters: {one['seconds']:7.1f} s, "
            f"{1000 * one['cpu_seconds'] / n:.2f} ms of CPU a row, {one['peak_gb']:.2f} GB, {one['kept']} kept"
        )
    most, least = figures[sizes[-1]]["cpu_seconds"], figures[sizes[0]]["cpu_seconds"]
    growth = most / least / (sizes[-1] / sizes[0])
    print(f"cost a row, {sizes[-1]} against {sizes[0]} rows: {growth:.2f} times (goal: 1)")
    return {"rows": sizes[-1], **figures[sizes[-1]], "growth": round(growth, 2), **_near_duplicates()}


def _write_run(out: Path, n: int) -> int:
    """Write the tables of a run with n candidates, a few thousand at a time; return the characters of their texts."""
    tasks = list(_tasks(-(-n // SAMPLES_PER_TASK)))
    characters = 0
    verdicts: list[dict[str, Any]] = []
    with _table(out, "tasks", Task) as sink:
        sink.write_table(pa.Table.from_pylist([to_row(task) for task in tasks], schema_of(Task)))
    rows = (to_row(candidate) for candidate in _candidates(tasks))
    with _table(out, "generate", Candidate) as sink:
        left = n
        while batch := list(islice(rows, min(left, 1000))):
            left -= len(batch)
            sink.write_table(pa.Table.from_pylist(batch, schema_of(Candidate)))
            characters += sum(len(row["messages"][-1]["content"]) for row in batch)
            verdicts += [_verdict(row["id"], wrong=row["sample"] == 4) for row in batch]
    with _table(out, "verify", Verdict) as sink:
        sink.write_table(pa.Table.from_pylist(verdicts, schema_of(Verdict)))
    return characters


def _table(out: Path, stage: str, record: Any) -> pq.ParquetWriter:
    (out / stage).mkdir()
    write_json(out / stage / "manifest.json", {})
    return pq.ParquetWriter(out / stage / "data.parquet", schema_of(record), compression="zstd")


def _tasks(n: int) -> Iterator[Task]:
    honest = pairs()
    for i in range(n):
        task = honest[i % len(honest)].task
        reference = f"{task.reference}\nBENCH_{i} = {i}\n"
        yield task.model_copy(update={"name": f"task_{i}", "reference": reference, "level": 1 + i % 3})


def _candidates(tasks: list[Task]) -> Iterator[Candidate]:
    draw = random.Random(11)
    words = [w for pair in pairs() for w in pair.code.split() if w.isidentifier()]
    sentences = [f"{' '.join(draw.choices(words, k=draw.randint(6, 18))).capitalize()}." for _ in range(SENTENCES)]
    for i, task in enumerate(tasks):
        for sample in range(SAMPLES_PER_TASK):
            code = _code(i, sample, copied=draw.random() < NEAR_COPIES)
            trace = " ".join(draw.choices(sentences, k=draw.randint(100, 480)))
            content = f"<think>\n{trace}\n</think>\n\n```python\n{code}\n```"
            yield Candidate(
                task_id=task.id, sample=sample, turn=0, teacher="bench", reasoning=trace, code=code,
                messages=(*translate(task), Message(role="assistant", content=content)), status="complete",
                finish_reason="stop", prompt_tokens=None, completion_tokens=None,
            )  # fmt: skip


def _code(i: int, sample: int, *, copied: bool) -> str:
    """Return an honest kernel with a table of numbers: one of its own, or (``copied``) the one that all copies have."""
    honest = pairs()
    draw = random.Random(i % len(honest) if copied else f"{i}/{sample}")
    table = ", ".join(str(draw.randrange(10**6)) for _ in range(NUMBERS))
    return f"{honest[i % len(honest)].code}\n\nTABLE = [{table}]\nTAG = {i * SAMPLES_PER_TASK + sample}\n"


def _verdict(candidate_id: str, *, wrong: bool) -> dict[str, Any]:
    checks = (Check(name="outputs", passed=not wrong),)
    status, reason = ("incorrect", "values") if wrong else ("correct", None)
    return to_row(Verdict(candidate_id=candidate_id, status=status, reason=reason, checks=checks, backend="simt", judge_version="0"))  # fmt: skip


def _curate(out: Path) -> None:
    """Run the stage on two cores and print its cost."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    config = curate.CurateConfig.model_validate({"filters": FILTERS})
    started, cpu = time.perf_counter(), time.process_time()
    with StageStore(out / "curate", curate.SCHEMA, {}, curate.FURTHER) as store:
        stats = curate.run(StageContext(recipe(curate=config), out, store, CONSOLE))
        store.seal(stats)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    figures = {"seconds": round(seconds, 1), "cpu_seconds": round(cpu, 2), "peak_gb": round(peak, 2)}
    print(json.dumps({**figures, "kept": stats["funnel"]["kept"]}))


def _near_duplicates() -> dict[str, Any]:
    """Search the same kernels with our filter and with datatrove's steps, one after the other in this process, in seconds of CPU."""
    codes = [c.code or "" for c in islice(_candidates(list(_tasks(COMPARED // SAMPLES_PER_TASK))), COMPARED)]
    started = time.process_time()
    config = near_duplicates.Config()
    signatures = [near_duplicates.examine(Texts("", "", code), config) or b"" for code in codes]
    groups = minhash.groups(len(codes), minhash.near_pairs(signatures, config.threshold))
    ours = time.process_time() - started
    repeated = sum(group != i for i, group in enumerate(groups))
    print(f"near duplicates among {COMPARED} kernels: {ours:.2f} s, {repeated} found")
    try:
        theirs, removed = _by_datatrove(codes)
    except ImportError as error:
        print(f"datatrove is not installed here, so nothing to compare with ({error})")
        return {"near_duplicates_seconds": round(ours, 2), "datatrove_seconds": None}
    print(f"datatrove: {theirs:.2f} s, {removed} found; ours takes {ours / theirs:.2f} of it (goal: at most 1)")
    return {"near_duplicates_seconds": round(ours, 2), "datatrove_seconds": round(theirs, 2)}


def _by_datatrove(codes: list[str]) -> tuple[float, int]:
    """Return the seconds of CPU of datatrove's signatures, buckets and clusters, and how many documents it would remove."""
    from datatrove.data import Document  # type: ignore[import-not-found]
    from datatrove.pipeline.dedup.minhash import (  # type: ignore[import-not-found]
        MinhashConfig,
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupSignature,
    )
    from loguru import logger  # type: ignore[import-not-found]

    logger.remove()
    config = MinhashConfig(num_buckets=minhash.BANDS, hashes_per_bucket=minhash.PLACES // minhash.BANDS)
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
