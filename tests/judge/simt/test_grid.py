"""Launches whose blocks wait for one another: what a GPU refuses is refused, and a missing barrier is found."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pipeline.judge.simt import binding
from pipeline.judge.simt.binding import Extension
from pipeline.judge.simt.build import ExtensionSource
from pipeline.judge.simt.errors import SimtFault
from tests.judge.simt.example import inline
from tests.judge.simt.test_instrument import findings

Compiled = Callable[[ExtensionSource], Extension]
# Each block writes its number, and reads its neighbour's.
SOURCE = """
#include <cooperative_groups.h>
namespace cg = cooperative_groups;
__global__ void k(float* x, float* y) {
    auto grid = cg::this_grid();
    const int b = blockIdx.x;
    BEFORE
    if (threadIdx.x == 0) x[b] = b;
    SYNC
    y[b * blockDim.x + threadIdx.x] = x[(b + 1) % gridDim.x];
}
torch::Tensor f(torch::Tensor x, int blocks, int threads) {
    auto y = torch::empty({(int64_t)blocks * threads}, x.options());
    float *from = x.data_ptr<float>(), *to = y.data_ptr<float>();
    cudaGetLastError();  // forgets that of a test before
    LAUNCH;
    C10_CUDA_CHECK(cudaGetLastError());
    return y;
}
"""
TOGETHER = "void* arguments[] = {&from, &to}; cudaLaunchCooperativeKernel((void*)k, blocks, threads, arguments)"


def source(before: str = "", sync: str = "grid.sync();", launch: str = TOGETHER) -> ExtensionSource:
    text = SOURCE.replace("BEFORE", before).replace("SYNC", sync).replace("LAUNCH", launch)
    return inline(text, "torch::Tensor f(torch::Tensor x, int blocks, int threads)")


def test_as_many_threads_as_fit_at_once_and_their_memory_is_given_back(compiled: Compiled):
    function = compiled(source()).f
    expected = ((torch.arange(28) + 1) % 28).repeat_interleave(1024).float()
    assert torch.equal(function(torch.zeros(28), 28, 1024), expected)
    mappings = len(Path("/proc/self/maps").read_text().splitlines())
    assert torch.equal(function(torch.zeros(28), 28, 1024), expected)
    assert len(Path("/proc/self/maps").read_text().splitlines()) < mappings + 1024


# name: (source, blocks, threads, kind, text in the detail)
FAULTS = {
    "launched without": (source(launch="k<<<blocks, threads>>>(from, to)"), 2, 32, "illegal_instruction", "grid.sync()"),
    "a block ends early": (source("if (b == 1) return;"), 3, 32, "divergent_barrier", "first thread has ended"),
    "one more barrier for some": (source("if (b == 1) grid.sync();"), 3, 32, "divergent_barrier", "first thread has ended"),
    "half of a block": (source("if (threadIdx.x < 16) __syncthreads();"), 2, 32, "divergent_barrier", "never arrive"),
    "more threads than fit here": (source(), 64, 1024, "unsupported", "so many threads"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_wait_that_cannot_end_is_a_fault(name: str, compiled: Compiled):
    extension, blocks, threads, kind, detail = FAULTS[name]
    binding.clear_faults()
    with pytest.raises(SimtFault) as caught:
        compiled(extension).f(torch.zeros(blocks), blocks, threads)
    assert caught.value.fault.kind == kind
    assert detail in caught.value.fault.detail
    # The runtime goes on.
    assert torch.equal(compiled(source()).f(torch.zeros(2), 2, 32), torch.tensor([1.0, 0.0]).repeat_interleave(32))


def test_more_blocks_than_any_gpu_holds_are_refused(compiled: Compiled):
    with pytest.raises(RuntimeError, match="too many blocks in cooperative launch"):
        compiled(source()).f(torch.zeros(10_000), 10_000, 256)


def test_blocks_that_do_not_wait_for_one_another_race(cache: Path):
    arguments = (torch.zeros(3), 3, 32)
    assert findings(source(), "f", arguments, cache, "reverse") == []
    (fault,) = findings(source(sync="__syncthreads();"), "f", arguments, cache, "reverse")
    assert (fault.kind, fault.line, fault.other_line) == ("race", 10, 8), fault
