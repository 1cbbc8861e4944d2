"""What a recipe needs of this machine and of others: its files, its keys, its servers and their models."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pipeline.checks import check_stages
from pipeline.errors import UserError
from pipeline.executors.config import RemoteConfig
from pipeline.judge.config import JudgeConfig
from pipeline.order import stages_of
from pipeline.prerequisites import Prerequisite
from pipeline.teachers import openai

SECONDS = 3.0  # to wait for a server
SHOWN = 4  # models of a server's list


def examine_recipe(path: Path) -> list[Prerequisite]:
    """Look for what a recipe names; each server is asked for its models, and nothing else of it.

    Raises:
        UserError: the recipe can't be read.
    """
    from pipeline.recipe import load_recipe

    recipe = load_recipe(path)
    prerequisites = []
    for stage in stages_of(recipe):
        try:
            check_stages(recipe, [stage])
        except UserError as error:
            prerequisites.append(Prerequisite(f"stage {stage}", "missing", "no", str(error)))
    servers = {(c.base_url, c.model, c.api_key_env): c for c in _openai(recipe)}
    prerequisites += [_server(config) for _, config in sorted(servers.items(), key=lambda item: item[0][:2])]
    if isinstance(recipe.executor, RemoteConfig):
        prerequisites.append(_remote_judge(recipe.executor, recipe.judge))
    return prerequisites


def _openai(value: Any) -> Iterator[openai.Config]:
    if isinstance(value, openai.Config):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _openai(getattr(value, name))
    elif isinstance(value, dict | list | tuple):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _openai(inner)


def _server(config: openai.Config) -> Prerequisite:
    """Ask a server which models it has; one that keeps no list may still have the model."""
    name, stop = config.base_url, "stages that ask this server will stop with an error"
    key = os.environ.get(config.api_key_env or "", "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    request = urllib.request.Request(f"{name.rstrip('/')}/models", headers=headers)  # noqa: S310  (http, by the recipe's pattern)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            listed = _models(answer.read())
    except urllib.error.HTTPError as error:
        refused = error.code in (401, 403)
        return Prerequisite(
            name, "missing" if refused else "ok", f"answers ({error.code})", f"it wants a key; {stop}"
        )
    except (OSError, ValueError):
        return Prerequisite(name, "missing", "no answer", stop)
    if listed is None or config.model in listed:
        return Prerequisite(name, "ok", "answers, and has the model" if listed else "answers", "")
    others = ", ".join(listed[:SHOWN]) or "none"
    cost = f"it does not list {config.model} (it lists {others}); if it has no such model, {stop}"
    return Prerequisite(name, "absent", "answers", cost)


def _models(body: bytes) -> list[str] | None:
    """Return the names in a list of models, None if it is no such list."""
    try:
        return [str(row["id"]) for row in json.loads(body)["data"]]
    except (ValueError, KeyError, TypeError):
        return None


def _remote_judge(executor: RemoteConfig, config: JudgeConfig) -> Prerequisite:
    from pipeline.executors.remote_judge import RemoteJudge

    name = f"judge at {executor.url}"
    try:
        with RemoteJudge(executor, config) as judge:
            return Prerequisite(name, "ok", f"{judge.backend}, of this version", "")
    except UserError as error:
        return Prerequisite(name, "missing", "no", f"stages that judge will stop with: {error}")
