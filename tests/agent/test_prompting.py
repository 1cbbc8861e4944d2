import pytest
from jinja2 import UndefinedError

from pipeline.agent import prompting
from pipeline.agent.prompting import essential_lines, repair, translate
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
    asked, said, report = repair(answer, verdict("incorrect", "wrong_value", Check(name="build", passed=True), wrong))
    assert asked == answer.messages[0]
    assert said.content == "Here:\n```python\nclass ModelNew: 0\n```"
    for part in ("incorrect (wrong_value)", "correct:odd:\ny[3]: expected 1.5, got 0", "Passed before that: build."):
        assert part in report.content


@pytest.mark.parametrize(("status", "words"), [("truncated", "cut off"), ("no_code", "no ```python block")])
def test_repair_of_an_answer_without_code_says_so(status, words):
    *_, said, report = repair(candidate("<think>never ends", None, status), verdict("malformed", status))
    assert words in report.content
    assert said.content == "(no answer)"


def test_an_undefined_variable_raises():
    for template in ("translate.jinja", "repair.jinja"):
        with pytest.raises(UndefinedError):
            prompting._render(template)


def test_a_long_compiler_log_is_cut_to_its_errors():
    noise = [f"instantiation {n}" for n in range(100)]
    log = ["k.cu:3:7: error: 'foo' was not declared", "    foo(x);", "    ^~~", *noise] * 3
    lines = essential_lines("\n".join(log)).splitlines()
    assert lines == log[:3]
    assert essential_lines("one\n\ntwo") == "one\ntwo"
    assert essential_lines("\n".join(noise)).splitlines() == noise[-24:]
    assert max(map(len, essential_lines("error: " + "x" * 9999).splitlines())) == 300
