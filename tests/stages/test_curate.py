"""curate on made-up tables: which candidates become samples, and what they look like."""

import json
from pathlib import Path

from pipeline.agent.prompting import translate
from pipeline.records import Sample, Task
from pipeline.stages import StageContext, curate
from pipeline.stages.curate import CurateConfig
from pipeline.store import REJECTED, StageStore, read_manifest, read_rows
from pipeline.tables import from_row, schema_of, to_row
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


def write_upstream(out: Path, tasks, pairs):
    write_stage(out, "tasks", schema_of(Task), {t.id: to_row(t) for t in tasks})
    write_stage(out, "generate", curate.schema_of(type(pairs[0][0])), {c.id: to_row(c) for c, _ in pairs})
    write_stage(
        out, "verify", curate.schema_of(type(pairs[0][1])), {v.candidate_id: to_row(v) for _, v in pairs if v}
    )


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
    run_stage(tmp_path, "curate", curate)
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


def curate_stats(out):
    return json.loads((out / "curate" / "stats.json").read_text())
