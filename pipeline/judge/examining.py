"""What a call did besides giving the right result: to its inputs, with memory, and who moved the values."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pipeline.judge.answers import (
    LEAKED,
    MOST,
    NO_ANSWER,
    Answer,
    Expected,
    buffer_left,
    buffers_comparison,
    inputs_unchanged,
    is_a_view,
)
from pipeline.judge.compare import compare
from pipeline.judge.hidden_faults import RightCall
from pipeline.judge.inputs import MODES, TRAINED, Case
from pipeline.judge.judging import Judgement
from pipeline.judge.session import Session
from pipeline.judge.values import leaves

MOST_SECONDS = 1.0  # of a call: who is slower is not called again in other modes


def examine(judgement: Judgement, case: Case, expected: Expected, given: Answer, *, kept: bool) -> None:
    """Look at what a right call did besides; raises ``Decided`` where that decides.

    ``kept``: a result was there when its kernels did nothing, and is not without the calls before.
    """
    if not inputs_unchanged(expected, given):
        name = f"inputs:{case.name}"
        raise judgement.failed(name, "incorrect", "inputs_changed", "forward changed its inputs")
    _examine_buffers(judgement, case, expected, given)
    if kept:
        detail = "called once more on the same inputs, with kernels that do nothing, it has the same result"
        raise judgement.failed(f"kept:{case.name}", "cheating", "kept_result", detail)
    if given.counted and judgement.strict and (given.names is not None or not expected.changed_buffers):
        detail = f"from call to call on the same inputs this goes on changing: {given.counted}"
        leaks = given.counted == LEAKED  # a mistake more often than a count
        how = ("incorrect", "leaks_memory") if leaks else ("cheating", "counts_calls")
        raise judgement.failed(f"counts:{case.name}", *how, detail)
    if given.recalled and judgement.strict:
        detail = "with one value changed that a call has left in memory, the same inputs have another result"
        raise judgement.failed(f"recalled:{case.name}", "cheating", "kept_result", detail)
    if given.reused and judgement.strict:
        detail = "an output or a gradient lies in the memory of the call's before, which a caller may still hold"
        raise judgement.failed(f"alias:{case.name}", "incorrect", "reused_output", detail)
    if expected.places_only and judgement.strict:
        _examine_moving(judgement, case, expected, given)
    if given.aliased:
        detail = "an output lies in an input's memory"
        raise judgement.failed(f"alias:{case.name}", "cheating", "aliased_output", detail)
    if not given.launches:
        detail = "forward launched no kernel of its own"
        raise judgement.failed(f"launch:{case.name}", "cheating", "no_kernel", detail)


def _examine_buffers(judgement: Judgement, case: Case, expected: Expected, given: Answer) -> None:
    """Look at the buffers that the reference's call changes, by their names, or else by what they hold at first."""
    if given.names is not None and (wrong := buffers_comparison(expected, given).mismatch):
        if judgement.strict:
            raise judgement.failed(f"buffers:{case.name}", "incorrect", "wrong_buffers", wrong.detail)
        judgement.passed(f"buffers:{case.name}", wrong.detail)
    if given.names is None and case.call == 0 and judgement.strict and (name := buffer_left(expected, given)):
        detail = f"the reference's call changes {name}, and no buffer of the candidate's is like it afterwards"
        raise judgement.failed(f"buffers:{case.name}", "incorrect", "wrong_buffers", detail)


def in_modes(case: Case, expected: Expected, given: Answer) -> Expected | None:
    """Return what a right call gives in other modes; None if it can't be made there.

    It takes too long, or its buffers can't be set back after each of the calls.
    """
    starts_anew = given.names is not None or not expected.changed_buffers
    return expected if case.modes and starts_anew and given.seconds <= MOST_SECONDS else None


def examine_modes(
    judgement: Judgement, session: Session, calls: Sequence[RightCall], names: dict[str, str] | None
) -> None:
    """Repeat a right call in other modes, if one can be, and note the check; what raises there says nothing.

    Modes that evaluate are not looked at if the reference itself gives something else then.

    Args:
        judgement: takes the check.
        session: the candidate's process; its instance is another one afterwards.
        calls: those that were right.
        names: the candidate's, of the reference's weights.

    Raises:
        Decided: a result is not what it is in the judge's own mode.
    """
    found = next(((call, call.in_modes) for call in calls if call.in_modes), None)
    if found is None:
        return
    call, expected = found
    request = {**call.request, "op": "modes", "names": names}
    header, theirs = judgement.ask(session.worker(), "modes", request, call.buffers)
    judgement.raise_reported("modes", header)
    try:
        outputs, raised = header["values"]["dict"], dict(header["raised"])
        same = {mode.name: expected.outputs for mode in MODES if expected.alike_in_evaluation or not mode.evaluates}
        for name, values in {**same, TRAINED: expected.values}.items():
            if name in outputs and (wrong := compare(expected.reference(values), outputs[name], theirs).mismatch):
                detail = f"right as the judge calls it, wrong in {name}: {wrong.detail}"
                raise judgement.failed("modes", "incorrect", "other_mode", detail)
    except NO_ANSWER as error:
        detail = f"the process sent no answer: {error!r}"
        raise judgement.failed("modes", "cheating", "bad_answer", detail) from None
    judgement.passed("modes", "; ".join(f"{name}: {str(what)[:200]}" for name, what in raised.items()) or None)


def examine_weights(
    judgement: Judgement,
    case: Case,
    expected: Expected,
    given: Answer,
    reference: Callable[..., tuple[dict[str, Any], list[bytearray]]],
) -> None:
    """Look at weights that a candidate, right with those of a seed, holds nowhere; raises ``Decided`` if they matter.

    Left out, because they are ones or zeros at first, or worked into other numbers by the constructor, where no clock
    runs: either way the model is another one as soon as it is trained or loaded.
    """
    lacking = [name for name in given.lacking if name in expected.parameters]
    if not lacking:
        return
    answer, buffers = reference(case, replaced=lacking)
    before = leaves(expected.values["eager"], expected.buffers)
    if "error" in answer or all(map(np.array_equal, before, leaves(answer["values"]["dict"]["eager"], buffers))):
        return
    detail = f"the task's result depends on {', '.join(sorted(lacking))}, which no tensor of the candidate holds"
    if judgement.strict:
        raise judgement.failed(f"weights:{case.name}", "incorrect", "weights_missing", detail)
    judgement.passed(f"weights:{case.name}", detail)


def _examine_moving(judgement: Judgement, case: Case, expected: Expected, given: Answer) -> None:
    """Look at who moved the values, where that is all that there is to do."""
    most = MOST * sum(array.nbytes for array in leaves(expected.values["eager"], expected.buffers))
    if given.moved or given.moved_bytes > most:
        detail = "copies that were asked of torch or of CUDA hold the result: no kernel moved the values"
    elif is_a_view(expected, given):
        detail = "the result is a view: the values lie where they were"
    else:
        return
    raise judgement.failed(f"moves:{case.name}", "cheating", "torch_moves", detail)
