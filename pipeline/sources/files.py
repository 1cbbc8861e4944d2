"""Tasks from a folder of KernelBench modules, one ``*.py`` each; ``_*.py`` are helpers of the user's, and no tasks.

A module may say more about itself in literals at its top level: ``CATEGORY = "..."``, ``LICENCE = "..."``, and
``SETTINGS = {"odd": {"ROWS": 37}, ...}`` where sizes are not as free as those that the judge derives,
``DIRECTION = "backward"`` where gradients are asked for.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from pipeline.errors import UserError
from pipeline.judge.sizes import sizes_of
from pipeline.python_syntax import parse
from pipeline.records import Setting, Task
from pipeline.sources.config import SourceConfig
from pipeline.sources.found import REQUIRED, defined_names, split_of


class Config(SourceConfig):
    """Where the modules are, and which share of computations is held out for evaluation; 1 holds out all.

    Modules that compute the same, names and constants and sizes aside, are on the same side.
    """

    source: Literal["files"] = "files"
    path: Path
    heldout_share: float = Field(default=0.0, ge=0, le=1)

    def local_files(self) -> dict[str, list[Path]]:
        """Return the modules."""
        return {"path": modules_in(self.path)}


def read(config: Config, seed: int) -> Iterator[Task]:
    """Yield a task for each module of the folder, in the order of their names. No module is executed.

    Raises:
        UserError: no such folder, no module in it, or a module that is not one; the message names the file.
    """
    if not config.path.is_dir():
        raise UserError(f"tasks.path: {config.path} is not a folder")
    paths = modules_in(config.path)
    if not paths:
        raise UserError(f"tasks.path: {config.path} holds no *.py")
    for path in paths:
        task = task_from_source(_text_of(path), path.stem, str(path), f"; if it is none, rename it to _{path.name}")
        yield task.model_copy(update={"split": split_of(task.reference, seed, config.heldout_share)})


def modules_in(folder: Path) -> list[Path]:
    """Return the modules of a folder that are to be tasks, in the order of their names."""
    return sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))


def task_from_source(source: str, name: str, where: str, hint: str = "") -> Task:
    """Return the task of one KernelBench module; ``where`` names it in errors. Nothing is executed.

    ``hint`` is said besides where the module is no task at all.

    Raises:
        UserError: it does not parse, or lacks one of ``REQUIRED``, or its literals are not what they should be.
    """
    try:
        tree = parse(source)
    except SyntaxError as error:
        raise UserError(f"{where}: line {error.lineno}: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes; nested beyond what Python parses
        raise UserError(f"{where}: {error or type(error).__name__}") from error
    missing = [required for required in REQUIRED if required not in defined_names(tree)]
    if missing:
        raise UserError(f"{where}: no task, it does not define {', '.join(missing)}{hint}")
    constants = _constants(tree)
    return Task(
        name=name,
        reference=source,
        settings=_settings(tree, constants, where),
        direction=_direction(constants, where),
        category=_text(constants, "CATEGORY", where) or "other",
        source="files",
        licence=_text(constants, "LICENCE", where),
    )


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text") from error
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error


def _constants(tree: ast.Module) -> dict[str, Any]:
    """Return the module-level names that are assigned a literal."""
    found: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except (ValueError, TypeError, RecursionError, MemoryError):
                continue
    return found


def _text(constants: dict[str, Any], key: str, where: str) -> str | None:
    value = constants.get(key)
    if value is not None and not isinstance(value, str):
        raise UserError(f"{where}: {key} must be a text, not {value!r}")
    return value


def _direction(constants: dict[str, Any], where: str) -> Literal["forward", "backward"]:
    match constants.get("DIRECTION", "forward"):
        case "forward":
            return "forward"
        case "backward":
            return "backward"
        case other:
            raise UserError(f"{where}: DIRECTION must be 'forward' or 'backward', not {other!r}")


def _settings(tree: ast.Module, constants: dict[str, Any], where: str) -> tuple[Setting, ...]:
    """Return the module's own setting and those that it names; where it names none, the judge derives some."""
    sizes = sizes_of(tree)
    others: Any = constants.get("SETTINGS", {})
    if not _is_settings(others, sizes):
        known = ", ".join(sizes) or "there are none"
        raise UserError(f"{where}: SETTINGS must map names to sizes of the module ({known}), not {others!r}")
    return (Setting(name="own"), *(Setting(name=name, sizes=changed) for name, changed in others.items()))


def _is_settings(value: object, sizes: dict[str, int]) -> bool:
    return isinstance(value, dict) and all(
        isinstance(name, str)
        and name != "own"
        and isinstance(changed, dict)
        and all(key in sizes and type(size) is int for key, size in changed.items())
        for name, changed in value.items()
    )
