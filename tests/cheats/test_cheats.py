"""Real cheats through the real judge: each is rejected for its own reason."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import TaskError
from pipeline.judge.config import JudgeConfig, Policy
from pipeline.judge.judge import Judge
from tests.cheats.cheats import FOLDER, Cheat, cheats, task

ENTRIES = range(1, 70)  # of the catalogue in README.md
CHEATS = cheats()


@pytest.fixture(scope="module")
def strict(builds: Path) -> Iterator[Judge]:
    with _judge("strict", builds) as judge:
        yield judge


@pytest.fixture(scope="module")
def report(builds: Path) -> Iterator[Judge]:
    with _judge("report", builds) as judge:
        yield judge


def _judge(policy: Policy, cache: Path) -> Judge:
    config = JudgeConfig(backend="simt", policy=policy, cache=cache, workers=2, cpu_seconds=6, seeds="cheats")
    return Judge(config)


@pytest.mark.parametrize("cheat", CHEATS, ids=lambda cheat: cheat.name)
def test_a_cheat_is_rejected_for_its_own_reason(strict: Judge, cheat: Cheat):
    if cheat.strict.startswith("task "):
        with pytest.raises(TaskError) as refused:
            strict.probe(task(cheat.task)).result()
        assert f"task {refused.value.reason}" == cheat.strict
        return
    verdict = strict.submit(task(cheat.task), cheat.code, cheat.name).result()
    statuses, _, reason = cheat.strict.partition(" ")
    assert not verdict.accepted
    assert verdict.status in statuses.split("|"), verdict
    assert not reason or verdict.reason == reason, verdict


@pytest.mark.parametrize(
    "cheat", [c for c in CHEATS if not c.report.startswith("task ")], ids=lambda cheat: cheat.name
)
def test_what_rules_only_record_the_run_decides(report: Judge, cheat: Cheat):
    verdict = report.submit(task(cheat.task), cheat.code, cheat.name).result()
    assert verdict.accepted == cheat.report.startswith("accepted: "), verdict
    if verdict.accepted and "rule:" in cheat.strict:
        rules = [check.detail for check in verdict.checks if check.name in ("rules", "native_rules") and check.detail]
        assert rules, "the verdict does not record what the rules found"


def test_every_entry_of_the_catalogue_has_a_cheat_and_the_readme_names_it():
    assert {entry for cheat in CHEATS for entry in cheat.entries} == set(ENTRIES)
    rows = re.findall(r"^\| (\d+) \|.*$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert [int(row) for row in rows] == list(ENTRIES)
    text = (FOLDER / "README.md").read_text()
    assert [cheat.name for cheat in CHEATS if f"`{cheat.name}`" not in text] == []
