"""The instrumented build finds each planted bug, with its line and thread, and nothing in correct kernels."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.judge.simt import binding
from pipeline.judge.simt.binding import Order
from pipeline.judge.simt.build import ExtensionSource, build
from pipeline.judge.simt.explain import located
from pipeline.judge.simt.fault import RECORD_BYTES, Fault, read_faults
from tests.judge.simt.example import Example, inline
from tests.judge.simt.test_examples import EXAMPLES
from tests.judge.simt.test_faults import TEMPLATE


def findings(
    source: ExtensionSource, function: str, arguments: tuple[Any, ...], cache: Path, order: Order
) -> list[Fault]:
    """Return what an instrumented call finds, from a process of its own: each kind is reported once a process."""
    library = build(source, cache, instrumented=True)
    page = os.memfd_create("fault")
    pid = os.fork()
    if pid == 0:
        try:
            binding.set_fault_page(page)
            binding.set_order(order, 7)
            extension = binding.load(library)
            guarded = [binding.guard(a) if isinstance(a, torch.Tensor) else a for a in arguments]
            getattr(extension, function)(*guarded)
        finally:
            os._exit(1)
    os.waitpid(pid, 0)
    found = [located(fault, library) for fault in read_faults(os.pread(page, 8 * RECORD_BYTES, 0))]
    os.close(page)
    return found


def planted(
    body: str, cache: Path, order: Order = "forward", grid: str = "1", shared: str = "0", n: int = 40
) -> list[Fault]:
    text = TEMPLATE.replace("BODY", body).replace("GRID", grid).replace("BLOCK", "64").replace("SHARED", shared)
    source = inline(text, "torch::Tensor f(torch::Tensor x)")
    return findings(source, "f", (torch.arange(float(n)),), cache, order)


# name: (body, kind, line, thread, line of the other access, text in the detail); the body begins on line 4
BUGS = {
    "read past the end": ("float v = 1;\nv += x[i + 8];\nif (i < n) y[i] = v;", "out_of_bounds", 5, 32, 0, "read 0 bytes past the end of a tensor"),
    "write into the slack": ("\nif (i < 38) y[i] = 1;", "out_of_bounds", 5, 37, 0, "past the end of a tensor"),
    "null pointer": ("float* p = n < 0 ? y : nullptr;\np[i] = 1;", "out_of_bounds", 5, 0, 0, "null pointer"),
    "division by zero": ("\ny[0] = 5 / (n - 40);", "illegal_instruction", 5, 0, 0, "division by zero"),
    "shared overrun": ("__shared__ float s[61];\ns[i] = 1;", "out_of_bounds", 5, 61, 0, "__shared__ array s"),
    "missing barrier": ("__shared__ float s[64];\ns[i] = i;\nif (i < n) y[i] = s[(i + 1) % 64];", "race", 5, 1, 6, "what another thread read"),
    "lanes without __syncwarp": ("__shared__ int s[32];\nif (i >= 32) return;\ns[i] = i;\ny[i] = s[31 - i];", "race", 6, 16, 7, "what another thread read"),
    "blocks that write one place": ("if (threadIdx.x == 0)\ny[0] = 1.0f + blockIdx.x;", "race", 5, 0, 5, "block (0, 0, 0), thread (0, 0, 0)"),
    "storage of cub's used again": ("typedef cub::BlockReduce<int, 64> R; __shared__ R::TempStorage t;\nint a = R(t).Sum(i);\na += R(t).Sum(2 * i);\nif (i == 0) y[0] = a;", "race", 6, 32, 5, "what another thread read"),
    "sum read too early": ("__shared__ float s; s = 0; __syncthreads();\natomicAdd(&s, 1.0f);\nif (i < n) y[i] = s;", "race_with_atomic", 5, 1, 6, "what another thread read"),
    "shared memory never written": ("__shared__ float s[64]; if (i < 10) s[i] = 1; __syncthreads();\nif (i < n) y[i] = s[i];", "uninitialised_read", 5, 10, 0, "no thread of this block"),
    "output never written": ("if (i < n)\ny[i] += x[i];", "uninitialised_read", 5, 0, 0, "which nobody has written"),
    "a wait for another block": ("volatile float* flag = y;\nif (i == 0) while (flag[0] != 3);", "spin_wait", 5, 0, 0, "another thread"),
}  # fmt: skip


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_is_found_and_located(name: str, cache: Path):
    body, kind, line, thread, other_line, detail = BUGS[name]
    n = 37 if "slack" in name else 40
    found = planted(body, cache, grid="2" if "blocks" in name else "1", n=n)
    fault = next((f for f in found if f.kind == kind), None)
    assert fault is not None, found
    assert (fault.kernel, fault.line, fault.thread[0], fault.other_line) == ("k", line, thread, other_line), fault
    assert detail in fault.detail


def test_a_variable_of_the_host_is_out_of_a_kernel_s_reach(cache: Path):
    cuda = """
    __global__ void k(const float* x, const int* size, float* y) { if (threadIdx.x < *size)
      y[threadIdx.x] = x[threadIdx.x]; }
    torch::Tensor f(torch::Tensor x) {
      auto y = torch::empty_like(x);
      int size = x.numel();
      k<<<1, 64>>>(x.data_ptr<float>(), &size, y.data_ptr<float>());
      return y;
    }"""
    (fault,) = findings(inline(cuda, "torch::Tensor f(torch::Tensor x)"), "f", (torch.ones(8),), cache, "forward")
    assert (fault.kind, fault.line) == ("host_memory", 7), fault  # its launch


# Bodies that look suspicious and are right.
HONEST = {
    "all threads write one value": "__shared__ int flag; flag = 0; __syncthreads(); if (x[i % n] > 3) flag = 1; __syncthreads(); if (i < n) y[i] = flag;",
    "warp reduction with __syncwarp": "__shared__ float s[64]; s[i] = x[i % n]; __syncthreads(); if (i >= 32) return; for (int o = 32; o > 0; o /= 2) { float v = s[i + o < 64 ? i + o : i]; __syncwarp(); if (i < o) s[i] += v; __syncwarp(); } if (i == 0) for (int j = 0; j < n; j++) y[j] = s[0];",
    "shuffles between uses of shared memory": "__shared__ int s[64]; s[i] = i; int v = __shfl_xor_sync(0xffffffff, s[i], 1); s[i ^ 1] = v; v = __shfl_xor_sync(0xffffffff, v, 1); if (i < n) y[i] = s[i] + v;",
    "double-buffered tiles": "__shared__ float s[2][64]; s[0][i] = x[i % n]; __syncthreads(); float a = 0; for (int t = 0; t < 4; ++t) { s[(t + 1) % 2][i] = t; a += s[t % 2][63 - i]; __syncthreads(); } if (i < n) y[i] = a;",
    "early exits before a barrier": "__shared__ float s[64]; if (i >= n) return; s[i] = x[i]; __syncthreads(); y[i] = s[n - 1 - i];",
    "bytes of one word": "__shared__ unsigned char s[64]; s[i] = i; __syncthreads(); if (i < n) y[i] = s[63 - i];",
    "two kinds of reader": "__shared__ float s[64]; s[i] = x[i % n]; __syncthreads(); float a = s[0] + s[i]; __syncthreads(); s[i] = a; __syncthreads(); if (i < n) y[i] = s[(i + 1) % 64];",
}  # fmt: skip


@pytest.mark.parametrize("order", ["forward", "reverse", "random"])
@pytest.mark.parametrize("name", HONEST)
def test_correct_but_suspicious_kernels_are_left_in_peace(name: str, order: Order, cache: Path):
    assert planted(HONEST[name], cache, order) == []


LAST_BLOCK = """
__device__ unsigned done;
__global__ void k(const float* x, float* partial, float* y, int n) {
  __shared__ bool last;
  atomicAdd(y + 1, x[blockIdx.x]);
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = x[blockIdx.x];
    __threadfence();
    last = atomicInc(&done, gridDim.x - 1) == gridDim.x - 1;
  }
  __syncthreads();
  if (last && threadIdx.x == 0) { float s = 0; for (int b = 0; b < gridDim.x; ++b) s += partial[b]; y[0] += s; }
}
torch::Tensor f(torch::Tensor x) {
  float* partial; cudaMalloc(&partial, x.numel() * sizeof(float));
  auto y = torch::zeros({2}, x.options());
  auto kernel = k;
  kernel<<<x.numel(), 32>>>(x.data_ptr<float>(), partial, y.data_ptr<float>(), x.numel());
  cudaFree(partial);
  float* scratch; cudaMalloc(&scratch, 64); cudaMemset(scratch, 0, 64);
  k<<<1, 1>>>(scratch, scratch + 8, y.data_ptr<float>(), 1);
  cudaFree(scratch);
  return y;
}"""
HONEST_EXAMPLES = {
    **EXAMPLES,
    "the last block sums up": Example(
        inline(LAST_BLOCK, "torch::Tensor f(torch::Tensor x)"), "f", lambda: (torch.ones(9),), lambda x: x
    ),
}


@pytest.mark.parametrize("name", HONEST_EXAMPLES)
def test_nothing_is_found_in_an_honest_example(name: str, cache: Path):
    example = HONEST_EXAMPLES[name]
    orders: tuple[Order, ...] = ("forward", "reverse", "random")
    for order in orders:
        assert findings(example.source, example.function, example.arguments(), cache, order) == []
