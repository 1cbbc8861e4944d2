"""The judge on the command line: one candidate, or a file of pairs."""

import json
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from pipeline.errors import UserError
from pipeline.futures import IN_FLIGHT_PER_WORKER, as_finished
from pipeline.judge.config import JudgeConfig
from pipeline.judge.judge import Judge
from pipeline.judge.version import judge_version
from pipeline.mistakes import told
from pipeline.progress import StageProgress
from pipeline.records import SETTINGS, Task, Verdict, content_hash
from pipeline.sources.files import task_from_source

COLUMNS = ("id", "task", "candidate")
BEGINNING = b'{"id": '  # of a verdict's line: what else ends without a newline is not ours to cut off
SHOWN_AS = {"skipped": "[yellow]skipped", "specialised": "[yellow]wrong"}  # checks that are passed, but say otherwise


class Pair(NamedTuple):
    """A line of a file of pairs."""

    id: str
    task: Task
    code: str

    @property
    def content(self) -> str:
        """Hash of what is judged, in the verdict's line: an id may come to mean something else."""
        return content_hash([self.task.reference, self.code])


class Known(NamedTuple):
    """What a file of verdicts holds: ``content`` of each pair by its id, and the seeds of all."""

    pairs: dict[str, str]
    seeds: str | None


def judge_one(task: Path, candidate: Path, options: dict[str, Any], *, as_json: bool) -> int:
    """Judge one candidate, print the verdict, and return the exit code: 0 accepted, 1 not.

    ``options`` are those of the recipe's ``judge`` section.

    Raises:
        UserError: a file can't be read, the task's module is broken, or the backend can't run here.
    """
    record = task_from_source(_read(task), task.stem, str(task))
    code = _read(candidate)
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

    Rows: ``id``, ``task`` and ``candidate`` (sources) in; ``id``, ``content``, ``policy``, ``accepted``, ``status``,
    ``reason`` and the rest of the verdict out, in the order in which they are decided. All lines are read before the
    first is judged. A run that goes on from another takes over its secret seeds. Returns 0: every pair has a verdict.

    Raises:
        UserError: a line is no pair, or its task no KernelBench module, or ``out`` holds something else than these
            pairs' verdicts by this judge and policy; the message names file and line.
        InfrastructureError: the judge failed on some pairs; the same command judges those again.
    """
    config = _config(options)
    done = _done(out, config.policy)
    total = 0
    for total, pair in enumerate(_pairs(pairs), 1):  # noqa: B007  (0 of an empty file)
        if done.pairs.get(pair.id, pair.content) != pair.content:
            raise UserError(f"{out}: {pair.id!r} was another task or candidate there; give another --out")
    if done.seeds and config.seeds == "fresh":
        config = config.model_copy(update={"seeds": done.seeds})
    with (
        Judge(config) as judge,
        out.open("a") as sink,
        StageProgress("judge") as progress,
    ):

        def submit(pair: Pair) -> Future[Verdict]:
            return judge.submit(pair.task, pair.code, pair.id)

        progress.start(total, len(done.pairs))
        accepted = 0
        owed = (pair for pair in _pairs(pairs) if pair.id not in done.pairs)
        for pair, future in as_finished(owed, submit, IN_FLIGHT_PER_WORKER * judge.workers):
            verdict = future.result()
            about = {"id": pair.id, "content": pair.content, "policy": config.policy}
            sink.write(json.dumps({**about, **verdict.model_dump(mode="json", exclude={"id"})}) + "\n")
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
                raise UserError(f"{where}: {column!r} is missing or not a string")
        if row["id"] in seen:
            raise UserError(f"{where}: the id {row['id']!r} was there before")
        seen.add(row["id"])
        yield Pair(row["id"], task_from_source(row["task"], row["id"], where), row["candidate"])


def _done(path: Path, policy: str) -> Known:
    """Return the pairs that have a verdict, and cut off the torn last line that a killed run leaves."""
    found: dict[str, str] = {}
    seeds: str | None = None
    same = {"policy": policy, "judge_version": judge_version()}
    if not path.exists() and path.parent.is_dir():
        return Known({}, None)
    try:
        with path.open("ab+") as file:
            file.seek(0)
            whole = 0
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n"):
                    row = _row(line, f"{path}, line {number}")
                    if not {"id", "content", "seeds", *same} <= row.keys():
                        raise UserError(f"{path}, line {number}: not a verdict; give another --out")
                    if other := next((key for key in same if row[key] != same[key]), None):
                        told = f"a verdict by {other} {row[other]}, not {same[other]}"
                        raise UserError(f"{path}, line {number}: {told}; give another --out")
                    found[row["id"]] = row["content"]
                    seeds = row["seeds"]
                    whole += len(line)
                elif not BEGINNING.startswith(line[: len(BEGINNING)]):
                    raise UserError(f"{path}: holds something else than verdicts; give another --out")
            file.truncate(whole)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    return Known(found, seeds)


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
        raise UserError(f"--{told(error, JudgeConfig, options)}") from None


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
        figures = (";" if check.name == SETTINGS else ",").join(
            f" {name} {value:.2g}" if isinstance(value, float) else f" {name} {value}"
            for name, value in check.figures.items()
            if value is not None
        )
        shown = SHOWN_AS.get(check.name.partition(":")[0], "ok") if check.passed else "[red]failed"
        table.add_row(check.name, shown, escape(check.detail or figures.strip()))
    console.print(table)
    words = {"correct": "[green]accepted[/]", "unsupported": "[yellow]undecided[/]"}
    word = words.get(verdict.status, "[red]rejected[/]")
    why = "" if verdict.reason is None else escape(f": {verdict.status}, {verdict.reason}")
    timing = verdict.timing
    speed = f"{timing.speedup:.2f} times as fast as eager" if timing else "speed not measured"
    console.print(f"\n{word}{why} ({verdict.backend}, {verdict.sandbox or 'not run'}; {speed})")
