"""The live view on a terminal, and the lines in a log that say the same."""

import time
from io import StringIO

import pytest
from rich.console import Console

from pipeline import progress as module
from pipeline.progress import StageProgress
from pipeline.records import Check, Verdict


def verdict(name: str, reason: str | None) -> Verdict:
    return Verdict(
        candidate_id=name, status="incorrect" if reason else "correct", reason=reason,
        checks=(Check(name="x", passed=not reason),), backend="simt", judge_version="1",
    )  # fmt: skip


def worked(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do what generate does: go on from 2 of 10, spend, judge, finish three more within ten seconds."""
    monkeypatch.setattr(module, "LOG_EVERY_SECONDS", 0.0)
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    with StageProgress("generate", console) as progress:
        spent = [(50, 0.25)]
        progress.start(10, 2)
        progress.tally.watch(lambda: spent[-1])
        for number, reason in enumerate(["wrong_value", None, "wrong_value", "race", "[red]odd[/red]"]):
            progress.tally.answered(with_code=True)
            progress.tally.judged(verdict(str(number), reason))
        spent.append((850, 1.5))
        clock[0] += 10.0
        progress.advance(3)


def test_the_live_view_shows_what_is_done_accepted_spent_rejected_and_left(monkeypatch: pytest.MonkeyPatch):
    console = Console(file=StringIO(), force_terminal=True, width=110, color_system=None)
    worked(console, monkeypatch)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    for part in ("5/10", "1 of 5 accepted (20%)", "80 tokens/s", "$1.50", "left"):
        assert part in shown
    assert "rejected: 2 wrong_value, 1 race, 1 [red]odd[/red]" in shown


def test_a_log_says_the_same(monkeypatch: pytest.MonkeyPatch):
    console = Console(file=StringIO(), width=200)
    worked(console, monkeypatch)
    first, last = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert first == " generate  2/10 after 0 s"
    assert last == (
        " generate  5/10 after 10 s, about 17 s left  5 of 5 answers with code, 1 of 5 accepted (20%), 80 tokens/s, "
        "$1.50; 2 wrong_value, 1 race, 1 [red]odd[/red]"
    )
