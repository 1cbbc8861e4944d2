"""Training on several processes: ``accelerate launch`` starts them, and this one reads what they report."""

import json
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import InfrastructureError, UserError
from pipeline.store import write_json
from pipeline.training.running import Report, finished

if TYPE_CHECKING:
    from pipeline.recipe import Recipe

JOB = "job.json"
LAST_LINES = 30  # of what the processes print: enough for the traceback of one of them


def launch(recipe: "Recipe", out: Path, directory: Path, report: Report) -> dict[str, Any]:
    """Do what ``teaching.teach`` does, in the processes that ``train.accelerate`` describes.

    Killed, the processes end too (accelerate ends them), and the next run goes on from the last checkpoint.

    Raises:
        UserError: see ``teach``; no such configuration file.
        InfrastructureError: a process died; the message holds the last lines that were printed.
    """
    assert recipe.train is not None  # noqa: S101  (the stage has checked it)
    assert recipe.train.accelerate is not None  # noqa: S101
    if (outcome := finished(directory)) is not None:
        return outcome
    configuration = recipe.train.accelerate
    if not configuration.is_file():
        raise UserError(f"train.accelerate: {configuration} is not a file")
    write_json(directory / JOB, {"recipe": recipe.model_dump(mode="json"), "out": str(out.absolute())})
    command = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(configuration)]
    command += ["-m", "pipeline.training.worker", str(directory.absolute())]
    last: deque[str] = deque(maxlen=LAST_LINES)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None  # noqa: S101
        try:
            for line in process.stdout:
                _relay(line, report, last)
        except BaseException:
            process.terminate()
            raise
    (directory / JOB).unlink()
    if (outcome := finished(directory)) is None:
        raise InfrastructureError(f"training ended with code {process.returncode}:\n{''.join(last)}")
    return outcome


def _relay(line: str, report: Report, last: "deque[str]") -> None:
    """Pass on a line of the first process: a step, or the user's fault; what else is printed is kept for a fault."""
    try:
        message = json.loads(line)
    except ValueError:
        last.append(line)
        return
    match message:
        case {"step": step, "total": total, "note": note}:
            report(step, total, note)
        case {"error": text}:
            raise UserError(text)
        case _:
            last.append(line)
