"""A full disk is the user's to mend, wherever it shows: one line, and never a verdict on a candidate."""

import contextlib
import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import UserError

NO_ROOM_BYTES = 2**20  # less than this is full: libraries leave a little when they give up
LITTLE_ROOM_BYTES = 2**30  # with more than this, a compiler's "no space left" is a quotation from the source
TOLD = "No space left on device"


def full_disk(*places: Path, told: str = "") -> UserError | None:
    """Return the error to raise if the disk under one of the places is full, else None.

    ``told`` is the text of a failure. Who fails to write a large file often removes it, so a text that complains of
    a full disk counts for more than the room there is afterwards.
    """
    place = min(places, key=_free)
    return _no_room(place) if _free(place) < (LITTLE_ROOM_BYTES if TOLD in told else NO_ROOM_BYTES) else None


def _free(place: Path) -> int:
    there = next(p for p in (place, *place.resolve().parents) if p.exists())
    return shutil.disk_usage(there).free


@contextlib.contextmanager
def disk_full_is_the_users(*places: Path) -> Iterator[None]:
    """Turn what fails inside because the disk is full into one line for the user.

    Libraries report a full disk each in their own way (errno, a text, "writing failed"), so besides the error the
    room that is left under ``places`` counts.

    Raises:
        UserError: the disk is full; the message names the place with the least room.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        full = full_disk(*places, told=str(error))
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            full = full or _no_room(min(places, key=_free))
        if full is None:
            raise
        raise full from error


def _no_room(place: Path) -> UserError:
    return UserError(f"{place}: the disk is full; make room and run the same command again")
