"""robust-kbench's tasks (arXiv 2509.14279) from a checkout: one folder each, forward and backward.

A folder holds ``func_forward.py`` (and ``func_backward.py``): a functional forward, a ``Model`` that calls it with
its own weights, and ``get_inputs`` with sizes as keyword arguments; and ``config_forward.json``, whose init, input
and shared configurations are expanded as robust-kbench does. Here each becomes one KernelBench module, in which every
configured value is a module-level integer, so that settings can override it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from pipeline.errors import UserError
from pipeline.records import Task
from pipeline.sources.config import SourceConfig
from pipeline.sources.expansion import ConfigError, expand
from pipeline.sources.found import Broken, Found, Origin, task_from_module
from pipeline.sources.robust_module import module_of

LICENCE = "Apache-2.0"
Direction = Literal["forward", "backward"]


class Config(SourceConfig):
    """``path``: a checkout, its folder ``tasks``, or any folder with task folders in it, at any depth.

    ``kernelbench: true`` also takes the 200 KernelBench problems in functional form, below ``tasks/kernelbench``.
    ``max_settings`` of a task are kept: its own, then those that bring values not seen before, then the others.
    ``heldout_share`` is 1: a benchmark is evaluated on, and not trained on unless the recipe says so.
    """

    source: Literal["robust_kbench"] = "robust_kbench"
    path: Path
    directions: tuple[Direction, ...] = Field(default=("forward", "backward"), min_length=1)
    kernelbench: bool = False
    max_settings: int = Field(default=6, ge=1)
    heldout_share: float = Field(default=1.0, ge=0, le=1)

    def local_files(self) -> dict[str, list[Path]]:
        """Return the configurations and the modules of all tasks."""
        patterns = ("config_*ward.json", "func_*ward.py")
        return {"path": [path for pattern in patterns for path in self.path.rglob(pattern)]}


def read(config: Config, seed: int) -> Iterator[Found]:
    """Yield the tasks in the order of their folders, forward before backward. No module is executed.

    Raises:
        UserError: no such folder, or no task in it.
    """
    if not config.path.is_dir():
        raise UserError(f"tasks.path: {config.path} is not a folder")
    root = config.path / "tasks" if (config.path / "tasks").is_dir() else config.path
    found = 0
    for folder in sorted({path.parent for path in root.rglob("config_*ward.json")}):
        name = str(folder.relative_to(root)) if folder != root else folder.name
        if name.startswith("kernelbench/") and not config.kernelbench:
            continue
        for direction in config.directions:
            if (folder / f"config_{direction}.json").exists() and (folder / f"func_{direction}.py").exists():
                found += 1
                yield _task(folder, name, direction, config, seed)
    if not found:
        raise UserError(f"tasks.path: {config.path} holds no folder with config_forward.json and func_forward.py")


def _task(folder: Path, name: str, direction: Direction, config: Config, seed: int) -> Found:
    source = (folder / f"func_{direction}.py").read_text(encoding="utf-8", errors="replace")
    level = _level(name)
    origin = Origin(f"{name}_{direction}", "robust_kbench", level, LICENCE, seed, config.heldout_share)
    try:
        configs: Any = json.loads((folder / f"config_{direction}.json").read_text(encoding="utf-8"))
        reference, settings = module_of(source, expand(configs, config.max_settings))
    except (ConfigError, ValueError) as error:  # JSON and UTF-8 errors are ValueErrors
        return _broken(source, origin, "task_config", error)
    except SyntaxError as error:
        return _broken(source, origin, "task_syntax", error)
    return task_from_module(reference, origin, settings, direction)


def _broken(source: str, origin: Origin, reason: str, error: Exception) -> Broken:
    task = Task(name=origin.name, reference=source, category="other", level=origin.level, source=origin.source)
    return Broken(task, reason, str(error))


def _level(name: str) -> int | None:
    """Return KernelBench's level of ``kernelbench/level_2/task_5``, None of other tasks."""
    parts = [part.removeprefix("level_") for part in Path(name).parts if part.startswith("level_")]
    return int(parts[0]) if parts and parts[0].isdigit() else None
