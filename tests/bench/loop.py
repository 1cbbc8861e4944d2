"""Seconds per stage of the quickstart, from the manifests of a fresh run."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pipeline.store import read_manifest


def main(overrides: list[str]) -> dict[str, Any]:
    """Run recipes/quickstart.yaml into an empty directory with an empty build cache."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [sys.executable, "-m", "pipeline.stage", "run", "recipes/quickstart.yaml", "--out", str(out)]
        start = time.perf_counter()
        subprocess.run([*command, f"judge.cache={folder}/builds", *overrides], check=True)
        total = time.perf_counter() - start
        manifests = {p.parent.name: read_manifest(p.parent) or {} for p in out.glob("*/manifest.json")}
    stages = {name: manifest["seconds"] for name, manifest in manifests.items()}
    for name, seconds in sorted(stages.items(), key=lambda item: -item[1]):
        print(f"{name:>9} {seconds:7.1f} s")
    print(f"{'all':>9} {total:7.1f} s (goal: 600)")
    return {"seconds": stages, "total_seconds": round(total, 1)}
