"""The judge end to end: real processes, real builds. An honest kernel passes, each wrong one for its own reason."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import TaskError
from pipeline.judge.ahead import ReferenceAnswers
from pipeline.judge.answers import NO_ANSWER, Answer
from pipeline.judge.config import JudgeConfig
from pipeline.judge.judge import Judge
from pipeline.judge.simt import build
from pipeline.judge.task_workers import TaskWorkers
from pipeline.records import Task
from tests.judge.examples import HONEST, REFERENCE, TASK, WRONG, changed


@pytest.fixture(scope="module")
def judge(builds: Path) -> Iterator[Judge]:
    with Judge(JudgeConfig(backend="simt", cache=builds, workers=2, cpu_seconds=3)) as judge:
        yield judge


def test_an_honest_kernel_is_accepted_at_every_setting(judge: Judge):
    verdict = judge.submit(TASK, HONEST, "honest").result()
    assert verdict.accepted, verdict
    assert {"correct:own", "correct:odd", "correct:small"} <= {c.name for c in verdict.checks}
    assert verdict.timing is None
    assert verdict.sandbox is not None


def test_a_task_may_make_its_inputs_on_a_gpu_that_is_not_there(judge: Judge):
    on_gpu = re.sub(
        r"torch\.randn\((\w[^()]*)\)", r'torch.randn(\1, device="cuda").to("cuda", torch.float32)', REFERENCE
    )
    assert on_gpu != REFERENCE
    task = Task(**{**TASK.model_dump(exclude={"id"}), "reference": on_gpu})
    assert judge.submit(task, HONEST, "on a GPU").result().accepted
    large = task.model_copy(update={"reference": re.sub(r"= \d+", "= 40000", on_gpu), "settings": TASK.settings[:1]})
    assert judge.settings(large).result().settings[0].name == "reduced"  # found out on torch's meta device


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_kernel_is_rejected_for_its_own_reason(judge: Judge, name: str):
    code, status, reason = WRONG[name]
    verdict = judge.submit(TASK, code, name).result()
    assert (verdict.status, verdict.reason) == (status, reason), verdict
    assert judge.submit(TASK, HONEST, "after").result().accepted  # the judge goes on


def test_host_code_is_watched_also_after_the_calls_that_nobody_looks_at(judge: Judge):
    code = changed("    return y;", "    if (x.numel() > 300) y.data_ptr<float>()[0] = 0.0f;\n    return y;")
    assert judge.submit(TASK, code, "at larger sizes").result().reason == "host_access"


def test_the_same_candidate_gets_the_same_verdict_again(judge: Judge):
    one, other = (judge.submit(TASK, HONEST, "honest").result() for _ in range(2))
    assert one == other


def test_the_kernel_of_another_task_is_wrong_here(judge: Judge):
    task = Task(**{**TASK.model_dump(exclude={"id"}), "reference": REFERENCE.replace("* 2.0", "* 3.0")})
    assert judge.submit(task, HONEST, "other").result().reason == "wrong_values"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("return torch.softmax(x * 2.0 + self.bias, dim=-1)", "return torch.zeros_like(x)", "constant"),
        ("return torch.softmax(x * 2.0 + self.bias, dim=-1)", "return torch.ones_like(x)", "constant"),
        ("return torch.softmax(x * 2.0 + self.bias, dim=-1)", "return torch.arange(x.numel()) + 1.0", "insensitive"),
        ("return torch.softmax", "return torch.log(torch.zeros(1)) + torch.softmax", "not_finite"),
        ("return torch.softmax", "raise ValueError('broken') or torch.softmax", "task_raises"),
        ("def get_inputs", "def inputs", "task_incomplete"),
        ("import torch\n", "import torch\nimport os\nos._exit(3)\n", "task_dies"),
    ],
)
def test_a_task_that_can_t_be_posed_is_named(judge: Judge, old: str, new: str, reason: str):
    task = Task(**{**TASK.model_dump(exclude={"id"}), "reference": REFERENCE.replace(old, new, 1)})
    with pytest.raises(TaskError) as caught:
        judge.probe(task).result()
    assert caught.value.reason == reason


def test_a_task_whose_result_changes_from_run_to_run_is_refused(judge: Judge):
    source = REFERENCE.replace("import torch\n", "import torch\nimport itertools\nCALLS = itertools.count(1)\n", 1)
    source = source.replace("return torch.softmax", "return next(CALLS) * torch.softmax")
    with pytest.raises(TaskError, match="nondeterministic"):
        judge.probe(Task(**{**TASK.model_dump(exclude={"id"}), "reference": source})).result()


def test_a_candidate_for_a_broken_task_is_undecided(judge: Judge):
    source = REFERENCE.replace("return torch.softmax", "raise ValueError('broken') or torch.softmax")
    task = Task(**{**TASK.model_dump(exclude={"id"}), "reference": source})
    verdict = judge.submit(task, HONEST, "honest").result()
    assert (verdict.status, verdict.reason) == ("unsupported", "task:task_raises")
    assert "broken" in str(verdict.detail)


def test_a_second_judgement_builds_nothing(judge: Judge, monkeypatch: pytest.MonkeyPatch):
    compiled: list[str] = []
    compile_ = build._compile
    monkeypatch.setattr(
        build, "_compile", lambda text, *more, **how: compiled.append(text) or compile_(text, *more, **how)
    )
    anew = HONEST.replace("largest", "greatest")
    assert judge.submit(TASK, anew, "once").result().accepted
    first = len(compiled)
    assert judge.submit(TASK, f"{anew}# another\n", "again").result().accepted
    assert len(compiled) == first > 0


def test_the_reference_is_run_once_for_the_candidates_of_a_task(judge: Judge, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(judge, "_answers", ReferenceAnswers(judge._ask_reference))
    asked: list[str] = []
    ask = TaskWorkers.ask

    def counted(self: TaskWorkers, role: Any, task: Task, request: dict[str, Any]) -> Any:
        asked.append(request["op"])
        return ask(self, role, task, request)

    monkeypatch.setattr(TaskWorkers, "ask", counted)
    code, _, reason = WRONG["weights left out"]
    assert judge.submit(TASK, HONEST, "first").result().accepted
    first = len(asked)
    assert judge.submit(TASK, f"{HONEST}# another\n", "second").result().accepted
    assert judge.submit(TASK, code, "wrong").result().reason == reason
    assert len(asked) == first > 0
    assert judge.submit(TASK, HONEST, "on other inputs", seeds="others").result().accepted
    assert len(asked) > first


def test_what_the_reference_takes_is_not_the_candidates_time(judge: Judge, monkeypatch: pytest.MonkeyPatch):
    source = REFERENCE.replace("import torch\n", "import time\nimport torch\n", 1)
    slow = source.replace("        return torch", "        time.sleep(0.15)\n        return torch")
    task = Task(**{**TASK.model_dump(exclude={"id"}), "reference": slow})
    monkeypatch.setattr(judge, "_candidate_limits", replace(judge._candidate_limits, wall_seconds=3.0))
    begin = time.monotonic()
    verdict = judge.submit(task, HONEST, "honest").result()
    assert time.monotonic() - begin > 3.0  # else this shows nothing
    assert verdict.accepted, verdict


@pytest.mark.parametrize("value", [None, "many", float("inf"), [1]])
def test_an_answer_of_another_form_is_no_answer(value: object):
    header = {
        "launches": [],
        "torch_operators": [],
        "aliased": False,
        "names": None,
        "lacking": [],
        "seconds": 0,
        "host_bytes": value,
    }
    outcome = {"values": {"dict": {"outputs": None, "inputs": None}}, **header}
    with pytest.raises(NO_ANSWER):
        Answer.read(outcome, [])


def test_a_worker_finds_all_its_modules_imported():
    script = (
        "import sys\nfrom pipeline.judge import forkserver\nforkserver._import_everything()\nbefore = set(sys.modules)\n"
        "from pipeline.judge import candidate_worker, channel, reference_worker, sandbox\n"
        "print(sorted(set(sys.modules) - before))"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "[]\n"
