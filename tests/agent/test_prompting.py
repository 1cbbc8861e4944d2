import pytest
from jinja2 import UndefinedError
from pydantic import ValidationError

from pipeline.agent import prompting
from pipeline.agent.own_prompts import VALUES, OwnPrompts
from pipeline.agent.prompting import repair, translate
from pipeline.agent.report import Attempt, essential_lines
from pipeline.errors import UserError
from pipeline.records import Candidate, Check, Message, Task, Verdict
from pipeline.section import identity
from pipeline.stages.generate import GenerateConfig

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


TEMPLATES = sorted(path.name for path in prompting.FOLDER.glob("*.jinja"))


@pytest.mark.parametrize("template", [name for name in TEMPLATES if name != "verify_again.jinja"])
def test_an_undefined_variable_raises(template):
    with pytest.raises(UndefinedError):
        prompting.render(template)


def test_every_template_is_known_with_the_values_that_it_uses():
    assert sorted(VALUES) == TEMPLATES
    own = OwnPrompts.model_validate(prompting.FOLDER)  # what uses an unknown value would be refused
    assert sorted(own.texts) == TEMPLATES


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("translat.jinja", "x", r"translat\.jinja: no prompt is called that; there are translate\.jinja, "),
        ("translate.jinja", "{{ tsk }}", r"translate\.jinja: 'tsk' is undefined; this prompt is given gpu, "),
        ("repair.jinja", "one\n{% if %}", r"repair\.jinja, line 2: "),
        (None, "", "is empty; it may hold translate"),
    ],
)
def test_a_folder_of_prompts_that_can_t_be_used_is_one_line(tmp_path, name, text, told):
    if name:
        (tmp_path / name).write_text(text)
    with pytest.raises(ValidationError, match=told):
        OwnPrompts.model_validate(str(tmp_path))
    with pytest.raises(ValidationError, match="no such folder"):
        OwnPrompts.model_validate(str(tmp_path / "none"))


def test_a_recipes_own_prompts_stand_in_for_ours(tmp_path):
    (tmp_path / "translate.jinja").write_text("Mine, on {{ gpu }}: {{ task.reference }}")
    section = {"teacher": {"kind": "scripted"}, "prompts": str(tmp_path), "gpu": "H100"}
    config = GenerateConfig.model_validate(section)
    mine = Message(role="user", content="Mine, on H100: class Model:\n    x = '{{ braces }}'\n")
    answer = candidate("```python\nclass ModelNew: 0\n```", "class ModelNew: 0\n")
    asked = repair(TASK, [Attempt(answer, verdict("incorrect", "wrong_value"))], config.asked)
    assert asked[0] == mine == translate(TASK, config.asked)[0]
    assert "is not accepted" in asked[-1].content  # what is not in the folder is ours
    assert GenerateConfig.model_validate(config.model_dump(mode="json")) == config  # as processes of training get it
    before = identity(config)
    (tmp_path / "translate.jinja").write_text("Mine: {{ task.refrence }}")
    changed = GenerateConfig.model_validate(section)
    assert identity(changed) != before
    with pytest.raises(UserError, match=r"generate\.prompts: translate\.jinja: .*refrence"):
        translate(TASK, changed.asked)


def test_dtypes_are_told_as_they_are():
    half = TASK.model_copy(update={"reference": "x = torch.randn(3, dtype=torch.bfloat16)"})
    assert "float32" not in translate(half)[0].content
    assert "`Model`; every dtype as the module below makes it." in translate(half)[0].content
    for task, told in (
        (TASK, "It computes in float32: no halves"),
        (half, "have the reference's dtypes; what is 16"),
    ):
        values = {"task": task, "code": "x", "only_float32": prompting.only_float32(task)}
        assert told in prompting.render("verify_numerics.jinja", **values)
    named = translate(TASK, prompting.Prompts(gpu="H100"))[0].content
    assert named.replace("- The kernels are for this GPU: H100.\n", "") == FIRST_TURN


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
