"""The ledger: durable, complete, and what gives a reply back that was paid for."""

import os
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BudgetSpentError
from pipeline.records import Message
from pipeline.teachers import Reply
from pipeline.teachers.journal import NAME, Budget, Fault, Journal, Price, made_up, read_answers, reply_of, request_id
from tests.test_offsets import SameHash

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def reply(content: str, tokens: int | None = 5, dollars: float | None = 0.5) -> Reply:
    return Reply(content, None, "stop", tokens, tokens, {"seed": 1}, dollars=dollars)


def fill(directory, *contents: str) -> None:
    with Journal(directory) as journal:
        for content in contents:
            journal.answered("s", content, "t", 9, reply(content))


def test_sums_and_replies_outlive_the_process_and_a_torn_line_is_cut_off(tmp_path):
    fill(tmp_path, "a", "b")
    with (tmp_path / NAME).open("ab") as file:
        file.write(b'{"request":"c","settings":"s","outco')
    with Journal(tmp_path) as journal:
        assert (journal.spent.answered, journal.spent.tokens, journal.spent.dollars) == (2, 20, 1.0)
        known = journal.find("s", "b")
        assert known is not None
        assert (known.content, known.prompt_tokens, known.sampling, known.teacher) == ("b", 5, {"seed": 1}, "t")
        assert journal.find("s", "c") is None
        assert journal.find("other settings", "a") is None
        journal.fault(Fault("empty", "t", 7, 1, 0.25))
    with Journal(tmp_path) as journal:
        assert journal.spent.figures() == {
            "answered": 2, "without_token_counts": 0, "faults": {"empty": 1}, "prompt_tokens": 17, "completion_tokens": 11, "dollars": 1.25,
        }  # fmt: skip
    assert [row["request"] for row, _ in read_answers(tmp_path / NAME)] == ["a", "b"]


def test_a_reply_of_a_run_set_aside_is_entered_once_with_its_cost(tmp_path):
    for folder in ("old", "new"):
        (tmp_path / folder).mkdir()
    fill(tmp_path / "old", "a", "b")
    for _ in range(2):
        with Journal(tmp_path / "new", [tmp_path / "old", tmp_path / "none"]) as journal:
            found = [journal.find("s", "a") for _ in range(2)]
            assert [reply.content if reply else None for reply in found] == ["a", "a"]
            assert journal.spent.dollars == 0.5


def test_a_reply_to_another_request_is_not_given_even_if_their_hashes_are_the_same(tmp_path):
    with Journal(tmp_path) as journal:
        journal.answered("s", SameHash("a"), "t", 9, reply("to a"))
        assert journal.find("s", SameHash("b")) is None
        found = journal.find("s", SameHash("a"))
        assert found is not None
        assert found.content == "to a"


def test_memory_hardly_grows_with_the_answers(tmp_path):
    with Journal(tmp_path) as journal:
        tracemalloc.start()
        try:
            for n in range(1500):
                journal.answered("s", f"{n:016x}", "t", 9, reply("a"))
            assert tracemalloc.get_traced_memory()[0] < 64 * 1500
        finally:
            tracemalloc.stop()


def test_a_server_that_does_not_count_is_counted_roughly(tmp_path):
    with Journal(tmp_path, budget=Budget(tokens=100)) as journal:
        journal.answered(None, "a", "t", 200, reply("x" * 199, tokens=None))
        assert (journal.spent.tokens, journal.spent.estimated) == (100, 1)
        with pytest.raises(BudgetSpentError, match=r"tokens \(100\) is spent: 100"):
            journal.check_budget()


def test_a_budget_in_dollars_counts_what_failed_too(tmp_path):
    with Journal(tmp_path, budget=Budget(dollars=1)) as journal:
        journal.fault(Fault("empty", "t", 0, 0, 0.99))
        journal.check_budget()
        journal.fault(Fault("empty", "t", 0, 0, 0.01))
        with pytest.raises(BudgetSpentError, match="dollars"):
            journal.check_budget()
    assert Price(prompt=2, completion=8).of(500_000, 250_000) == 3


def test_a_torn_write_of_any_length_costs_that_line_only(tmp_path):
    fill(tmp_path, "a", "b")
    whole = (tmp_path / NAME).read_bytes()
    first = whole.index(b"\n") + 1
    for end in range(first, len(whole), 7):
        (tmp_path / NAME).write_bytes(whole[:end])
        fill(tmp_path, "c")
        assert [row["request"] for row, _ in read_answers(tmp_path / NAME)] == ["a", "c"]


def test_a_full_disk_is_the_users_and_leaves_whole_lines(tmp_path, monkeypatch):
    write = os.write
    with Journal(tmp_path) as journal:
        journal.answered("s", "a", "t", 9, reply("a"))
        monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:10]))
        with pytest.raises(Exception, match="disk is full"):
            journal.answered("s", "b", "t", 9, reply("b"))
        monkeypatch.setattr(os, "write", write)
        journal.answered("s", "c", "t", 9, reply("c"))
    assert [row["request"] for row, _ in read_answers(tmp_path / NAME)] == ["a", "c"]


@given(TEXT, st.none() | TEXT.filter(bool), st.none() | st.integers(0, 10**9), st.none() | st.floats(-1e9, 0))
def test_what_has_no_server_is_given_back_as_it_was(content, reasoning, tokens, log):
    from pipeline.teachers.journal import _pack

    scored = {} if log is None else {"log_probability": log, "scored_tokens": 7}
    given = Reply(content, reasoning, "stop", tokens, tokens, {}, **scored)
    row = {"raw": _pack(made_up(given)), "sampling": {}, "dollars": None, "teacher": "t", "request": "r"}
    back = reply_of(row)
    assert (back.content, back.reasoning, back.prompt_tokens) == (content, reasoning, tokens)
    assert (back.log_probability, back.scored_tokens) == (log, None if log is None else 7)


def test_a_request_is_what_is_said_and_the_seed_and_not_what_is_echoed():
    plain = Message(role="assistant", content="a")
    assert request_id([plain], 1) == request_id([plain.model_copy(update={"reasoning": "hm"})], 1)
    assert len({request_id([plain], 1), request_id([plain], 2), request_id([plain, plain], 1)}) == 3
