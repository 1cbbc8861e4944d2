"""What a task's module says of itself on torch's meta device; what it raises is its refusal. See ``meta``."""

from typing import Any

from pipeline.judge.task_module import describe, load_module


def measured(source: str, sizes: dict[str, int], *, computed: bool = False) -> dict[str, Any]:
    """Return what one call takes, see ``meta.measure``, or {"error": text} if the module refuses the sizes."""
    from pipeline.judge.meta import measure

    try:
        return measure(load_module(source, sizes), computed=computed)
    except Exception as error:  # noqa: BLE001  (whatever a module raises is its refusal)
        return {"error": describe(error, "<task>")}


def arguments(source: str, sizes: dict[str, int]) -> dict[str, Any]:
    """Return {"arguments": see ``meta.arguments``}, or {"error": kind, "detail": text} if there is no telling."""
    from pipeline.judge.meta import arguments

    try:
        return {"arguments": arguments(load_module(source, sizes))}
    except Exception as error:  # noqa: BLE001  (likewise)
        return {"error": "task_raises", "detail": describe(error, "<task>")}
