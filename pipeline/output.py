"""Files that a user asks for by a path: their folder is made, and what can't be written is one line."""

import os
from pathlib import Path

from pipeline.errors import UserError


def to_write(path: Path) -> Path:
    """Make the folder of a file that a user has named, and return the path.

    Raises:
        UserError: the folder can't be made, the path is a folder, or nobody may write there.
    """
    if path.is_dir():
        raise UserError(f"{path}: is a folder; name a file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise UserError(f"{path}: can't be written ({error.strerror})") from error
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UserError(f"{path}: can't be written (Permission denied)")
    return path
