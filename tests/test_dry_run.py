"""A dry run: right counts and sums, real prompts, nothing asked and nothing written."""

import json
import re
from pathlib import Path

import pytest
import yaml

from pipeline.agent.prompting import translate
from pipeline.dry_run import dry_run
from pipeline.estimate import ASSUMED_MODULE_TOKENS, ASSUMED_REPORT_TOKENS, completion_tokens, estimate
from pipeline.inputs import expected_inputs
from pipeline.order import last_stage, stages_of
from pipeline.recipe import load_recipe
from pipeline.runner import run_stages
from pipeline.stages import tasks
from pipeline.store import StageStore, write_json
from pipeline.tables import to_row
from tests.sources.test_third_party import BOOK, MODULE, checkout, folder
from tests.training.examples import OPERATORS, task

SCORING = Path("recipes/score_kernels.yaml")  # poses no tasks of its own
RECIPES = [p for p in sorted(Path("recipes").rglob("*.yaml")) if "accelerate" not in p.parts and p != SCORING]
FEW = "tasks={source: composed, train: 4, heldout: 2}"
TEACHER = "{kind: openai, base_url: 'http://127.0.0.1:9/v1', model: m, price: {prompt: 1, completion: 10}}"


@pytest.mark.parametrize("path", RECIPES, ids=str)
def test_every_shipped_recipe_can_be_run_dry(path, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MY_KEY", "of nothing")
    recipe = load_recipe(path, [FEW])
    last = last_stage(recipe)
    dry_run(recipe, tmp_path / "out", last)
    told = capsys.readouterr().out
    assert "tasks: 4 train, 2 heldout (not yet tested" in told
    assert ("at least: " in told and "requests" in told) == (recipe.generate is not None)
    assert ("train by " in told) == ("train  " in told)
    assert not (tmp_path / "out").exists()


def test_finished_kernels_are_scored_without_tasks_of_ones_own(tmp_path, capsys):
    (tmp_path / "posed").mkdir()
    (tmp_path / "posed" / "one.py").write_text(MODULE)
    (tmp_path / "theirs.jsonl").write_text(json.dumps({"task": "one", "code": "class ModelNew: pass"}))
    mine = [f"evaluate.models.theirs.path={tmp_path / 'theirs.jsonl'}"]
    dry_run(load_recipe(SCORING, mine), tmp_path / "out", "evaluate")
    assert "evaluate: the tasks of suite kernelbench, which are on the Hub" in capsys.readouterr().out
    posed = [*mine, f"evaluate.suite={tmp_path / 'posed'}", "judge.backend=none"]
    recipe = load_recipe(SCORING, posed)
    assert stages_of(recipe) == ["evaluate"]
    run_stages(recipe, tmp_path / "out", last_stage(recipe))
    found = json.loads((tmp_path / "out" / "evaluate" / "results.json").read_text())["models"]
    assert found["theirs"]["n_tasks"] == 1


def own_tasks(source: str, root: Path) -> list[str]:
    """Write a small thing of each kind that a source reads; return what a recipe must be told to read it."""
    match source:
        case "composed":
            return ["tasks.train=4", "tasks.heldout=2"]
        case "kernelbench":
            return [f"tasks.path={checkout(root)}", "tasks.levels=[1, 2]"]
        case "robust_kbench":
            return [f"tasks.path={folder(folder(root), direction='backward')}"]
        case "kernelbook":
            row = {"python_code": BOOK.replace("INIT", "[[4], {}]"), "entry_point": "Scaled", "licenses": ["MIT"]}
            (root / "book.jsonl").write_text(json.dumps(row))
            return [f"tasks.path={root / 'book.jsonl'}"]
        case _:
            (root / "one.py").write_text(MODULE)
            return [f"tasks.path={root}"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("composed", "4 train, 2 heldout"),
        ("own_server", "1 train"),
        ("kernelbench", "3 heldout"),
        ("robust_kbench", "2 heldout"),
        ("kernelbook", "1 train"),
    ],
)
def test_the_recipe_of_each_source_reads_that_source(name, told, tmp_path, capsys):
    path = Path("recipes") / f"{name}.yaml"
    recipe = load_recipe(path, own_tasks(yaml.safe_load(path.read_text())["tasks"]["source"], tmp_path))
    # Of a single module none is held out, which the stage evaluate would not stand for.
    dry_run(recipe, tmp_path / "out", "curate" if name == "own_server" else last_stage(recipe))
    said = capsys.readouterr().out
    assert f"tasks: {told} (not yet tested" in said
    assert ("--- prompt 1" in said) == (recipe.generate is not None)


def test_what_a_training_needs_is_estimated_and_an_unreachable_model_ends_nothing(tmp_path, capsys):
    dry_run(load_recipe(Path("recipes/quickstart.yaml"), [FEW]), tmp_path / "out", "train")
    told = capsys.readouterr().out
    tokens = re.search(r"train by sft: ([\d,]+) tokens in all; a sample of ([\d,]+) tokens a task \(prompts", told)
    assert tokens is not None
    assert int(tokens[1].replace(",", "")) == 4 * 8 * int(tokens[2])  # tasks, epochs
    assert int(tokens[2]) < 1000, "the script's answers are short, and max_length is no length"
    assert "the script wrote to see" in told
    assert re.search(r"at least: 8 requests, [\d,]+ prompt tokens, [\d,]{4,5} completion tokens, free", told)
    assert "2.4 M parameters, 2.36 M of them trained" in told
    dry_run(
        load_recipe(Path("recipes/small_24gb.yaml"), [FEW, "train.model.name=no/where"]), tmp_path / "out", "train"
    )
    assert "no estimate: model no/where" in capsys.readouterr().out


def test_the_answers_of_an_evaluation_are_those_of_its_suite(tmp_path, capsys):
    finished = f"{{kind: kernels, path: {tmp_path}}}"
    (tmp_path / "level_1_problem_1_sample_0_kernel.py").touch()
    section = f"trained=[untrained], samples_per_task=4, models={{asked: {TEACHER}, theirs: {finished}}}"

    def told(suite: str, *more: str) -> str:
        values = [f"evaluate.{one}" for one in section.split(", ", 2)]
        recipe = load_recipe(Path("recipes/quickstart.yaml"), [FEW, *values, f"evaluate.suite={suite}", *more])
        dry_run(recipe, tmp_path / "out", "evaluate")
        return capsys.readouterr().out

    assert "evaluate: 2 held-out tasks x 2 models x 4 samples = 16 answers" in told("heldout")
    assert "evaluate: 12 tasks of suite recurrent x 2 models x 4 samples = 96 answers" in told("recurrent")
    assert "evaluate: 3 tasks of suite recurrent x 2 models" in told("recurrent", "evaluate.limit=3")
    assert "evaluate: the tasks of suite kernelbench, which are on the Hub, x 2 models" in told("kernelbench")
    checked_out = told("kernelbench_level1", f"evaluate.suite_path={checkout(tmp_path)}")
    assert "evaluate: 2 tasks of suite kernelbench_level1 x 2 models" in checked_out


def test_prompts_and_sums_are_those_of_the_tasks_that_there_are(tmp_path, capsys):
    overrides = [FEW, f"generate.teacher={TEACHER}", "generate.max_turns=3", "generate.budget.dollars=2"]
    recipe = load_recipe(Path("recipes/quickstart.yaml"), overrides)
    posed = [task(operator) for operator in OPERATORS[:3]]
    with StageStore(tmp_path / "tasks", tasks.SCHEMA, expected_inputs(recipe, tmp_path, "tasks")) as store:
        for one in posed:
            store.append(one.id, to_row(one))
        store.seal()
    dry_run(recipe, tmp_path, "generate")
    told = capsys.readouterr().out
    assert "tasks  complete: 3 tasks" in told
    assert "generate  to be run" in told
    assert "tasks: 3 train\n" in told
    assert sum(translate(one)[0].content in told for one in posed) == 2
    prompt = sum(len(translate(one)[0].content) for one in posed) // 4
    assert f"at least: 6 requests, {2 * prompt:,} prompt tokens, 48,000 completion tokens, $0.48" in told
    most = 2 * (3 * prompt + 3 * 2 * (ASSUMED_MODULE_TOKENS + ASSUMED_REPORT_TOKENS))
    assert f"at most: 18 requests, {most:,} prompt tokens, 144,000 completion tokens, $1.4" in told
    assert "budget: 2.0 dollars" in told


def test_generations_and_reviews_are_counted():
    mode = "{kind: evolve, generations: 4, proposals: 5, patience: 1}"
    section = f"{{teacher: {TEACHER}, mode: {mode}, verifiers: {{votes: 2, reflect: false}}}}"
    recipe = load_recipe(Path("recipes/own_server.yaml"), [f"generate={section}"])
    assert recipe.generate is not None
    least, most = estimate(recipe.generate, [task("relu")], 1000)
    reviews = 3 * 2
    assert (least.requests, most.requests) == (2 * 5 * (1 + reviews), 4 * 5 * (1 + reviews))
    alone = estimate(recipe.generate.model_copy(update={"verifiers": None}), [task("relu")], 1000)[0]
    assert (alone.requests, alone.completion_tokens) == (10, 10_000)
    assert least.dollars is not None
    assert alone.dollars is not None
    assert least.dollars > alone.dollars


def test_what_earlier_answers_were_is_better_than_an_assumption(tmp_path):
    config = load_recipe(Path("recipes/quickstart.yaml"), [f"generate.teacher={TEACHER}"]).generate
    assert config is not None
    assert completion_tokens(config.teacher, tmp_path, [])[0] == 8000
    (tmp_path / "superseded" / "generate-0").mkdir(parents=True)
    stats = {"requests": {"answered": 4, "completion_tokens": 2000}}
    write_json(tmp_path / "superseded" / "generate-0" / "stats.json", stats)
    assert completion_tokens(config.teacher, tmp_path, []) == (500, f"the mean of {tmp_path}/superseded/generate-0")


def test_an_ensemble_costs_by_shares_and_an_unknown_price_is_no_sum():
    members = f"[{{teacher: {TEACHER}, weight: 3}}, {{teacher: {{kind: scripted}}}}]"
    config = load_recipe(
        Path("recipes/quickstart.yaml"), [f"generate.teacher={{kind: ensemble, members: {members}}}"]
    )
    assert config.generate is not None
    least, _ = estimate(config.generate, [task("relu")], 1000)
    assert least.dollars == pytest.approx(0.75 * (least.prompt_tokens + 10 * least.completion_tokens) / 1e6)
    unpriced = load_recipe(Path("recipes/own_server.yaml")).generate
    assert unpriced is not None
    assert estimate(unpriced, [task("relu")], 1000)[0].dollars is None
