"""Killed with kill -9 at random moments, in every stage, a run ends with the tables of one that was left alone."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.order import ORDER
from pipeline.recipe import StageName

RECIPE = """
name: small
seed: 3
tasks: {source: composed, train: 10, heldout: 3}
generate: {teacher: {kind: scripted}, samples_per_task: 2, max_turns: 2, concurrency: 4}
judge: {backend: simt, cache: CACHE, seeds: the same}
curate: {filters: [{kind: correct}, {kind: duplicates}, {kind: shortest}]}
train:
  model: {kind: scratch, layers: 1, width: 32, heads: 2, vocabulary: 400}
  max_length: 4096
  sft: {max_steps: 6, per_device_train_batch_size: 2, learning_rate: 1.0e-3, save_steps: 2, logging_steps: 1}
evaluate: {samples_per_task: 2, k: [1, 2], max_new_tokens: 32}
publish: {}
"""
KILLS_PER_STAGE = 2


def command(recipe: Path, out: Path, stage: str) -> list[str]:
    return [sys.executable, "-m", "pipeline.stage", stage, str(recipe), "--out", str(out)]


def tables(out: Path) -> dict[str, bytes]:
    return {str(p.relative_to(out)): p.read_bytes() for s in ORDER for p in sorted((out / s).glob("*.parquet"))}


def kill_after(seconds: float, arguments: list[str]) -> bool:
    """Run a command and kill its process group after some time; return whether it was still running."""
    process = subprocess.Popen(arguments, start_new_session=True, stderr=subprocess.PIPE, text=True)
    try:
        _, stderr = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        return True
    assert process.returncode == 0, stderr
    return False


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, builds: Path) -> tuple[Path, Path, dict[StageName, float]]:
    """A run left alone: its recipe, its directory, and the seconds that each stage took, start of Python included."""
    folder = tmp_path_factory.mktemp("undisturbed")
    recipe = folder / "small.yaml"
    recipe.write_text(RECIPE.replace("CACHE", str(builds)))
    seconds: dict[StageName, float] = {}
    for stage in ORDER:
        start = time.monotonic()
        subprocess.run(command(recipe, folder / "out", stage), check=True, capture_output=True)
        seconds[stage] = time.monotonic() - start
    return recipe, folder / "out", seconds


def test_a_run_killed_at_random_ends_with_the_same_tables(
    undisturbed: tuple[Path, Path, dict[StageName, float]], tmp_path: Path
):
    recipe, expected, seconds = undisturbed
    moments = random.Random(os.environ.get("PYTEST_RANDOM_SEED", "1"))
    killed = 0
    for stage in ORDER:
        for _ in range(KILLS_PER_STAGE):
            killed += kill_after(moments.uniform(0.2, 0.95) * seconds[stage], command(recipe, tmp_path, stage))
        subprocess.run(command(recipe, tmp_path, stage), check=True, capture_output=True)
    assert killed >= len(ORDER)
    assert tables(tmp_path) == tables(expected)
    results = Path("evaluate") / "results.json"
    assert (tmp_path / results).read_bytes() == (expected / results).read_bytes()


def test_a_complete_stage_is_skipped_and_a_changed_recipe_redoes_it(
    undisturbed: tuple[Path, Path, dict[StageName, float]],
):
    recipe, out, _ = undisturbed
    before = (out / "curate" / "manifest.json").stat().st_mtime_ns
    again = subprocess.run(command(recipe, out, "curate"), check=True, capture_output=True, text=True)
    assert again.stderr.count("complete:") == 4
    assert (out / "curate" / "manifest.json").stat().st_mtime_ns == before
    changed = [*command(recipe, out, "curate"), "curate.filters.2={kind: correct}", "generate.concurrency=2"]
    redone = subprocess.run(changed, capture_output=True, text=True)
    assert redone.returncode == 2  # an override can't reach into a list
    recipe.write_text(recipe.read_text().replace("{kind: shortest}", "{kind: balance, max_share: 0.9}"))
    redone = subprocess.run(command(recipe, out, "curate"), check=True, capture_output=True, text=True)
    assert "redone, because curate.filters" in redone.stderr
    assert list((out / "superseded").glob("curate-*"))
    assert redone.stderr.count("complete:") == 3
