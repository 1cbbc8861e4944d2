"""The instrumented run of a right kernel: what has no end decides nothing, and a held-up one is made once more."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.judge.hidden_faults import RightCall, find_hidden_faults
from pipeline.judge.judging import Decided, Judgement
from pipeline.judge.simt.build import build
from pipeline.judge.simt.explain import Findings
from tests.judge.examples import HONEST, TASK

CALLS = [RightCall("own/0", 0.001, {"order": "forward"}, [])]


def judgement() -> Judgement:
    return Judgement(task=TASK, code=HONEST, strict=True, build=build, cache=Path(), max_case_bytes=1)


def run(*troubles: str | None) -> Judgement:
    """Return the judgement after runs of which each has this trouble."""
    left = list(troubles)

    def explain(*_: Any) -> Findings:
        return Findings([], left.pop(0))

    judged = judgement()
    find_hidden_faults(judged, CALLS, explain)
    assert not left
    return judged


def test_a_run_that_was_held_up_is_made_once_more():
    assert run(None).checks[-1].passed
    assert run("was held up by a busy machine", None).checks[-1].passed


def test_a_run_without_an_end_neither_accepts_nor_rejects():
    with pytest.raises(Decided) as decided:
        run("was held up by a busy machine", "did not come to its end")
    assert (decided.value.status, decided.value.reason) == ("unsupported", "budget")
