"""Shares, draws that repeat, and names."""

import asyncio
from collections import Counter

import pytest
from pydantic import TypeAdapter

from pipeline.records import Message
from pipeline.teachers.making import TeacherConfig, make, members

SCRIPTED = {"kind": "scripted"}


def config(*weights: float):
    section = [{"teacher": SCRIPTED, "weight": w, "name": f"m{n}"} for n, w in enumerate(weights)]
    return TypeAdapter(TeacherConfig).validate_python({"kind": "ensemble", "members": section})


def test_members_answer_by_their_weights_and_a_seed_draws_the_same_one_again():
    asked = (Message(role="user", content="no module"),)

    async def ask(seeds: range) -> list[str | None]:
        teacher = make(config(3, 1, 1))
        return [(await teacher.complete(asked, seed)).teacher for seed in seeds]

    drawn = asyncio.run(ask(range(1000)))
    shares = Counter(drawn)
    assert 550 < shares["m0"] < 650
    assert abs(shares["m1"] - shares["m2"]) < 80
    assert asyncio.run(ask(range(990, 1000))) == drawn[990:]


def test_members_of_one_name_are_refused():
    section = {"kind": "ensemble", "members": [{"teacher": SCRIPTED}, {"teacher": SCRIPTED}]}
    with pytest.raises(ValueError, match="2 members are called 'scripted'; give them a name each"):
        TypeAdapter(TeacherConfig).validate_python(section)
    assert len(members(config(1, 1))) == 2
