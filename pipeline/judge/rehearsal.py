"""Can what a right candidate launches be launched at the task's own sizes, where a CPU can't afford them?

A kernel that keeps a row in shared memory, or has a block for each column, is right at reduced sizes and fails on
every GPU at the task's own. So host code is run at these once, with kernels that are not: the runtime holds launches
to their limits as ever. See ``simt.rehearsing``.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pipeline.judge.ahead import AnswerAndBuffers
from pipeline.judge.judging import MAX_DETAIL, Decided, Judgement
from pipeline.judge.session import Session

CPU_SECONDS = 3  # loading the module included; what takes longer computes on the host
REASON = "launch_error"
MOST_LAUNCHES = 2**53  # that a check can tell


def rehearse_launches(judgement: Judgement, session: Session, arguments: Callable[[], AnswerAndBuffers]) -> None:
    """Note the check ``launches:own``; its detail says so if nothing is known.

    The process is a new one: what a candidate set up once, for smaller sizes, it would not set up again.

    Args:
        judgement: of a candidate that is right.
        session: its process; afterwards of no other use.
        arguments: what the reference's process answers when asked for the shapes of the task's own arguments.

    Raises:
        Decided: a launch breaks a limit of CUDA's, whatever the values of the inputs; policy makes no difference. Or,
            under ``strict``, torch computes there.
    """
    name = f"launches:{judgement.task.settings[0].name}"
    answer, _ = arguments()
    if "error" in answer:
        return judgement.passed(name, f"not rehearsed: {answer['detail']}")
    session.restart()
    session.limits = replace(session.limits, cpu_seconds=CPU_SECONDS)
    request = {"op": "rehearse", **answer["arguments"], "backward": judgement.task.direction == "backward"}
    noted = len(judgement.checks)
    try:
        header, _ = judgement.ask(session.worker(), name, request)
    except Decided as decided:
        detail = judgement.checks[-1].detail
        del judgement.checks[noted:]
        if decided.reason == REASON:  # it ended its process when it saw that
            raise judgement.failed(name, "runtime_error", REASON, detail) from None
        return judgement.passed(name, f"not rehearsed: {decided.reason}: {detail}")
    return _conclude(judgement, name, header)


def _conclude(judgement: Judgement, name: str, header: dict[str, Any]) -> None:
    if header.get("refused"):
        raise judgement.failed(name, "runtime_error", REASON, f"at the task's own sizes: {header['refused']}")
    operators = header.get("torch_operators")
    told = ", ".join(map(str, operators))[:MAX_DETAIL] if isinstance(operators, list) else ""
    if told and header.get("ended") is True and judgement.strict:
        detail = f"at the task's own sizes forward computes with torch: {told}"
        raise judgement.failed("own_kernels", "cheating", "torch_computes", detail)
    if why := header.get("undecided") or header.get("error"):
        return judgement.passed(name, f"not rehearsed: {str(why)[:MAX_DETAIL]}")
    return judgement.passed(name, launches=_number(header.get("launches")), torch_operators=told or None)


def _number(told: Any) -> float | None:
    return told if isinstance(told, int) and 0 <= told < MOST_LAUNCHES else None
