"""Choosing without ground truth, dividing samples by difficulty, and strategies' figures, computed by hand."""

from typing import Any

import pytest

from eval.allocation import allocation
from eval.merging import merge
from eval.results import Plan, Row, results
from eval.scaling import allocate
from eval.selection.choosing import pass_matrix, selected, selected_by
from eval.strategy_figures import answers_of, strategy_results
from pipeline.errors import UserError

PLAN = Plan("s", (1,), (1.0,), 50, 0)


def sample(status: str, form: str | None = None, reasoning: int | None = None, **more: Any) -> dict[str, Any]:
    found = {"status": status, "form": form, "reasoning_tokens": reasoning, **more}
    return {name: value for name, value in found.items() if value is not None}


def test_tests_are_whether_it_runs_and_which_kernel_it_is():
    samples = [sample("correct", "a"), sample("incorrect", "b"), sample("compile_error", "c"), sample("correct", "a")]
    assert pass_matrix(samples) == [
        [True, True, False, True],
        [True, False, True, False],
        [False, False, False, False],
        [True, True, False, True],
    ]


def test_each_rule_picks_by_its_own_lights():
    """Task t: two equal right kernels, a lone wrong one that was reasoned about least. Task u: nothing right."""
    t = [
        sample("incorrect", "x", 5),
        sample("correct", "a", 9),
        sample("malformed", None, 1),
        sample("correct", "a", 8),
    ]
    u = [sample("incorrect", f"{i}", i) for i in range(4)]
    found = selected({"t": {"samples": t}, "u": {"samples": u}}, 50, 0)
    assert found is not None
    assert found.pop("rpc") is None
    means = {rule: value["mean"] for rule, value in found.items()}
    assert means == {
        "random": 0.25, "majority": 0.5, "codet": 0.5, "b4": 0.5, "shortest": 0.0, "hybrid": 0.5, "oracle": 0.5
    }  # fmt: skip


def test_with_outputs_kernels_that_differ_agree():
    """Right answers are three different kernels, a wrong one was copied; input 1 is one that nobody could take."""
    given = ((0, None, 0), (1, None, 1), (1, None, 1), (0, None, 0), (0, None, None), None)
    forms, words = "abbcde", ("correct", "incorrect", "incorrect", "correct", "correct", "compile_error")
    own = [
        sample(status, form, reasoning, **({} if out is None else {"outputs": list(out)}))
        for out, form, status, reasoning in zip(given, forms, words, (5, 1, 2, 6, 7, 0), strict=True)
    ]
    assert pass_matrix(own) == [
        [True, False, True, False],
        [False, True, False, True],
        [False, True, False, True],
        [True, False, True, False],
        [True, False, False, False],
        [False] * 4,
    ]
    by_kernel = [{k: v for k, v in s.items() if k != "outputs"} for s in own]
    assert selected_by({"t": {"samples": own}}) == "outputs"
    assert selected_by({"t": {"samples": by_kernel}}) == "kernels"
    right = [*own[:1], *own[3:4], *own[:1]]  # a third answer that gives the same
    found, before = selected({"t": {"samples": own + right}}, 9, 0), selected({"t": {"samples": by_kernel}}, 9, 0)
    assert found is not None
    assert before is not None
    rules = ("majority", "codet", "b4", "hybrid")
    assert {rule: found[rule]["mean"] for rule in rules} == dict.fromkeys(rules, 1.0) | {"hybrid": 1.0}
    assert [before[rule]["mean"] for rule in ("majority", "codet", "hybrid")] == [0.0, 0.0, 0.0]


def test_rpc_weighs_classes_by_the_mean_probability_of_a_token():
    """Two long answers that agree, at e^-0.5 a token; one sure of itself at e^-0.1; twice the same text at e^-0.4."""

    def own(log: float, tokens: int, out: int, status: str) -> dict[str, Any]:
        return sample(status, f"{log}", log_probability=log, scored_tokens=tokens, outputs=[out])

    def solved(*samples: dict[str, Any]) -> float | None:
        found = selected({"t": {"samples": samples}}, 9, 0)
        assert found is not None
        return found["rpc"] and found["rpc"]["mean"]

    sure = own(-1.0, 10, 2, "incorrect")  # 0.905
    agreeing = [own(-50.0, 100, 0, "correct"), own(-25.0, 50, 0, "correct")]  # 0.607 each, 1.213 together
    assert solved(sure, *agreeing) == 1
    assert solved(sure, agreeing[0]) == 0
    right = {**sure, "status": "correct"}
    assert solved(*[own(-4.0, 10, 1, "incorrect")] * 2, right) == 1  # one path counts once: 0.670, not 1.341
    assert solved(right, sample("correct", "x", log_probability=-1.0)) is None


def test_a_rule_without_its_figures_is_null_and_one_sample_is_no_choice():
    uncounted = selected({"t": {"samples": [sample("correct", "a")] * 2}}, 50, 0)
    assert uncounted is not None
    assert uncounted["shortest"] is uncounted["hybrid"] is None
    assert uncounted["majority"]["mean"] == 1
    assert selected({"t": {"samples": [sample("correct", "a")]}}, 50, 0) is None


def test_rules_do_not_know_which_kernel_is_right():
    """Swapping right and wrong changes what is solved, never what is picked."""
    texts = ["aab", "abb", "abc", "aaa"]
    one = {
        str(i): {"samples": [sample("correct" if f == "a" else "incorrect", f, i) for f in t]}
        for i, t in enumerate(texts)
    }
    other = {
        str(i): {"samples": [sample("incorrect" if f == "a" else "correct", f, i) for f in t]}
        for i, t in enumerate(texts)
    }
    first, second = selected(one, 50, 0), selected(other, 50, 0)
    assert first is not None
    assert second is not None
    for rule in ("majority", "codet", "b4", "shortest", "hybrid", "random"):
        assert first[rule]["mean"] + second[rule]["mean"] == pytest.approx(1)


def test_bounds_of_an_allocation():
    rates, costs = {"easy": 0.9, "hard": 0.2}, {"easy": 10.0, "hard": 20.0}
    assert allocate(rates, costs, 100, least=1, most=3) == {"easy": 3, "hard": 3}
    assert allocate(rates, costs, 100, weights={"easy": 1, "hard": 9}, least=1) == {"easy": 2, "hard": 4}


def test_hard_tasks_get_what_easy_ones_do_not_need():
    def task(right: int, reasoning: int) -> dict[str, Any]:
        own = [sample("correct" if i < right else "incorrect", "f", reasoning) for i in range(8)]
        return {"samples": [{**s, "completion_tokens": 100} for s in own]}

    tasks = {f"e{i}": task(8, 10) for i in range(6)} | {f"h{i}": task(2, 9000) for i in range(6)}
    found = allocation(tasks)
    assert found is not None
    assert found["uniform"] == 4
    assert found["bins"]["easy"]["samples"] < 4 < found["bins"]["hard"]["samples"]
    assert found["solved"]["adaptive"]["share"] > found["solved"]["uniform"]["share"]
    assert found["solved"]["adaptive"]["tokens"] <= found["solved"]["uniform"]["tokens"]
    assert allocation({key: task(8, 10) for key in "ab"}) is None  # one bin: nothing to divide


def rows(model: str, text: str) -> list[Row]:
    word = {"+": "correct", "-": "incorrect"}
    return [Row(model, f"t{i}", "x", word[c], None) for i, c in enumerate(text)]


def test_the_judges_errors_widen_and_shift_pass_at_1():
    sure = {"false_accepts": (0, 10**6), "false_rejects": (0, 10**6)}
    lax = {"false_accepts": (100, 1000), "false_rejects": (0, 1000)}
    found = {name: results(rows("m", "+-" * 20), PLAN._replace(judge_error=error))["models"]["m"] for name, error in
             (("sure", sure), ("lax", lax))}  # fmt: skip
    assert found["sure"]["corrected_pass_at_1"]["mean"] == 0.5
    assert found["lax"]["corrected_pass_at_1"]["mean"] == pytest.approx(0.4 / 0.9)
    assert found["lax"]["corrected_pass_at_1"]["precision"] == pytest.approx(0.4 / 0.9 / 0.5)
    assert results(rows("m", "+-"), PLAN)["models"]["m"]["corrected_pass_at_1"] is None
    with pytest.raises(UserError, match=r"evaluate\.judge_error: .*too uncertain"):
        results(rows("m", "+-"), PLAN._replace(judge_error={"false_accepts": (1, 3), "false_rejects": (0, 3)}))


def answer(task: str, strategy: str, turn: int, tokens: int, right: bool, **more: Any) -> dict[str, Any]:
    place = {"model": "m", "strategy": strategy, "task_id": task, "turn": turn, "sample": 0}
    return {**place, "tokens": tokens, "accepted": right, "prompt_tokens": 5, "speedup": None, **more}


def test_an_answer_beyond_the_budget_does_not_count():
    found = answers_of(
        [
            answer("t", "sequential", 1, 60, right=True),
            answer("t", "sequential", 0, 50, right=False),
            answer("u", "sequential", 0, 50, right=True),
            answer("t", "parallel", 0, 50, right=False),
            answer("u", "parallel", 0, 50, right=False),
        ]
    )
    tight = strategy_results(found, 100, 50, 0)["models"]["m"]
    assert tight["sequential"]["solved"]["mean"] == 0.5  # t's second answer ends at 110 tokens
    wide = strategy_results(found, 110, 50, 0)["models"]["m"]
    assert wide["sequential"]["solved"]["mean"] == 1
    assert wide["sequential"]["against_parallel"]["mean"] == 1
    assert wide["parallel"]["against_parallel"] is None
    curve = wide["sequential"]["solved_within"]
    assert [curve[str(b)] for b in sorted(map(int, curve))] == sorted(curve.values())
    assert wide["sequential"]["tokens_per_task"] == 80


def test_strategies_of_shards_merge():
    def part(task: str, right: bool) -> dict[str, Any]:
        found = answers_of([answer(task, "beam", 0, 9, right)])
        return {
            **results([Row("m", task, "x", "correct", None)], PLAN),
            "strategies": strategy_results(found, 9, 50, 0),
        }

    whole = merge([part("t", right=True), part("u", right=False)])
    assert whole["strategies"]["models"]["m"]["beam"]["solved"]["mean"] == 0.5
