"""Where a report's figures and rows come from: a run's directory, or a published folder without its run."""

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import UserError
from pipeline.publishing import rows
from pipeline.publishing.figures import STATISTICS, dataset_figures
from pipeline.tables import read_table


class Source(NamedTuple):
    """A dataset: its name, its figures, its candidates (rows of ``rows.CANDIDATE``), and where its page goes."""

    name: str
    figures: dict[str, Any]
    candidates: Iterator[dict[str, Any]]
    page: Path


def open_dataset(directory: Path) -> Source:
    """Return the dataset of a run that is complete up to curate, or of a folder that publish has written.

    Raises:
        UserError: it is neither.
    """
    if (directory / STATISTICS).is_file():
        figures = json.loads((directory / STATISTICS).read_text())
        shards = sorted((directory / "raw").glob("train-*.parquet"))
        page = directory.resolve().with_name(
            f"{directory.resolve().name}_report.html"
        )  # it is not part of the dataset
        return Source(figures["name"], figures, chain.from_iterable(map(read_table, shards)), page)
    if not (directory / "tasks").is_dir():
        raise UserError(f"{directory}: neither a run's directory nor a published dataset ({STATISTICS} is missing)")
    figures = dataset_figures(directory)
    found = rows.candidates(directory, rows.training_tasks(directory))
    return Source(directory.resolve().name, figures, found, directory / "dataset_report.html")
