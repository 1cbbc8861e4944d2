from pathlib import Path

import pytest
from jinja2 import UndefinedError

from pipeline.agent import prompting
from pipeline.agent.prompting import repair, translate
from pipeline.agent.report import Attempt, essential_lines
from pipeline.records import Candidate, Check, Message, Task, Verdict

TASK = Task(name="t", reference="class Model:\n    x = '{{ braces }}'\n", category="c", source="s")


def candidate(content: str, code: str | None, status: str = "complete") -> Candidate:
    return Candidate(
        task_id=TASK.id,
        sample=0,
        turn=0,
        teacher="t",
        messages=(*translate(TASK), Message(role="assistant", content=content, reasoning=None)),
        reasoning=None,
        code=code,
        status=status,  # type: ignore[arg-type]
        finish_reason="stop",
        prompt_tokens=None,
        completion_tokens=None,
    )


def verdict(status: str, reason: str, *checks: Check) -> Verdict:
    return Verdict(
        candidate_id="c",
        status=status,  # type: ignore[arg-type]
        reason=reason,
        checks=checks,
        backend="simt",
        judge_version="1",
    )


def test_translate_holds_the_reference_unchanged_and_after_the_constant_text():
    (message,) = translate(TASK)
    constant, _, rest = message.content.partition("```python\nclass Model:")
    assert rest == "\n    x = '{{ braces }}'\n```\n"
    other = TASK.model_copy(update={"reference": "y = 1"})
    assert translate(other)[0].content.startswith(constant)
    assert "Gradients" not in message.content
    assert "Gradients" in translate(TASK.model_copy(update={"direction": "backward"}))[0].content


def test_repair_reports_the_failed_checks_and_drops_the_reasoning():
    wrong = Check(name="correct:odd", passed=False, detail="y[3]: expected 1.5, got 0; 4 of 7 elements are wrong")
    answer = candidate("<think>long</think>Here:\n```python\nclass ModelNew: 0\n```", "class ModelNew: 0\n")
    found = verdict("incorrect", "wrong_value", Check(name="build", passed=True), wrong)
    asked, said, report = repair(TASK, [Attempt(answer, found)])
    assert asked == answer.messages[0]
    assert said.content == "Here:\n```python\nclass ModelNew: 0\n```"
    for part in ("incorrect (wrong_value)", "correct:odd:\ny[3]: expected 1.5, got 0", "Passed before that: build."):
        assert part in report.content


@pytest.mark.parametrize(("status", "words"), [("truncated", "cut off"), ("no_code", "no ```python block")])
def test_repair_of_an_answer_without_code_says_so(status, words):
    *_, said, report = repair(
        TASK, [Attempt(candidate("<think>never ends", None, status), verdict("malformed", status))]
    )
    assert words in report.content
    assert said.content == "(no answer)"


def test_a_report_says_at_which_sizes_and_inputs_it_failed():
    settings = Check(
        name="settings", passed=True, figures={"own": "ROWS = 64, COLS = 8", "odd": "ROWS = 33, COLS = 8"}
    )
    wrong = Check(name="correct:odd/1/zeros/reverse", passed=False, detail="y[3]: expected 1.5, got 0")
    found = verdict("incorrect", "wrong_value", settings, wrong)
    report = repair(TASK, [Attempt(candidate("x", "x"), found)])[-1].content
    assert "correct:odd/1/zeros/reverse (ROWS = 33, COLS = 8; zeros inputs):\ny[3]: expected 1.5, got 0\n" in report
    assert "Passed before" not in report


TEMPLATES = sorted(path.name for path in (Path(prompting.__file__).parent / "prompts").glob("*.jinja"))


@pytest.mark.parametrize("template", [name for name in TEMPLATES if name != "verify_again.jinja"])
def test_an_undefined_variable_raises(template):
    with pytest.raises(UndefinedError):
        prompting.render(template)


FIRST_TURN = """\
Rewrite the PyTorch module below with your own CUDA kernels. Answer with one ```python block: a whole module that \
defines `class ModelNew(nn.Module)`.
- Same constructor arguments, forward arguments and parameter names as `Model`; float32.
- Build the kernels with `torch.utils.cpp_extension.load_inline`. They do all the computing: no torch operators in \
forward, no fall-back.
- Take every size from the tensors: other sizes are tested too, odd ones among them.

```python
class Model:
    x = '{{ braces }}'
```
"""


def test_the_first_question_is_the_text_that_students_are_trained_on():
    assert translate(TASK)[0].content == FIRST_TURN


def test_a_long_compiler_log_is_cut_to_its_errors():
    noise = [f"instantiation {n}" for n in range(100)]
    log = ["k.cu:3:7: error: 'foo' was not declared", "    foo(x);", "    ^~~", *noise] * 3
    lines = essential_lines("\n".join(log)).splitlines()
    assert lines == log[:3]
    assert essential_lines("one\n\ntwo") == "one\ntwo"
    assert essential_lines("\n".join(noise)).splitlines() == noise[-24:]
    assert max(map(len, essential_lines("error: " + "x" * 9999).splitlines())) == 300
