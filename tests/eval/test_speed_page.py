"""The report's tables and plots of speed, from made-up times; every number is computed by hand."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from eval.curves import fast_curve
from eval.report import write
from eval.results import Plan, Row, results
from pipeline.store import write_json

PLAN = Plan("made_up", (1, 2), (0.0, 0.8, 1.0, 1.5, 2.0), 200, 0)
# Of model "fast" two answers to each of the tasks A, B and C: status, speedup over eager, over compile.
TIMES = {
    "A": [("correct", 2.0, 1.6), ("correct", 1.0, 0.8)],
    "B": [("correct", 0.5, 0.4), ("incorrect", None, None)],
    "C": [("compile_error", None, None), ("correct", 4.0, 2.5)],
}
SLOW = {name: [("correct", 0.5, 0.25), ("incorrect", None, None)] for name in TIMES}


def rows(model: str, times: dict[str, list[tuple[str, float | None, float | None]]]) -> list[Row]:
    return [
        Row(model, f"id{task}", "x", status, eager, task, compiled)
        for task, own in times.items()
        for status, eager, compiled in own
    ]


class Tables(HTMLParser):
    """The page's tables by heading: row heading to cells, intervals left out."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, dict[str, list[str]]] = {}
        self._tag, self._heading, self._row = "", "", ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._tag = tag

    def handle_endtag(self, tag: str) -> None:
        self._tag = "" if tag != "small" else "td"

    def handle_data(self, data: str) -> None:
        if self._tag == "h3":
            self._heading = data
        elif self._tag == "th" and self._heading:
            self._row = data
        elif self._tag == "td" and data.strip():
            self.found.setdefault(self._heading, {}).setdefault(self._row, []).append(data.strip())


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("timed")
    (out / "evaluate").mkdir()
    write_json(out / "evaluate" / "results.json", results([*rows("fast", TIMES), *rows("slow", SLOW)], PLAN))
    return write(out)


@pytest.fixture(scope="module")
def tables(page: Path) -> dict[str, dict[str, list[str]]]:
    return Tables(page.read_text()).found


def test_how_fast_right_answers_are(tables: dict[str, dict[str, list[str]]]):
    assert tables["How fast right answers are"] == {
        "geometric mean over eager PyTorch": ["1.41x", "0.50x"],  # (2 * 1 * 0.5 * 4) ^ (1/4) = 4 ^ (1/4)
        "median over eager PyTorch": ["1.50x", "0.50x"],  # between 1 and 2
        "geometric mean over torch.compile": ["1.06x", "0.25x"],  # (1.6 * 0.8 * 0.4 * 2.5) ^ (1/4) = 1.28 ^ (1/4)
        "median over torch.compile": ["1.20x", "0.25x"],  # between 0.8 and 1.6
        "an answer, wrong ones being 0: mean over tasks": ["1.25x", "0.25x"],  # (1.5 + 0.25 + 2) / 3
        "the best of 2 answers, wrong ones being 0: mean over tasks": ["2.17x", "0.50x"],  # (2 + 0.5 + 4) / 3
        "right answers timed": ["4", "3"],
    }


def test_fast_p_by_number_of_answers(tables: dict[str, dict[str, list[str]]]):
    assert tables["fast_p over eager PyTorch, by number of answers"] == {
        "fast_0, fast": ["66.7%", "100.0%"],  # A 1, B 1/2, C 1/2
        "fast_0, slow": ["50.0%", "100.0%"],
        "fast_0.8, fast": ["50.0%", "66.7%"],  # A 1, C 1/2
        "fast_0.8, slow": ["0.0%", "0.0%"],
        "fast_1, fast": ["33.3%", "66.7%"],  # as fast as eager is not faster: A 1/2, C 1/2
        "fast_1, slow": ["0.0%", "0.0%"],
        "fast_1.5, fast": ["33.3%", "66.7%"],
        "fast_1.5, slow": ["0.0%", "0.0%"],
        "fast_2, fast": ["16.7%", "33.3%"],  # C 1/2
        "fast_2, slow": ["0.0%", "0.0%"],
    }
    over_compile = tables["fast_p over torch.compile, by number of answers"]
    assert over_compile["fast_0.8, fast"] == ["33.3%", "66.7%"]  # A's second answer is at 0.8, not over
    assert over_compile["fast_1.5, fast"] == ["33.3%", "66.7%"]  # 1.6 and 2.5
    assert over_compile["fast_2, fast"] == ["16.7%", "33.3%"]


def test_the_headline_and_the_curve(page: Path):
    text = page.read_text()
    for p, fast in (("0", "66.7%"), ("0.8", "50.0%"), ("1", "33.3%"), ("1.5", "33.3%"), ("2", "16.7%")):
        assert re.search(rf"<th[^>]*>fast_{re.escape(p)}</th>\s*<td>{re.escape(fast)}", text), p
    assert "Right and more than p times as fast" in text
    assert "No speed was measured" not in text
    curve = fast_curve(results(rows("fast", TIMES), PLAN)["models"]["fast"]["tasks"], points=7, most=3.0)
    assert curve is not None
    assert [round(6 * share) for share in curve.values()] == [
        4,
        3,
        2,
        2,
        1,
        1,
        1,
    ]  # p = 0, 0.5, ... 3, of six answers
