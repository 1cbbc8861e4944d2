"""curate on made-up tables: which candidates become samples, and what they look like."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.agent.prompting import translate
from pipeline.curation import correct, duplicates, multi_turn, pir, preference, shortest
from pipeline.errors import UserError
from pipeline.judge.config import JudgeConfig
from pipeline.records import Candidate, Sample, Task, Verdict
from pipeline.stages import StageContext, curate
from pipeline.stages.curate import CurateConfig
from pipeline.store import REJECTED, StageStore, read_manifest, read_rows
from pipeline.tables import from_row, schema_of, to_row
from pipeline.training_samples import PreferencePair, TurnSample
from tests.honest.pairs import pairs as honest_pairs
from tests.synthetic_run import (
    CONSOLE,
    build_run,
    kernel,
    make_candidate,
    make_task,
    make_verdict,
    recipe,
    run_stage,
    write_stage,
)  # fmt: skip
from tests.training.examples import tiny_model


def write_upstream(out: Path, tasks, pairs):
    write_stage(out, "tasks", schema_of(Task), {t.id: to_row(t) for t in tasks})
    write_stage(out, "generate", schema_of(Candidate), {c.id: to_row(c) for c, _ in pairs})
    write_stage(out, "verify", schema_of(Verdict), {v.candidate_id: to_row(v) for _, v in pairs if v})


def test_every_candidate_is_kept_or_rejected_with_a_reason(tmp_path):
    build_run(tmp_path, last="curate")
    candidates = {row["id"]: row for row in read_rows(tmp_path / "generate")}
    kept = [from_row(Sample, row) for row in read_rows(tmp_path / "curate")]
    rejected = list(read_rows(tmp_path / "curate", REJECTED))
    assert sorted([s.candidate_id for s in kept] + [row["candidate_id"] for row in rejected]) == sorted(candidates)
    assert all(row["reason"] for row in rejected)
    assert len({s.task_id for s in kept}) == len(kept) > 0
    right = {row["candidate_id"] for row in read_rows(tmp_path / "verify") if row["accepted"]}
    assert {s.candidate_id for s in kept} <= right
    for row in rejected:
        has_code = candidates[row["candidate_id"]]["code"] is not None
        assert (row["completion"] is not None) == has_code == (row["id"] is not None)


def test_a_sample_holds_the_answer_as_it_was_given(tmp_path):
    task = make_task(0, "elementwise", "relu")
    candidate = make_candidate(task, 0, "Think a < b.", kernel("relu"), turn=1)
    write_upstream(tmp_path, [task], [(candidate, verdict := make_verdict(candidate, "correct"))])
    run_stage(tmp_path, "curate", curate, curate=CurateConfig(filters=(correct.Config(),)))
    (row,) = read_rows(tmp_path / "curate")
    sample = from_row(Sample, row)
    assert sample.prompt == translate(task)
    assert sample.edits == ("prompt_of_first_turn",)
    assert (sample.verdict_id, sample.licence, sample.speedup) == (verdict.id, "Apache-2.0", None)
    (answer,) = sample.completion
    assert answer.reasoning == "Think a < b."
    assert f"<think>\n{answer.reasoning}\n</think>\n\n{answer.content}" == candidate.messages[-1].content
    assert sample.reasoning_tokens == 5


def test_a_shorter_wrong_answer_never_wins_and_heldout_tasks_stay_out(tmp_path):
    task, heldout = make_task(0, "elementwise", "relu"), make_task(1, "elementwise", "tanh", "heldout")
    wrong = make_candidate(task, 0, "Short.", kernel("exp"))
    right = make_candidate(task, 1, "A longer thought.", kernel("relu"))
    longest = make_candidate(task, 2, "By far the longest thought.", kernel("relu"))
    unjudged = make_candidate(task, 3, "No.", kernel("relu"))
    leak = make_candidate(heldout, 0, "Leak.", kernel("tanh"))
    pairs = [
        (wrong, make_verdict(wrong, "incorrect", "values")),
        (right, make_verdict(right, "correct")),
        (longest, make_verdict(longest, "correct")),
        (unjudged, None),
        (leak, make_verdict(leak, "correct")),
    ]
    write_upstream(tmp_path, [task, heldout], [pairs[1], *pairs[:1], *pairs[2:]])
    run_stage(tmp_path, "curate", curate)
    assert [row["candidate_id"] for row in read_rows(tmp_path / "curate")] == [right.id]
    reasons = {row["candidate_id"]: row["reason"] for row in read_rows(tmp_path / "curate", REJECTED)}
    assert reasons == {
        wrong.id: "not_accepted:incorrect",
        longest.id: "not_shortest",
        unjudged.id: "not_accepted:not_judged",
        leak.id: "heldout_task",
    }
    assert curate_stats(tmp_path)["funnel"]["candidates"] == 4
    assert curate_stats(tmp_path)["reasoning_tokens"]["right"]["n"] == 2


def test_an_interrupted_run_ends_in_the_same_tables(tmp_path):
    whole, cut = build_run(tmp_path / "whole", last="curate"), build_run(tmp_path / "cut", last="verify")

    class KilledError(Exception):
        pass

    with StageStore(cut / "curate", curate.SCHEMA, {"seed": 0, "curate": {}}) as store:
        append, left = store.append, iter(range(5))

        def dying_append(key, row, table="data"):
            if next(left, None) is None:
                raise KilledError
            append(key, row, table)

        store.append = dying_append
        try:
            curate.run(StageContext(recipe(), cut, store, CONSOLE))
        except KilledError:
            assert 0 < len(store) < 90
    again = run_stage(cut, "curate", curate)
    first = read_manifest(whole / "curate")
    assert first is not None
    assert again["output"] == first["output"]
    for name in ("data.parquet", "rejected.parquet", "stats.json"):
        assert (cut / "curate" / name).read_bytes() == (whole / "curate" / name).read_bytes()


def test_the_funnel_adds_up(tmp_path):
    build_run(tmp_path, last="verify")
    filters = [{"kind": "correct"}, {"kind": "too_long", "max_tokens": 150}, {"kind": "shortest"},
               {"kind": "balance", "max_share": 0.4}]  # fmt: skip
    manifest = run_stage(tmp_path, "curate", curate, curate=CurateConfig.model_validate({"filters": filters}))
    funnel = curate_stats(tmp_path)["funnel"]
    assert funnel["candidates"] == funnel["filters"][0]["before"] == manifest["rows"] + manifest["rejected"]
    assert funnel["kept"] == funnel["filters"][-1]["after"] == manifest["rows"]
    assert "category_full" in manifest["reasons"]
    lengths = curate_stats(tmp_path)["reasoning_tokens"]
    assert lengths["wrong"]["median"] > lengths["right"]["median"] >= lengths["kept"]["median"]


def test_every_sample_traces_to_task_verdict_and_raw_response(tmp_path):
    build_run(tmp_path, last="curate")
    tasks, verdicts, answers = (
        {row["id"]: row for row in read_rows(tmp_path / stage)} for stage in ("tasks", "verify", "generate")
    )
    for row in read_rows(tmp_path / "curate"):
        verdict, answer = verdicts[row["verdict_id"]], answers[row["candidate_id"]]
        assert verdict["candidate_id"] == answer["id"]
        assert verdict["accepted"]
        assert answer["task_id"] == row["task_id"]
        assert tasks[row["task_id"]]["reference"].strip() in row["prompt"][0]["content"]
        raw, (told,) = answer["messages"][-1]["content"], row["completion"]
        assert raw == f"<think>\n{told['reasoning']}\n</think>\n\n{told['content']}"


FORMS = CurateConfig(
    filters=(correct.Config(), duplicates.Config(), shortest.Config()),
    preference=preference.Config(pairs_per_task=2),
    multi_turn=multi_turn.Config(turns="all", earlier_reasoning="summarised", sentences=1),
)


def conversation_run(out):
    """Three tasks: a rollout that is mended, a right and a wrong answer side by side, and one that stays wrong."""
    tasks = [make_task(i, "elementwise", op) for i, op in enumerate(("relu", "tanh", "exp"))]
    first = make_candidate(tasks[0], 0, "I start with exp. It may do. So be it.", kernel("exp"))
    second = make_candidate(tasks[0], 0, "It must be relu.", kernel("relu"), turn=1)
    right = make_candidate(tasks[1], 0, "Tanh it is.", kernel("tanh"))
    wrong = make_candidate(tasks[1], 1, "Try exp.", kernel("exp"))
    never = make_candidate(tasks[2], 0, "No.", kernel("relu"))
    pairs = [
        (first, make_verdict(first, "incorrect", "values")),
        (second, make_verdict(second, "correct")),
        (right, make_verdict(right, "correct")),
        (wrong, make_verdict(wrong, "cheating", "rule:fallback")),
        (never, make_verdict(never, "incorrect", "values")),
    ]
    write_upstream(out, tasks, pairs)
    return pairs


def test_pairs_and_turns_are_tables_beside_the_samples(tmp_path):
    (first, _), (second, second_verdict), (right, _), (wrong, wrong_verdict), _ = conversation_run(tmp_path)
    manifest = run_stage(tmp_path, "curate", curate, curate=FORMS)
    assert manifest["further"] == {"preference": 2, "multi_turn": 2}
    assert curate_stats(tmp_path)["forms"] == {"sft": 2, "preference": 2, "multi_turn": 2}
    pairs = {
        (pair := from_row(PreferencePair, row)).chosen_candidate_id: pair
        for row in read_rows(tmp_path / "curate", "preference")
    }
    assert {c: p.rejected_candidate_id for c, p in pairs.items()} == {second.id: first.id, right.id: wrong.id}
    pair = pairs[right.id]
    assert (pair.kind, pair.rejected_status, pair.rejected_reason) == ("correctness", "cheating", "rule:fallback")
    assert pair.rejected_verdict_id == wrong_verdict.id
    assert pair.chosen[0].reasoning == "Tanh it is."
    assert kernel("exp") in pair.rejected[0].content
    assert pairs[second.id].edits == ("prompt_of_first_turn",)
    early, late = sorted(
        (from_row(TurnSample, row) for row in read_rows(tmp_path / "curate", "multi_turn")), key=lambda t: t.turn
    )
    assert (early.status, early.reason, early.edits) == ("incorrect", "values", ())
    assert (late.turn, late.turns, late.verdict_id) == (1, 2, second_verdict.id)
    assert (early.score, late.score) == (pytest.approx(0.12), pytest.approx(0.3))
    assert late.edits == ("earlier_reasoning_summarised",)
    assert [m.role for m in late.prompt] == ["user", "assistant", "user"]
    said = "Summary of my reasoning: I start with exp. ... So be it.\n\nwrong"
    assert late.prompt[1].content == said
    assert late.completion[0].reasoning == "It must be relu."


def test_a_repaired_answer_is_no_first_answer_but_stands_in_its_conversation(tmp_path):
    """What mends a report's finding is kept with that report, and neither taught nor compared without it."""
    task, other = make_task(0, "elementwise", "relu"), make_task(1, "elementwise", "tanh")
    first = make_candidate(task, 0, "Exp.", kernel("exp"))
    mended = make_candidate(task, 0, "The report says: values. It is relu.", kernel("relu"), turn=1)
    right = make_candidate(task, 1, "A far longer thought of a first answer that was right.", kernel("relu"))
    wrong = make_candidate(other, 0, "Exp.", kernel("exp"))
    still = make_candidate(other, 0, "The report says: values. It is exp.", kernel("exp", "2"), turn=1)
    told = make_candidate(other, 1, "My previous answer was wrong.", kernel("tanh"))
    answers = [(first, 0), (mended, 1), (right, 1), (wrong, 0), (still, 0), (told, 1)]
    verdicts = [make_verdict(c, "correct") if ok else make_verdict(c, "incorrect", "values") for c, ok in answers]
    write_upstream(tmp_path, [task, other], list(zip([c for c, _ in answers], verdicts, strict=True)))
    kinds = ("correct", "first_turn", "leaks", "shortest")
    config = {"filters": [{"kind": kind} for kind in kinds], "preference": {}, "multi_turn": {}}
    manifest = run_stage(tmp_path, "curate", curate, curate=CurateConfig.model_validate(config))
    assert [row["candidate_id"] for row in read_rows(tmp_path / "curate")] == [right.id]
    assert manifest["reasons"] == {"not_accepted:incorrect": 3, "answers_a_report": 1, "mentions_other_answer": 1}
    (turn,) = read_rows(tmp_path / "curate", "multi_turn")
    assert (turn["candidate_id"], turn["prompt"][-1]["content"]) == (mended.id, "mend it")
    (pair,) = read_rows(tmp_path / "curate", "preference")
    assert (pair["chosen_candidate_id"], pair["rejected_candidate_id"], pair["edits"]) == (right.id, first.id, [])


def test_twice_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        conversation_run(tmp_path / name)
        run_stage(tmp_path / name, "curate", curate, curate=FORMS)
    files = sorted(path.name for path in (tmp_path / "one" / "curate").glob("*.parquet"))
    assert files == ["data.parquet", "multi_turn.parquet", "preference.parquet", "rejected.parquet"]
    for name in (*files, "stats.json"):
        assert (tmp_path / "one/curate" / name).read_bytes() == (tmp_path / "two/curate" / name).read_bytes(), name


def test_kept_traces_are_pruned_if_the_recipe_says_so(tmp_path):
    model = tiny_model(tmp_path / "model")
    task = make_task(0, "elementwise", "relu")
    trace = "Let me check the bound. It holds. It is fine. " * 4 + "So each thread takes one."
    candidate = make_candidate(task, 0, trace, kernel("relu"))
    write_upstream(tmp_path, [task], [(candidate, make_verdict(candidate, "correct"))])
    run_stage(tmp_path, "curate", curate, curate=CurateConfig(prune=pir.Config(model=str(model), verification=0.5)))
    (row,) = read_rows(tmp_path / "curate")
    assert row["edits"] == ["pir:verification:2 of 4 steps"]
    assert row["completion"][0]["reasoning"].count("Let me check") == 2
    assert kernel("relu") in row["completion"][0]["content"]


def test_a_second_verification_drops_what_it_can_not_reproduce_and_goes_on_where_it_was_killed(tmp_path):
    honest = {pair.name: pair for pair in honest_pairs()}
    good, other = honest["01_swish_float4"], honest["03_integer_floor_mod"]
    lucky = good.code.replace("__global__", "// changed\n__global__", 1).replace(" * ", " + ")
    answers = [(good.task, good.code), (other.task, other.code), (good.task, lucky)]
    pairs = [
        (c := make_candidate(task, i, f"Thought {i}.", code, turn=i // 2), make_verdict(c, "correct"))
        for i, (task, code) in enumerate(answers)
    ]
    before = make_candidate(good.task, 2, "Thought.", kernel("exp"))
    write_upstream(tmp_path, [good.task, other.task], [*pairs, (before, make_verdict(before, "incorrect", "values"))])
    forms = {"preference": {}, "multi_turn": {}}
    config = CurateConfig.model_validate({"filters": [{"kind": "correct"}], "reverify": True, **forms})
    judging = {"curate": config, "judge": JudgeConfig(backend="simt", workers=1)}

    class KilledError(Exception):
        pass

    def killed(key, row, table="data"):
        raise KilledError

    with StageStore(tmp_path / "curate", curate.SCHEMA, {"seed": 0, "curate": {}}, curate.FURTHER) as store:
        append = store.append

        def one_append(key, row, table="data"):
            append(key, row, table=table)
            store.append = killed

        store.append = one_append
        with pytest.raises(KilledError):
            curate.run(StageContext(recipe(**judging), tmp_path, store, CONSOLE))
    manifest = run_stage(tmp_path, "curate", curate, **judging)
    verdicts = [from_row(Verdict, row) for row in read_rows(tmp_path / "curate", "reverified")]
    assert len(verdicts) == len({v.candidate_id for v in verdicts}) == 3
    assert len({v.seeds for v in verdicts}) == 2  # one was judged by the run that was killed, with its secret
    assert {row["candidate_id"] for row in read_rows(tmp_path / "curate")} == {c.id for c, _ in pairs[:2]}
    reasons = {row["candidate_id"]: row["reason"] for row in read_rows(tmp_path / "curate", REJECTED)}
    assert reasons.keys() == {pairs[2][0].id, before.id}
    assert reasons[pairs[2][0].id].startswith("not_reproduced:")
    assert manifest["rows"] == 2
    assert curate_stats(tmp_path)["forms"] == {"sft": 2, "preference": 1}  # the lucky one is in no conversation
    step = curate_stats(tmp_path)["funnel"]["filters"][-1]
    assert (step["filter"], step["before"], step["after"]) == ("reverified", 3, 2)


def rewrite(path, change):
    """Replace a sealed table by what ``change`` makes of it, the manifest left as it is."""
    table = pq.read_table(path)
    pq.write_table(change(table), path)


def test_broken_rows_are_named_and_counted_and_stop_nobody(tmp_path):
    task, unknown = make_task(0, "elementwise", "relu"), make_task(1, "elementwise", "tanh")
    texts = (
        None,
        "Broken here.",
        "Fine, the longest by far.",
        "x " * 5_000_000,
        "No id.",
        "Elsewhere.",
        "No messages.",
    )
    made = [make_candidate(task, i, text, kernel("relu")) for i, text in enumerate(texts)]
    made[5] = make_candidate(unknown, 0, "Elsewhere.", kernel("tanh"))
    write_upstream(tmp_path, [task], [(c, make_verdict(c, "correct")) for c in made])

    def damage(table):
        rows = table.to_pylist()
        by_id = {row["id"]: row for row in rows}
        by_id[made[4].id]["id"] = None
        by_id[made[6].id]["messages"] = []
        rows.append(dict(by_id[made[2].id]))
        damaged = pa.Table.from_pylist(rows, table.schema)
        at = [row["id"] for row in rows].index(made[1].id)
        reasoning = [text and text.encode() for text in damaged["reasoning"].to_pylist()]
        reasoning[at] = b"Broken \xff here."
        column = pa.array(reasoning, pa.binary())
        broken = pa.Array.from_buffers(pa.string(), len(column), column.buffers())
        return damaged.set_column(damaged.schema.get_field_index("reasoning"), "reasoning", broken)

    rewrite(tmp_path / "generate" / "data.parquet", damage)
    config = {"filters": [{"kind": "correct"}, {"kind": "reasoned"}, {"kind": "too_long", "max_tokens": 1_000_000}]}
    manifest = run_stage(tmp_path, "curate", curate, curate=CurateConfig.model_validate(config))
    assert [row["candidate_id"] for row in read_rows(tmp_path / "curate")] == [made[2].id]
    reasons = {row["candidate_id"]: row["reason"] for row in read_rows(tmp_path / "curate", REJECTED)}
    assert reasons == {
        made[0].id: "no_reasoning", made[1].id: "broken_utf8", made[3].id: "completion_too_long", None: "missing_id",
        made[5].id: "unknown_task", made[6].id: "missing_messages", made[2].id: "repeated_id",
    }  # fmt: skip
    assert manifest["rows"] + manifest["rejected"] == 8
    assert curate_stats(tmp_path)["broken_rows"] == {
        "broken_utf8": 1, "missing_id": 1, "missing_messages": 1, "repeated_id": 1, "unknown_task": 1
    }  # fmt: skip


def test_a_missing_column_is_one_line_that_names_it(tmp_path):
    build_run(tmp_path, last="verify")
    path = tmp_path / "generate" / "data.parquet"
    rewrite(path, lambda table: table.drop_columns(["reasoning"]))
    with pytest.raises(UserError, match=rf"{path}: column 'reasoning' is missing \(it has id, task_id, "):
        run_stage(tmp_path, "curate", curate)


def test_an_empty_result_says_which_filter_emptied_it_and_keeps_every_row(tmp_path):
    build_run(tmp_path, last="verify")
    filters = [{"kind": "correct"}, {"kind": "shortest"}, {"kind": "too_long", "max_tokens": 2}]
    emptied = CurateConfig.model_validate({"filters": filters})
    with pytest.raises(
        UserError, match=r"nothing is left: filter 'too_long' dropped the last \d+ rows \(\d+ completion"
    ):
        run_stage(tmp_path, "curate", curate, curate=emptied)
    with StageStore(tmp_path / "curate", curate.SCHEMA, {}) as store:
        assert len(store) == len(list(read_rows(tmp_path / "generate")))


def test_nothing_accepted_and_nothing_judged_are_said(tmp_path):
    tasks = [make_task(i, "elementwise", "relu") for i in range(2)]
    judged, unjudged = (make_candidate(task, 0, "Hm.", kernel("exp")) for task in tasks)
    pairs = [(judged, make_verdict(judged, "incorrect", "values")), (unjudged, None)]
    write_upstream(tmp_path / "wrong", tasks, pairs)
    expected = r"filter 'correct' dropped the last 2 rows \(1 not_accepted:incorrect, 1 not_accepted:not_judged\)"
    with pytest.raises(UserError, match=expected):
        run_stage(tmp_path / "wrong", "curate", curate)
    right = make_candidate(tasks[0], 1, "Relu.", kernel("relu"))
    write_upstream(tmp_path / "part", tasks, [*pairs, (right, make_verdict(right, "correct"))])
    run_stage(tmp_path / "part", "curate", curate)
    assert curate_stats(tmp_path / "part")["tasks_without_verdicts"] == {"tasks": 1, "first": [tasks[1].id]}
    heldout = make_task(2, "elementwise", "relu", "heldout")
    leak = make_candidate(heldout, 0, "Leak.", kernel("relu"))
    write_upstream(tmp_path / "heldout", [heldout], [(leak, make_verdict(leak, "correct"))])
    with pytest.raises(UserError, match="no candidates of training tasks: 1 belong to held-out tasks"):
        run_stage(tmp_path / "heldout", "curate", curate)


def curate_stats(out):
    return json.loads((out / "curate" / "stats.json").read_text())
