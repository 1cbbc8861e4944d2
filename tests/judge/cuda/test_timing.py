"""The arithmetic of timing, on times made by hand: what a GPU would add is only the times themselves."""

import fcntl
import threading
import time
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.judge.config import JudgeConfig
from pipeline.judge.cuda import gpus
from pipeline.judge.cuda.crosscheck import Series, contradiction, flags
from pipeline.judge.cuda.gpus import find_gpus, parse_state
from pipeline.judge.cuda.lock import GpuLock
from pipeline.judge.cuda.plan import interleaved
from pipeline.judge.cuda.roofline import Work, bound_ms
from pipeline.judge.cuda.statistics import Ratio, ratio
from pipeline.judge.judge import Judge

CONTESTANTS = ("candidate", "eager", "compile", "graph")


def test_a_slowdown_that_hits_both_sides_of_a_round_cancels():
    drifting = [1.0 + i / 10 for i in range(20)]
    found = ratio([[2 * t] * 5 for t in drifting], [[t] * 5 for t in drifting])
    assert (found.value, found.low, found.high) == pytest.approx((2, 2, 2))


def test_the_interval_holds_the_ratio_and_narrows_with_more_rounds():
    noise = [0.9, 1.1, 1.0, 0.95, 1.05]
    few = ratio([[3 * n] for n in noise], [[n] for n in reversed(noise)])
    many = ratio([[3 * n] for n in noise * 20], [[n] for n in list(reversed(noise)) * 20])
    assert few.low <= 3 <= few.high
    assert many.low <= 3 <= many.high
    assert many.spread < few.spread


@pytest.mark.parametrize(("slow", "fast"), [([], []), ([[1.0]], []), ([[1.0]], [[0.0]]), ([[1.0]], [[-1.0]])])
def test_times_that_are_none_have_no_ratio(slow: list[list[float]], fast: list[list[float]]):
    with pytest.raises(ValueError, match=r"rounds|positive"):
        ratio(slow, fast)


def test_every_contestant_is_as_often_first_and_no_value_comes_twice():
    rounds = interleaved(CONTESTANTS, rounds=24, samples=8, secret=1)
    for place in range(len(CONTESTANTS)):
        assert sorted(r.order[place] for r in rounds) == sorted(CONTESTANTS * 6)
    assert all(len(set(r.scales)) == len(r.scales) == 8 and 0 <= r.kept < 8 for r in rounds)
    assert len({r.kept for r in rounds}) > 1
    assert rounds != interleaved(CONTESTANTS, rounds=24, samples=8, secret=2)


def test_the_roofline_is_the_slower_of_memory_and_arithmetic():
    gpu = "NVIDIA H100 80GB HBM3"
    assert bound_ms(Work(3_350_000_000, None, wide=True), gpu) == pytest.approx(1)
    assert bound_ms(Work(1, 990_000_000_000, wide=False), gpu) == pytest.approx(1)
    assert bound_ms(Work(1, 990_000_000_000, wide=True), gpu) == pytest.approx(2)
    assert bound_ms(Work(1, None, wide=True), "a GPU of next year") is None


EAGER = Series(event=[[1.0] * 4] * 3, whole=[[1.01] * 4] * 3, wall=[1.02] * 3)


@pytest.mark.parametrize(
    ("candidate", "idle", "what"),
    [
        (Series([[0.5] * 4] * 3, [[0.51] * 4] * 3, [0.53] * 3), [0.05], None),
        (Series([[0.01] * 4] * 3, [[0.5] * 4] * 3, [0.02] * 3), [0.01], "busy for"),  # work on another stream
        (Series([[0.01] * 4] * 3, [[0.02] * 4] * 3, [0.5] * 3), [0.1], "on the judge's clock"),  # patched events
        (Series([[0.01] * 4] * 3, [[0.02] * 4] * 3, [0.5] * 3), [0.49], None),  # the host is slow, not the GPU
        (Series([[0.01] * 4] * 3, [[0.02] * 4] * 3, [0.5] * 3), [], "on the judge's clock"),
        (Series([[0.0] * 4] * 3, [[0.0] * 4] * 3, [0.5] * 3), [0.5], "not positive"),
    ],
)
def test_times_that_another_clock_contradicts_are_found(candidate: Series, idle: list[float], what: str | None):
    found = contradiction(candidate, EAGER, idle)
    assert found is None if what is None else found is not None and what in found


def test_what_a_reader_should_know_is_flagged():
    assert flags(1.0, Ratio(2, 1.95, 2.05), 0.5, 0.99, ()) == ()
    found = flags(0.4, Ratio(2, 1.5, 2.5), 0.5, 0.2, ("power cap",))
    assert found == ("throttled: power cap", "unsteady", "beyond_roofline", "mostly_not_own_kernels")


def test_what_the_driver_says_about_clocks_is_read():
    state = parse_state(["1755", "1980", "2619", "41", "[N/A]", "0x0000000000000024"])
    assert (state.sm_mhz, state.sm_max_mhz, state.watts) == (1755, 1980, None)
    assert state.throttled_by == ("power cap", "temperature")
    assert parse_state(["345", "1980", "2619", "41", "70.1", "0x0000000000000001"]).throttled_by == ()  # idle


def test_an_old_driver_is_asked_under_the_old_name(monkeypatch: pytest.MonkeyPatch):
    row = ["1755", "1980", "2619", "41", "70.1", "0x4"]
    monkeypatch.setattr(
        gpus, "_query", lambda fields, _: [row] if "clocks_throttle_reasons.active" in fields else None
    )
    assert gpus.read_state("GPU-1").throttled_by == ("power cap",)
    monkeypatch.setattr(gpus, "SECONDS_BETWEEN", 0.01)
    with gpus.watched("GPU-1") as states:
        time.sleep(0.1)
    assert len(states) > 3  # while it was at work


def test_who_wants_the_gpu_alone_waits_for_those_inside_and_goes_before_those_to_come(tmp_path: Path):
    one, other, third = (GpuLock("GPU-1", tmp_path) for _ in range(3))  # as three processes would have
    order: list[str] = []
    entered = threading.Event()

    def alone() -> None:
        with other.alone(), other.shared():  # asking again changes nothing
            order.append("alone")

    def late() -> None:
        with third.shared():
            order.append("late")

    threads = [threading.Thread(target=alone), threading.Thread(target=late)]
    with one.shared(), GpuLock("GPU-1", tmp_path).shared():
        threads[0].start()
        while not _waited_for(tmp_path / "gpu-GPU-1.entrance.lock"):
            entered.wait(0.01)
        threads[1].start()
        entered.wait(0.1)
        order.append("first")
        with pytest.raises(RuntimeError, match="shares"), one.alone():
            pass
    for thread in threads:
        thread.join(10)
    assert order == ["first", "alone", "late"]


def _waited_for(path: Path) -> bool:
    """Whether somebody stands in the entrance."""
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_a_gpu_that_is_given_up_for_a_while_is_others_to_use(tmp_path: Path):
    one, other = GpuLock("GPU-1", tmp_path), GpuLock("GPU-1", tmp_path)
    order: list[str] = []

    def second() -> None:
        with other.alone():
            order.append("second")

    thread = threading.Thread(target=second)
    with one.alone():
        thread.start()
        thread.join(0.2)
        order.append("first")
        with one.released():
            thread.join(10)
        order.append("first again")
    assert order == ["first", "second", "first again"]


@pytest.mark.skipif(bool(find_gpus()), reason="this machine has a GPU")
def test_without_a_gpu_the_backend_says_what_is_missing():
    with pytest.raises(UserError, match="needs an NVIDIA GPU"):
        Judge(JudgeConfig(backend="cuda"))
