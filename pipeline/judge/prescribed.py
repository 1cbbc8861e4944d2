"""Python that a task prescribes: all that surrounds a bare ``.cu``, whose author wrote none of it."""

from collections.abc import Callable
from typing import Any, ClassVar


class Prescribed:
    """Whether what runs now in this process is prescribed: what torch computes there is not the candidate's doing."""

    now: ClassVar[bool] = False


def not_prescribed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return an extension's function as the candidate's own, whoever calls it."""

    def call(*args: Any, **kwargs: Any) -> Any:
        before, Prescribed.now = Prescribed.now, False
        try:
            return function(*args, **kwargs)
        finally:
            Prescribed.now = before

    return call
