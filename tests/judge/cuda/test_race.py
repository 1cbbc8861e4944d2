"""The measuring loop itself, over contestants in this process and on the CPU: all but the GPU's own clock is real."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.judge.answers import Expected
from pipeline.judge.cuda.backend import GpuBackend
from pipeline.judge.cuda.baseline_worker import TooLongError, _at_most, _runner, _work
from pipeline.judge.cuda.contestant import Contestant, weights_of
from pipeline.judge.cuda.crosscheck import Series
from pipeline.judge.cuda.gpus import Chosen, Gpu, GpuState, choose_gpu
from pipeline.judge.cuda.lock import GpuLock
from pipeline.judge.cuda.measuring import _mismatch
from pipeline.judge.cuda.race import CANDIDATE, BadTimesError, Race, Result, burst_calls, lengths, samples_for
from pipeline.judge.cuda.roofline import Work
from pipeline.judge.cuda.stopwatch import Stopwatch
from pipeline.judge.cuda.timed import Timed
from pipeline.judge.cuda.timing import cautious, own_share, plain_name, timing_of
from pipeline.judge.reference_worker import NEARBY, _case, _nearby
from pipeline.judge.workers import Limits
from tests.judge.examples import REFERENCE

SAMPLES = 4
GPU = Gpu(0, "GPU-1", "NVIDIA H100 80GB HBM3", "9.0", "580.1", 81559)
REQUEST = {
    "source": REFERENCE, "sizes": {}, "direction": "forward", "seed": 5, "weights_seed": 5, "distribution": "own",
    "fresh_weights": False, "watched": False,
}  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Small work on many threads takes as long as the machine is busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class HostClock(Stopwatch):
    """In place of the GPU's stopwatch."""

    def __init__(self) -> None: ...

    def reset_cache(self) -> None: ...

    def wait(self) -> None: ...

    def host(self, call: Callable[[], Any]) -> float:
        return self.time(call, 0.0)[1]

    def time(self, call: Callable[[], Any], busy_ms: float) -> tuple[Any, float, float]:
        start = time.perf_counter()
        result = call()
        spent = (time.perf_counter() - start) * 1e3
        return result, spent, spent


def reference(scale: float) -> Expected:
    header, buffers = _case({**REQUEST, "scale": scale, "scale_weights": True}, "cpu")
    return Expected(header["values"]["dict"], [bytearray(b) for b in buffers])


def asks(wrap: Callable[[Any], Any]) -> Callable[[dict[str, Any]], tuple[dict[str, Any], list[bytearray]]]:
    """Return a contestant that is the reference's own module, its calls wrapped, behind what a worker answers."""
    from pipeline.judge.reference_worker import make

    _, model, arguments = make(REQUEST, "cpu")
    inputs = arguments()
    call = wrap(lambda given: model(*given))
    timed = Timed.__new__(Timed)
    timed._contestants = {
        n: Contestant(call, inputs, weights_of(model), SAMPLES, HostClock()) for n in (CANDIDATE, "eager")
    }

    def ask(request: dict[str, Any]) -> tuple[dict[str, Any], list[bytearray]]:
        with torch.no_grad():
            header, buffers = timed.answer(request)
        return header, [bytearray(b) for b in buffers]

    return ask


def race(wrap: Callable[[Any], Any]) -> Result:
    return Race({CANDIDATE: asks(wrap), "eager": asks(lambda call: call)}, SAMPLES, 11, time.perf_counter).run()


def remembering(call: Any) -> Any:
    kept: dict[int, Any] = {}

    def remembered(given: list[Any]) -> Any:
        return kept.setdefault(given[0].data_ptr(), call(given))

    return remembered


def test_results_are_looked_at_on_the_values_that_were_timed():
    result = race(lambda call: call)
    assert len(result.outputs) == 4  # of two rounds and two bursts
    assert [_mismatch(reference(output.scale), output) for output in result.outputs] == [None] * 4
    assert len({output.scale for output in result.outputs}) > 1
    series = result.series[CANDIDATE]
    assert len(series.event) == len(series.whole) == len(series.wall) >= 5
    assert all(len(times) == len(series.event[0]) and min(times) > 0 for times in series.event)


def test_the_host_is_ahead_of_the_gpu_by_more_than_a_call_takes_it():
    waits: list[float] = []

    class Clock(HostClock):
        def time(self, call: Callable[[], Any], busy_ms: float) -> tuple[Any, float, float]:
            waits.append(busy_ms)
            return super().time(call, busy_ms)

        def host(self, call: Callable[[], Any]) -> float:
            return super().time(call, 0.0)[1]

    x = [torch.ones(1)]
    Contestant(lambda _: time.sleep(0.01), x, [], 2, Clock()).round([1.0, 0.5])
    Contestant(lambda _: None, x, [], 1, Clock()).round([1.0])
    assert all(busy >= 20 for busy in waits[:2])
    assert 0 < waits[2] < 5


def test_a_result_kept_by_its_argument_s_address_is_wrong_when_timed():
    assert any(_mismatch(reference(output.scale), output) for output in race(remembering).outputs)


@pytest.mark.parametrize(
    "sent", [{}, {"event": [1.0]}, {"event": ["1"] * SAMPLES}, {"event": [float("nan")] * SAMPLES}]
)
def test_what_is_no_time_is_not_taken_for_one(sent: dict[str, Any]):
    with pytest.raises(BadTimesError):
        Race({CANDIDATE: lambda _: (sent, [])}, SAMPLES, 11, time.perf_counter).run()


def test_slow_kernels_get_fewer_rounds_and_large_ones_fewer_samples():
    assert lengths(0.01, 8) == (12, 8)
    assert lengths(100.0, 8) == (5, 6)
    assert lengths(10_000.0, 8) == (5, 2)
    assert (samples_for(1), samples_for(2**30), samples_for(2**40)) == (8, 4, 2)
    assert (burst_calls(1e-9, 8), burst_calls(1.0, 8), burst_calls(50.0, 8)) == (500, 20, 8)


def states() -> list[GpuState]:
    return [GpuState(1980, 1980, 2619, 50, 300.0, throttled) for throttled in ((), ("power cap",))]


def of(candidate_ms: float, eager_ms: float) -> Result:
    made = {
        n: Series([[ms] * 4] * 6, [[ms] * 4] * 6, [ms] * 6)
        for n, ms in ((CANDIDATE, candidate_ms), ("eager", eager_ms))
    }
    return Result(made, [])


def test_who_slows_the_baseline_down_gains_nothing():
    work = Work(1000, None, wide=True)
    honest = timing_of(of(1.0, 2.0), [[2.0] * 4] * 6, work, GPU, states(), 0.9)
    assert (honest.speedup, honest.flags) == (2.0, ("throttled: power cap",))
    cheat = timing_of(of(1.0, 6.0), [[2.0] * 4] * 6, work, GPU, states(), 0.9)
    assert cheat.speedup == pytest.approx(2.0)
    assert cheat.eager_ms == pytest.approx(2.0)
    assert "baseline_slowed" in cheat.flags


def test_of_two_measurements_the_slower_counts():
    work = Work(1000, None, wide=True)
    fast, slow = (timing_of(of(ms, 2.0), [[2.0] * 4] * 6, work, GPU, [], None) for ms in (0.5, 1.0))
    assert cautious(fast, slow).speedup == 2.0
    assert cautious(fast, slow).flags == ("not_reproduced",)
    assert cautious(slow, slow).flags == ()


def test_a_candidate_s_kernels_are_known_by_their_names():
    launched = ["_Z6squarePKfPfi", "_ZN12_GLOBAL__N_15scaleIfLi4EEEvPT_"]
    ran = [
        ("square(float const*, float*, int)", 30.0),
        ("void (anonymous namespace)::scale<float, 4>(float*)", 20.0),
        ("void at::native::vectorized_elementwise_kernel<4, at::native::FillFunctor<float>, std::array<char*, 1> >(int)", 50.0),
    ]  # fmt: skip
    assert own_share(ran, launched) == pytest.approx(0.5)
    assert own_share([], launched) is None
    assert own_share(ran, [""]) is None  # a CUDA that tells no names
    assert plain_name("Memset (Device)") == "Memset"


def test_the_work_of_a_task_is_counted_forward_and_backward():
    model, inputs = torch.nn.Linear(3, 5), [torch.randn(7, 3)]
    for direction, products in (("forward", 1), ("backward", 3)):
        work = _work(model, inputs, _runner({"direction": direction, "seed": 1}))
        assert work["flops"] == products * 2 * 7 * 3 * 5
    assert work["read_bytes"] == 4 * (7 * 3 + 3 * 5 + 5)


def test_the_gpu_that_the_environment_names_is_used():
    gpus = [GPU, Gpu(1, "GPU-2", "NVIDIA L4", "8.9", "580.1", 23034)]
    assert choose_gpu(gpus, None).visible == "GPU-1"
    assert choose_gpu(gpus, "1,0").gpu is gpus[1]
    assert choose_gpu(gpus, "GPU-2").gpu is gpus[1]
    assert (choose_gpu(gpus, "MIG-7").visible, choose_gpu(gpus, "MIG-7").gpu) == ("MIG-7", GPU)


def test_a_baseline_that_takes_too_long_to_prepare_is_given_up():
    def spin() -> None:
        with _at_most(0.05):
            while True:
                pass

    with pytest.raises(TooLongError):
        spin()
    with _at_most(60):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_large_cases_have_room_and_time(tmp_path: Path):
    backend = GpuBackend(Chosen(GPU, GPU.uuid), GpuLock(GPU.uuid, tmp_path))
    large, small = backend.limits(Limits(), 1024), backend.limits(Limits(), 64)
    assert large.memory_bytes >= 6 * 2**30
    assert small.memory_bytes == Limits().memory_bytes
    assert small.cpu_seconds == small.wall_seconds > Limits().cpu_seconds
    assert 1 <= backend.most_workers(1024) <= GPU.memory_mib // 10240 < backend.most_workers(64)


def test_arguments_a_rounding_error_away_lie_as_the_arguments_do():
    given = torch.randn(8, 16, generator=torch.Generator().manual_seed(1)).t()
    ((near, again), whole) = _nearby([given, given], 1)[:2], given.double()
    assert near.stride() == given.stride()
    assert 0 < float((near / whole - 1).abs().max()) <= NEARBY
    assert not torch.equal(near, again)
