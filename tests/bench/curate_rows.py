"""A made-up run of any number of candidates for the benchmark of curate: tasks, answers and verdicts, in Parquet.

Rows are made by two processes, a row group at a time, and are the same every time. A row has 2,000 to 8,000 tokens:
a trace of sentences whose words are those of kernels, and an honest kernel with a table of numbers, its own or, of
one task in ten, the one that all copies have.
"""

import hashlib
import multiprocessing
import random
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.agent.prompting import translate
from pipeline.records import Candidate, Check, Task, Verdict
from pipeline.store import write_json
from pipeline.tables import schema_of, to_row
from tests.honest.pairs import Pair, pairs

SAMPLES_PER_TASK = 5
TASKS_AT_ONCE = 200  # a row group of 1,000 candidates
SENTENCES = 20_000
NEAR_COPIES = 0.1  # of the tasks have kernels that nearly repeat another task's
NUMBERS = 400  # of a kernel's table: so many that kernels with other tables are no near duplicates
PROCESSES = 2
_RECORDS = {"tasks": Task, "generate": Candidate, "verify": Verdict}


def write_run(out: Path, n: int) -> int:
    """Write the sealed tables of a run with n candidates; return the characters of their answers."""
    sinks: dict[str, pq.ParquetWriter] = {}
    for stage, record in _RECORDS.items():
        (out / stage).mkdir()
        sinks[stage] = pq.ParquetWriter(out / stage / "data.parquet", schema_of(record), compression="zstd")
    characters = 0
    for tables, size in _parts(n):
        characters += size
        for stage, table in tables.items():
            sinks[stage].write_table(table)
    for stage, sink in sinks.items():
        sink.close()
        write_json(out / stage / "manifest.json", {})
    return characters


def kernels(n: int) -> Iterator[str]:
    """Yield the kernels of the first n candidates."""
    for i in range(-(-n // SAMPLES_PER_TASK)):
        for sample in range(min(SAMPLES_PER_TASK, n - i * SAMPLES_PER_TASK)):
            yield _code(i, sample, copied=_is_copied(i))


def _parts(n: int) -> Iterator[tuple[dict[str, pa.Table], int]]:
    at_once = TASKS_AT_ONCE * SAMPLES_PER_TASK
    waiting: deque[Future[tuple[dict[str, pa.Table], int]]] = deque()
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
        for start in range(0, n, at_once):
            waiting.append(pool.submit(_part, start // SAMPLES_PER_TASK, min(at_once, n - start)))
            if len(waiting) > 2 * PROCESSES:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _part(first: int, n: int) -> tuple[dict[str, pa.Table], int]:
    """Return n candidates from a task on, with their tasks and verdicts, and the characters of the answers."""
    rows: dict[str, list[dict[str, Any]]] = {"tasks": [], "generate": [], "verify": []}
    for i in range(first, first + -(-n // SAMPLES_PER_TASK)):
        task = _task(i)
        rows["tasks"].append(to_row(task))
        prompt = [message.model_dump() for message in translate(task)]
        for sample in range(min(SAMPLES_PER_TASK, n - len(rows["generate"]))):
            row = _candidate(i, sample, rows["tasks"][-1]["id"], prompt)
            rows["generate"].append(row)
            rows["verify"].append(_verdict(sample == SAMPLES_PER_TASK - 1) | {"candidate_id": row["id"], "id": row["id"][::-1]})  # fmt: skip
    size = sum(len(row["messages"][-1]["content"]) for row in rows["generate"])
    return {stage: pa.Table.from_pylist(rows[stage], schema_of(record)) for stage, record in _RECORDS.items()}, size


def _task(i: int) -> Task:
    honest = _honest()
    task = honest[i % len(honest)].task
    reference = f"{task.reference}\nBENCH_{i} = {i}\n"
    return task.model_copy(update={"name": f"task_{i}", "reference": reference, "level": 1 + i % 3})


def _candidate(i: int, sample: int, task_id: str, prompt: list[dict[str, Any]]) -> dict[str, Any]:
    draw = random.Random(f"{i}/{sample}/trace")
    trace = " ".join(draw.choices(_sentences(), k=draw.randint(100, 480)))
    code = _code(i, sample, copied=_is_copied(i))
    content = f"<think>\n{trace}\n</think>\n\n```python\n{code}\n```"
    return {
        "id": hashlib.sha256(f"{i}/{sample}".encode()).hexdigest()[:16],
        "task_id": task_id,
        "sample": sample,
        "turn": 0,
        "parents": [],
        "teacher": "bench",
        "sampling": "{}",
        "messages": [*prompt, {"role": "assistant", "content": content, "reasoning": None}],
        "reasoning": trace,
        "code": code,
        "status": "complete",
        "finish_reason": "stop",
    }


@cache
def _honest() -> list[Pair]:
    return pairs()


@cache
def _sentences() -> list[str]:
    draw = random.Random(11)
    words = [w for pair in _honest() for w in pair.code.split() if w.isidentifier()]
    return [f"{' '.join(draw.choices(words, k=draw.randint(6, 18))).capitalize()}." for _ in range(SENTENCES)]


@cache
def _numbers() -> list[str]:
    draw = random.Random(12)
    return [str(draw.randrange(10**6)) for _ in range(100_000)]


def _is_copied(i: int) -> bool:
    return random.Random(f"{i}/copied").random() < NEAR_COPIES


def _code(i: int, sample: int, *, copied: bool) -> str:
    honest = _honest()
    draw = random.Random(i % len(honest) if copied else f"{i}/{sample}")
    table = ", ".join(draw.choices(_numbers(), k=NUMBERS))
    return f"{honest[i % len(honest)].code}\n\nTABLE = [{table}]\nTAG = {i * SAMPLES_PER_TASK + sample}\n"


@cache
def _verdict(wrong: bool) -> dict[str, Any]:
    checks = (Check(name="outputs", passed=not wrong),)
    status, reason = ("incorrect", "values") if wrong else ("correct", None)
    return to_row(
        Verdict(candidate_id="", status=status, reason=reason, checks=checks, backend="simt", judge_version="0")
    )
