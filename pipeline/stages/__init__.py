"""One module per stage: read sealed tables, do one thing, write one sealed table."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.progress import StageProgress
from pipeline.store import DATA, StageStore, read_rows

if TYPE_CHECKING:
    from pipeline.recipe import Recipe


@dataclass(frozen=True)
class StageContext:
    """What a stage's ``run(context)`` gets: the recipe, the run's directory, its own open store, its progress."""

    recipe: "Recipe"
    out: Path
    store: StageStore
    progress: StageProgress

    def read(self, stage: str, table: str = DATA) -> Iterator[dict[str, Any]]:
        """Yield the rows of a stage that is complete."""
        return read_rows(self.out / stage, table)
