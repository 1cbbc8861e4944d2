"""The recipe's ``generate.prompts``: a folder of templates in place of ours, read when the recipe is.

Their texts are part of the section, so changing one redoes the stage.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import TemplateSyntaxError, meta
from pydantic import model_validator

from pipeline.agent.prompting import FOLDER, Prompts, environment
from pipeline.section import Section, throughput

_TASK = frozenset({"task", "only_float32"})
_BETTER = frozenset({"question", "parents", "measured", "meaning", "hints"})
# The templates by file name, and the values that each is given.
VALUES: Mapping[str, frozenset[str]] = {
    "translate.jinja": _TASK | {"gpu"},
    "repair.jinja": frozenset({"task", "code", "status", "reason", "doubts", "findings", "passed", "earlier"}),
    "evolve.jinja": _BETTER | {"earlier"},
    "crossover.jinja": _BETTER,
    "parents.jinja": _BETTER,
    **{f"verify_{name}.jinja": _TASK | {"code"} for name in ("base", "compile", "memory", "numerics")},
    "verify_again.jinja": frozenset(),
}


class OwnPrompts(Section):
    """``path`` of the folder and ``texts`` by file name; in a recipe it is the path alone."""

    path: Path = throughput(FOLDER)  # where the texts were read is no part of what is asked
    texts: dict[str, str]

    @model_validator(mode="before")
    @classmethod
    def _is_a_folder(cls, value: Any) -> Any:
        if not isinstance(value, str | Path):
            return value
        folder = Path(value)
        if not folder.is_dir():
            raise ValueError(f"{folder}: there is no such folder")
        files = [file for file in sorted(folder.iterdir()) if not file.name.startswith(".")]
        if not files:
            raise ValueError(f"{folder} is empty; it may hold {', '.join(VALUES)}")
        return {"path": folder, "texts": {file.name: _checked(file) for file in files}}

    @property
    def replaced(self) -> tuple[tuple[str, str], ...]:
        """The texts as ``Prompts`` has them."""
        return tuple(sorted(self.texts.items()))


def _checked(file: Path) -> str:
    """Return a template's text. Raises ValueError if it is none of ours by name, or uses what it is not given."""
    if file.name not in VALUES:
        raise ValueError(f"{file}: no prompt is called that; there are {', '.join(VALUES)}")
    text = file.read_text()
    try:
        used = meta.find_undeclared_variables(environment(Prompts().replaced).parse(text))
    except TemplateSyntaxError as error:
        raise ValueError(f"{file}, line {error.lineno}: {error.message}") from error
    if unknown := sorted(used - VALUES[file.name]):
        given = ", ".join(sorted(VALUES[file.name])) or "no value"
        raise ValueError(f"{file}: {unknown[0]!r} is undefined; this prompt is given {given}")
    return text
