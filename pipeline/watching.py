"""How a stage at work is doing, told from its files by another process."""

import contextlib
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.agent.assessments import agreement, read_assessments
from pipeline.agent.lines import read_records
from pipeline.agent.verdicts import NAME as VERDICTS
from pipeline.lines import read_lines
from pipeline.records import Verdict
from pipeline.store import read_manifest
from pipeline.tally import MAX_REASONS
from pipeline.unfinished import rows_so_far

REQUESTS = "requests.jsonl"


def at_work(out: Path) -> Iterator[str]:
    """Yield lines on the stages generate and verify of a run, if one of them is at work or was interrupted."""
    generate, verify = out / "generate", out / "verify"
    if _is_open(generate):
        verdicts = ((v.accepted, v.reason) for v in read_records(generate / VERDICTS, Verdict))
        yield from _lines("generate", [_progress(generate), _spent(generate)], verdicts)
    if _is_open(verify):
        rows = rows_so_far(verify)
        yield from _lines("verify", [_remaining(out)], ((row["accepted"], row["reason"]) for row in rows))


def reviews(out: Path) -> Iterator[str]:
    """Yield a line on how the reviews before the judge agree with verify's verdicts, if there are both."""
    if read_manifest(out / "verify") is None:
        return
    assessments = list(read_assessments(out))
    if not assessments:
        return
    statuses = {row["candidate_id"]: row["status"] for row in rows_so_far(out / "verify")}
    for name, found in agreement(assessments, statuses).items():
        lost, bad = (_percent(found[key]) for key in ("good_lost", "bad_found"))
        told = (
            f"right on {_percent(found['accuracy'])} of {found['n']}, lost {lost} of the good, found {bad} of the bad"
        )
        yield f"  review  {name}: {told}"


def _is_open(directory: Path) -> bool:
    return (directory / "inputs.json").exists() and read_manifest(directory) is None


def _lines(stage: str, figures: list[str], verdicts: Iterable[tuple[bool, str | None]]) -> Iterator[str]:
    accepted, reasons = 0, Counter[str]()
    for right, reason in verdicts:
        accepted += right
        reasons.update([reason] if reason else [])
    judged = accepted + reasons.total()
    if judged:
        figures.append(f"{accepted} of {judged} accepted ({accepted / judged:.0%})")
    told = ", ".join(figure for figure in figures if figure)
    if told:
        yield f"{stage:>8}  {told}"
    if reasons:
        yield f"{'':>8}  rejected: " + ", ".join(f"{n} {reason}" for reason, n in reasons.most_common(MAX_REASONS))


def _progress(directory: Path) -> str:
    """Return how many tasks have an answer, of how many, and when all may have all of theirs."""
    begun, done = set[str](), 0
    for row in rows_so_far(directory):
        begun.add(row["task_id"])
        done += 1
    tasks, units = _count_tasks(directory.parent), _units_per_task(directory)
    told = f"{len(begun)} of {tasks} tasks begun" if tasks else f"{len(begun)} tasks begun"
    return told + _eta(directory, done, tasks * units)


def _units_per_task(directory: Path) -> int:
    """Return how many candidates a task gets at most, 0 if the recipe does not say."""
    with contextlib.suppress(KeyError, ValueError, FileNotFoundError, TypeError):
        section: dict[str, Any] = json.loads((directory / "inputs.json").read_text())["generate"]
        mode = section["mode"]
        if mode["kind"] == "evolve":
            return mode["generations"] * mode["proposals"]
        return section["samples_per_task"] * section["max_turns"]
    return 0


def _count_tasks(out: Path) -> int:
    return sum(row["split"] == "train" for row in rows_so_far(out / "tasks"))


def _remaining(out: Path) -> str:
    """Return how far verify is, and when it may be done."""
    done = sum(1 for _ in rows_so_far(out / "verify"))
    total = (read_manifest(out / "generate") or {}).get("rows", 0)
    return f"{done} of {total} candidates judged{_eta(out / 'verify', done, total)}"


def _eta(directory: Path, done: int, total: int) -> str:
    """Return when the rest will be done at the pace of the process that is at work, as an upper bound."""
    fresh = sum(1 for _ in _fresh(directory))
    if fresh and total > done:
        return f", at most {_seconds(directory) / fresh * (total - done):.0f} s left"
    return ""


def _fresh(directory: Path) -> Iterator[bytes]:
    """Yield the lines that the present process has written: those of the newest shard."""
    shards = sorted(directory.glob("shard-*.jsonl"))
    with contextlib.suppress(FileNotFoundError):  # it seals meanwhile
        for _, line in read_lines(shards[-1]) if shards else ():
            yield line


def _seconds(directory: Path) -> float:
    """Return the seconds since the present process began, which is when it wrote ``inputs.json``."""
    return time.time() - (directory / "inputs.json").stat().st_mtime


def _tokens(row: Mapping[str, Any]) -> int:
    return (row.get("prompt_tokens") or 0) + (row.get("completion_tokens") or 0)


def _spent(directory: Path) -> str:
    """Return the tokens and the cost in the journal of requests, and the pace of the answers."""
    tokens, dollars = 0, 0.0
    for _, line in read_lines(directory / REQUESTS):
        with contextlib.suppress(json.JSONDecodeError, UnicodeDecodeError, KeyError):
            row = json.loads(line)
            tokens += _tokens(row)
            dollars += row["dollars"] or 0.0
    if not tokens:
        return ""
    fresh = 0
    for line in _fresh(directory):
        with contextlib.suppress(ValueError, KeyError, TypeError):  # a spoilt line
            fresh += _tokens(json.loads(line)["row"])
    pace = f" ({fresh / _seconds(directory):.0f} a second)" if fresh else ""
    return f"{tokens} tokens{pace}" + (f", ${dollars:.2f}" if dollars else "")


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{share:.0%}"
