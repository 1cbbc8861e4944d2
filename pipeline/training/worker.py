"""One process of a training on several: ``accelerate launch -m pipeline.training.worker DIRECTORY``.

The first one prints a JSON line after each step; each of them one with the error if the user can mend it.
"""

import json
import os
import sys
from pathlib import Path

from pipeline.errors import UserError
from pipeline.machine import cores
from pipeline.recipe import Recipe
from pipeline.training.launching import JOB
from pipeline.training.teaching import teach


def main(directory: Path) -> None:
    """Train as the job in the directory says."""
    job = json.loads((directory / JOB).read_text())
    recipe = Recipe.model_validate(job["recipe"])
    first = os.environ.get("RANK", "0") == "0"
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if not recipe.judge.workers:  # each process has a judge of its own: they share the cores
        workers = max(1, cores() // processes)
        recipe = recipe.model_copy(update={"judge": recipe.judge.model_copy(update={"workers": workers})})

    def report(step: int, total: int, note: str) -> None:
        if first:
            print(json.dumps({"step": step, "total": total, "note": note}), flush=True)

    try:
        teach(recipe, Path(job["out"]), directory, report)
    except UserError as error:
        print(json.dumps({"error": str(error)}), flush=True)  # of any process: memory may run out in one alone
        raise SystemExit(2) from None


if __name__ == "__main__":
    main(Path(sys.argv[1]))
