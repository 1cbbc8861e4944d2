"""The pages with the histories of evaluated candidates, beside the report, which links to them."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline.agent.lines import read_records
from pipeline.agent.verdicts import NAME as VERDICTS
from pipeline.history import Records, write_page
from pipeline.records import Candidate, Task, Verdict
from pipeline.tables import from_row

FOLDER = "candidates"  # in the stage's directory: links stay right where that is copied
MAX_PAGES = 2000  # some 15 kB each


def write_histories(
    directory: Path, rows: Iterable[Mapping[str, Any]], tasks: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """Write a page per answer that differs from the others to its task; return the page of each candidate's id.

    Answers that repeat one of the same task share its page, and its verdict: it was judged once. Pages of an earlier
    call are removed. What was judged before verdicts were kept has no page.

    Args:
        directory: of the stage evaluate.
        rows: its rows.
        tasks: rows of the tasks by id.
    """
    folder = directory / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    files = sorted(directory.glob(f"{Path(VERDICTS).stem}*"))
    verdicts = {verdict.candidate_id: verdict for file in files for verdict in read_records(file, Verdict)}
    first: dict[tuple[str, ...], str] = {}  # what is the same -> the candidate with the page
    judged: dict[tuple[str, ...], Verdict] = {}
    kept = list(rows)
    for row in kept:
        if row["code"] is not None and row["id"] in verdicts:
            judged.setdefault(_same(row), verdicts[row["id"]])
    pages: dict[str, str] = {}
    for row in kept:
        place = _same(row)
        if place not in first and len(first) < MAX_PAGES and (row["code"] is None or place in judged):
            first[place] = row["id"]
            _write(folder, row, judged.get(place), tasks)
        if place in first:
            pages[row["id"]] = f"{FOLDER}/{first[place]}.html"
    return pages


def _same(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what answers that share a page have in common; two policies may have decided differently."""
    code = row["code"] if row["code"] is not None else f"no code: {row['id']}"
    return row["task_id"], code, row["verdict_status"]


def _write(
    folder: Path, row: Mapping[str, Any], verdict: Verdict | None, tasks: Mapping[str, Mapping[str, Any]]
) -> None:
    candidate = from_row(Candidate, dict(row))
    found = tasks.get(candidate.task_id)
    task = {candidate.task_id: from_row(Task, dict(found))} if found else {}
    folder.mkdir(exist_ok=True)
    records = Records({candidate.id: candidate}, task, {candidate.id: verdict} if verdict else {}, {})
    write_page(candidate, records, folder / f"{candidate.id}.html")
