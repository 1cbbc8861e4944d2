"""The instrumented run of a right kernel: of which call, and what decides nothing."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.judge.hidden_faults import WATCHED_BYTES, RightCall, find_hidden_faults
from pipeline.judge.judging import Decided, Judgement
from pipeline.judge.simt.build import build
from pipeline.judge.simt.explain import Findings
from tests.judge.examples import HONEST, TASK


def call(name: str, size: int) -> RightCall:
    return RightCall(name, {"order": "forward"}, [bytearray(size)])


LARGE, MIDDLE, SMALL = call("own/0", WATCHED_BYTES + 1), call("odd/0", WATCHED_BYTES), call("small/0", 1)


def run(calls: list[RightCall], *troubles: str | None) -> tuple[Judgement, list[RightCall]]:
    """Return the judgement after runs of which each has this trouble, and the calls that were run."""
    left, asked = list(troubles), []

    def explain(request: dict[str, Any], buffers: list[bytearray], _: Any) -> Findings:
        asked.append(next(call for call in calls if call.request is request and call.buffers is buffers))
        return Findings([], left.pop(0))

    judged = Judgement(task=TASK, code=HONEST, strict=True, build=build, cache=Path(), max_case_bytes=1)
    find_hidden_faults(judged, calls, explain)
    assert not left
    return judged, asked


def test_the_first_that_is_small_enough_is_watched_or_else_the_smallest():
    assert run([LARGE, MIDDLE, SMALL], None)[1] == [MIDDLE]
    judged, asked = run([call("larger/0", WATCHED_BYTES + 2), LARGE], None)
    assert asked == [LARGE]
    assert judged.checks[-1].name == "instrumented:own/0"


def test_a_run_without_an_end_is_made_once_more_at_the_smallest():
    judged, asked = run([MIDDLE, SMALL], "did not come to its end", None)
    assert asked == [MIDDLE, SMALL]
    assert (judged.checks[-1].name, judged.checks[-1].passed) == ("instrumented:small/0", True)


def test_two_runs_without_an_end_neither_accept_nor_reject():
    with pytest.raises(Decided) as decided:
        run([MIDDLE], "did not come to its end", "did not come to its end")
    assert (decided.value.status, decided.value.reason) == ("unsupported", "budget")
