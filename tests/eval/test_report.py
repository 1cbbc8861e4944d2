"""The report on made-up runs: what it shows, what it leaves out, and that it needs nothing but itself."""

import json
import re
import shutil
from html.parser import HTMLParser

import pytest
from rich.console import Console

from eval.headline import headline
from eval.plots import training_loss
from eval.report import table, write
from pipeline.store import StageStore, read_rows, write_json
from tests.synthetic_run import build_run

HISTORY = re.compile(r"candidates/[0-9a-f]{16}\.html")
VOID = {"meta", "br", "link", "img"}


class Page(HTMLParser):
    """Collects the page's text by section and everything that a browser would fetch or run."""

    def __init__(self, text):
        super().__init__()
        self.foreign, self.open, self.words, self.svgs, self.pages = [], [], [], 0, set()
        self.feed(text)
        self.close()
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.svgs += tag == "svg"
        if tag not in VOID:
            self.open.append(tag)
        values = [value for name, value in attrs if name in ("src", "href", "srcset") or name.startswith("on")]
        self.pages |= {value for value in values if HISTORY.fullmatch(value or "")}
        values = [value for value in values if value not in self.pages]
        if tag in ("script", "link", "iframe", "img") or any(not (v or "").startswith("#") for v in values):
            self.foreign.append((tag, attrs))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.words.append(data)


def read(path):
    text = path.read_text()
    assert "url(http" not in text
    assert "@import" not in text
    page = Page(text)
    assert not page.open
    assert not page.foreign
    assert all((path.parent / linked).is_file() for linked in page.pages)
    return page


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return build_run(tmp_path_factory.mktemp("runs") / "first run", n_tasks=60)


def copy_of(run, tmp_path, *stages):
    out = tmp_path / "copy"
    out.mkdir()
    for stage in stages:
        shutil.copytree(run / stage, out / stage)
    return out


def test_a_whole_run_is_shown_whole(run):
    path = write(run)
    page = read(path)
    assert path == run / "evaluate" / "report.html"
    assert page.svgs == 3
    assert "Left out" not in page.text
    assert "the student solves 80.0% (72.0 to 88.0) of 12 held-out tasks" in page.text
    assert "untrained student tasks 12 12" in page.text
    assert "fast_p not measured not measured" in page.text
    stats = json.loads((run / "curate" / "stats.json").read_text())
    assert f"candidates written {stats['funnel']['candidates']} accepted by the judge" in page.text
    assert f"after balancing categories {stats['funnel']['kept']}" in page.text
    assert "The student, right" in page.text
    assert "Rejected : incorrect: values." in page.text
    assert "37 of 512 values differ" in page.text
    assert "torch 2.13.0" in page.text


def test_a_loss_that_falls_far_has_an_axis_that_a_page_can_show():
    drawn = training_loss([1, 2, 3, 4], [6.0, 1.0, 0.3, 0.1])
    assert "mathdefault" not in drawn
    assert all(f">{tick}<" in drawn for tick in ("0.1", "0.5", "1", "5"))


def test_the_same_run_gives_the_same_page(run):
    first = write(run).read_bytes()
    assert write(run).read_bytes() == first
    assert not list((run / "evaluate").glob("*.partial"))


@pytest.mark.parametrize(
    ("stages", "said", "svgs"),
    [
        ((), ["evaluate has not been run", "train is not complete", "curate is not complete", "nothing has been judged"], 0),
        (("tasks", "generate", "verify"), ["curate is not complete", "The teacher, right", "The teacher, wrong"], 0),
        (("tasks", "generate", "verify", "curate", "train"), ["evaluate has not been run", "The teacher, right"], 2),
    ],
)  # fmt: skip
def test_what_is_missing_is_left_out_and_said(run, tmp_path, stages, said, svgs):
    page = read(write(copy_of(run, tmp_path, *stages)))
    assert all(line in page.text for line in said)
    assert page.svgs == svgs


def test_it_can_be_written_before_evaluate_is_sealed(run, tmp_path):
    out = copy_of(run, tmp_path, "tasks", "generate", "verify", "curate", "train")
    from pipeline.stages import evaluate

    with StageStore(out / "evaluate", evaluate.SCHEMA, {}) as store:
        for index, row in enumerate(read_rows(run / "evaluate")):
            store.append(f"{index:04d}", row)
        shutil.copy(run / "evaluate" / "results.json", out / "evaluate")
        page = read(write(out, store.rows()))
    assert "The student, wrong" in page.text
    assert "Why answers of the student were wrong" in page.text


def test_the_teacher_stands_in_for_a_student_without_a_right_answer(run, tmp_path):
    out = copy_of(run, tmp_path, "tasks", "generate", "verify")
    wrong = [row for row in read_rows(run / "evaluate") if not row["accepted"]]
    page = read(write(out, wrong))
    assert "The teacher, right" in page.text
    assert "The student, wrong" in page.text


def test_without_a_student_a_models_own_answers_are_shown(run, tmp_path):
    out = copy_of(run, tmp_path, "tasks")
    rows = [{**row, "model": "theirs"} for row in read_rows(run / "evaluate") if row["model"] == "student"]
    text = read(write(out, rows)).text
    assert "theirs, right" in text
    assert "theirs, wrong" in text
    assert "no answer has been judged" not in text


def test_a_benchmarks_figures_are_told_apart_from_published_ones(run, tmp_path):
    out = copy_of(run, tmp_path, "tasks", "evaluate")
    assert "Not comparable with published" not in read(write(out)).text  # held-out tasks of one's own
    results = json.loads((out / "evaluate" / "results.json").read_text())
    policies = {"untrained": "strict", "student": "strict", "theirs": "report"}
    write_json(out / "evaluate" / "results.json", results | {"suite": "kernelbench_level1", "policies": policies})
    text = read(write(out)).text
    assert "Not comparable with published figures on these tasks" in text
    assert "judged under policy report or strict by" in text


HOSTILE = "</pre><script>alert(1)</script><img src=http://example.com/x> {{ 7 * 7 }} & \x0b 核 $x^$"


def test_what_models_write_stays_text(run, tmp_path):
    out = copy_of(run, tmp_path, "tasks", "generate", "verify", "curate", "train", "evaluate")
    rows = list(read_rows(out / "evaluate"))
    for row in rows:
        row.update({"reasoning": HOSTILE, "reason": HOSTILE, "detail": HOSTILE, "code": row["code"] and HOSTILE})
        row["category"] = HOSTILE
    results = json.loads((out / "evaluate" / "results.json").read_text())
    student = results["models"].pop("student")
    student["by_category"] = {HOSTILE: student["by_category"]["binary"]}
    write_json(out / "evaluate" / "results.json", {**results, "models": {"student": student, HOSTILE: student}})
    page = read(write(out, rows))  # read() fails on anything that a browser would fetch or run
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7 * 7 }}" in page.text


def test_a_runaway_answer_does_not_become_the_page(run, tmp_path):
    out = copy_of(run, tmp_path, "tasks")
    rows = [{**row, "reasoning": "and " * 10**6} for row in read_rows(run / "evaluate")]
    path = write(out, rows)
    assert path.stat().st_size < 300_000
    assert "more characters" in path.read_text()


def test_an_undecided_evaluation_has_a_table_and_a_report(run, tmp_path):
    out = copy_of(run, tmp_path, "tasks", "evaluate")
    results = json.loads((out / "evaluate" / "results.json").read_text())
    for figures in results["models"].values():
        for inner in (figures, *figures["by_category"].values()):
            inner.update(pass_at_k={"1": None, "2": None}, compile_rate=None)
    write_json(out / "evaluate" / "results.json", results)
    page = read(write(out))
    assert "pass@1 not measured not measured" in page.text
    assert page.svgs == 0


def test_the_terminal_table_fits_and_orders_models():
    figures = {
        "n_tasks": 3, "samples_per_task": 4, "compile_rate": 0.5, "fast_p": {"1.0": {"mean": 0.25, "low": 0, "high": 0.5}},
        "pass_at_k": {"10": {"mean": 0.5, "low": 0.25, "high": 0.75}, "2": {"mean": 0.4, "low": 0.1, "high": 0.7}},
    }  # fmt: skip
    slow = figures | {"fast_p": None}
    results = {"suite": "heldout", "models": {"a": slow, "student": figures, "untrained": slow}}
    columns, rows = headline(results)
    assert columns == ["model", "tasks", "samples per task", "pass@2", "pass@10", "compiles", "fast_1"]
    assert [row[0] for row in rows] == ["untrained", "student", "a"]
    assert rows[1][1:] == ["3", "4", "40.0% (10.0 to 70.0)", "50.0% (25.0 to 75.0)", "50.0%", "25.0% (0.0 to 50.0)"]
    assert rows[0][-1] == "not measured"
    console = Console(width=80)
    with console.capture() as captured:
        console.print(table({**results, "models": {"student": figures, "untrained": slow}}))
    assert "40.0% (10.0 to 70.0)" in captured.get()


def test_every_sample_is_a_cell_and_leads_to_its_answer(run):
    text = write(run).read_text()
    rows = list(read_rows(run / "evaluate"))
    with_code = {(row["task_id"], row["code"]) for row in rows if row["code"]}
    assert text.count('<details class="answer"') == len(with_code)
    for number in range(len(with_code)):
        assert f'href="#answer-{number}"' in text
        assert text.count(f'id="answer-{number}"') == 1
    assert text.count('<a class="right"') == sum(row["accepted"] for row in rows)
    assert "Candidate " + next(row["id"] for row in rows if row["code"]) in text
