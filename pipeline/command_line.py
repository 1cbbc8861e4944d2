"""What a command of the command line does with errors."""

import functools
import sys
from collections.abc import Callable
from typing import Any

from pipeline.errors import UserError


def one_line_errors(command: Callable[..., None]) -> Callable[..., None]:
    """A user's error becomes one line and exit code 2, an interruption one line and 130; our own keep their trace."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            raise SystemExit(2) from None
        except KeyboardInterrupt:
            print("interrupted; run the same command again to continue", file=sys.stderr)
            raise SystemExit(130) from None

    return wrapped
