"""``show``: what a run's directory tells about the run."""

import pytest
from rich.console import Console

from pipeline import showing
from pipeline.errors import UserError
from pipeline.records import Task
from pipeline.showing import show, show_rejected, show_result
from pipeline.stages import publish
from pipeline.store import StageStore, read_manifest, read_rows
from pipeline.tables import schema_of
from tests.synthetic_run import build_run, run_stage


@pytest.fixture
def printed(monkeypatch, capsys):
    monkeypatch.setattr(showing, "Console", lambda: Console(width=160))

    def lines(out):
        show(out)
        text = capsys.readouterr().out
        return text, {line.split()[0]: line for line in text.splitlines() if line.split()}

    return lines


def test_a_finished_run(tmp_path, printed):
    build_run(tmp_path)
    text, lines = printed(tmp_path)
    manifest = read_manifest(tmp_path / "curate")
    assert manifest is not None
    assert lines["curate"].split()[1:5] == ["complete", str(manifest["rows"]), "samples", str(manifest["rejected"])]
    unnamed = sum(count for reason, count in manifest["reasons"].items() if f"{count} {reason}" not in text)
    assert unnamed < min(sorted(manifest["reasons"].values())[:2]) * 2
    assert f"{unnamed} for other reasons" in text
    accepted = sum(row["accepted"] for row in read_rows(tmp_path / "verify"))
    assert lines["verify"].split()[2:5] == [
        str(accepted),
        "right",
        str(sum(1 for _ in read_rows(tmp_path / "verify")) - accepted),
    ]
    assert "not run" in lines["publish"]
    steps = read_manifest(tmp_path / "train")
    assert steps is not None
    assert f"{steps['rows']} logged steps" in lines["train"]
    assert "80.0% (72.0 to 88.0)" in text


def test_the_end_of_a_run_tells_the_report_of_every_stage(tmp_path, printed):
    build_run(tmp_path, n_tasks=20)
    run_stage(tmp_path, "publish", publish)
    report = tmp_path / "evaluate" / "report.html"
    printed(tmp_path)
    assert not report.exists()  # show only looks
    show_result(tmp_path)
    assert "not complete" not in report.read_text()


def test_a_stage_at_work_is_part_done_and_left_alone(tmp_path, printed):
    with StageStore(tmp_path / "tasks", schema_of(Task), {}) as store:
        store.append("a", {})
        store.append("b", {"name": '{"table":"rejected"'})
        store.reject("c", {}, "no_model")
        before = sorted(path.name for path in (tmp_path / "tasks").iterdir())
        _, lines = printed(tmp_path)
        assert sorted(path.name for path in (tmp_path / "tasks").iterdir()) == before
        store.append("d", {})
    assert lines["tasks"].split() == ["tasks", "part", "done", "2", "1"]
    assert "not run" in lines["generate"]


def test_rejected_candidates_are_listed_with_what_the_judge_says(tmp_path, monkeypatch, capsys):
    build_run(tmp_path)
    monkeypatch.setattr(showing, "Console", lambda: Console(width=200))
    wrong = [row for row in read_rows(tmp_path / "verify") if not row["accepted"]]
    show_rejected(tmp_path, None, limit=3)
    text = capsys.readouterr().out
    assert sum(row["candidate_id"] in text for row in wrong) == 3
    assert "the first 3 of" in text
    reason = wrong[0]["reason"]
    show_rejected(tmp_path, reason, limit=10**6)
    text = capsys.readouterr().out
    assert {row["reason"] for row in wrong if row["candidate_id"] in text} == {reason}
    assert all(row["candidate_id"] in text for row in wrong if row["reason"] == reason)
    with pytest.raises(
        UserError, match=f"no candidate is rejected for reason '{reason[:-1]}'; did you mean {reason}"
    ):
        show_rejected(tmp_path, reason[:-1], limit=3)


@pytest.mark.parametrize("there", [True, False])
def test_no_run_is_said_in_one_line(tmp_path, there):
    out = tmp_path / "elsewhere"
    if there:
        (out / "notes").mkdir(parents=True)
    with pytest.raises(UserError, match=r"elsewhere: (holds no run|no such directory)"):
        show(out)
