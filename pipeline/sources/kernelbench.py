"""KernelBench's problems (arXiv 2502.10517), from the Hub, a checkout of the repository, or a local table.

Their sizes are kept; the judge derives smaller settings where a machine can't afford them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field, model_validator

from pipeline.errors import UserError
from pipeline.sources.config import SourceConfig
from pipeline.sources.found import Found, Origin, task_from_module
from pipeline.sources.hub import file_rows, hub_rows, table_files

LICENCE = "MIT"
COLUMNS = ("code", "level", "name", "problem_id")
Level = Literal[1, 2, 3, 4]


class Config(SourceConfig):
    """Which problems.

    ``path``: a checkout (or its folder ``KernelBench``, with ``level1`` ...), or a table with the Hub's columns;
    null: ``dataset`` on the Hub. ``problems`` keeps of a level only those with these ids; levels that it does not
    name are whole. ``heldout_share`` is 1: a benchmark is evaluated on, and not trained on unless the recipe says so.
    """

    source: Literal["kernelbench"] = "kernelbench"
    path: Path | None = None
    dataset: str = "ScalingIntelligence/KernelBench"
    levels: tuple[Level, ...] = Field(default=(1, 2, 3), min_length=1)
    problems: dict[Level, tuple[int, ...]] = Field(default={})
    heldout_share: float = Field(default=1.0, ge=0, le=1)

    def local_files(self) -> dict[str, list[Path]]:
        """Return the modules of a checkout, or the tables."""
        if self.path is None:
            return {}
        checkouts = (self.path, self.path / "KernelBench")
        modules = [module for checkout in checkouts for module in checkout.glob("level[1-4]/*.py")]
        return {"path": modules or table_files(self.path)}

    @model_validator(mode="after")
    def _problems_are_of_levels(self) -> "Config":
        if others := sorted(set(self.problems) - set(self.levels)):
            raise ValueError(f"problems names level {others[0]}, which levels leaves out")
        return self


class Problem(NamedTuple):
    """A row of the Hub's data set."""

    level: int
    number: int
    name: str
    code: str


def read(config: Config, seed: int) -> Iterator[Found]:
    """Yield the problems by level and id. No module is executed.

    Raises:
        UserError: a level, problem, folder, data set or column is missing.
    """
    for level in config.levels:
        wanted = config.problems.get(level)
        problems = sorted(_level(config, level))
        found = {problem.number for problem in problems}
        if not problems:
            raise UserError(f"tasks.levels: {config.path or config.dataset} has no level {level}")
        if missing := sorted(set(wanted or ()) - found):
            raise UserError(f"tasks.problems: level {level} has no problem {missing[0]}")
        for problem in problems:
            if wanted is None or problem.number in wanted:
                name = f"level{level}/{problem.name}"
                origin = Origin(name, "kernelbench", level, LICENCE, seed, config.heldout_share)
                yield task_from_module(problem.code, origin)


def _level(config: Config, level: int) -> Iterator[Problem]:
    if config.path is None:
        rows = hub_rows(config.dataset, f"level_{level}", COLUMNS, "tasks.dataset")
        yield from (_problem(row, "tasks.dataset", number) for number, row in enumerate(rows, 1))
        return
    if not config.path.exists():
        raise UserError(f"tasks.path: {config.path} does not exist")
    checkouts = [config.path, config.path / "KernelBench"]
    folder = next((c / f"level{level}" for c in checkouts if (c / f"level{level}").is_dir()), None)
    if folder is not None:
        yield from _modules(folder, level)
    elif not any(found for checkout in checkouts for found in checkout.glob("level[1-4]")):
        rows = file_rows(config.path, COLUMNS, "tasks.path")
        problems = (_problem(row, "tasks.path", number) for number, row in enumerate(rows, 1))
        yield from (problem for problem in problems if problem.level == level)


def _modules(folder: Path, level: int) -> Iterator[Problem]:
    for path in folder.glob("*.py"):
        number = path.stem.partition("_")[0]
        if number.isdigit():
            yield Problem(level, int(number), path.stem, path.read_text(encoding="utf-8", errors="replace"))


def _problem(row: dict[str, Any], key: str, number: int) -> Problem:
    try:
        level, problem = int(row["level"]), int(row["problem_id"])
    except (TypeError, ValueError):
        told = f"level {row['level']!r}, problem_id {row['problem_id']!r}"
        raise UserError(f"{key}: row {number}: {told} are not numbers") from None
    return Problem(level, problem, str(row["name"]).removesuffix(".py"), str(row["code"]))
