"""Builds: what the compiler says, what is unsupported rather than wrong, and the cache under concurrency."""

import dataclasses
import shutil
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.errors import InfrastructureError, UserError
from pipeline.judge.landlock import landlock_abi
from pipeline.judge.simt import build as build_module
from pipeline.judge.simt import toolchain as toolchain_module
from pipeline.judge.simt.build import ExtensionSource, build
from pipeline.judge.simt.compiler import confined, limits, run_compiler
from pipeline.judge.simt.elf import names_in
from pipeline.judge.simt.errors import CompileError, CompileTimeoutError, ForbiddenError, Unsupported
from pipeline.judge.simt.toolchain import toolchain
from tests.judge.simt.example import inline
from tests.judge.simt.sources import EXAMPLES, GRID_3D, GRID_STRIDE

SOURCE = EXAMPLES["3-D grid"].source
FUNCTION = "torch::Tensor f(torch::Tensor x)"


@pytest.mark.parametrize(
    ("cuda", "line", "text"),
    [
        (GRID_3D.replace("int at =", "int at"), 5, "expected"),
        (GRID_3D.replace("b[j], 0.0f", "bias[j], 0.0f"), 6, "was not declared in this scope"),
        (GRID_3D.replace("<<<grid, block>>>", "<<<grid>>>"), 13, "no matching function"),
        (GRID_3D.replace("grid, block>>>(", "grid, block>>>(1, 2, "), 13, "too many arguments"),
        (
            GRID_3D.replace("add_bias_cuda", "other_name"),
            None,
            "undefined reference to add_bias_cuda(at::Tensor const&",
        ),
        (GRID_3D.replace("return y;", "return y.data_ptr<float>();"), 17, "could not convert"),
        (GRID_3D.replace("int k =", "__shared__ float s[99][999]; int k ="), None, "too much shared data"),
    ],
)
def test_wrong_code_is_a_compile_error_with_its_own_lines(cuda: str, line: int | None, text: str, cache: Path):
    with pytest.raises(CompileError) as caught:
        build(ExtensionSource(SOURCE.cpp, cuda, SOURCE.functions), cache)
    log = caught.value.log
    assert text in log
    assert line is None or f"cuda.cu:{line}:" in log
    assert "/" not in log.replace("main.cpp", "").replace("0/", "")


@pytest.mark.parametrize(
    ("before", "construct"),
    [
        ("float last() { static __thread float kept = 0; return ++kept; }", "thread_local"),  # nobody could watch it
        (
            "void g(at::Tensor x) { AT_DISPATCH_QINT_TYPES(x.dtype(), [&] { scalar_t v; }); }",
            "AT_DISPATCH_QINT_TYPES",
        ),
        ("__global__ void g(at::PhiloxCudaState s) { s.seed = 1; }", "at::PhiloxCudaState"),
        ("__global__ void g(float* p) { p[0] = cyl_bessel_i0f(p[1]); }", "cyl_bessel_i0f"),
    ],
)
def test_what_stands_beside_a_kernel_may_be_unsupported(before: str, construct: str, cache: Path):
    with pytest.raises(Unsupported, match=construct):
        build(ExtensionSource(SOURCE.cpp, f"{before}\n{GRID_3D}", SOURCE.functions), cache)


def test_an_export_that_is_not_declared_is_a_compile_error(cache: Path):
    with pytest.raises(CompileError, match="'add_bias_cuda' was not declared"):
        build(ExtensionSource("", GRID_3D, SOURCE.functions), cache)


@pytest.mark.parametrize(
    ("before", "called", "error"),
    [
        ("namespace n = std;", "n::random_device()()", ForbiddenError),  # however it is spelt
        ('extern "C" unsigned umask(unsigned);', "umask(0)", ForbiddenError),
        ('extern "C" int hcreate(unsigned long);', "hcreate(4)", Unsupported),  # nobody has looked at what it keeps
        ("", "ftell(stdout)", Unsupported),
        (
            "#include <map>",
            'snprintf(nullptr, 0, "%d", rand()) + std::map<int, int>().size() + abs(int(x.dim()))',
            None,
        ),
    ],
)
def test_what_native_code_may_ask_of_the_c_and_cpp_libraries(
    before: str, called: str, error: type[Exception] | None, cache: Path
):
    cuda = GRID_3D.replace("return y;", f"if ({called} == 12345) return x;\n    return y;")
    source = ExtensionSource(SOURCE.cpp, f"#include <random>\n{before}\n{cuda}", SOURCE.functions)
    with pytest.raises(error) if error else nullcontext():
        build(source, cache)


def test_the_compilers_errors_are_kept_like_a_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    wrong = ExtensionSource(SOURCE.cpp, GRID_3D.replace("int at =", "int at"), SOURCE.functions)
    with pytest.raises(CompileError) as first:
        build(wrong, tmp_path)
    runs: list[object] = []

    def run(*command: object) -> tuple[int, str]:
        runs.append(command)
        return run_compiler(*command)  # type: ignore[arg-type]

    monkeypatch.setattr(build_module, "run_compiler", run)
    with pytest.raises(CompileError) as second:
        build(wrong, tmp_path)
    assert (second.value.log, runs) == (first.value.log, [])
    build(SOURCE, tmp_path)
    assert runs


def test_errors_that_name_no_place_in_the_source_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    build(SOURCE, tmp_path)
    other = ExtensionSource(SOURCE.cpp, f"{GRID_3D}// as well", SOURCE.functions)
    monkeypatch.setattr(build_module, "run_compiler", lambda *_: (1, "/usr/include/stdio.h:1:2: error: stray"))
    with pytest.raises(CompileError):
        build(other, tmp_path)
    monkeypatch.undo()
    assert build(other, tmp_path).exists()


@pytest.mark.parametrize(
    ("body", "construct"),
    [
        ("return torch::stft(x, 4);", "torch::stft"),
        ("return x.cpu();", "at::Tensor::cpu"),
        ("at::cuda::detail::TensorInfo<float, int> info; return x;", "at::cuda::detail::TensorInfo"),
        ("return torch::nn::functional::relu(x);", "torch::nn"),
        (
            "return x.index({x > 0});",
            "cannot convert '<brace-enclosed initializer list>' to 'c10::ArrayRef<at::indexing::TensorIndex>'",
        ),
        (
            "using T = cub::WarpReduce<float>; T::TempStorage t; T(t).TailSum(1); return x;",
            "cub::WarpReduce::TailSum",
        ),
        ("return cudaHypothetical(x);", "cudaHypothetical"),
        ("return __hypothetical(x);", "__hypothetical"),
        ("return x; }\n#include <missing/header.h>\nvoid g() {", "missing/header.h"),
    ],
)
def test_what_the_look_alike_lacks_is_unsupported(body: str, construct: str, cache: Path):
    with pytest.raises(Unsupported) as caught:
        build(inline(f"{FUNCTION} {{ {body} }}", FUNCTION), cache)
    assert caught.value.construct == construct


HALF = "#include <cuda_fp16.h>\n__device__ __half twice(__half x) { return BODY; }\n" + f"{FUNCTION} {{ return x; }}"


def test_16_bit_types_have_operators_only_if_a_flag_says_so_as_in_torchs_own_builds(cache: Path):
    source = inline(HALF.replace("BODY", "x + x"), FUNCTION)
    with pytest.raises(CompileError, match="no match for 'operator\\+'"):
        build(source, cache)
    assert build(dataclasses.replace(source, flags=("-O3", "-U__CUDA_NO_HALF_OPERATORS__")), cache).exists()


def test_16_bit_types_without_nvidias_headers_are_unsupported(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    tools = dataclasses.replace(toolchain(cache), folder=tmp_path)
    monkeypatch.setattr(toolchain_module, "nvidia_headers", lambda: None)
    with pytest.raises(Unsupported, match="pip install nvidia-cuda-runtime"):
        build_module._compile("", tmp_path / "out.so", tools, time.monotonic() + 60, "half")


def test_a_kernel_that_launches_one_needs_the_flag_that_nvcc_wants_too(cache: Path):
    nested = inline(
        "__global__ void c() {}\n__global__ void k() { c<<<1, 1>>>(); }\nvoid f() { k<<<1, 1>>>(); }", "f"
    )
    with pytest.raises(CompileError, match="requires separate compilation mode"):
        build(nested, cache)
    with pytest.raises(Unsupported, match="dynamic parallelism"):
        build(dataclasses.replace(nested, flags=("-rdc=true",)), cache)


def test_flags_define_macros(cache: Path):
    source = inline(f'static_assert(SIZE == 4 && FAST, "");\n{FUNCTION} {{ return x; }}', FUNCTION)
    assert build(dataclasses.replace(source, flags=("-DSIZE=4", "--use_fast_math", "-DFAST")), cache).exists()
    with pytest.raises(Unsupported):
        build(dataclasses.replace(source, flags=("-DSIZE=4;asm()",)), cache)


def test_a_build_that_takes_too_long_is_given_up(cache: Path):
    with pytest.raises(CompileTimeoutError):
        build(inline(GRID_STRIDE + "// slow", "torch::Tensor gelu_cuda(torch::Tensor x)"), cache, timeout_s=0.001)


def test_a_source_that_keeps_the_compiler_busy_is_given_up(cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pipeline.judge.simt.build.LIMITS", limits(gib=2, cpu_seconds=2, file_mib=64))
    endless = "\n".join(
        f"constexpr long f{n}(long x) {{ return x < 2 ? x : f{n}(x - 1) + f{n}(x - 2); }}\n"
        f"template <long X> struct S{n} {{ static constexpr long v = f{n}(X % 4 + 26); }};\n"
        f"long s{n} = S{n}<0>::v + S{n}<1>::v + S{n}<2>::v + S{n}<3>::v;"
        for n in range(300)
    )
    with pytest.raises(CompileTimeoutError, match="seconds of CPU"):
        build(inline(f"{endless}\n{FUNCTION} {{ return x; }}", FUNCTION), cache)


def test_processes_that_build_the_same_share_one_result(cache: Path):
    script = (
        "import sys; from pathlib import Path; from pipeline.judge.simt.build import ExtensionSource, build; "
        "print(build(ExtensionSource(sys.argv[1], sys.argv[2], ('add_bias_cuda',)), Path(sys.argv[3])))"
    )
    command = [sys.executable, "-c", script, SOURCE.cpp, f"{GRID_3D} // same", str(cache)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    first, second = (Path(process.communicate()[0].strip()) for process in processes)
    assert first == second == build(ExtensionSource(SOURCE.cpp, f"{GRID_3D} // same", SOURCE.functions), cache)
    assert first.is_file()
    assert not list(first.parent.glob(".*"))


BOMB = "char large[1u << 30] = {1};"  # an object file of a gigabyte


def test_a_source_that_is_too_much_for_the_compiler_is_no_fault_of_ours(cache: Path):
    with pytest.raises(Unsupported) as caught:
        build(inline(f"{BOMB}\n{FUNCTION} {{ return x; }}", FUNCTION), cache)
    assert caught.value.construct == "what the compiler gives up on"


def test_a_compiler_that_does_not_work_is_no_verdict(cache: Path, tmp_path: Path):
    broken = tmp_path / "g++"
    broken.write_text("#!/bin/sh\necho 'cannot allocate memory' >&2\nexit 1\n")
    broken.chmod(0o755)
    tools = dataclasses.replace(toolchain(cache), compiler=str(broken))
    with pytest.raises(InfrastructureError, match="does not work: cannot allocate memory"):
        build_module._compile("", tmp_path / "out.so", tools, time.monotonic() + 60, "small")


def test_a_build_that_fails_on_a_full_disk_is_no_verdict(cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(UserError, match="the disk is full"):
        build(inline(f"{BOMB}\n{FUNCTION} {{ return x; }}", FUNCTION), cache)


@pytest.mark.parametrize(
    ("symbol", "names"),
    [
        ("simt_copy", {"simt_copy"}),
        ("_ZN2at6TensorD1Ev", {"at", "Tensor"}),
        ("_ZN2at5emptyEN3c108ArrayRefIlEENS0_13TensorOptionsE", {"at", "empty", "c10", "ArrayRef", "TensorOptions"}),
        ("_ZN4simt4failIN3c105ErrorEJPKclS4_lEEEvDpT0_", {"simt", "fail", "c10", "Error"}),
        ("_ZN4simt11device_openEv", {"simt", "device_open"}),
    ],
)
def test_names_in_a_mangled_symbol(symbol: str, names: set[str]):
    assert names_in(symbol) == names


@pytest.mark.skipif(not landlock_abi(), reason="Landlock is what confines the compiler's reading")
@pytest.mark.parametrize("private", ["/etc/passwd", "HOME"])
def test_the_compiler_can_t_read_the_users_files(private: str, cache: Path, tmp_path: Path):
    """However a source gets a path past the rules, the compiler has no right to open it."""
    secret = Path(private) if private != "HOME" else tmp_path / "secret.h"
    if private == "HOME":
        secret.write_text('#error "read it"\n')
    tools, folder = toolchain(cache), tmp_path / "build"
    folder.mkdir()
    for text in (f'#include "{secret}"\n', f'__asm__(".incbin \\"{secret}\\"");\n'):
        (folder / "extension.cpp").write_text(text)
        command = tools.compile_command(folder / "extension.cpp", folder / "extension.o", "small")
        code, log = run_compiler(
            confined(command, folder, tools.folder, tools.compiler), folder, time.monotonic() + 60
        )
        assert code
        assert "ermission denied" in log or "file not found" in log, log
        assert "read it" not in log


def test_the_compiler_writes_to_its_folder_alone_and_reaches_no_network(cache: Path, tmp_path: Path):
    tools, folder = toolchain(cache), tmp_path / "build"
    folder.mkdir()
    script = (
        "import socket, sys; open('inside', 'w').close()\n"
        "for attempt in (lambda: open('../outside', 'w'), lambda: open(sys.argv[1], 'w'), socket.socket):\n"
        "    try: attempt()\n"
        "    except OSError: continue\n"
        "    print('done:', attempt)"
    )
    command = [str(Path(sys.executable).resolve()), "-c", script, str(tools.folder / "simt.h")]
    code, log = run_compiler(confined(command, folder, tools.folder, tools.compiler), folder, time.monotonic() + 60)
    assert (code, log) == (0, "")
    assert (folder / "inside").exists()
    assert not (tmp_path / "outside").exists()
