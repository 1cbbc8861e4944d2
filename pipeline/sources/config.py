"""What the recipes of all sources have in common: which tasks are turned away."""

from pathlib import Path

from pydantic import Field

from pipeline.judge.task_filters import TaskFilters
from pipeline.section import Section


class Decontaminate(Section):
    """Which evaluation suites tasks must not be like.

    Attributes:
        against: each a folder of modules (``**/*.py``), a table with a column ``code`` or ``python_code``
            (``*.parquet``, ``*.jsonl``), a suite as ``evaluate.suite`` names it (``recurrent``, a YAML file), or a
            data set on the Hub; ``kernelbench`` is the Hub's KernelBench.
        max_similarity: tasks more alike than this to any member are rejected, see ``curation.similarity``; 0.9 is
            CUDA Agent's bound (their measure of similarity is not published).
    """

    against: tuple[str, ...] = Field(min_length=1)
    max_similarity: float = Field(default=0.9, ge=0, le=1)

    def local_files(self) -> dict[str, list[Path]]:
        """Return the modules and tables of the suites that are on this machine."""
        from pipeline.sources.suites import files_of

        return {"against": [file for suite in self.against for file in files_of(suite)]}


class SourceConfig(Section):
    """A source's tasks are judged by ``filters``, and kept away from the suites of ``decontaminate``."""

    filters: TaskFilters = TaskFilters()
    decontaminate: Decontaminate | None = None

    @property
    def heldout_key(self) -> str:
        """Which key of the recipe says how many tasks are kept for evaluation."""
        return "tasks.heldout_share"

    @property
    def holds_out_none(self) -> bool:
        """Whether the recipe says that no task is kept for evaluation."""
        return not getattr(self, "heldout_share", 1)
