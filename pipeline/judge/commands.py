"""The judge on the command line: one candidate, or a file of pairs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.errors import TaskError, UserError
from pipeline.judge.config import JudgeConfig
from pipeline.judge.judge import Judge
from pipeline.records import Verdict, content_hash
from pipeline.sources.files import task_from_source

IN_FLIGHT = 64


def judge_one(task: Path, candidate: Path, backend: str, policy: str, *, as_json: bool) -> int:
    """Judge one candidate, print the verdict, and return the exit code: 0 accepted, 1 not.

    Raises:
        UserError: a file can't be read, the task's module is broken, or the backend can't run here.
    """
    record = task_from_source(_read(task), task.stem, str(task))
    with Judge(_config(backend, policy, workers=1)) as judge:
        code = _read(candidate)
        try:
            verdict = judge.submit(record, code, content_hash(code)).result()
        except TaskError as error:
            raise UserError(f"{task}: {error}") from None
    if as_json:
        print(json.dumps(verdict.model_dump(mode="json")))
    else:
        _print(verdict)
    return 0 if verdict.accepted else 1


def judge_pairs(pairs: Path, out: Path, backend: str, policy: str) -> int:
    """Judge every pair of a JSON-lines file and append verdicts to another; ids that it holds already are skipped.

    Returns 0 when every pair has a verdict. Rows: ``id``, ``task`` and ``candidate`` (sources) in; ``id``,
    ``accepted``, ``status``, ``reason`` and the rest of the verdict out.

    Raises:
        UserError: a line is no pair (named by its number), or a task's module is broken.
    """
    from collections import deque

    done = {row["id"] for _, row in _lines(out)} if out.exists() else set()
    waiting: deque[tuple[str, int, Any]] = deque()
    with Judge(_config(backend, policy)) as judge, out.open("a") as sink:

        def write_first() -> None:
            identity, number, future = waiting.popleft()
            try:
                verdict = future.result().model_dump(mode="json")
            except TaskError as error:
                raise UserError(f"{pairs}, line {number}: the task is broken: {error}") from None
            sink.write(json.dumps({**verdict, "id": identity}) + "\n")
            sink.flush()

        for number, row in _lines(pairs):
            missing = [key for key in ("id", "task", "candidate") if not isinstance(row.get(key), str)]
            if missing:
                raise UserError(f"{pairs}, line {number}: {missing[0]!r} is missing or no string")
            if row["id"] in done:
                continue
            done.add(row["id"])
            task = task_from_source(row["task"], row["id"], f"{pairs}, line {number}")
            waiting.append((row["id"], number, judge.submit(task, row["candidate"], row["id"])))
            if len(waiting) >= IN_FLIGHT:
                write_first()
        while waiting:
            write_first()
    return 0


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the numbered rows of a JSON-lines file; a torn last line, left by a killed run, is skipped."""
    try:
        with path.open() as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except ValueError:
                    if not line.endswith("\n"):
                        return
                    raise UserError(f"{path}, line {number}: not JSON") from None
                if not isinstance(row, dict):
                    raise UserError(f"{path}, line {number}: not an object")
                yield number, row
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: {getattr(error, 'strerror', None) or 'not a text file'}") from None


def _config(backend: str, policy: str, workers: int = 0) -> JudgeConfig:
    try:
        return JudgeConfig.model_validate({"backend": backend, "policy": policy, "workers": workers})
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"--{first['loc'][0]}: {first['msg'][0].lower()}{first['msg'][1:]}") from None


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None


def _print(verdict: Verdict) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(box=None, pad_edge=False)
    for column in ("check", "", "detail"):
        table.add_column(column)
    for check in verdict.checks:
        figures = ", ".join(
            f"{k} {v:.2g}" if isinstance(v, float) else f"{k} {v}" for k, v in check.figures.items() if v
        )
        table.add_row(check.name, "ok" if check.passed else "[red]failed", check.detail or figures)
    console.print(table)
    word = "[green]accepted" if verdict.accepted else f"[red]rejected[/]: {verdict.status}, {verdict.reason}"
    console.print(f"\n{word}[/] ({verdict.backend}, {verdict.sandbox or 'not run'}; speed not measured)")
