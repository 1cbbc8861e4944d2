"""A dataset as a folder that the Hub and ``datasets.load_dataset`` understand: data, plots, statistics and card."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.publishing import rows
from pipeline.publishing.card import card_text, front_matter
from pipeline.publishing.config import PublishConfig
from pipeline.publishing.figures import STATISTICS, dataset_figures, within_task_words
from pipeline.publishing.licences import FILE, collection_licence, licences_text
from pipeline.publishing.plots import images
from pipeline.publishing.shards import write_shards
from pipeline.records import Task
from pipeline.store import write_json

WHAT = {  # the configs in the card's order, and what a row of each is
    "sft": "a sample to train on: prompt and completion",
    "preference": "a pair: a better and a worse answer to one prompt",
    "multi_turn": "a turn of a conversation that ends right: the judge's reports are in its prompt",
    "raw": "a candidate with its verdict, accepted or not",
}
# What this module writes: files of such names that a repository has and the folder has not are of an earlier version.
OWN_FILES = (*(f"{name}/train-*.parquet" for name in WHAT), "data/train-*.parquet", "plots/*.png", FILE)


def write_dataset(
    folder: Path, out: Path, config: PublishConfig, facts: dict[str, Any], results: dict[str, Any] | None
) -> dict[str, Any]:
    """Write the dataset of a run into an empty folder; return its figures and ``tables``, the rows per config.

    Args:
        folder: where to.
        out: the run's directory, complete up to curate.
        config: how it is presented.
        facts: what the figures do not know: ``recipe``, ``seed``, ``policy`` and ``teacher_kind``.
        results: the evaluation's, if there is one.

    Raises:
        UserError: a stage up to curate is not complete.
    """
    figures = dataset_figures(out)
    tasks = rows.training_tasks(out)
    schemas: dict[str, pa.Schema] = {}
    tables: dict[str, int] = {}
    for name, schema, found in _tables(out, tasks):
        paths = write_shards(found, schema, folder / name, config.shard_mb * 2**20)
        if paths:
            schemas[name] = schema
            tables[name] = sum(pq.read_metadata(path).num_rows for path in paths)
    (folder / "plots").mkdir()
    shown = images(figures)
    for name, (_, image) in shown.items():
        (folder / "plots" / f"{name}.png").write_bytes(image)
    figures = {**figures, "tables": tables}
    write_json(folder / STATISTICS, {"schema": 1, "name": config.pretty_name, **figures})
    licence = collection_licence(config.licence, figures["licences"])
    if licence.license_link:
        (folder / FILE).write_text(licences_text(config.licence, figures["licences"]))
    matter = front_matter(
        schemas=schemas,
        n_samples=tables["sft"],
        pretty_name=config.pretty_name,
        licence=licence,
        language=config.language,
        tags=config.tags,
    )
    known = {
        "figures": figures,
        "tables": tables,
        "what": WHAT,
        "plots": {name: shows for name, (shows, _) in shown.items()},
        "pretty_name": config.pretty_name,
        "repository": config.to or "path/to/this/folder",
        "licence": licence,
        "own_licence": config.licence,
        "within_task": within_task_words(figures["within_task"]),
    }
    text = card_text("card.md.jinja", facts | known, results)
    (folder / "README.md").write_text(f"---\n{matter}\n---\n\n{text}")
    return figures


def _tables(out: Path, tasks: dict[str, Task]) -> Iterator[tuple[str, pa.Schema, Iterator[dict[str, Any]]]]:
    """Yield name, columns and rows of every config that there may be, in the card's order."""
    yield "sft", rows.SAMPLE, rows.samples(out, tasks)
    for name in rows.OF_CURATE:
        yield name, rows.further_schema(name), rows.further(out, name, tasks)
    yield "raw", rows.CANDIDATE, rows.candidates(out, tasks)
