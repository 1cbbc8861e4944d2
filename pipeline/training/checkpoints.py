"""Checkpoints of a training run that may be killed at any moment."""

import json
import re
import shutil
from pathlib import Path

_NAME = re.compile(r"checkpoint-(\d+)")


def last_complete(directory: Path) -> Path | None:
    """Return the newest complete checkpoint and delete what a kill left half-written."""
    found = [(int(m[1]), path) for path in directory.glob("checkpoint-*") if (m := _NAME.fullmatch(path.name))]
    newest: Path | None = None
    for step, path in sorted(found):
        if _is_complete(path, step):
            newest = path
        else:
            shutil.rmtree(path)
    return newest


def _is_complete(path: Path, step: int) -> bool:
    """Whether all parts are there; trainer_state.json, which the trainer writes last, must be whole."""
    try:
        state = json.loads((path / "trainer_state.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return False
    weights = any(path.glob("*.safetensors")) or any(path.glob("global_step*"))  # the latter: DeepSpeed's folder
    resumable = any(path.glob("optimizer*")) or any(path.glob("global_step*"))
    return state.get("global_step") == step and weights and resumable
