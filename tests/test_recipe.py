"""A recipe's mistakes are one line that names the key; every recipe that ships is read."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.recipe import load_recipe
from pipeline.section import identity

RECIPES = sorted(Path("recipes").glob("**/*.yaml"))
GOOD = "name: mine\ntasks: {source: composed}\n"


@pytest.mark.parametrize("path", [p for p in RECIPES if "accelerate" not in p.parts], ids=str)
def test_every_shipped_recipe_is_read(path: Path):
    assert load_recipe(path).name == "_".join(path.relative_to("recipes").with_suffix("").parts)


@pytest.mark.parametrize(
    ("text", "overrides", "message"),
    [
        (GOOD + "genrate: {}\n", [], r"genrate: unknown key; did you mean generate\?"),
        (GOOD + "generate: {teacher: {kind: scripted}, sample_per_task: 2}\n", [], r"generate.sample_per_task: unknown key; did you mean samples_per_task\?"),
        (GOOD + "generate: {teacher: {kind: scripted, mistake_rat: 0.1}}\n", [], r"generate.teacher.mistake_rat: unknown key; did you mean mistake_rate\?"),
        (GOOD + "generate: {teacher: {kind: script}}\n", [], r"generate.teacher: no kind 'script'; there are openai, .*; did you mean scripted\?"),
        (GOOD + "generate: {teacher: {}}\n", [], r"generate.teacher: lacks 'kind', one of openai, scripted, "),
        (GOOD + "generate: {teacher: scripted}\n", [], r"generate.teacher: must be a mapping of keys to values \(given: 'scripted'\)"),
        (GOOD + "curate: {filters: [{kind: duplicates}]}\n", [], r"curate.filters: the first filter must be \{kind: correct\}"),
        (GOOD + "evaluate: {models: {theirs: {kind: openai, base_url: 'http://x', model: m, pric: 1}}}\n", [], r"evaluate.models.theirs.pric: unknown key; did you mean price\?"),
        (GOOD + "evaluate: {models: {theirs: {kind: kernels}}}\n", [], r"evaluate.models.theirs.path: missing"),
        (GOOD + "judge: auto\n", [], r"judge: must be a mapping of keys to values \(given: 'auto'\)"),
        (GOOD, ["seed=-1"], r"seed: must be at least 0 \(given: -1\)"),
        (GOOD + "curate: {filters: [{kind: too_long, max_token: 3}]}\n", [], r"curate.filters.0.max_token: unknown key; did you mean max_tokens\?"),
        (GOOD, ["judge.backend=gpu"], r"judge.backend: must be auto, cuda, simt or none \(given: 'gpu'\)"),
        (GOOD, ["judge.polcy=report"], r"judge.polcy: unknown key; did you mean policy\?"),
        (GOOD, ["tasks.train=many"], r"tasks.train: must be a whole number \(given: 'many'\)"),
        (GOOD, ["seed"], r"'seed': an override is written key=value"),
        (GOOD, ["name.x=1"], r"name is not a section"),
        ("tasks: {source: composed}\n", [], r"name: missing"),
        ("name: [\n", [], r"recipe.yaml, line 2: not YAML"),
        ("- 1\n", [], r"a recipe is a mapping"),
        ("name: ../x\ntasks: {source: composed}\n", [], r"name: .*'../x'"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_that_names_the_key(tmp_path: Path, text: str, overrides: list[str], message: str):
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        load_recipe(path, overrides)
    assert "\n" not in str(caught.value)
    assert not re.search(r"(?i)value error|input (should|tag)|discriminator|valid (integer|dict)", str(caught.value))


def test_overrides_win(tmp_path: Path):
    path = tmp_path / "recipe.yaml"
    path.write_text(GOOD)
    assert load_recipe(path, ["seed=5", "judge.workers=3", "tasks.train=7"]).seed == 5


def test_throughput_knobs_do_not_change_a_stage_s_identity(tmp_path: Path):
    path = tmp_path / "recipe.yaml"
    path.write_text(GOOD)
    plain, faster, other = (load_recipe(path, o).judge for o in ([], ["judge.workers=9"], ["judge.policy=report"]))
    assert identity(plain) == identity(faster) != identity(other)


def test_the_command_line_ends_with_2_and_no_traceback(tmp_path: Path):
    command = [sys.executable, "-m", "pipeline.stage", "tasks", str(tmp_path / "missing.yaml")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == f"error: {tmp_path / 'missing.yaml'}: No such file or directory\n"


def test_reading_a_recipe_imports_no_torch():
    script = "import sys, pipeline.records, pipeline.recipe, pipeline.store, pipeline.stage, pipeline.runner; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
