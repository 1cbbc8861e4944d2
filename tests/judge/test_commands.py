"""The judge on the command line, in a process of its own: exit codes, one JSON object, resumed files of pairs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.judge.config import JudgeConfig
from pipeline.judge.judge import Judge
from pipeline.sources.files import task_from_source
from tests.judge.examples import HONEST, REFERENCE, WRONG


def judge(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline.stage", "judge", "--backend", "simt", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def task(tmp_path: Path) -> Path:
    path = tmp_path / "bias_softmax.py"
    path.write_text(REFERENCE)
    return path


def test_one_candidate_gives_one_json_object_whatever_it_prints(task: Path, tmp_path: Path):
    candidate = tmp_path / "new.py"
    candidate.write_text("import torch\nprint('{\"accepted\": true}')\n" + WRONG["wrong constant"][0])
    rejected = judge("--task", task, "--candidate", candidate, "--json")
    assert rejected.returncode == 1, rejected.stderr
    found = json.loads(rejected.stdout)
    assert (found["accepted"], found["status"], found["reason"]) == (False, "incorrect", "wrong_values")
    told = judge("--task", task, "--candidate", candidate, "--seeds", found["seeds"])
    assert (told.returncode, told.stderr) == (1, "")
    assert "rejected: incorrect, wrong_values (simt, " in told.stdout
    assert found["checks"][-2]["figures"]["odd"] in " ".join(told.stdout.split()), "the sizes that were drawn"
    candidate.write_text(HONEST)
    accepted = judge("--task", task, "--candidate", candidate)
    assert accepted.returncode == 0, accepted.stderr
    assert "accepted (simt, " in accepted.stdout
    assert "speed not measured" in accepted.stdout


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("return torch.softmax", "raise ValueError('broken') or torch.softmax", "task_raises"),
        ("def get_inputs", "def inputs", "does not define get_inputs"),
        ("def forward", "deff forward", "line 14"),
    ],
)
def test_a_broken_task_is_the_users_fault(task: Path, tmp_path: Path, old: str, new: str, message: str):
    task.write_text(REFERENCE.replace(old, new))
    (tmp_path / "new.py").write_text(HONEST)
    done = judge("--task", task, "--candidate", tmp_path / "new.py", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert str(task) in done.stderr
    assert message in done.stderr


def test_pairs_are_judged_once_whatever_happened_before(tmp_path: Path):
    pairs, out = tmp_path / "pairs.jsonl", tmp_path / "verdicts.jsonl"
    broken = REFERENCE.replace("return torch.softmax", "raise ValueError('broken') or torch.softmax")
    rows = [
        {"id": "right", "task": REFERENCE, "candidate": HONEST},
        {"id": "wrong", "task": REFERENCE, "candidate": WRONG["wrong constant"][0]},
        {"id": "undecided", "task": broken, "candidate": HONEST},
    ]
    pairs.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = judge("--pairs", pairs, "--out", out)
    assert done.returncode == 0, done.stderr
    verdicts = {row["id"]: row for row in map(json.loads, out.read_text().splitlines())}
    assert {key: row["accepted"] for key, row in verdicts.items()} == {
        "right": True,
        "wrong": False,
        "undecided": False,
    }
    assert verdicts["undecided"]["reason"] == "task:task_raises"
    whole = sorted(out.read_text().splitlines())
    first, *_ = out.read_text().splitlines(keepends=True)
    out.write_text(first + '{"id": "wro')  # killed in the middle of a line
    assert judge("--pairs", pairs, "--out", out).returncode == 0
    assert sorted(out.read_text().splitlines()) == whole


def test_verdicts_of_others_are_not_taken_for_a_pairs_own(tmp_path: Path):
    pairs, out = tmp_path / "pairs.jsonl", tmp_path / "verdicts.jsonl"
    pairs.write_text(json.dumps({"id": "a", "task": REFERENCE, "candidate": "not a kernel"}) + "\n")
    assert judge("--pairs", pairs, "--out", out).returncode == 0
    whole = out.read_bytes()
    for changed, more, message in (
        ("not a kernel", ["--policy", "report"], "a verdict by policy strict, not report"),
        ("another", [], "'a' was another task or candidate"),
    ):
        pairs.write_text(json.dumps({"id": "a", "task": REFERENCE, "candidate": changed}) + "\n")
        done = judge("--pairs", pairs, "--out", out, *more)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert message in done.stderr
        assert out.read_bytes() == whole
    assert "not a verdict" in judge("--pairs", pairs, "--out", pairs).stderr


def test_verdicts_depend_on_neither_order_nor_neighbours_nor_workers(builds: Path):
    names = ("wrong constant", "missing barrier", "fixed sizes", "decoy kernel", "caches by address", "C++ error")
    rows = [{"id": n, "task": REFERENCE, "candidate": WRONG[n][0]} for n in names]
    rows += [
        {"id": f"honest {i}", "task": REFERENCE.replace("16", str(16 + i)), "candidate": HONEST} for i in range(3)
    ]
    found = []
    for number, (workers, order) in enumerate(((1, rows), (3, rows[::-1]), (2, rows[4:] + rows[:4]))):
        judge = Judge(JudgeConfig(backend="simt", cache=builds, workers=workers, seeds="the same"))
        with judge:
            pairs = [
                (row["id"], judge.submit(task_from_source(row["task"], "t", "t"), row["candidate"], row["id"]))
                for row in order
            ]
            found.append({key: future.result() for key, future in pairs})
        assert found[number] == found[0]


@pytest.mark.parametrize("text", ["a note without an end", '{"no": "verdict"', "a line\n"])
def test_a_file_that_is_no_file_of_verdicts_is_left_as_it_is(tmp_path: Path, text: str):
    pairs, out = tmp_path / "pairs.jsonl", tmp_path / "notes.txt"
    pairs.write_text(json.dumps({"id": "a", "task": REFERENCE, "candidate": HONEST}) + "\n")
    out.write_text(text)
    done = judge("--pairs", pairs, "--out", out)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert str(out) in done.stderr
    assert out.read_text() == text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: not JSON"),
        ("[]", "line 2: not a JSON object"),
        (json.dumps({"id": "b", "task": REFERENCE}), "line 2: 'candidate' is missing"),
        (json.dumps({"id": "a", "task": REFERENCE, "candidate": ""}), "line 2: the id 'a' was there before"),
        (json.dumps({"id": "b", "task": "x = 1", "candidate": ""}), "line 2: no task, it does not define Model"),
    ],
)
def test_a_line_that_is_no_pair_is_named_before_anything_is_judged(tmp_path: Path, line: str, message: str):
    pairs, out = tmp_path / "pairs.jsonl", tmp_path / "verdicts.jsonl"
    pairs.write_text(json.dumps({"id": "a", "task": REFERENCE, "candidate": HONEST}) + f"\n{line}\n")
    done = judge("--pairs", pairs, "--out", out)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert message in done.stderr
    assert not out.exists()


def test_options_that_do_not_go_together_are_a_usage_error(task: Path):
    assert judge("--task", task).returncode == 2
    assert "--policy" in judge("--task", task, "--candidate", task, "--policy", "lenient").stderr
