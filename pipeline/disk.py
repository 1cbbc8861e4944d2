"""A full disk is the user's to mend, wherever it shows: one line, and never a verdict on a candidate."""

import contextlib
import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import PipelineError, UserError

NO_ROOM_BYTES = 2**20  # less than this is full: libraries leave a little when they give up


def full_disk(*places: Path) -> UserError | None:
    """Return the error to raise if the disk under one of the places is full, else None."""
    for place in places:
        there = next(p for p in (place, *place.resolve().parents) if p.exists())
        if shutil.disk_usage(there).free < NO_ROOM_BYTES:
            return _no_room(place)
    return None


@contextlib.contextmanager
def disk_full_is_the_users(*places: Path) -> Iterator[None]:
    """Turn what fails inside because the disk is full into one line for the user.

    Libraries report a full disk each in their own way (errno, a text, "writing failed"), so besides the error the
    room that is left under ``places`` counts.

    Raises:
        UserError: the disk is full; the message names the first of ``places``, or the one that is.
    """
    try:
        yield
    except PipelineError:
        raise
    except Exception as error:
        told = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)
        full = full_disk(*places) or (_no_room(places[0]) if told else None)
        if full is None:
            raise
        raise full from error


def _no_room(place: Path) -> UserError:
    return UserError(f"{place}: the disk is full; make room and run the same command again")
