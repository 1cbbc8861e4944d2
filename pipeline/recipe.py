"""The typed recipe: one YAML file per experiment, overrides on the command line, no unknown keys."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError

from eval.config import EvaluateConfig
from pipeline.ablation import AblateConfig
from pipeline.errors import UserError
from pipeline.executors.config import ExecutorConfig, LocalConfig
from pipeline.iteration import IterateConfig
from pipeline.judge.config import JudgeConfig
from pipeline.mistakes import told
from pipeline.section import Section
from pipeline.sources import composed, files, kernelbench, kernelbook, robust_kbench
from pipeline.stages.curate import CurateConfig
from pipeline.stages.generate import GenerateConfig
from pipeline.stages.publish import PublishConfig
from pipeline.stages.train import TrainConfig

TasksConfig = Annotated[
    composed.Config | files.Config | kernelbench.Config | kernelbook.Config | robust_kbench.Config,
    Field(discriminator="source"),
]


class Recipe(Section):
    """One experiment. A section may be left out as long as no stage needs it."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    seed: int = Field(default=0, ge=0)
    executor: ExecutorConfig = LocalConfig()
    tasks: TasksConfig
    generate: GenerateConfig | None = None
    judge: JudgeConfig = JudgeConfig()
    curate: CurateConfig | None = None
    train: TrainConfig | None = None
    evaluate: EvaluateConfig | None = None
    publish: PublishConfig | None = None
    iterate: IterateConfig | None = None
    ablate: AblateConfig | None = None


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Return the recipe of a YAML file with ``key.sub=value`` overrides applied (values are YAML too).

    Raises:
        UserError: the file is missing or no YAML, an override is no ``key=value``, a key is unknown (the message
            names the nearest one) or a value is not allowed.
    """
    data = _read_yaml(path)
    for override in overrides:
        _apply(data, override)
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        raise UserError(f"{path}: {told(error, Recipe, data)}") from None


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text())
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not a text file") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise UserError(f"{path}{where}: not YAML: {getattr(error, 'problem', None) or error}") from None
    if not isinstance(data, dict):
        raise UserError(f"{path}: a recipe is a mapping with at least 'name' and 'tasks'")
    return data


def _apply(data: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise UserError(f"{override!r}: an override is written key=value, for example generate.samples_per_task=4")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise UserError(f"{override!r}: the value is not YAML") from None
    *parents, last = key.split(".")
    for part in parents:
        if not isinstance(data.setdefault(part, {}), dict):
            raise UserError(f"{override!r}: {part} is not a section")
        data = data[part]
    data[last] = value


StageName = Literal["tasks", "generate", "verify", "curate", "train", "evaluate", "publish"]
