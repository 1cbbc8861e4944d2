"""Tasks whose outputs are small: right and wrong are told apart relative to them, or the task is not posed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import TaskError
from pipeline.judge.config import JudgeConfig
from pipeline.judge.judge import Judge
from pipeline.judge.task_filters import TaskFilters
from pipeline.records import Setting, Task
from tests.judge.examples import HONEST, REFERENCE, changed

WIDE = REFERENCE.replace("COLS = 64", "COLS = 16384")  # KernelBench's softmax: no value reaches 0.01
RESULT = "expf(x[row * cols + c] * 2.0f + bias[c] - largest) / buffer[0]"


@pytest.fixture(scope="module")
def judge(builds: Path) -> Iterator[Judge]:
    with Judge(JudgeConfig(backend="simt", cache=builds, workers=1)) as judge:
        yield judge


def task(reference: str, rows: int = 16) -> Task:
    source = reference.replace("ROWS = 16", f"ROWS = {rows}").replace("x * 2.0 +", "x * 0.5 +")
    return Task(name="wide", reference=source, settings=(Setting(name="own"),), category="softmax", source="test")


def test_a_benchmarks_softmax_is_posed_and_judged(judge: Judge):
    wide = task(WIDE)
    with pytest.raises(TaskError, match=r"output_range: .*\(tasks\.filters\.output_range\)"):
        judge.probe(wide, TaskFilters()).result()
    judge.probe(wide).result()
    few = task(WIDE, rows=2)
    verdicts = {
        name: judge.submit(few, code.replace("* 2.0f", "* 0.5f"), name).result()
        for name, code in {
            "honest": HONEST,
            "off by 1%": changed(RESULT, f"1.01f * {RESULT}"),
            "zeros": changed(RESULT, "0.0f"),
            "uniform": changed(RESULT, "1.0f / cols"),
        }.items()
    }
    assert verdicts.pop("honest").accepted
    assert {verdict.reason for verdict in verdicts.values()} == {"wrong_values"}, verdicts


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("(x - x.mean(1, keepdim=True)).mean(1)", "indistinct"),  # rounding errors of either sign
        ("x[:, :1] - x[:, :1].mean(1, keepdim=True)", "constant"),
        ("1e-7 * x.mean(1)", None),
    ],
)
def test_what_no_comparison_can_decide_on_is_not_posed(judge: Judge, body: str, reason: str | None):
    posed = task(REFERENCE.replace("torch.softmax(x * 2.0 + self.bias, dim=-1)", body))
    if reason is None:
        judge.probe(posed).result()
        return
    with pytest.raises(TaskError) as caught:
        judge.probe(posed).result()
    assert caught.value.reason == reason
