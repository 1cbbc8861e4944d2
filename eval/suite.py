"""Suites: what models are evaluated on. A suite is a YAML file, a shipped one by name, or a folder of modules.

name: mine
source: {source: files, path: modules/}   # a recipe's tasks section; paths are relative to this file
directions: [forward, backward]           # pose each module in both; default: as the module says
samples_per_task: 10                      # defaults of evaluate's keys of the same names
k: [1, 10]
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from pipeline.errors import TaskError, UserError, nearest
from pipeline.mistakes import told
from pipeline.records import Task
from pipeline.section import Section

if TYPE_CHECKING:
    from pipeline.recipe import TasksConfig

HELDOUT = "heldout"  # the held-out tasks of the run itself
FOLDER = Path(__file__).parent / "suites"


class Suite(Section):
    """The content of a suite's file; ``source`` is checked by ``source_of``, once the paths in it are resolved."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    source: dict[str, Any]
    directions: tuple[Literal["forward", "backward"], ...] | None = None
    samples_per_task: int | None = Field(default=None, ge=1, le=9999)
    k: tuple[int, ...] | None = None


def load_suite(named: str, path: Path | None = None) -> Suite:
    """Return a shipped suite by its name, or that of a YAML file or a folder of KernelBench modules.

    Args:
        named: the recipe's ``evaluate.suite``.
        path: replaces the source's ``path``: where a benchmark is checked out.

    Raises:
        UserError: there is no such suite (the message names the nearest), or its file is not one.
    """
    if Path(named).is_dir():
        return Suite(name=Path(named).resolve().name, source={"source": "files", "path": named})
    file = Path(named) if Path(named).is_file() else FOLDER / f"{named}.yaml"
    if not file.is_file():
        known = shipped()
        near = nearest(named, known)
        hint = f"did you mean {near}?" if near else f"there are {', '.join(known)}, a YAML file or a folder"
        raise UserError(f"evaluate.suite: no suite {named!r}; {hint}")
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        raise UserError(f"{file}: not YAML") from None
    try:
        suite = Suite.model_validate(data)
    except ValidationError as error:
        raise UserError(f"{file}: {told(error, Suite, data)}") from None
    source = dict(suite.source)
    if path is not None:
        source["path"] = str(path)
    elif isinstance(source.get("path"), str):
        source["path"] = str(file.parent / source["path"])
    return suite.model_copy(update={"source": source})


def shipped() -> list[str]:
    """Return the names that ``evaluate.suite`` may have without a file of one's own."""
    return [HELDOUT, *sorted(file.stem for file in FOLDER.glob("*.yaml"))]


def source_of(suite: Suite) -> "TasksConfig":
    """Return the suite's source as a recipe's ``tasks`` section.

    Raises:
        UserError: it is none, or lacks something, such as the path of a checkout.
    """
    from pipeline.recipe import TasksConfig

    try:
        return TypeAdapter(TasksConfig).validate_python(suite.source)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["type"] == "missing" and first["loc"][-1] == "path":
            raise UserError(f"suite {suite.name}: evaluate.suite_path must name a checkout") from None
        raise UserError(f"suite {suite.name}: source: {told(error, TasksConfig, suite.source)}") from None


def tasks_of(suite: Suite, seed: int) -> Iterator[Task | tuple[Task, TaskError]]:
    """Yield the suite's tasks, whatever their split; with its fault what the source says is no task.

    Raises:
        UserError: the source can't be read.
    """
    from pipeline.stages.tasks import read_source

    for found in read_source(source_of(suite), seed):
        if not isinstance(found, Task):
            yield found.task, TaskError(found.reason, found.detail)
        elif suite.directions is None:
            yield found
        else:
            for direction in suite.directions:
                yield found.model_copy(update={"direction": direction, "name": f"{found.name}_{direction}"})
