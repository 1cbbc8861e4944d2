"""The scripted teacher: its kernels are right, its mistakes are wrong, and it knows nothing but the messages."""

import asyncio
import functools
import statistics
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from pipeline.agent.prompting import translate
from pipeline.agent.reply import parse
from pipeline.judge.config import JudgeConfig
from pipeline.judge.judge import Judge
from pipeline.records import Message, Task
from pipeline.sources import composed
from pipeline.sources.operators import JOINS, UNARY
from pipeline.teachers import Reply
from pipeline.teachers.scripted import Answer, Config, ScriptedTeacher, answer, count_tokens
from pipeline.teachers.scripting.plan import read_plan
from pipeline.teachers.scripting.values import trace

KINDS = {"missing_guard", "missing_barrier", "wrong_order", "wrong_constant", "syntax_error"}
ALWAYS_RIGHT, ALWAYS_WRONG = Config(mistake_rate=0), Config(mistake_rate=1)
LONG = ("Let me", "Wait", "Alternatively")
MODULE = """\
import torch
import torch.nn as nn
import torch.nn.functional as F
class Model(nn.Module):
    def __init__(self):
        super().__init__()
    def forward(self, x, y):
        {line}
        return x
def get_inputs():
    return [torch.randn(4), torch.randn(4)]
"""


@functools.cache
def tasks() -> list[Task]:
    return list(composed.read(composed.Config(train=300, heldout=0), seed=2))


@functools.cache
def first_answers() -> list[tuple[Task, Answer]]:
    return [(task, answer(translate(task), index, Config())) for index, task in enumerate(tasks())]


def code_of(written: Answer) -> str:
    parsed = parse(Reply(written.content, written.reasoning, "stop", None, None))
    assert parsed.status == "complete"
    assert parsed.reasoning == written.reasoning
    assert parsed.code is not None
    return parsed.code


def right_code(task: Task) -> str:
    return code_of(answer(translate(task), 0, ALWAYS_RIGHT))


def conversation(task: Task, first: Answer) -> tuple[Message, ...]:
    report = "Your module was tested and is not accepted: incorrect (wrong_values).\n\ncorrect:odd:\noutput[0] is 7\n"
    said = Message(role="assistant", content=first.content)
    return (*translate(task), said, Message(role="user", content=report))


@pytest.fixture(scope="module")
def judge(builds: Path) -> Iterator[Judge]:
    with Judge(JudgeConfig(backend="simt", cache=builds, workers=2)) as judge:
        yield judge


@pytest.mark.parametrize("operator", [*UNARY, *JOINS], ids=lambda o: o.expression)
def test_the_cuda_line_of_an_operator_computes_what_pytorch_does(operator):
    plan = read_plan(MODULE.format(line=operator.line()))
    for value in (-30.0, -3.5, -1.0, -0.3, 0.0, 0.02, 0.7, 1.5, 2.9, 19.0, 40.0):
        x, y = torch.tensor(value, dtype=torch.float64), torch.tensor(0.4, dtype=torch.float64)
        names = {"x": x, "y": y, "torch": torch, "F": torch.nn.functional}
        exec(operator.line(), names)
        (ours,) = trace(plan.steps, {"x": value, "y": 0.4})
        assert ours == pytest.approx(float(names["x"]), rel=1e-6, abs=1e-7), value


def test_right_kernels_are_accepted_in_every_category(judge: Judge):
    chosen = tasks()[:18]
    verdicts = [judge.submit(task, right_code(task), task.name) for task in chosen]
    assert {task.category for task in chosen} == {task.category for task in tasks()}
    assert [
        (t.name, v.result().detail) for t, v in zip(chosen, verdicts, strict=True) if not v.result().accepted
    ] == []


def test_mistakes_of_each_kind_are_rejected(judge: Judge):
    wrong = [(task, answer(translate(task), 0, ALWAYS_WRONG)) for task in tasks()[:40]]
    chosen = [next(pair for pair in wrong if pair[1].mistake == kind) for kind in sorted(KINDS)]
    chosen += [pair for pair in wrong if pair[1].mistake == "missing_barrier"][1:5]
    verdicts = [judge.submit(task, code_of(written), task.name) for task, written in chosen]
    found = {w.mistake: v.result() for (_, w), v in zip(chosen, verdicts, strict=True)}
    assert [(t.name, w.mistake) for (t, w), v in zip(chosen, verdicts, strict=True) if v.result().accepted] == []
    assert found["syntax_error"].status == "compile_error"
    assert found["missing_guard"].status == "runtime_error"


def test_a_third_of_first_answers_is_wrong_in_all_ways_and_differs_from_the_right_one():
    mistakes = Counter(written.mistake for _, written in first_answers())
    assert 0.25 <= 1 - mistakes[None] / len(tasks()) <= 0.42
    assert set(mistakes) == {None, *KINDS}
    for task, written in first_answers():
        assert (code_of(written) != right_code(task)) == (written.mistake is not None)


def test_reasoning_names_the_operators_comes_in_two_lengths_and_is_longer_when_wrong():
    right = [(t, w) for t, w in first_answers() if w.mistake is None]
    for task, written in right:
        labels = [step.label for step in read_plan(task.reference).steps]
        assert [line for line in written.reasoning.splitlines() if line[2:] in labels] == [f"- {n}" for n in labels]
    lengths = {is_long: [] for is_long in (True, False)}
    for _, written in right:
        lengths[any(marker in written.reasoning for marker in LONG)].append(count_tokens(written.reasoning))
    assert 2 <= statistics.mean(lengths[True]) / statistics.mean(lengths[False]) <= 4
    assert min(len(lengths[True]), len(lengths[False])) > 0.3 * len(right)
    mean_right = statistics.mean(count_tokens(w.reasoning) for _, w in right)
    mean_wrong = statistics.mean(count_tokens(w.reasoning) for _, w in first_answers() if w.mistake)
    assert mean_wrong > 1.1 * mean_right


def test_a_repair_removes_the_mistake_at_about_the_given_rate():
    wrong = [(task, written) for task, written in first_answers() if written.mistake]
    again = [(task, answer(conversation(task, written), 7, Config(repair_rate=0.6))) for task, written in wrong]
    repaired = [code_of(written) == right_code(task) for task, written in again]
    assert repaired == [written.mistake is None for _, written in again]
    assert 0.45 <= statistics.mean(repaired) <= 0.75
    assert all("output[0] is 7" in written.reasoning for _, written in again)
    guard = next((t, w) for t, w in wrong if w.mistake == "missing_guard")
    mended = answer(conversation(*guard), 0, Config(repair_rate=1))
    assert "it has to be `if (i >= n) return;`" in mended.reasoning


def test_a_reply_depends_on_messages_and_seed_alone():
    messages, teacher = translate(tasks()[0]), ScriptedTeacher(Config())
    one, same, *others = (asyncio.run(teacher.complete(messages, seed)) for seed in (1, 1, 2, 3, 4, 5, 6))
    assert one == same
    assert any(one.reasoning != other.reasoning for other in others)
    assert (one.finish_reason, one.prompt_tokens) == ("stop", count_tokens(messages[0].content))
    assert one.completion_tokens == count_tokens(one.content) + count_tokens(one.reasoning or "")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Please write a kernel.", "no ```python block that defines class Model"),
        (f"```python\n{MODULE.format(line='x = torch.cumsum(x, dim=0)')}```", "no rule for torch.cumsum(x, dim=0)"),
        (f"```python\n{MODULE.format(line='x = F.silu(x, inplace=True)')}```", "no rule for F.silu(x, inplace=True)"),
        (f"```python\n{MODULE.format(line='x = x @ y')}```", "no rule for x @ y"),
        (f"```python\n{MODULE.format(line='x = torch.sum(x, dim=-1)')}```", "no rule for sum of anything but"),
        (f"```python\n{MODULE.format(line='x = (')}```", "no rule for a module that is not Python"),
        (f"```python\n{MODULE.format(line='x = ' + '(1 + ' * 80 + 'x' + ')' * 80)}```", None),
        ("```python\nclass Model: pass\n```", "no rule for a module without Model.__init__"),
    ],
)
def test_what_it_has_no_rule_for_it_says_without_code(text: str, told: str | None):
    written = answer((Message(role="user", content=text),), 0, Config())
    status = parse(Reply(written.content, written.reasoning, "stop", None, None)).status
    assert status == ("complete" if told is None else "no_code")
    assert told is None or told in written.content


def test_the_last_module_of_the_prompt_is_the_one_to_translate():
    example = f"An example:\n```python\n{MODULE.format(line='x = torch.sin(x)')}```\n"
    asked = Message(role="user", content=f"{example}Now this:\n```python\n{MODULE.format(line='x = x * y')}```\n")
    code = code_of(answer((asked,), 0, ALWAYS_RIGHT))
    assert "x = x * y;" in code
    assert "sinf" not in code
