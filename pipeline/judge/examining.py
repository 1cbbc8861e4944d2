"""What a call did besides giving the right result: to its inputs, with memory, and who moved the values."""

from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.judge.answers import (
    MOST,
    Answer,
    Expected,
    buffers_comparison,
    inputs_unchanged,
    is_a_view,
)
from pipeline.judge.inputs import Case
from pipeline.judge.judging import Judgement
from pipeline.judge.values import leaves


def examine(judgement: Judgement, case: Case, expected: Expected, given: Answer, *, kept: bool) -> None:
    """Look at what a right call did besides; raises ``Decided`` where that decides.

    ``kept``: a result was there when its kernels did nothing, and is not without the calls before.
    """
    if not inputs_unchanged(expected, given):
        name = f"inputs:{case.name}"
        raise judgement.failed(name, "incorrect", "inputs_changed", "forward changed its inputs")
    if given.names is not None and (wrong := buffers_comparison(expected, given).mismatch):
        if judgement.strict:
            raise judgement.failed(f"buffers:{case.name}", "incorrect", "wrong_buffers", wrong.detail)
        judgement.passed(f"buffers:{case.name}", wrong.detail)
    if kept:
        detail = "called once more on the same inputs, with kernels that do nothing, it has the same result"
        raise judgement.failed(f"kept:{case.name}", "cheating", "kept_result", detail)
    if given.counted and judgement.strict and (given.names is not None or not expected.changed_buffers):
        detail = f"from call to call on the same inputs this goes on changing: {given.counted}"
        raise judgement.failed(f"counts:{case.name}", "cheating", "counts_calls", detail)
    if given.reused and judgement.strict:
        detail = "an output lies in the memory of the call's before, which a caller may still hold"
        raise judgement.failed(f"alias:{case.name}", "incorrect", "reused_output", detail)
    if expected.places_only and judgement.strict:
        _examine_moving(judgement, case, expected, given)
    if given.aliased:
        detail = "an output lies in an input's memory"
        raise judgement.failed(f"alias:{case.name}", "cheating", "aliased_output", detail)
    if not given.launches:
        detail = "forward launched no kernel of its own"
        raise judgement.failed(f"launch:{case.name}", "cheating", "no_kernel", detail)


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
