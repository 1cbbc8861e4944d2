"""Every planted bug is found, and named."""

import mmap
import os
from collections.abc import Callable
from typing import Any

import pytest
import torch

from pipeline.judge.simt import binding
from pipeline.judge.simt.binding import Extension
from pipeline.judge.simt.build import ExtensionSource
from pipeline.judge.simt.errors import SimtFault
from pipeline.judge.simt.fault import Fault, read_fault
from tests.judge.simt.example import inline

Compiled = Callable[[ExtensionSource], Extension]
N = 40  # elements, one block of 64 threads

# The kernel's lines are numbered from 2; the launch is on line 9.
TEMPLATE = """
__global__ void k(const float* x, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    BODY
}
torch::Tensor f(torch::Tensor x) {
    auto y = torch::empty_like(x);
    int n = x.numel();
    k<<<GRID, BLOCK, SHARED>>>(x.data_ptr<float>(), y.data_ptr<float>(), n);
    return y;
}
"""


def unwritten(tensor: torch.Tensor) -> int:
    """Return how many of the elements still hold the poison of their allocation."""
    halves = tensor.view(torch.int16).view(tensor.numel(), -1)
    return int((halves == binding.POISON_BITS).all(dim=1).sum())


def run(
    compiled: Compiled, body: str, grid: str = "1", block: str = "64", shared: str = "0", n: int = N
) -> torch.Tensor:
    text = TEMPLATE.replace("BODY", body).replace("GRID", grid).replace("BLOCK", block).replace("SHARED", shared)
    binding.clear_faults()
    extension = compiled(inline(text, "torch::Tensor f(torch::Tensor x)"))
    return extension.f(binding.guard(torch.arange(float(n))))


# name: (body, kind, line, thread, text in the detail)
STOPPED = {
    "read past the end": ("if (i < n) y[i] = x[i + 8];", "out_of_bounds", 9, 32, "read 0 bytes past the end of a tensor"),
    "read without a guard": ("float v = x[i]; y[i % n] = v;", "out_of_bounds", 9, 40, "read 0 bytes past"),
    "write without a guard": ("y[i] = 1.0f;", "out_of_bounds", 9, 40, "write 0 bytes past the end of a tensor  (160 bytes)"),
    "write before the start": ("y[i - 1200] = 1.0f;", "out_of_bounds", 9, 0, "write 4800 bytes before"),
    "null pointer": ("float* p = nullptr; p[i] = x[0];", "out_of_bounds", 9, 0, "null pointer"),
    "wild pointer": ("y[(size_t)i << 40 | 1ull << 45] = 0;", "out_of_bounds", 9, 0, ""),
    "uninitialised index": ("__shared__ int at[64]; y[at[i % n]] = 1;", "out_of_bounds", 9, 0, ""),
    "shared array overrun": ("__shared__ float s[64]; s[i + 1] = x[0]; y[i % n] = s[i];", "out_of_bounds", 9, 63, "__shared__ array s"),
    "dynamic shared overrun": ("extern __shared__ float d[]; d[i] = 0;", "out_of_bounds", 9, 32, "extern __shared__ array"),
    "different barriers": ("if (i < 32)\n__syncthreads();\nelse\n__syncthreads();", "divergent_barrier", 7, 32, "different barriers"),
    "barrier against shuffle": (
        "if (i < 16) __syncthreads(); else y[0] = __shfl_down_sync(0xffffffff, 1.0f, 1);",
        "divergent_barrier", 4, 16, "never reach it",
    ),
    "own array overrun": (
        "float a[8]; for (int j = 0; j <= n / 5; ++j) a[j] = x[j]; y[i % n] = a[n - 38];",
        "out_of_bounds", 4, 0, "write of a 'float' outside of the array or variable",
    ),
    "own array read past its end": (
        "float a[8]; for (int j = 0; j < n / 5; ++j) a[j] = x[j];\ny[i % n] = a[n - 32 + (i == 9)];",
        "out_of_bounds", 5, 0, "read of a 'float' outside",
    ),
    "array in a variable overrun": ("float4 v = {}; (&v.x)[i / 4] = 1; y[i % n] = v.w;", "out_of_bounds", 4, 16, "write of"),
    "misaligned vector": (
        "const float4* v = (const float4*)(x + n % 3);\nif (i < 2) y[i] = v[i].y;",
        "misaligned", 5, 0, "read of a 'const struct float4' at an address that is not a multiple of 16",
    ),
    "collective for another block": (
        "typedef cub::BlockReduce<float, 32> R; __shared__ R::TempStorage t;\ny[0] = R(t).Sum(1.0f);",
        "assert", 5, 0, "for another number of threads than the block has",
    ),
    "fragment at an odd address": (
        "nvcuda::wmma::fragment<nvcuda::wmma::accumulator, 16, 16, 16, float> f;\nload_matrix_sync(f, x + 1, 16, nvcuda::wmma::mem_row_major);",
        "misaligned", 5, 0, "no multiple of 16 bytes",
    ),
    "lane outside its mask": ("y[0] = __shfl_sync(0x1, 1.0f, 0);", "divergent_barrier", 4, 1, "leaves it out"),
    "assertion": ("assert(i < 7);", "assert", 4, 7, "i < 7"),
    "trap": ("if (i == 5) __trap();", "illegal_instruction", 4, 5, ""),
    "stack overflow": ("volatile float big[200000]; big[i] = 1; y[0] = big[i];", "stack_overflow", 9, 0, "stack"),
    "division by zero": ("y[0] = 5 / (n - 40);", "illegal_instruction", 9, 0, "division by zero"),
}  # fmt: skip


def test_vectors_at_addresses_that_a_gpu_takes_too(compiled: Compiled):
    """A cast alone reads nothing, and where a thread's own arrays lie is the compiler's choice."""
    own = "float a[2] = {x[i % n], 0};\nfloat b[2] = {0, x[i % n]};"
    run(
        compiled,
        f"{own} if (n % 4) y[i] = ((float4*)(x + 1))->x; if (i < n) y[i] = ((float2*)a)->x + ((float2*)b)->y;",
    )


@pytest.mark.parametrize("name", STOPPED)
def test_a_bug_that_stops_the_kernel(name: str, compiled: Compiled):
    body, kind, line, thread, detail = STOPPED[name]
    binding.set_order("forward", 0)
    with pytest.raises(SimtFault) as caught:
        run(compiled, body, shared="128")
    fault = caught.value.fault
    assert (fault.kind, fault.kernel, fault.line, fault.thread[0]) == (kind, "k", line, thread), fault
    assert detail in fault.detail
    # The runtime goes on.
    assert torch.equal(run(compiled, "if (i < n) y[i] = x[i];"), torch.arange(float(N)))


def test_constants_are_bounded_like_arrays(compiled: Compiled):
    text = TEMPLATE.replace("GRID, BLOCK, SHARED", "1, 64").replace("BODY", "if (i < n) y[i] = taps[i % 8 + LATER];")
    text = f"__constant__ float taps[8] = {{1, 1, 1, 1, 1, 1, 1, 1}};{text}"
    binding.clear_faults()
    right, wrong = (
        compiled(inline(text.replace("LATER", later), "torch::Tensor f(torch::Tensor x)")) for later in "01"
    )
    assert torch.equal(right.f(torch.arange(float(N))), torch.ones(N))
    with pytest.raises(SimtFault, match="read of a 'float' outside of the array or variable"):
        wrong.f(torch.arange(float(N)))


def test_rows_of_an_array_may_be_gone_through_as_one(compiled: Compiled):
    body = "float a[4][2]; for (int j = 0; j < n / 5; ++j) a[0][j] = x[j]; if (i < n) y[i] = (&a[0][0])[n - 33];"
    assert torch.equal(run(compiled, body), torch.full((N,), 7.0))


def test_a_missing_barrier_shows_in_some_order_of_threads(compiled: Compiled):
    body = "__shared__ float s[64]; if (i < n) s[i] = x[i]; BARRIER if (i < n) y[i] = s[n - 1 - i];"
    expected = torch.arange(float(N)).flip(0)
    results = {}
    for barrier in ("__syncthreads();", ""):
        for order in ("forward", "reverse", "random"):
            binding.set_order(order, 3)
            results[barrier, order] = run(compiled, body.replace("BARRIER", barrier)).equal(expected)
    binding.set_order("forward", 0)
    assert all(right for (barrier, _), right in results.items() if barrier)
    assert not any(right for (barrier, _), right in results.items() if not barrier)


def test_a_write_into_the_slack_is_found_by_the_guards(compiled: Compiled):
    run(compiled, "if (i < n + 1) y[i] = x[i % n];", n=37)
    with pytest.raises(SimtFault, match="write past the end of a tensor"):
        binding.check_guards()
    binding.check_guards()


def test_what_was_never_written_is_poison(compiled: Compiled):
    binding.set_order("forward", 0)
    y = run(compiled, "if (i < n / 2) y[i] = x[i];")
    assert unwritten(y) == N / 2
    assert y[N // 2 :].isnan().all()
    shared = run(compiled, "__shared__ float s[64]; if (i < n) y[i] = s[i];")
    assert shared.isnan().all()


@pytest.mark.parametrize(("function", "kind", "sign"), [("fmaxf", 1, 1), ("fminf", 2, -1)])
@pytest.mark.parametrize(
    "body",
    [
        "__shared__ float s[64]; if (i < n) y[i] = FUNCTION(s[i], x[i]);",
        "if (i < n) y[i] = FUNCTION(x[i], x[n]);",
        "float v = FUNCTION(x[i % n], __shfl_down_sync(0xffffffff, x[i % n], 16)); if (i < n) y[i] = v;",
    ],
)
def test_nor_does_a_maximum_hide_it(compiled: Compiled, body: str, function: str, kind: int, sign: int):
    binding.set_order("forward", kind)
    try:
        y = run(compiled, body.replace("FUNCTION", function), block="48" if "shfl" in body else "64", n=37)
    finally:
        binding.set_order("forward", 0)
    assert (sign * y > 1e30).any()


@pytest.mark.parametrize(
    ("settings", "detail"),
    [
        ({"block": "1025"}, "more than 1024 threads"),
        ({"block": "dim3(8, 8, 65)"}, "more than 1024 threads"),
        ({"grid": "0"}, "zero blocks"),
        ({"grid": "dim3(1, 70000)"}, "grid dimension"),
        ({"shared": "49153"}, "dynamic shared memory"),
    ],
)
def test_a_launch_over_the_limits_does_nothing_and_is_recorded(
    settings: dict[str, Any], detail: str, compiled: Compiled
):
    y = run(compiled, "if (i < n) y[i] = x[i];", **settings)
    assert unwritten(y) == N
    (fault,) = binding.faults()
    assert (fault.kind, fault.kernel, fault.line) == ("launch_error", "k", 9)
    assert detail in fault.detail


def test_more_shared_memory_can_be_asked_for(compiled: Compiled):
    cuda = """
    template <typename T> __global__ void k(T* y) { extern __shared__ __align__(16) unsigned char raw[];
      T* s = reinterpret_cast<T*>(raw); s[threadIdx.x + 12000] = threadIdx.x; y[threadIdx.x] = s[threadIdx.x + 12000]; }
    torch::Tensor f(torch::Tensor y) {
      int bytes = 64 * 1024;
      cudaFuncSetAttribute(k<float>, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
      k<float><<<1, 32, bytes>>>(y.data_ptr<float>());
      return y;
    }"""
    binding.clear_faults()
    result = compiled(inline(cuda, "torch::Tensor f(torch::Tensor y)")).f(torch.zeros(32))
    assert torch.equal(result, torch.arange(32.0))
    assert binding.faults() == []


@pytest.mark.parametrize(("raised", "floats", "runs"), [(64, 4096, True), (48, 4096, False), (48, 1024, True)])
def test_static_and_dynamic_shared_memory_count_together(raised: int, floats: int, runs: bool, compiled: Compiled):
    """A raised limit holds for both, also where the dynamic part alone would need none."""
    kernel = f"of_{raised}_and_{floats}"  # limits are kept by names
    cuda = f"""
    __global__ void {kernel}(float* y) {{ extern __shared__ float d[]; __shared__ float s[{floats}];
      s[threadIdx.x] = threadIdx.x; d[10000 + threadIdx.x] = s[threadIdx.x]; y[threadIdx.x] = d[10000 + threadIdx.x]; }}
    torch::Tensor f(torch::Tensor y) {{
      cudaFuncSetAttribute({kernel}, cudaFuncAttributeMaxDynamicSharedMemorySize, {raised} * 1024);
      {kernel}<<<1, 32, 40 * 1024>>>(y.data_ptr<float>());
      return y;
    }}"""
    function = compiled(inline(cuda, "torch::Tensor f(torch::Tensor y)")).f
    if runs:
        assert torch.equal(function(torch.zeros(32)), torch.arange(32.0))
    else:
        with pytest.raises(SimtFault, match="launch_error"):
            function(torch.zeros(32))


def test_an_early_return_before_a_barrier_is_legal(compiled: Compiled):
    y = run(
        compiled, "if (i >= n) return; __shared__ float s[64]; s[i] = x[i]; __syncthreads(); y[i] = s[n - 1 - i];"
    )
    assert torch.equal(y, torch.arange(float(N)).flip(0))


def test_a_fault_page_survives_the_process(compiled: Compiled):
    run(compiled, "if (i < n) y[i] = x[i];")
    page = os.memfd_create("fault")
    pid = os.fork()
    if pid == 0:
        try:
            binding.set_fault_page(page)
            run(compiled, "y[i] = 1.0f;")
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    assert os.WEXITSTATUS(status) == 86
    with mmap.mmap(page, 0, access=mmap.ACCESS_READ) as view:
        fault = read_fault(view[:])
    os.close(page)
    assert fault is not None
    assert (fault.kind, fault.thread) == ("out_of_bounds", (40, 0, 0))


def test_a_page_without_a_record_reads_as_no_fault():
    assert read_fault(b"") is None
    assert read_fault(bytes(4096)) is None


def test_a_forged_record_is_only_text():
    forged = bytes.fromhex("746d6973") + b"\xff" * 4092
    assert isinstance(read_fault(forged), Fault)
