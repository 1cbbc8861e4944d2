"""The page with a candidate's history, and what is told of a stage at work."""

import os
import re
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pipeline.agent.assessments import Assessment, Vote
from pipeline.agent.jobs import key
from pipeline.agent.lines import RecordLines
from pipeline.errors import UserError
from pipeline.history import write_history
from pipeline.records import Candidate, Check, Message, Task, Verdict
from pipeline.stages import generate, tasks, verify
from pipeline.store import StageStore
from pipeline.tables import to_row
from pipeline.watching import at_work

HOSTILE = '</pre></section><script>alert(1)</script><img src=x onerror="alert(2)">&amp;\'"{{ 7 * 7 }}'
TASK = Task(name=f"t{HOSTILE}", reference=f"# {HOSTILE}", category=f"c{HOSTILE}", source="s")


def candidate(turn: int, parents: tuple[str, ...], code: str, sample: int = 0) -> Candidate:
    said = Message(role="assistant", content=f"<think>{HOSTILE}</think>{HOSTILE}\n```python\n{code}\n```")
    return Candidate(
        task_id=TASK.id, sample=sample, turn=turn, parents=parents, teacher=HOSTILE,
        messages=(Message(role="user", content=HOSTILE), said), reasoning=HOSTILE, code=code, status="complete",
        finish_reason=HOSTILE, prompt_tokens=None, completion_tokens=3,
    )  # fmt: skip


FIRST = candidate(0, (), f"keep\nold {HOSTILE}\nModelNew")
SECOND = candidate(1, (FIRST.id,), f"keep\nnew {HOSTILE}\nModelNew")
OTHER = candidate(0, (), "unrelated", sample=1)
WRONG = Verdict(
    candidate_id=FIRST.id, status="incorrect", reason=HOSTILE, backend="simt", judge_version="1",
    checks=(Check(name=HOSTILE, passed=False, detail=HOSTILE, figures={HOSTILE: HOSTILE}),),
)  # fmt: skip
RIGHT = Verdict(
    candidate_id=SECOND.id, status="correct", reason=None, checks=(Check(name="build", passed=True),), backend="simt",
    judge_version="1",
)  # fmt: skip


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return a run whose stage generate is at work, as another process leaves it."""
    with StageStore(tmp_path / "tasks", tasks.SCHEMA, {}) as store:
        store.append(TASK.id, to_row(TASK))
        store.seal()
    section = {"generate": {"mode": {"kind": "translate"}, "samples_per_task": 2, "max_turns": 2}}
    with StageStore(tmp_path / "generate", generate.SCHEMA, section) as store:
        for c in (FIRST, SECOND, OTHER):
            store.append(key(c.task_id, c.sample, c.turn), to_row(c))
    with RecordLines(tmp_path / "generate" / "verdicts.jsonl", Verdict, lambda v: v.candidate_id) as lines:
        lines.append(WRONG)
    with RecordLines(tmp_path / "generate" / "assessments.jsonl", Assessment, lambda a: a.candidate_id) as reviews:
        vote = Vote(checklist="memory", passed=False, text=HOSTILE)
        reviews.append(Assessment(candidate_id=FIRST.id, votes=(vote,), turned_away=True))
    return tmp_path


ALLOWED = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "code", "pre", "details", "summary", "section",
           "header", "span", "table", "tr", "td", "a"}  # fmt: skip


class Reader(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_shows_all_turns_and_hostile_text_stays_text(out):
    page = out / "page.html"
    assert write_history(out, SECOND.id[:9], page) == 2
    reader = Reader()
    reader.feed(page.read_text())
    names = {tag for tag, _ in reader.tags}
    assert names <= ALLOWED
    assert {name for _, attributes in reader.tags for name in attributes if name.startswith("on")} == set()
    links = [attributes["href"] for tag, attributes in reader.tags if tag == "a"]
    assert links
    assert all(link and re.fullmatch(r"#[0-9a-f]{16}", link) for link in links)
    assert reader.text.count(HOSTILE) >= 12  # the task, and of each turn question, reasoning, answer, ...
    assert "49" not in reader.text
    for part in (f"-old {HOSTILE}", f"+new {HOSTILE}", " keep", "turned away", "incorrect", "not judged"):
        assert part in reader.text
    assert "unrelated" not in reader.text
    assert not re.search(r"(src|url)\s*[=(]\s*[\"']?(https?:|//)", page.read_text())


def test_verify_has_the_last_word_on_a_verdict(out):
    with StageStore(out / "verify", verify.SCHEMA, {}) as store:
        row = {"task_id": TASK.id, "sample": 0, "turn": 1}
        store.append(SECOND.id, {**to_row(RIGHT), **row})
        write_history(out, SECOND.id, out / "page.html")  # while verify holds its lock
    text = (out / "page.html").read_text()
    assert '<span class="good">correct</span>' in text
    assert "not judged" not in text


def test_an_id_that_names_no_candidate_or_several_is_the_users_error(out):
    with pytest.raises(UserError, match="no candidate with an id that starts with 'zz'"):
        write_history(out, "zz", out / "page.html")
    with pytest.raises(UserError, match="3 candidates"):
        write_history(out, "", out / "page.html")
    (out / "file").touch()
    with pytest.raises(UserError, match=r"page\.html: can't be written"):
        write_history(out, FIRST.id, out / "file" / "page.html")
    with pytest.raises(UserError, match="is a folder; name a file"):
        write_history(out, FIRST.id, out)
    assert write_history(out, FIRST.id, out / "none" / "page.html")


def test_a_stage_at_work_is_told_from_outside_and_not_disturbed(out):
    (out / "generate" / "requests.jsonl").write_text(
        '{"prompt_tokens":7,"completion_tokens":5,"dollars":0.5}\n{"prom'
    )
    with StageStore(out / "generate", generate.SCHEMA, {"generate": {}}) as store:
        before = {path.name: path.read_bytes() for path in (out / "generate").iterdir()}
        (line, why) = at_work(out)
        assert {path.name: path.read_bytes() for path in (out / "generate").iterdir()} == before
        store.append("later", to_row(OTHER))
        assert len(store) == 4
    assert line == "generate  1 of 1 tasks begun, 12 tokens, $0.50, 0 of 1 accepted (0%)"
    assert why.strip().startswith("rejected: 1 </pre>")


def test_the_time_that_is_left_is_by_the_pace_of_the_present_process(out):
    for samples, told in ((9, True), (2, False)):  # of at most 18 candidates, and of at most 4
        section = {"generate": {"mode": {"kind": "translate"}, "samples_per_task": samples, "max_turns": 2}}
        with StageStore(out / "generate", generate.SCHEMA, section) as store:
            assert "left" not in next(at_work(out))  # this process has written nothing yet
            for name in "ab":
                store.append(f"{name}{samples}", to_row(OTHER))
            assert (re.search(r", at most \d+ s left", next(at_work(out))) is not None) == told


def test_the_pace_of_the_present_process_is_told(out):
    (out / "generate" / "requests.jsonl").write_text(
        '{"prompt_tokens":9000,"completion_tokens":900,"dollars":null}\n'
    )
    with StageStore(out / "generate", generate.SCHEMA, {}) as store:
        assert "a second" not in next(at_work(out))
        for n in range(4):
            store.append(f"later{n}", to_row(OTHER))  # 3 tokens each
        started = time.time() - 6
        os.utime(out / "generate" / "inputs.json", (started, started))
        assert "9900 tokens (2 a second)" in next(at_work(out))
