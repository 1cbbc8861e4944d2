"""What every section of a recipe has in common."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A frozen part of a recipe in which an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def local_files(self) -> dict[str, list[Path]]:
        """Return, by key, the files on this machine that a key of this section names and a stage reads.

        What they hold is part of the stage's inputs. Files that grow while they are used (a journal) are not named.
        """
        return {}


def throughput(default: Any, **constraints: Any) -> Any:
    """Return a pydantic field for a knob that changes how fast a stage runs, and never what it writes.

    Such fields are left out of a stage's identity: changing one does not redo the stage.
    """
    return Field(default, json_schema_extra={"throughput": True}, **constraints)


def identity(section: BaseModel) -> dict[str, Any]:
    """Return the section as JSON-ready values without its throughput knobs, nested sections included."""

    def strip(value: Any, dumped: Any) -> Any:
        if isinstance(value, BaseModel):
            kept: dict[str, Any] = {}
            for name, field in type(value).model_fields.items():
                extra = field.json_schema_extra
                if isinstance(extra, dict) and extra.get("throughput"):
                    continue
                kept[name] = strip(getattr(value, name), dumped[name])
            return kept
        if isinstance(value, list | tuple):
            return [strip(v, d) for v, d in zip(value, dumped, strict=True)]
        return dumped

    return strip(section, section.model_dump(mode="json"))


def contents(section: BaseModel, name: str) -> dict[str, str | None]:
    """Return a hash of what the files hold that a section and the sections in it name, by dotted key.

    None where no file is there: gone, or on the Hub.
    """
    return {key: _hash(paths) for key, paths in _named(section, name)}


def _named(value: Any, key: str) -> Iterator[tuple[str, list[Path]]]:
    if isinstance(value, Section):
        yield from ((f"{key}.{field}", paths) for field, paths in value.local_files().items())
    if isinstance(value, BaseModel):
        value = {field: getattr(value, field) for field in type(value).model_fields}
    if isinstance(value, dict):
        for field, inner in value.items():
            yield from _named(inner, f"{key}.{field}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _named(inner, f"{key}.{index}")


def _hash(paths: list[Path]) -> str | None:
    """Return a hash of the files' names below their common folder, and of their bytes."""
    there = sorted({path.absolute() for path in paths if path.is_file()})
    if not there:
        return None
    root = os.path.commonpath(there)
    digest = hashlib.sha256()
    for path in there:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{os.path.relpath(path, root)}\0{content}\n".encode())
    return digest.hexdigest()[:16]
