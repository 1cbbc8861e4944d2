"""A trained student as a folder that the Hub, transformers and peft understand: weights, tokenizer and card."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from eval.headline import models_in_order
from pipeline.errors import UserError
from pipeline.publishing.card import card_text
from pipeline.publishing.config import ModelConfig
from pipeline.section import identity

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

    from pipeline.training.config import TrainConfig

STUDENT = "student"
# Weights that a repository has and the folder has not are of an earlier version, and would be loaded all the same.
OWN_FILES = ("*.safetensors", "*.safetensors.index.json", "adapter_config.json")


def write_model(
    folder: Path,
    out: Path,
    config: ModelConfig,
    train: "TrainConfig",
    dataset: str | None,
    facts: dict[str, Any],
    results: dict[str, Any] | None,
) -> None:
    """Write the run's student into an empty folder.

    Args:
        folder: where to.
        out: the run's directory; train must be complete.
        config: how it is presented.
        train: what it was trained from.
        dataset: the name on the Hub of what it was trained on, if it has one.
        facts: the template's variables ``recipe``, ``seed``, ``teacher_kind`` and ``policy``.
        results: the evaluation's, if there is one.

    Raises:
        UserError: it is an adapter of a model that only this machine has.
    """
    student = out / "train" / STUDENT
    adapter = (student / "adapter_config.json").exists()
    base = _base(train)
    if adapter and config.weights == "merged":
        _merge(student, folder)
        adapter = False
    else:
        if adapter and base is None:
            raise UserError(
                "publish.model: the adapter's base is a folder of this machine, which nobody else has; set "
                "publish.model.weights=merged"
            )
        for path in sorted(student.iterdir()):
            _link(path, folder / path.name)
    matter = _front_matter(config, base, dataset, results, adapter=adapter)
    known = {
        "pretty_name": config.pretty_name,
        "repository": config.to or "path/to/this/folder",
        "adapter": adapter,
        "base": base,
        "dataset": dataset,
        "scratch": train.model.kind == "scratch",
        "training": json.loads((out / "train" / "stats.json").read_text()),
        "section": _section(train, base),
    }
    (folder / "README.md").write_text(
        f"---\n{matter}\n---\n\n{card_text('model_card.md.jinja', facts | known, results)}"
    )


def _base(train: "TrainConfig") -> str | None:
    """Return the name on the Hub of the model that was trained further; None of a folder or a new model."""
    if train.model.kind != "hub" or Path(train.model.name).exists():
        return None
    return train.model.name


def _section(train: "TrainConfig", base: str | None) -> str:
    """Return the recipe's section as YAML, without the path of a folder of this machine."""
    section = {name: value for name, value in identity(train).items() if value not in (None, {})}
    if train.model.kind == "hub" and base is None:
        section["model"] = {**section["model"], "name": "(a local folder)"}
    return yaml.safe_dump({"train": section}, sort_keys=False).rstrip()


def _merge(student: Path, folder: Path) -> None:
    from pipeline.training.models import load_model, load_tokenizer

    load_model(str(student)).save_pretrained(folder)
    load_tokenizer(str(student)).save_pretrained(folder)


def _link(source: Path, target: Path) -> None:
    """Give a file a second name; weights are large, and neither folder is written to again."""
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def _front_matter(
    config: ModelConfig, base: str | None, dataset: str | None, results: dict[str, Any] | None, *, adapter: bool
) -> str:
    from huggingface_hub import ModelCardData

    measured = list(_eval_results(results)) if results else []
    data = ModelCardData(
        language=[config.language],
        license=config.licence,
        library_name="peft" if adapter else "transformers",
        pipeline_tag="text-generation",
        base_model=base,
        datasets=[dataset] if dataset else None,
        tags=list(config.tags),
        model_name=config.pretty_name if measured else None,
        eval_results=measured or None,
    )
    return str(data)


def _eval_results(results: dict[str, Any]) -> Iterator["EvalResult"]:
    """Yield the student's pass@k and fast_p, as shares, the way that the Hub shows them beside the card."""
    from huggingface_hub import EvalResult

    figures = models_in_order(results).get(STUDENT, {})
    for name, shares in (("pass@{}", figures.get("pass_at_k")), ("fast_{}", figures.get("fast_p"))):
        for key, share in sorted((shares or {}).items(), key=lambda pair: float(pair[0])):
            if share is not None:
                yield EvalResult(
                    task_type="text-generation",
                    dataset_type="kernel-tasks",
                    dataset_name=f"GPU kernel tasks, suite {results['suite']}",
                    metric_type=name.format(key),
                    metric_value=round(share["mean"], 4),
                )
