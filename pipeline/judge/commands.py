"""The judge on the command line: one candidate, or a file of pairs."""

import json
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from pipeline.errors import UserError
from pipeline.futures import IN_FLIGHT_PER_WORKER, as_finished
from pipeline.judge.bare import as_module, module_of
from pipeline.judge.config import JudgeConfig
from pipeline.judge.judge import Judge
from pipeline.progress import StageProgress
from pipeline.records import Task, Verdict, content_hash
from pipeline.sources.files import task_from_source

COLUMNS = ("id", "task", "candidate")
BEGINNING = b'{"id": '  # of a verdict's line: what else ends without a newline is not ours to cut off


class Pair(NamedTuple):
    """A line of a file of pairs."""

    id: str
    task: Task
    code: str


def judge_one(task: Path, candidate: Path, options: dict[str, Any], *, as_json: bool) -> int:
    """Judge one candidate, print the verdict, and return the exit code: 0 accepted, 1 not.

    ``options`` are those of the recipe's ``judge`` section.

    Raises:
        UserError: a file can't be read, the task's module is broken, or the backend can't run here.
    """
    record = task_from_source(_read(task), task.stem, str(task))
    code = _read(candidate)
    if candidate.suffix in (".cu", ".cuh"):
        code = module_of(code, record, str(candidate))
    with Judge(_config({**options, "workers": 1})) as judge:
        verdict = judge.submit(record, code, content_hash(code)).result()
    if (verdict.reason or "").startswith("task:"):
        raise UserError(f"{task}: {verdict.detail}")
    if as_json:
        print(json.dumps(verdict.model_dump(mode="json")))
    else:
        _print(verdict)
    return 0 if verdict.accepted else 1


def judge_over_http(address: str, token_env: str | None, queue: int, options: dict[str, Any]) -> None:
    """Serve the judge until interrupted, see ``serving``; ``options`` as in ``judge_one``."""
    from pipeline.judge.serving import serve

    serve(_config(options), address, token_env, queue)


def judge_pairs(pairs: Path, out: Path, options: dict[str, Any]) -> int:
    """Judge every pair of a JSON-lines file and append verdicts to another; ids that it holds already are skipped.

    Rows: ``id``, ``task`` and ``candidate`` (sources) in; ``id``, ``accepted``, ``status``, ``reason`` and the rest
    of the verdict out, in the order in which they are decided. All lines are read before the first is judged. A run
    that goes on from another takes over its secret seeds. Returns 0: every pair has a verdict.

    Raises:
        UserError: a line is no pair, or its task no KernelBench module; the message names file and line.
        InfrastructureError: the judge failed on some pairs; the same command judges those again.
    """
    total = sum(1 for _ in _pairs(pairs))
    done, seeds = _done(out)
    if seeds and options["seeds"] == "fresh":
        options = {**options, "seeds": seeds}
    with (
        Judge(_config(options)) as judge,
        out.open("a") as sink,
        StageProgress("judge") as progress,
    ):

        def submit(pair: Pair) -> Future[Verdict]:
            return judge.submit(pair.task, pair.code, pair.id)

        progress.start(total, len(done))
        accepted = 0
        owed = (pair for pair in _pairs(pairs) if pair.id not in done)
        for pair, future in as_finished(owed, submit, IN_FLIGHT_PER_WORKER * judge.workers):
            verdict = future.result()
            sink.write(json.dumps({"id": pair.id, **verdict.model_dump(mode="json", exclude={"id"})}) + "\n")
            sink.flush()
            accepted += verdict.accepted
            progress.advance(note=f"{accepted} accepted")
    return 0


def _pairs(path: Path) -> Iterator[Pair]:
    seen: set[str] = set()
    for number, row in _lines(path):
        where = f"{path}, line {number}"
        for column in COLUMNS:
            if not isinstance(row.get(column), str):
                raise UserError(f"{where}: {column!r} is missing or no string")
        if row["id"] in seen:
            raise UserError(f"{where}: the id {row['id']!r} was there before")
        seen.add(row["id"])
        task, code = task_from_source(row["task"], row["id"], where), row["candidate"]
        yield Pair(row["id"], task, as_module(code, task, where))


def _done(path: Path) -> tuple[set[str], str | None]:
    """Return the ids that have a verdict and its seeds, and cut off the torn last line that a killed run leaves."""
    found: set[str] = set()
    seeds: str | None = None
    try:
        with path.open("ab+") as file:
            file.seek(0)
            whole = 0
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n"):
                    row = _row(line, f"{path}, line {number}")
                    found.add(str(row.get("id")))
                    seeds = row.get("seeds")
                    whole += len(line)
                elif not BEGINNING.startswith(line[: len(BEGINNING)]):
                    raise UserError(f"{path}: holds something else than verdicts; give another --out")
            file.truncate(whole)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    return found, seeds


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of a JSON-lines file with their numbers, empty lines left out."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, _row(line, f"{path}, line {number}")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8 text") from None


def _row(line: str | bytes, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        raise UserError(f"{where}: not JSON") from None
    if not isinstance(row, dict):
        raise UserError(f"{where}: not a JSON object")
    return row


def _config(options: dict[str, Any]) -> JudgeConfig:
    try:
        return JudgeConfig.model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"--{first['loc'][0]}: {first['msg'][0].lower()}{first['msg'][1:]}") from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None


def _print(verdict: Verdict) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    table = Table(box=None, pad_edge=False)
    for column in ("check", "", "detail"):
        table.add_column(column)
    for check in verdict.checks:
        figures = ", ".join(
            f"{name} {value:.2g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in check.figures.items()
            if value is not None
        )
        table.add_row(check.name, "ok" if check.passed else "[red]failed", escape(check.detail or figures))
    console.print(table)
    word = "[green]accepted" if verdict.accepted else f"[red]rejected[/]: {verdict.status}, {verdict.reason}"
    timing = verdict.timing
    speed = f"{timing.speedup:.2f} times as fast as eager" if timing else "speed not measured"
    console.print(f"\n{word}[/] ({verdict.backend}, {verdict.sandbox or 'not run'}; {speed})")
