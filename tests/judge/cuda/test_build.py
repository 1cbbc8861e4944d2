"""Builds for the GPU: nvcc takes the fast path's output of every honest kernel, and its messages are understood."""

import ast
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.judge.cuda import binding, gpus
from pipeline.judge.cuda import build as build_module
from pipeline.judge.cuda.build import allowed_flags, build, run
from pipeline.judge.cuda.diagnostics import missing_construct, relevant
from pipeline.judge.cuda.library import builder
from pipeline.judge.cuda.toolkit import architecture, find_toolkit
from pipeline.judge.landlock import landlock_abi
from pipeline.judge.simt.build import ExtensionSource
from pipeline.judge.simt.errors import CompileError, CompileTimeoutError, ForbiddenError, SimtFault, Unsupported
from tests.honest.pairs import Pair, pairs
from tests.judge.cuda.captured import sources_of
from tests.judge.examples import HONEST
from tests.judge.simt import sources, sources_16_bit, sources_device
from tests.judge.simt.example import inline
from tests.judge.simt.sources import GRID_3D

EXAMPLES = {**sources.EXAMPLES, **sources_16_bit.EXAMPLES, **sources_device.EXAMPLES}
SOURCE = EXAMPLES["3-D grid"].source
FUNCTION = "torch::Tensor f(torch::Tensor x)"
SAMPLED = 13  # every so many honest kernels are built here; `python -m tests.bench cuda-build` builds all


def _honest() -> ExtensionSource:
    """Return what the honest candidate gives to load_inline."""
    call = next(
        n for n in ast.walk(ast.parse(HONEST)) if isinstance(n, ast.Call) and ast.unparse(n.func) == "load_inline"
    )
    assert {k.arg for k in call.keywords} >= {"cpp_sources", "cuda_sources"}
    names: dict[str, str] = {}
    for node in ast.parse(HONEST).body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.targets[0], ast.Name)
        ):
            names[node.targets[0].id] = str(node.value.value)
    return ExtensionSource(names["cpp_source"], names["cuda_source"], ("fused",))


@pytest.mark.parametrize("name", [*EXAMPLES, "honest"])
def test_nvcc_takes_the_fast_path_of_every_honest_kernel(name: str, cache: Path):
    source = _honest() if name == "honest" else EXAMPLES[name].source
    if "cublas_v2.h" in source.cuda and not (find_toolkit().include / "cublas_v2.h").exists():
        pytest.skip("this toolkit has no cublas")
    path = build(source, cache)
    assert not path.name.endswith(".full.so")
    assert build(source, cache) == path


FLAGGED = "93_extended_lambda"  # does not compile without its own flag
HONEST_PAIRS = [*pairs()[::SAMPLED], *(pair for pair in pairs() if pair.name == FLAGGED)]


@pytest.mark.parametrize("pair", HONEST_PAIRS, ids=lambda pair: pair.name)
def test_nvcc_takes_what_honest_kernels_build(pair: Pair, cache: Path):
    module: dict[str, Any] = {}
    exec(pair.task.reference, module)
    found = sources_of(pair.code, module["get_init_inputs"]())
    assert found
    assert not any(build(source, cache).name.endswith(".full.so") for source in found)


@pytest.mark.parametrize(
    ("cuda", "line", "text"),
    [
        (GRID_3D.replace("int at =", "int at"), 5, 'expected a ";"'),
        (GRID_3D.replace("b[j], 0.0f", "bias[j], 0.0f"), 6, 'identifier "bias" is undefined'),
        (GRID_3D.replace("grid, block>>>(", "grid, block>>>(1, 2, "), 13, "too many arguments"),
        (GRID_3D.replace("add_bias_cuda", "other_name"), None, "undefined reference to add_bias_cuda(at::Tensor const&"),
        (GRID_3D.replace("return y;", "return y.data_ptr<float>();"), 17, "no suitable constructor"),
    ],
)  # fmt: skip
def test_wrong_code_is_a_compile_error_with_its_own_lines(
    cuda: str, line: int | None, text: str, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    source = ExtensionSource(SOURCE.cpp, cuda, SOURCE.functions)
    with pytest.raises(CompileError) as caught:
        build(source, cache)
    monkeypatch.setattr(build_module, "run", lambda *_: pytest.fail("nvcc is asked once only"))
    with pytest.raises(CompileError) as again:
        build(source, cache)
    assert again.value.log == caught.value.log
    assert text in caught.value.log
    assert line is None or f"cuda.cu({line})" in caught.value.log
    assert "/tmp" not in caught.value.log


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("#include <unistd.h>\n" + FUNCTION + " { fork(); return x; }", "fork"),
        (FUNCTION + " { cudaDeviceSetLimit(cudaLimitPersistingL2CacheSize, 1 << 20); return x; }", "cudaDeviceSetLimit"),
        ('extern "C" void simt_count_launch(const char*, const unsigned*, const unsigned*);\n'
         + FUNCTION + " { unsigned one[3] = {1, 1, 1}; simt_count_launch(0, one, one); return x; }", "simt_count_launch"),
    ],
)  # fmt: skip
def test_native_code_out_of_its_reach_is_refused(code: str, name: str, cache: Path):
    with pytest.raises(ForbiddenError) as caught:
        build(inline(code, FUNCTION), cache)
    assert caught.value.names == [name]


def test_what_launches_out_of_sight_is_named_and_no_cheat(cache: Path):
    code = (
        FUNCTION
        + """ {
        void* encode = nullptr;
        cudaDriverEntryPointQueryResult found;
        cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &encode, 12000, cudaEnableDefault, &found);
        return x;
    }"""
    )
    with pytest.raises(Unsupported, match="cudaGetDriverEntryPoint"):
        build(inline(code, FUNCTION), cache)


def test_instructions_of_one_architecture_alone_are_compiled(cache: Path):
    code = '__global__ void k() { asm volatile("wgmma.fence.sync.aligned;"); }\n'
    build(inline(code + FUNCTION + " { k<<<1, 128>>>(); return x; }", FUNCTION), cache)


@pytest.mark.parametrize(("capability", "spelled"), [("9.0", "90a"), ("12.1", "121a"), ("8.9", "89")])
def test_the_architecture_is_the_gpu_s_with_its_own_instructions(
    capability: str, spelled: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(gpus, "find_gpus", lambda: [gpus.Gpu(0, "GPU-1", "any", capability, "580.1", 1)])
    assert architecture.__wrapped__() == spelled


def test_a_build_that_takes_too_long_is_given_up(cache: Path):
    with pytest.raises(CompileTimeoutError):
        build(inline(f"{FUNCTION} {{ return x; }} // slow", FUNCTION), cache, timeout_s=0.001)


def test_no_file_of_the_machine_is_included(cache: Path):
    with pytest.raises(Unsupported, match="outside"):
        build(inline(f'#include "/etc/passwd"\n{FUNCTION} {{ return x; }}', FUNCTION), cache)


@pytest.mark.skipif(not landlock_abi(), reason="Landlock is what confines the compiler's reading")
@pytest.mark.parametrize(
    "text",
    [
        '#define SECRET "PATH"\n#include SECRET',
        '#if __has_include("PATH")\n#error "read it"\n#endif',
        '__asm__(".incbin \\"PATH\\"");',
        '__global__ void k() { asm volatile(".file 1 \\"PATH\\"\\n.include \\"PATH\\";"); }',
    ],
    ids=["macro", "has_include", "incbin", "ptx"],
)
def test_nvcc_can_t_read_the_users_files(text: str, cache: Path, tmp_path: Path):
    """However a source gets a path past the rules, no program that nvcc starts has the right to open it."""
    secret = tmp_path / "secret.h"
    secret.write_text('#error "read it"\n')
    tools, folder = builder(cache), tmp_path / "build"
    folder.mkdir()
    (folder / "extension.cu").write_text(text.replace("PATH", str(secret)) + "\n")
    command = [*tools.nvcc_command(), "-c", str(folder / "extension.cu"), "-o", str(folder / "extension.o")]
    code, log = run(command, folder, tools, time.monotonic() + 120)
    assert "read it" not in log
    assert code or "has_include" in text, log


@pytest.mark.parametrize(
    ("message", "construct"),
    [
        ('cuda.cu(3): error: namespace "torch" has no member "matmul"', "torch::matmul"),
        ('cuda.cu(3): error: class "at::Tensor" has no member "sum"', "at::Tensor::sum"),
        ('cuda.cu(3): error: identifier "AT_DISPATCH_V2" is undefined', "AT_DISPATCH_V2"),
        (
            "cuda.cu:1:10: fatal error: ATen/native/cuda/Loops.cuh: No such file or directory",
            "ATen/native/cuda/Loops.cuh",
        ),
        ('cuda.cu(3): error: no instance of overloaded function "at::empty" matches the argument list', "at::empty"),
        ('cuda.cu(3): error: identifier "bias" is undefined', None),
        ('cuda.cu(3): error: expected a ";"', None),
        ('cuda.cu(3): error: class "Mine" has no member "sum"', None),
        ('cuda.cu(3): error: no suitable constructor exists to convert from "float *" to "at::Tensor"', None),
    ],
)
def test_what_only_torch_s_own_headers_may_have_leads_to_the_full_build(message: str, construct: str | None):
    assert missing_construct(message) == construct


def test_ptxas_s_complaints_are_part_of_the_log():
    log = "ptxas error   : Entry function 'k' uses too much shared data (0x60db4 bytes, 0xc000 max)\n"
    assert relevant(log).startswith("ptxas: Entry function 'k' uses too much shared data")


def test_only_harmless_flags_reach_nvcc():
    asked = (
        "-O3",
        "--use_fast_math",
        "-arch=sm_50",
        "-I/etc",
        "-DTILE=16",
        "--maxrregcount=64",
        "-Xcompiler",
        "@file",
        "-DCUDA_API_PER_THREAD_DEFAULT_STREAM=1",
    )
    assert allowed_flags(ExtensionSource("", "", (), asked)) == (
        "-O3",
        "--use_fast_math",
        "-DTILE=16",
        "--maxrregcount=64",
    )


@pytest.fixture
def on_the_cpu():
    """The runtime library over torch's CPU tensors: all but the kernels themselves."""
    binding.use_device(torch.device("cpu"))


def test_the_runtime_s_tensors_are_torch_s_own(cache: Path, on_the_cpu: None):
    cuda = """
    torch::Tensor same(torch::Tensor x) { return x; }
    torch::Tensor view(torch::Tensor x) { return x.transpose(0, 1)[1]; }
    torch::Tensor copy(torch::Tensor x) { return x.t().contiguous(); }
    torch::Tensor narrowed(torch::Tensor x) { return torch::zeros_like(x).to(torch::kHalf); }
    torch::Tensor huge(torch::Tensor x) { return torch::empty({1LL << 50}, x.options()); }
    void fill(torch::Tensor x) { x.fill_(3.5); }
    double first(torch::Tensor x) { return x[0][0].item<float>(); }
    """
    names = ("same", "view", "copy", "narrowed", "huge", "fill", "first")
    extension = binding.load(build(ExtensionSource(cuda.replace("{", ";//"), cuda, names), cache))
    x = torch.arange(6.0).view(2, 3)
    assert extension.same(x) is x
    assert extension.view(x).untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    assert torch.equal(extension.view(x), x[:, 1])
    assert torch.equal(extension.copy(x), x.t())
    assert torch.equal(extension.narrowed(x), torch.zeros(2, 3, dtype=torch.float16))
    with pytest.raises(RuntimeError, match="memory"):
        extension.huge(x)
    extension.fill(x)
    assert torch.equal(x, torch.full((2, 3), 3.5))
    before = binding.host_bytes()
    assert extension.first(x) == 3.5
    assert binding.host_bytes() == before + 4


@pytest.mark.parametrize(
    "call",
    [
        "cudaMemcpy2D(host, 4, x.data_ptr(), 4, 4, 3, cudaMemcpyDeviceToHost)",
        "cudaMemcpyFromSymbol(host, place, 12, 0, cudaMemcpyDeviceToHost)",
    ],
)
def test_every_way_of_data_to_the_host_is_counted(call: str, cache: Path, on_the_cpu: None):
    """Without a driver the copies themselves fail."""
    cuda = f"__device__ float place[3];\n{FUNCTION} {{ float host[3]; {call}; cudaGetLastError(); return x; }}"
    extension = binding.load(build(inline(cuda, FUNCTION), cache))
    before = binding.host_bytes()
    extension.f(torch.zeros(3))
    assert binding.host_bytes() == before + 12


def test_launches_that_are_to_do_nothing_are_counted(cache: Path, on_the_cpu: None):
    """Nor do they ask CUDA for anything: this passes without a driver."""
    cuda = """
    __global__ void one(float* x) { *x = 1.0f; }
    torch::Tensor f(torch::Tensor x) { one<<<3, 32>>>(x.data_ptr<float>()); return x; }
    """
    extension = binding.load(build(inline(cuda, FUNCTION), cache))
    before = len(binding.launches())
    binding.set_launching(False)
    try:
        x = extension.f(torch.zeros(1))
    finally:
        binding.set_launching(True)
    (launch,) = binding.launches()[before:]
    assert (launch.grid, launch.block, float(x)) == ((3, 1, 1), (32, 1, 1), 0.0)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RuntimeError("CUDA error: an illegal memory access was encountered\nmore"), "out_of_bounds"),
        (RuntimeError("CUDA error: device-side assert triggered"), "assert"),
        (RuntimeError("CUDA error: out of memory"), None),
        (ValueError("CUDA error: an illegal memory access was encountered"), None),
    ],
)
def test_what_cuda_says_of_a_kernel_has_simt_s_names(error: Exception, kind: str | None):
    fault = binding.fault_of(error)
    assert (fault.kind if fault else None) == kind


@pytest.mark.parametrize(("shape", "dtype"), [((2, 3), torch.float32), ((5,), torch.uint8), ((0, 3), torch.int64)])
def test_a_write_next_to_a_guarded_tensor_is_found(shape: tuple[int, ...], dtype: torch.dtype, on_the_cpu: None):
    x = binding.guard(torch.ones(shape, dtype=dtype))
    assert torch.equal(x, torch.ones(shape, dtype=dtype))
    binding.check_guards()
    x.as_strided((1,), (1,), x.storage_offset() + x.numel() + 2).fill_(1)
    with pytest.raises(SimtFault, match="out_of_bounds"):
        binding.check_guards()
