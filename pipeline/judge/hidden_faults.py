"""Faults of a kernel whose results are right: one call more on an instrumented build.

A lost update, or a barrier that is missing before a write, can come out right in every order in which threads run one
after the other. So where threads of a kernel may meet at one address (``simt.sharing``), the accesses themselves are
looked at.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pipeline.judge.answers import Expected
from pipeline.judge.inputs import Order
from pipeline.judge.judging import Judgement
from pipeline.judge.simt.explain import Findings
from pipeline.records import VerdictStatus

# Of the values of the call that is run once more, on an instrumented build, up to 100 times slower. What the call
# took would say more, and make the verdict another one on a slower or a busier machine.
WATCHED_BYTES = 2**18
# Those that are wrong whatever came of them here. What was never written may be read and not used.
REJECTED: dict[str, VerdictStatus] = {
    "race": "incorrect",
    "out_of_bounds": "runtime_error",
    "host_memory": "runtime_error",
    "host_access": "runtime_error",
}

Explain = Callable[[dict[str, Any], list[bytearray], Sequence[Order]], Findings]


class RightCall(NamedTuple):
    """A call whose result was right: the case's name, how to repeat it, and what it gives in other modes, too."""

    name: str
    request: dict[str, Any]
    buffers: list[bytearray]
    in_modes: Expected | None = None

    @property
    def size(self) -> int:
        """Bytes of arguments, weights and results."""
        return sum(map(len, self.buffers))


def find_hidden_faults(judgement: Judgement, calls: Sequence[RightCall], explain: Explain) -> None:
    """Run the first of the calls that is small enough, or else the smallest, instrumented, and note the check.

    The smallest is tried too where the run has no end: the kernel may do far more than its values let one expect. A
    run that still has not come to its end has shown nothing, and neither accepts nor rejects.

    Raises:
        Decided: the run shows a race, or an access outside of the memory that kernels may touch; or it has no end.
    """
    smallest = min(calls, key=lambda call: call.size)
    call = next((call for call in calls if call.size <= WATCHED_BYTES), smallest)
    found, trouble = explain(call.request, call.buffers, (call.request["order"],))
    if trouble and not found:
        call = smallest
        found, trouble = explain(call.request, call.buffers, (call.request["order"],))
    name = f"instrumented:{call.name}"
    worst = next((fault.kind for fault in found if fault.kind in REJECTED), None)
    if worst is not None:
        raise judgement.failed(name, REJECTED[worst], worst, "; ".join(map(str, found)))
    if trouble is not None:
        detail = f"the run in which every access is watched {trouble}: whether there are races is not known"
        raise judgement.failed(name, "unsupported", "budget", detail)
    judgement.passed(name)
