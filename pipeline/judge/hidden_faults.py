"""Faults of a kernel whose results are right: one call more on an instrumented build.

A lost update, or a barrier that is missing before a write, can come out right in every order in which threads run one
after the other. So where threads of a kernel may meet at one address (``simt.sharing``), the accesses themselves are
looked at.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pipeline.judge.inputs import Order
from pipeline.judge.judging import Judgement
from pipeline.judge.simt.explain import Findings
from pipeline.records import VerdictStatus

WATCHED_SECONDS = 0.01  # of the call that is run once more: an instrumented build is up to 100 times slower
# Those that are wrong whatever came of them here. What was never written may be read and not used.
REJECTED: dict[str, VerdictStatus] = {
    "race": "incorrect",
    "out_of_bounds": "runtime_error",
    "host_memory": "runtime_error",
    "host_access": "runtime_error",
}

Explain = Callable[[dict[str, Any], list[bytearray], Sequence[Order]], Findings]


class RightCall(NamedTuple):
    """A call whose result was right: the case's name, what it took by the candidate's word, and how to repeat it."""

    name: str
    seconds: float
    request: dict[str, Any]
    buffers: list[bytearray]


def find_hidden_faults(judgement: Judgement, calls: Sequence[RightCall], explain: Explain) -> None:
    """Run the first of the calls that is fast enough, or else the last one, instrumented, and note the check.

    A busy machine may hold the run up (its time on the clock is bounded too): it is then made once more. A run that
    still has not come to its end has shown nothing, and neither accepts nor rejects.

    Raises:
        Decided: the run shows a race, or an access outside of the memory that kernels may touch; or it has no end.
    """
    call = next((call for call in calls if call.seconds <= WATCHED_SECONDS), calls[-1])
    name = f"instrumented:{call.name}"
    order = (call.request["order"],)
    found, trouble = explain(call.request, call.buffers, order)
    if trouble and not found:
        found, trouble = explain(call.request, call.buffers, order)
    worst = next((fault.kind for fault in found if fault.kind in REJECTED), None)
    if worst is not None:
        raise judgement.failed(name, REJECTED[worst], worst, "; ".join(map(str, found)))
    if trouble is not None:
        detail = f"the run in which every access is watched {trouble}: whether there are races is not known"
        raise judgement.failed(name, "unsupported", "budget", detail)
    judgement.passed(name)
