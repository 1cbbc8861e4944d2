"""Looks into the candidates' texts, one row group after the other or several at a time in processes of their own."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from pipeline.agent.reply import split_reasoning
from pipeline.curation import duplicates
from pipeline.curation.code_tokens import renamed
from pipeline.curation.features import Texts, count_tokens, normalised_code, text_hash
from pipeline.curation.funnel import FilterConfig, examine
from pipeline.curation.reading import read_ids, read_rows
from pipeline.errors import InfrastructureError

AHEAD = 2  # row groups for each process: none waits for work, and little that is done waits to be taken
_FORMS = {"normalised": normalised_code, "renamed": renamed}


class Examined(NamedTuple):
    """What the texts of a row come to; the fields are those of ``Features``, and empty where there is a ``fault``."""

    candidate_id: str | None
    task_id: str | None
    fault: str | None
    turn: int = 0
    sample: int = 0
    reasoning_tokens: int = 0
    completion_tokens: int = 0
    text_hash: str | None = None
    code_hash: str | None = None
    normalised_code_hash: str | None = None
    found: dict[str, Any] = {}  # noqa: RUF012  (never changed)


def examined(
    path: Path, accepted: Callable[[str | None], bool], filters: Sequence[FilterConfig], workers: int
) -> Iterator[Examined]:
    """Yield what the rows of a table of candidates come to, in their order, whatever the number of processes.

    ``accepted`` says of an id whether the judge accepted that candidate: code is looked into only then. A row group
    is the least that a process takes; the tables that ``generate`` seals have some for every thousand rows.

    Raises:
        InfrastructureError: a process died.
    """
    with pq.ParquetFile(path) as file:
        groups = file.num_row_groups
    jobs = ((path, group, [accepted(key) for key in read_ids(path, group)], filters) for group in range(groups))
    if min(workers, groups) < 2:
        for job in jobs:
            yield from examine_group(*job)
        return
    # Each process is a pool of its own: a pool that starts its second process while its first one dies loses the
    # thread that would say so (CPython 3.11).
    spawn = multiprocessing.get_context("spawn")
    pools = [ProcessPoolExecutor(1, spawn) for _ in range(min(workers, groups))]
    try:
        yield from _in_order(pools, jobs)
    except BrokenProcessPool as error:
        raise InfrastructureError(f"a process that looks into the texts of {path} died") from error
    finally:
        for pool in pools:
            pool.shutdown(cancel_futures=True)


def _in_order(pools: Sequence[ProcessPoolExecutor], jobs: Iterable[tuple[Any, ...]]) -> Iterator[Examined]:
    waiting: deque[Future[list[Examined]]] = deque()
    for pool, job in zip(cycle(pools), jobs, strict=False):
        waiting.append(pool.submit(examine_group, *job))
        if len(waiting) >= AHEAD * len(pools):
            yield from waiting.popleft().result()
    while waiting:
        yield from waiting.popleft().result()


def examine_group(
    path: Path, group: int, accepted: Sequence[bool], filters: Sequence[FilterConfig]
) -> list[Examined]:
    """Return what the rows of one row group come to; ``accepted`` is by their places."""
    found: list[Examined] = []
    for (values, fault), right in zip(read_rows(path, group), accepted, strict=True):
        if fault:
            found.append(Examined(values["id"], values["task_id"], fault))
        else:
            found.append(_examined(values, filters, accepted=right))
    return found


def _examined(answer: Mapping[str, Any], filters: Sequence[FilterConfig], *, accepted: bool) -> Examined:
    code, reasoning = answer["code"], answer["reasoning"]
    looked_into: str | None = code if accepted else None
    said_now = said(answer)
    reasoning_tokens = count_tokens(reasoning)
    form = next((f.across_tasks for f in filters if isinstance(f, duplicates.Config)), "no")
    compared = _FORMS.get(form)
    return Examined(
        candidate_id=answer["id"],
        task_id=answer["task_id"],
        fault=None,
        turn=answer["turn"] or 0,
        sample=answer["sample"] or 0,
        reasoning_tokens=reasoning_tokens,
        completion_tokens=reasoning_tokens + count_tokens(said_now),
        text_hash=text_hash(reasoning, code) if code is not None else None,
        code_hash=text_hash(code) if code is not None else None,
        normalised_code_hash=text_hash(compared(looked_into)) if looked_into is not None and compared else None,
        found=examine(Texts(reasoning or "", said_now, looked_into), filters) if looked_into is not None else {},
    )


def said(answer: Mapping[str, Any]) -> str:
    """Return the answer proper, as the teacher wrote it, without a think block."""
    return (split_reasoning(answer["messages"][-1]["content"] or "")[1] or "").strip()
