"""Which sizes may be drawn: those that show what derived settings are for."""

import pytest

from pipeline.judge.drawing import (
    TILE,
    WARP,
    Draw,
    Sizes,
    aligned_sizes,
    alike,
    apart,
    key_of,
    odd_size,
    odd_sizes,
    small_sizes,
    tiny_sizes,
)

SIZES = [*range(8, 600), 1024, 4096, 5000, 2**20]
DRAWS = [Draw("task", key_of(str(number))) for number in range(50)]


def test_odd_sizes_have_one_element_in_their_last_tile():
    assert [odd_size(n) for n in (8, 17, 18, 44, 49, 64, 4096)] == [7, 13, 17, 33, 33, 49, 4081]
    for size in SIZES:
        first, *others = odd_sizes(size)
        assert first == odd_size(size)
        assert others  # a kernel can't know which
        assert all(size // 3 <= n < size and n % 2 for n in (first, *others))
        if size > WARP + 1:
            assert all(n % TILE == 1 for n in (first, *others))
        if size >= 8 * WARP:
            assert all(n % WARP == 1 for n in others)
        if size >= 2**14:
            assert all(n % 1024 == 1 for n in others)


def test_small_ones_leave_a_block_partly_used_and_tiny_ones_a_warp():
    for size in SIZES:
        assert all(n < size and n % 4 for n in small_sizes(size))
        assert all(5 <= n < TILE if size <= 64 else WARP < n < 2 * WARP for n in small_sizes(size))
        assert all(n < min(size, WARP) for n in tiny_sizes(size))
        assert min(len(small_sizes(size)), len(tiny_sizes(size))) >= 3
        if size > 64:
            assert all(n % 4 == 0 and n % 8 for n in tiny_sizes(size))
    assert small_sizes(4) == [5]  # what is reduced may be less than any size of a task


def test_what_replaces_a_reduced_size_is_as_aligned_and_hardly_smaller():
    for size in SIZES:
        power = min(size & -size, TILE)
        assert all(n % power == 0 and size * 3 // 4 <= n <= size for n in aligned_sizes(size))
        assert power == TILE or all(n % (2 * power) for n in aligned_sizes(size))
    assert aligned_sizes(1024) == [1024, 960, 896, 832, 768]


@pytest.mark.parametrize("of", [odd_sizes, small_sizes, tiny_sizes])
def test_equal_sizes_differ_or_stay_equal_as_is_asked(of: Sizes):
    for size in (8, 16, 32, 64, 128, 4096):
        task = dict.fromkeys("ABCD", size)
        for draw in DRAWS:
            assert len(set(apart("kind", of, task, draw).values())) == 4
            assert len(set(alike("kind", of, task, draw).values())) == 1
    assert apart("kind", of, {"A": 128}, DRAWS[0]) == {"A": alike("kind/A", of, {"A": 128}, DRAWS[0])["A"]}


def test_a_size_is_another_one_in_each_setting():
    for draw in DRAWS:
        odd = apart("odd", odd_sizes, {"A": 8}, draw)
        assert apart("small", small_sizes, {"A": 8}, draw, [odd]) != odd


def test_a_key_gives_the_same_number_again_and_another_key_another_one():
    assert DRAWS[0]("N") == Draw("task", key_of("0"))("N")
    assert len({draw("N") for draw in DRAWS}) == len(DRAWS)
    assert DRAWS[0]("N") != DRAWS[0]("M") != Draw("another task", key_of("0"))("N")
    assert Draw("task")("N") == 0
