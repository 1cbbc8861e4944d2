"""Mutants are the candidate with one mistake in device code, and the same ones every time."""

import ast

import pytest

from tests.bench.mutants import mutants
from tests.judge.examples import HONEST, LAST_BARRIER

KINDS = {
    "bound off by one", "changed constant", "dropped barrier", "dropped last branch", "maximum and minimum",
    "plus and minus", "relaxed comparison", "swapped index",
}  # fmt: skip


def test_every_mutant_is_one_changed_line_that_still_parses():
    made = mutants(HONEST, limit=200, seed=1)
    assert {mutant.kind for mutant in made} == KINDS
    assert len({mutant.code for mutant in made}) == len(made)
    for mutant in made:
        ast.parse(mutant.code)
        changed = [(a, b) for a, b in zip(HONEST.splitlines(), mutant.code.splitlines(), strict=True) if a != b]
        if mutant.kind != "dropped last branch":
            assert [(a.strip(), b.strip()) for a, b in changed] == [(mutant.before, mutant.after)]


def test_the_mistakes_people_make_are_among_them():
    codes = {mutant.code for mutant in mutants(HONEST, limit=200, seed=1)}
    assert HONEST.replace(LAST_BARRIER, LAST_BARRIER.replace("__syncthreads();", ";")) in codes
    assert HONEST.replace("buffer[t] = fmaxf(buffer[t]", "buffer[t] = fminf(buffer[t]") in codes


def test_host_code_is_left_alone():
    host = HONEST[HONEST.index("torch::Tensor fused(torch::Tensor x, torch::Tensor bias) {") :]
    assert all(mutant.code.endswith(host) for mutant in mutants(HONEST, limit=200, seed=1))


@pytest.mark.parametrize("limit", [1, 5])
def test_a_seed_gives_the_same_mutants_again(limit: int):
    assert mutants(HONEST, limit, seed=3) == mutants(HONEST, limit, seed=3)
    assert len(mutants(HONEST, limit, seed=3)) == limit
