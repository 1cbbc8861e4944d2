"""The page about a dataset: what it shows, that it stays one harmless file, and that a person can leaf through it."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape
from typer.testing import CliRunner

from pipeline import stage
from pipeline.errors import UserError
from pipeline.reporting.colouring import coloured
from pipeline.reporting.examples import KEPT, MAX_EXAMPLES, choose
from pipeline.reporting.page import write_page
from pipeline.stages import publish
from pipeline.store import read_manifest, write_json
from pipeline.tables import read_table
from tests.synthetic_run import build_run, run_stage

VOID = {"meta", "br", "link", "img"}
HOSTILE = "</pre><script>alert(1)</script><img src=http://example.com/x> {{ 7 * 7 }} & \x0b 核 $x^$"


class Page(HTMLParser):
    """The page's text, its examples, and everything that a browser would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched, self.open, self.words, self.examples, self.scripts, self.svgs = [], [], [], [], 0, 0
        self.feed(text)
        self.close()
        assert not self.open
        self.text = " ".join("".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        self.scripts += tag == "script"
        self.svgs += tag == "svg"
        if tag == "article":
            self.examples.append(values)
        if tag in ("link", "iframe", "img") or any(
            not (value or "").startswith("#")
            for name, value in attrs
            if name in ("src", "href", "srcset") or name[:2] == "on"
        ):
            self.fetched.append((tag, attrs))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("style", "script"):
            self.words.append(data)


def read(path):
    text = path.read_text()
    assert "url(http" not in text
    assert "@import" not in text
    page = Page(text)
    assert not page.fetched
    assert page.scripts == 1
    return page


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = build_run(tmp_path_factory.mktemp("runs") / "first run", n_tasks=60)
    run_stage(out, "publish", publish)
    return out


def test_a_run_is_shown_with_its_figures_and_examples(run):
    path = write_page(run)
    page = read(path)
    assert path == run / "dataset_report.html"
    manifest = read_manifest(run / "curate")
    assert manifest is not None
    assert f"{manifest['rows']} samples of" in page.text
    assert f"{manifest['reasons']['not_shortest']} not shortest" in page.text
    assert "Speed was not measured" in page.text
    assert "did not compare its tasks with evaluation suites" in page.text
    assert page.svgs == 2
    outcomes = {example["data-outcome"] for example in page.examples}
    assert {KEPT, "accepted, left out", "incorrect", "cheating", "malformed"} <= outcomes
    assert page.examples[0]["data-outcome"] == KEPT
    assert "cheating: torch does the work" in page.text
    assert "setting odd: 37 of 512 values differ, <b>worst</b> 0.5 & more" in page.text


def test_a_published_folder_is_shown_without_its_run(run, tmp_path):
    folder = shutil.copytree(run / "publish" / "dataset", tmp_path / "dataset")
    before = sorted(folder.rglob("*"))
    path = write_page(folder)
    assert path == tmp_path / "dataset_report.html"
    assert sorted(folder.rglob("*")) == before
    ours, theirs = read(path), read(write_page(run))
    assert ours.examples == theirs.examples
    assert ours.text.split("samples of")[1] == theirs.text.split("samples of")[1]


def test_the_nearest_pairs_are_shown_where_curate_looked_for_them(run, tmp_path):
    out = shutil.copytree(run, tmp_path / "run")
    stats = json.loads((out / "curate" / "stats.json").read_text())
    pairs = [
        {"task": "train_7", "task_id": "ab", "evaluation_task": "level1/19_ReLU", "similarity": 0.9512},
        {"task": "train_9", "task_id": "cd", "evaluation_task": "heldout/x", "similarity": 0.5},
    ]
    found = {"compared": 48, "max_similarity": 0.9, "dropped": 1, "histogram": [0] * 10, "nearest": pairs}
    write_json(out / "curate" / "stats.json", stats | {"contamination": found})
    page = read(write_page(out))
    assert "48 training tasks were compared" in page.text
    assert "train_7level1/19_ReLU0.951dropped" in page.text
    assert "train_9heldout/x0.500kept" in page.text
    shutil.rmtree(out / "publish")
    run_stage(out, "publish", publish)
    card = (out / "publish" / "dataset" / "README.md").read_text()
    assert "| train_7 | level1/19_ReLU | 0.951 | dropped |" in card
    assert "not compared" not in card


def test_the_same_run_gives_the_same_page(run, tmp_path):
    assert (
        write_page(run, tmp_path / "new" / "a.html").read_bytes() == write_page(run, tmp_path / "b.html").read_bytes()
    )


def test_what_models_write_stays_text(run, tmp_path):
    folder = shutil.copytree(run / "publish" / "dataset", tmp_path / "dataset")
    (path,) = (folder / "raw").iterdir()
    texts = (
        "task",
        "category",
        "source",
        "licence",
        "reference",
        "reasoning",
        "code",
        "reason",
        "detail",
        "left_out",
    )
    rows = [{**row, **dict.fromkeys(texts, HOSTILE)} for row in read_table(path)]
    pq.write_table(pa.Table.from_pylist(rows, pq.read_schema(path)), path)
    figures = json.loads((folder / "statistics.json").read_text())
    figures["by_category"] = {HOSTILE: {"candidates": 2, "right": 2, "kept": 1}}
    figures["left_out"] = figures["verdicts"] = figures["levels"] = figures["licences"] = {HOSTILE: 1}
    figures["teachers"] = [HOSTILE]
    write_json(folder / "statistics.json", figures | {"name": HOSTILE})
    page = read(write_page(folder))  # fails on anything that a browser would fetch or run
    assert page.text.count("<script>alert(1)</script>") > 100
    assert "{{ 7 * 7 }}" in page.text


@given(
    st.text() | st.sampled_from([HOSTILE, 'x = """\n__global__ void k() { int a = 3; } // <b>\n"""\r\n', "'''", "\t"])
)
def test_colouring_keeps_every_character(code):
    found = str(coloured(code))
    spans = re.compile(r'<span class="[cksn]">|</span>')
    kept = code.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    assert spans.sub("", found) == str(escape(kept))
    assert found.count("<span") == found.count("</span>")


def test_cuda_in_a_string_is_coloured_as_cuda():
    found = str(coloured('import torch\nsource = """\n// one\n__global__ void k() {}\n"""\nname = "plain"\n'))
    assert '<span class="k">import</span>' in found
    assert re.search(r'<span class="c">// one\n?</span>', found)
    assert '<span class="k">void</span>' in found
    assert '<span class="s">&#34;plain&#34;</span>' in found


def row(index, status="correct", left_out=None, category="a"):
    return {
        "id": f"{index * 7919 % 65536:04x}", "status": status, "accepted": status == "correct", "left_out": left_out,
        "category": category, "task": f"t{index}", "reason": None, "detail": None, "level": None, "source": "s",
        "licence": None, "teacher": "t", "sample": 0, "turn": 0, "completion_tokens": None, "speedup": None,
        "reference": "r", "reasoning": None, "code": "c", "messages": [],
    }  # fmt: skip


def test_examples_are_few_of_each_kind_and_do_not_depend_on_the_order():
    rows = [row(i) for i in range(500)] + [row(500, "incorrect"), row(501, left_out="not_shortest", category="b")]
    rows += [row(600 + i, category=f"c{i}") for i in range(200)]
    chosen = choose(rows)
    assert len(chosen) == MAX_EXAMPLES
    assert chosen == choose(reversed(rows))
    assert {"incorrect", "accepted, left out"} <= {example.outcome for example in chosen}
    ids = sorted(found["id"] for found in rows[:500])[:4]
    assert [dict(e.facts)["candidate"] for e in choose(rows[:500])] == ids


def test_no_dataset_is_one_line(tmp_path):
    with pytest.raises(UserError, match="neither a run's directory nor a published dataset"):
        write_page(tmp_path)
    out = build_run(tmp_path / "part", last="verify")
    with pytest.raises(UserError, match="the stage curate is not complete"):
        write_page(out)
    assert CliRunner().invoke(stage.app, ["report", str(tmp_path)]).exit_code == 2


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
def test_a_person_can_leaf_through_the_examples(run, tmp_path):
    text = write_page(run, tmp_path / "page.html").read_text()
    steps = """
    const key = (name) => document.dispatchEvent(new KeyboardEvent("keydown", {key: name}));
    const seen = () => [...document.querySelectorAll(".example")].filter((e) => !e.hidden).map((e) => e.id).join();
    const log = [seen()];
    key("ArrowLeft"); log.push(seen());
    key("ArrowRight"); key("ArrowRight"); log.push(seen());
    document.getElementById("previous").click(); log.push(seen());
    const select = document.getElementById("outcome");
    select.value = "incorrect"; select.onchange(); log.push(document.querySelector(`#${seen()}`).dataset.outcome);
    document.body.textContent = "STEPS " + log.join(" ") + " END";
    """
    (tmp_path / "page.html").write_text(text.replace("</body>", f"<script>{steps}</script></body>"))
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    command = ["chromium", *flags.split(), f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    shown = subprocess.run([*command, f"file://{tmp_path / 'page.html'}"], capture_output=True, text=True, timeout=60)
    found = re.search(r"STEPS (.*) END", shown.stdout)
    assert found is not None, shown.stderr
    assert found[1].split() == ["example-1", "example-1", "example-3", "example-2", "incorrect"]
