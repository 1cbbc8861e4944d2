"""Several runs as one result: by hand, and whether the intervals hold what they say."""

import json
from pathlib import Path

import numpy as np
import pytest

from eval import commands
from eval.results import Plan, Row, results
from eval.seeds import summarise
from pipeline.errors import UserError

PLAN = Plan("s", (1,), (1.0,), 10, 0)


def run(seed: int, **solved: str):
    """A results.json: a letter per task and model, ``+`` for a right answer."""
    word = {"+": "correct", "-": "incorrect"}
    rows = [
        Row(model, f"{seed}/{i}", "x", word[letter], None)
        for model, text in solved.items()
        for i, letter in enumerate(text)
    ]
    return results(rows, PLAN)


def test_means_and_differences_by_hand():
    runs = [run(0, sft="+---", grpo="++--"), run(1, sft="++--", grpo="+++-")]
    found = summarise(runs, ["sft", "grpo"])
    assert found["models"]["sft"]["mean"] == pytest.approx(0.375)
    assert found["models"]["grpo"]["per_seed"] == [0.5, 0.75]
    difference = found["differences"][0]
    assert (difference["before"], difference["after"]) == ("sft", "grpo")
    assert difference["per_seed"] == pytest.approx([0.25, 0.25])
    assert not found["same_tasks"]
    assert not difference["beyond_zero"]  # no task of four is won in some draws


def test_what_differs_in_every_task_is_beyond_zero_and_what_never_does_is_not():
    runs = [run(seed, a="-" * 9 + "+", b="+" * 10, c="+" * 10) for seed in range(3)]
    up, none = summarise(runs, ["a", "b", "c"])["differences"]
    assert up["beyond_zero"]
    assert up["low"] > 0
    assert not none["beyond_zero"]


def test_runs_that_differ_widen_the_interval():
    alike = summarise([run(seed, a="+-" * 50) for seed in range(3)], ["a"])["models"]["a"]
    apart = summarise([run(0, a="+" * 100), run(1, a="+-" * 50), run(2, a="-" * 100)], ["a"])["models"]["a"]
    assert alike["mean"] == apart["mean"] == 0.5
    assert apart["high"] - apart["low"] > 3 * (alike["high"] - alike["low"])


def test_shared_tasks_are_drawn_once_for_all_runs():
    """The same answers in three runs on the same tasks say no more about other tasks than one run does."""
    one = summarise([run(0, a="+-" * 20)], ["a"])["models"]["a"]
    same = summarise([run(0, a="+-" * 20)] * 3, ["a"])
    other = summarise([run(seed, a="+-" * 20) for seed in range(3)], ["a"])
    width = {name: m["high"] - m["low"] for name, m in (("one", one), ("same", same["models"]["a"]))}
    assert same["same_tasks"]
    assert width["same"] == pytest.approx(width["one"], rel=0.1)
    assert other["models"]["a"]["high"] - other["models"]["a"]["low"] < 0.75 * width["one"]


def test_the_interval_holds_the_recipes_mean():
    """Tasks' and runs' luck of known sizes: of many experiments most intervals hold the true mean."""
    generator = np.random.default_rng(1)
    held = 0
    for _ in range(60):
        rates = np.clip(generator.normal(0.5, 0.08, size=5), 0, 1)
        texts = ["".join("+" if generator.random() < rate else "-" for _ in range(60)) for rate in rates]
        found = summarise([run(i, a=text) for i, text in enumerate(texts)], ["a"], resamples=200)["models"]["a"]
        held += found["low"] <= 0.5 <= found["high"]
    assert held >= 50


def test_wrong_names_and_other_tasks_are_one_line_errors():
    with pytest.raises(UserError, match="run 2 has no model 'grpo'; did you mean grpo2"):
        summarise([run(0, grpo="+"), run(1, grpo2="+")], ["grpo"])
    with pytest.raises(UserError, match="'a' and 'b' of run 1 were asked different tasks"):
        summarise([run(0, a="++", b="+")], ["a", "b"])


def test_the_command_reads_runs_and_writes_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    paths = [tmp_path / name for name in ("one.json", "two.json")]
    for seed, path in enumerate(paths):
        path.write_text(json.dumps(run(seed, a="-" * 10, b="+" * 10)))
    commands.seeds(paths, ["a", "b"], tmp_path / "out.json")
    assert "+100.0 points (+38.3 to +100.0)" in capsys.readouterr().out
    assert json.loads((tmp_path / "out.json").read_text())["differences"][0]["beyond_zero"]
