"""The tasks stage turns away what is broken, double or in an evaluation suite, and says why and like what."""

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.curation.similarity import nearest, normal_form
from pipeline.errors import UserError
from pipeline.progress import StageProgress
from pipeline.recipe import Recipe
from pipeline.sources.config import Decontaminate
from pipeline.sources.suites import corpus_of
from pipeline.stages import StageContext, tasks
from pipeline.store import StageStore, read_rows

MODULE = """\
import torch
import torch.nn as nn

class Model(nn.Module):
    def forward(self, {name}):
        {name} = torch.{operation}({name}) * {constant}
        return torch.softmax({name}, dim=1)

def get_inputs():
    return [torch.randn(64, {constant})]

def get_init_inputs():
    return []
"""


def module(operation: str, name: str = "x", constant: int = 2) -> str:
    return MODULE.format(operation=operation, name=name, constant=constant)


def rows() -> list[dict]:
    book = [module("tanh"), module("tanh"), module("relu", "values", 7), "def broken(:", module("sin")]
    lines = [text.replace("return []", "return [[], {}]") for text in book]
    return [{"python_code": text, "entry_point": "Model", "uuid": n} for n, text in enumerate(lines)]


def run(out: Path, recipe: Recipe) -> dict:
    progress = StageProgress("tasks", Console(file=StringIO()))
    with StageStore(out / "tasks", tasks.SCHEMA, {}, tasks.FURTHER) as store:
        stats = tasks.run(StageContext(recipe=recipe, out=out, store=store, progress=progress))
        store.seal(stats)
    return stats


def recipe(tmp_path: Path, **options) -> Recipe:
    (tmp_path / "suite" / "level1").mkdir(parents=True)
    (tmp_path / "suite" / "level1" / "19_ReLU.py").write_text(module("relu", "x", 3))
    (tmp_path / "book.jsonl").write_text("\n".join(map(json.dumps, rows())))
    against = {"against": [str(tmp_path / "suite")], **options}
    section = {"source": "kernelbook", "path": str(tmp_path / "book.jsonl"), "decontaminate": against}
    return Recipe.model_validate({"name": "mine", "tasks": section, "judge": {"backend": "none"}})


def test_each_rejection_has_its_reason_and_a_contaminated_one_its_counterpart(tmp_path: Path):
    stats = run(tmp_path, recipe(tmp_path))
    assert stats["by_reason"] == {"duplicate": 1, "contaminated": 1, "task_syntax": 1}
    assert sorted(row["name"] for row in read_rows(tmp_path / "tasks")) == ["0_Model", "4_Model"]
    (near,) = read_rows(tmp_path / "tasks", tasks.COUNTERPARTS)
    assert (near["task"], near["similarity"]) == ("2_Model", 1.0)
    assert near["counterpart"] == f"{tmp_path / 'suite'}:level1/19_ReLU.py"


def test_the_bound_is_the_recipe_s(tmp_path: Path):
    assert run(tmp_path, recipe(tmp_path, max_similarity=1.0))["by_reason"] == {"duplicate": 1, "task_syntax": 1}


def test_a_source_of_which_nothing_is_left_says_what_the_first_was(tmp_path: Path):
    with pytest.raises(
        UserError, match=r"none of the 5 tasks .* the first: 0_Model: contaminated: similarity 0\.\d\d to "
    ):
        run(tmp_path, recipe(tmp_path, max_similarity=0.3))


def test_a_suite_of_evaluate_is_named_as_there(tmp_path: Path):
    shipped = Path("eval/suites/recurrent")
    (tmp_path / "own.yaml").write_text(f"name: own\nsource: {{source: files, path: {shipped.resolve()}}}\n")
    for suite in ("recurrent", str(tmp_path / "own.yaml")):
        corpus = corpus_of(Decontaminate(against=(suite,)))
        found = nearest(normal_form((shipped / "lact_swiglu.py").read_text()), corpus)
        assert found is not None
        assert found == (f"{suite}:lact_swiglu", 1.0)


@pytest.mark.parametrize(
    ("against", "message"),
    [
        ("nowhere", r"tasks\.decontaminate\.against: nowhere is not a folder, a file, or a suite of"),
        ("heldout", r"tasks\.decontaminate\.against: heldout is this run's own tasks"),
        ("robust_kbench_forward", r"robust_kbench_forward can't be read, name its folder or table instead"),
        ("empty", r"tasks\.decontaminate\.against: empty is neither a \*\.parquet"),
        ("odd.jsonl", r"tasks\.decontaminate\.against: odd\.jsonl, row 1: no column code, python_code or reference"),
    ],
)
def test_a_suite_that_is_none_is_one_line(
    tmp_path: Path, against: str, message: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("odd.jsonl").write_text('{"text": "x"}\n')
    with pytest.raises(UserError, match=message):
        corpus_of(Decontaminate(against=(against,)))
