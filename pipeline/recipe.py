"""The typed recipe: one YAML file per experiment, overrides on the command line, no unknown keys."""

import re
import types
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, cast, get_args, get_origin

import yaml
from pydantic import BaseModel, Field, ValidationError

from eval.config import EvaluateConfig
from pipeline.ablation import AblateConfig
from pipeline.errors import UserError, nearest
from pipeline.executors.config import ExecutorConfig, LocalConfig
from pipeline.iteration import IterateConfig
from pipeline.judge.config import JudgeConfig
from pipeline.section import Section
from pipeline.sources import composed, files, kernelbench, kernelbook, robust_kbench
from pipeline.stages.curate import CurateConfig
from pipeline.stages.generate import GenerateConfig
from pipeline.stages.publish import PublishConfig
from pipeline.stages.train import TrainConfig

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

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
        raise UserError(f"{path}: {_first_error(error, data)}") from None


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


def _first_error(error: ValidationError, data: Any) -> str:
    errors = error.errors(include_url=False)
    first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
    key = ".".join(_visible(first["loc"], data))
    if first["type"] == "extra_forbidden":
        near = nearest(str(first["loc"][-1]), _fields_at(first["loc"][:-1]))
        return f"{key}: unknown key" + (f"; did you mean {near}?" if near else "")
    if first["type"] == "missing":
        return f"{key}: missing"
    given = "" if isinstance(first["input"], dict) else f" (given: {first['input']!r})"
    return f"{key}: {first['msg'][0].lower()}{first['msg'][1:]}{given}{_nearest_choice(first)}"


def _nearest_choice(error: "ErrorDetails") -> str:
    """Return a hint at the choice that is most like what was given, where there is a choice and one is like it."""
    about = error.get("ctx", {})
    chosen = about.get("tag", error["input"])
    choices = re.findall(r"'([^']+)'", str(about.get("expected_tags", about.get("expected", ""))))
    near = nearest(chosen, choices) if isinstance(chosen, str) else None
    return f"; did you mean {near}?" if near else ""


def _visible(location: Sequence[int | str], data: Any) -> list[str]:
    """Return the location as the user wrote it, without the tags that pydantic adds for the members of a union."""
    shown: list[str] = []
    for index, part in enumerate(location):
        inside = (isinstance(data, dict) and part in data) or (isinstance(data, list) and isinstance(part, int))
        if inside:
            data = cast("Any", data)[part]
        elif index < len(location) - 1:
            continue
        shown.append(str(part))
    return shown


def _fields_at(location: Iterable[int | str]) -> set[str]:
    """Return the names of the keys that are allowed at a location."""
    classes: list[type[BaseModel]] = [Recipe]
    for part in location:
        if isinstance(part, int):
            continue
        tagged = [c for c in classes if any(part in get_args(f.annotation) for f in c.model_fields.values())]
        inner = [m for c in classes if part in c.model_fields for m in _models(c.model_fields[part].annotation)]
        classes = inner or tagged
    return {name for c in classes for name in c.model_fields}


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the section classes inside an annotation."""
    if get_origin(annotation) in (Union, types.UnionType, Annotated, tuple, list):
        return [m for argument in get_args(annotation) for m in _models(argument)]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return []


StageName = Literal["tasks", "generate", "verify", "curate", "train", "evaluate", "publish"]
