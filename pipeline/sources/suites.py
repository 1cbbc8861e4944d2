"""Evaluation suites as corpora of normal forms, to which tasks are compared."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eval.suite import HELDOUT, load_suite, shipped, source_of
from pipeline.curation.similarity import Corpus, Form, normal_form
from pipeline.errors import UserError
from pipeline.records import Task
from pipeline.sources.config import Decontaminate
from pipeline.sources.hub import file_rows, hub_rows, table_files

KEY = "tasks.decontaminate.against"
NAMED = {"kernelbench": "ScalingIntelligence/KernelBench"}
YAML = {".yaml", ".yml"}
CODE = ("code", "python_code", "reference")


def corpus_of(config: Decontaminate) -> Corpus:
    """Return the normal forms of all members of the suites, by ``<suite>:<member>``.

    Members that are no Python, or define no class and no function, are left out: nothing can be like them.

    Raises:
        UserError: a suite can't be read, or nothing in it has a form.
    """
    forms: dict[str, Form] = {}
    for suite in config.against:
        before = len(forms)
        for name, source in _members(suite):
            try:
                form = normal_form(source)
            except SyntaxError:
                continue
            if form:
                forms[f"{suite}:{name}"] = form
        if len(forms) == before:
            raise UserError(f"{KEY}: {suite} holds no module")
    return Corpus(forms)


def files_of(suite: str) -> list[Path]:
    """Return the files on this machine that a suite is read from; none of one on the Hub, or that is not there."""
    path = Path(suite)
    modules = list(path.rglob("*.py")) if path.is_dir() else []
    if modules or (path.exists() and path.suffix not in YAML):
        return modules or table_files(path)
    if path.exists() or (suite not in NAMED and suite in shipped() and suite != HELDOUT):
        source = source_of(load_suite(suite))
        return [
            *([path] if path.exists() else []),
            *(file for files in source.local_files().values() for file in files),
        ]
    return []


def _members(suite: str) -> Iterator[tuple[str, str]]:
    path = Path(suite)
    modules = sorted(path.rglob("*.py")) if path.is_dir() else []
    if modules:
        for module in modules:
            yield str(module.relative_to(path)), module.read_text(encoding="utf-8", errors="replace")
    elif path.suffix in YAML or (not path.exists() and suite not in NAMED and suite in shipped()):
        yield from _posed(suite)
    elif path.exists():
        yield from _coded(file_rows(path, (), KEY), suite)
    else:
        dataset = NAMED.get(suite, suite)
        if "/" not in dataset or suite.startswith((".", "/")):
            raise UserError(f"{KEY}: {suite} is not a folder, a file, or a suite of evaluate or of the Hub")
        for split in _splits(dataset):
            for name, source in _coded(hub_rows(dataset, split, (), KEY), suite):
                yield f"{split}/{name}", source


def _posed(suite: str) -> Iterator[tuple[str, str]]:
    """Yield the members of a suite that ``evaluate.suite`` may name."""
    from pipeline.stages.tasks import read_source

    if suite == HELDOUT:
        raise UserError(f"{KEY}: {suite} is this run's own tasks, no suite")
    try:
        for found in read_source(source_of(load_suite(suite)), seed=0):
            task = found if isinstance(found, Task) else found.task
            yield task.name, task.reference
    except UserError as error:
        raise UserError(f"{KEY}: {suite} can't be read, name its folder or table instead ({error})") from None


def _coded(rows: Iterator[dict[str, Any]], suite: str) -> Iterator[tuple[str, str]]:
    for number, row in enumerate(rows, 1):
        column = next((name for name in CODE if isinstance(row.get(name), str)), None)
        if column is None:
            raise UserError(f"{KEY}: {suite}, row {number}: no column {', '.join(CODE[:-1])} or {CODE[-1]}")
        yield str(row.get("name") or row.get("uuid") or number), row[column]


def _splits(dataset: str) -> list[str]:
    from datasets import get_dataset_split_names
    from datasets.exceptions import DatasetsError

    try:
        return list(get_dataset_split_names(dataset))
    except (DatasetsError, OSError, ValueError) as error:
        raise UserError(f"{KEY}: {dataset} can't be loaded: {' '.join(str(error).split())[:200]}") from None
