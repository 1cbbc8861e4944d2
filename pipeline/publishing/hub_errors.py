"""What the Hub refuses, as one line for the user."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.errors import UserError, first_line

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError


@contextlib.contextmanager
def hub_errors(what: str, endpoint: str) -> Iterator[None]:
    """Turn what the Hub refuses, and a Hub that can't be reached, into one line without any secret.

    Args:
        what: the message begins with it.
        endpoint: the Hub's address.

    Raises:
        UserError: instead of the errors of huggingface_hub and of its transport.
    """
    from huggingface_hub import errors

    try:
        yield
    except errors.HfHubHTTPError as error:
        raise UserError(f"{what}: {_refusal(error)}") from error
    except errors.HTTPError as error:  # type: ignore[reportPrivateImportUsage]  (the transport's; its package varies)
        raise UserError(f"{what}: can't reach {endpoint} ({type(error).__name__})") from error
    except (ConnectionError, errors.LocalTokenNotFoundError, errors.HFValidationError) as error:
        raise UserError(f"{what}: {first_line(error)}") from error
    except (RuntimeError, ValueError) as error:  # one file's transfer failed, or the Hub finds fault with the card
        cause = error.__cause__
        if cause is not None and not isinstance(cause, errors.HTTPError):  # type: ignore[reportPrivateImportUsage]
            raise
        why = f" ({_refusal(cause)})" if isinstance(cause, errors.HfHubHTTPError) else ""
        said = " ".join(str(error).split()).rstrip(".")
        raise UserError(f"{what}: {said}{why}; the same command goes on with what is missing") from error


def _refusal(error: "HfHubHTTPError") -> str:
    """Return why the Hub said no. Its address is left out: that of a transfer is signed, so it is a secret."""
    code = error.response.status_code
    said = (error.server_message or "").strip().splitlines()
    meant = {
        401: "the Hub does not accept the token; log in with 'hf auth login' or set HF_TOKEN",
        403: "the token has no right to write there",
        404: "no such repository or branch, or the token may not see it",
    }
    return meant.get(code) or f"the Hub answers {code}" + (f": {said[0]}" if said else "")
