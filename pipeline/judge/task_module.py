"""A task's module: executed with other sizes, and what it raises said in one line."""

import ast
import traceback
import types
from functools import lru_cache

from pipeline.judge.sizes import with_sizes

REQUIRED = ("Model", "get_inputs", "get_init_inputs")


class Refused(Exception):  # noqa: N818  (it is an answer, not an error of ours)
    """The task's module can't do this case."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


def load_module(source: str, sizes: dict[str, int]) -> types.ModuleType:
    """Execute a task's module with some of its module-level integers replaced.

    The replacement happens in the syntax tree, so that sizes derived from others follow.

    Raises:
        Refused: it does not parse, raises, or lacks one of ``REQUIRED``.
    """
    try:
        module = types.ModuleType("task")
        exec(_compiled(source, tuple(sizes.items())), module.__dict__)  # noqa: S102  (that is what a task is; confined)
    except Exception as error:
        raise Refused("task_raises", describe(error, "<task>")) from error
    missing = [name for name in REQUIRED if not hasattr(module, name)]
    if missing:
        raise Refused("task_incomplete", f"lacks {', '.join(missing)}")
    return module


@lru_cache(maxsize=64)
def _compiled(source: str, sizes: tuple[tuple[str, int], ...]) -> types.CodeType:
    return compile(with_sizes(ast.parse(source, "<task>"), dict(sizes)), "<task>", "exec")


def describe(error: BaseException, filename: str) -> str:
    """Return the exception in one line with the last line number inside ``filename``."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == filename]
    if isinstance(error, SyntaxError) and error.filename == filename:
        lines.append(error.lineno)
    where = f" (line {lines[-1]})" if lines else ""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:1500]}{where}"
