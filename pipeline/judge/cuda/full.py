"""The fall-back build: torch's own headers and pybind11, with the commands that ``load_inline`` would run."""

import importlib.util
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from pipeline.judge.cuda.library import Builder
from pipeline.judge.simt.build import ExtensionSource
from pipeline.judge.simt.errors import CompileError, Unsupported

MODULE = "candidate_extension"  # the module's name, and so that of its PyInit function
_STANDARD = "-std=c++20"  # torch.utils.cpp_extension's, from torch 2.10 on
_GENERATED = "c10/cuda/impl/cuda_cmake_macros.h"  # only in a torch that was built for CUDA


def build_full(source: ExtensionSource, target: Path, tools: Builder, deadline: float, missing: str) -> None:
    """Build an extension as ``load_inline`` would: main.cpp and cuda.cu on a core each, then one library.

    Raises:
        Unsupported: this torch's headers lack what CUDA sources need; names what the look-alike was ``missing``.
        CompileError, CompileTimeoutError, ForbiddenError, InfrastructureError, UserError: see ``build.build``.
    """
    from pipeline.judge.cuda.build import allowed_flags, failure, link, run

    with tempfile.TemporaryDirectory(prefix="cuda-") as name, ThreadPoolExecutor(2) as pool:
        folder = Path(name)
        commands = load_inline_commands(source, folder, tools, allowed_flags(source))
        for code, log in list(pool.map(lambda command: run(command, folder, tools, deadline), commands)):
            if code and not torch_is_for_cuda() and ("/ATen/" in log or "/c10/" in log or _GENERATED in log):
                raise Unsupported(missing, "and the torch that is installed here was not built for CUDA")
            if code:
                raise _as_unsupported(failure(log, folder, tools), missing)
        link([folder / "main.o", folder / "cuda.o"], target, _libraries(), tools, deadline)


def load_inline_commands(
    source: ExtensionSource, folder: Path, tools: Builder, flags: tuple[str, ...]
) -> list[list[str]]:
    """Write main.cpp and cuda.cu into a folder and return the commands that compile them there."""
    (folder / "main.cpp").write_text(_main(source), errors="replace")
    (folder / "cuda.cu").write_text(_cuda(source), errors="replace")
    nvcc = [*tools.nvcc_command(flags), *_flags(tools)]
    cxx = [tools.cxx, *_flags(tools), "-fPIC", "-w"]
    return [[*cxx, "-c", "main.cpp", "-o", "main.o"], [*nvcc, "-c", "cuda.cu", "-o", "cuda.o"]]


def _as_unsupported(error: Exception, missing: str) -> Exception:
    """A header that is nowhere (cublas without its package) is this machine's lack, any other error the source's."""
    if isinstance(error, CompileError) and ("No such file" in error.log or "cannot open source" in error.log):
        return Unsupported(missing, error.log)
    return error


def _main(source: ExtensionSource) -> str:
    exports = "".join(
        f'm.def("{name}", torch::wrap_pybind_function({name}), "{name}"); ' for name in source.functions
    )
    module = f"PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {{ {exports}}}" if exports else ""
    return f'#include <torch/extension.h>\n#line 1 "main.cpp"\n{source.cpp}\n#line 1 "bindings"\n{module}\n'


def _cuda(source: ExtensionSource) -> str:
    headers = "#include <torch/types.h>\n#include <cuda.h>\n#include <cuda_runtime.h>\n"
    return f'{headers}#line 1 "cuda.cu"\n{source.cuda}\n'


def _flags(tools: Builder) -> list[str]:
    root = _torch()
    folders = [root / "include", root / "include/torch/csrc/api/include", Path(sysconfig.get_paths()["include"])]
    names = [f"-DTORCH_EXTENSION_NAME={MODULE}", "-DTORCH_API_INCLUDE_EXTENSION_H"]
    # A toolkit of a compiler alone lacks the libraries' headers, which torch's includes; its wheels bring them.
    theirs = sorted(root.parent.glob("nvidia/*/include"))
    system = [option for folder in [*folders, tools.toolkit.include, *theirs] for option in ("-isystem", str(folder))]
    return [*names, *system, _STANDARD]


def _libraries() -> list[str]:
    folder = _torch() / "lib"
    names = [
        "c10",
        "torch_cpu",
        "torch",
        "torch_python",
        *(["c10_cuda", "torch_cuda"] if torch_is_for_cuda() else []),
    ]
    return [f"-L{folder}", *(f"-l{name}" for name in names)]


def torch_is_for_cuda() -> bool:
    """Whether the installed torch was built for CUDA, without importing it."""
    return (_torch() / "include" / _GENERATED).exists()


@cache
def _torch() -> Path:
    """Return the folder of torch without importing it: the parent process does well without the second it takes."""
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        raise Unsupported("torch's headers")
    return Path(found.origin).parent
