"""What builds for the GPU share, made once per cache: the runtime library, the hooks, the look-alike's headers."""

import hashlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pipeline.errors import InfrastructureError
from pipeline.judge.cuda.toolkit import Toolkit, architecture, find_toolkit
from pipeline.judge.simt.elf import private_names
from pipeline.judge.simt.out_of_reach import OUT_OF_REACH
from pipeline.judge.simt.toolchain import INCLUDE as SIMT_INCLUDE
from pipeline.judge.simt.toolchain import RUNTIME as SIMT_RUNTIME
from pipeline.judge.simt.toolchain import atomic, cxx_compiler, make_once

HERE = Path(__file__).parent
INCLUDE, RUNTIME, HOOKS = HERE / "include", HERE / "runtime", HERE / "hooks"
LIBRARY = "libcudahost.so"
HOOKS_OBJECT = "hooks.o"
# Of simt's runtime: what does not touch a tensor's memory.
_SHARED_SOURCES = ("references.cpp", "tensor.cpp", "views.cpp", "module.cpp", "operators.cpp")
_CXX_FLAGS = ("-std=gnu++17", "-O2", "-fPIC", "-w", "-fdiagnostics-color=never", "-fno-strict-aliasing")
# torch.utils.cpp_extension's COMMON_NVCC_FLAGS, so that what compiles here is what compiles there.
NVCC_FLAGS = (
    *("-D__CUDA_NO_HALF_OPERATORS__", "-D__CUDA_NO_HALF_CONVERSIONS__", "-D__CUDA_NO_BFLOAT16_CONVERSIONS__"),
    *("-D__CUDA_NO_HALF2_OPERATORS__", "--expt-relaxed-constexpr", "-Xcompiler=-fPIC", "-w"),
)
WRAPPED = (
    *("cudaLaunchKernel", "__cudaLaunchKernel", "cudaLaunchCooperativeKernel", "cudaLaunchKernelExC"),
    *("cudaMemcpy", "cudaMemcpyAsync", "cudaMemcpy2D", "cudaMemcpy2DAsync"),
    *("cudaMemcpyFromSymbol", "cudaMemcpyFromSymbolAsync", "cudaMallocManaged", "cudaMallocHost", "cudaHostAlloc"),
)
# Headers whose names the look-alike gives. Any other header of torch is not found, and the build falls back.
FORWARDED = tuple(
    """torch/extension.h torch/torch.h torch/types.h torch/script.h torch/all.h torch/python.h ATen/ATen.h
    ATen/Tensor.h ATen/core/Tensor.h ATen/Dispatch.h ATen/Dispatch_v2.h ATen/Functions.h ATen/ceil_div.h
    ATen/AccumulateType.h ATen/OpMathType.h ATen/TensorIndexing.h ATen/cuda/CUDAContext.h
    ATen/cuda/CUDAContextLight.h ATen/cuda/Exceptions.h ATen/cuda/CUDAUtils.h c10/cuda/CUDAGuard.h
    c10/cuda/CUDAStream.h c10/cuda/CUDAException.h c10/cuda/CUDAFunctions.h c10/util/Half.h c10/util/BFloat16.h
    c10/util/Exception.h c10/util/Optional.h c10/util/ArrayRef.h c10/core/ScalarType.h c10/core/Device.h
    c10/core/TensorOptions.h torch/csrc/utils/pybind.h pybind11/pybind11.h pybind11/stl.h""".split()  # noqa: SIM905
)
# Besides what no native code here may call: what keeps data in the L2 cache across the flush before a measurement,
# and what computes on the host while the GPU seems busy.
# Not what every object of nvcc's asks for: it registers its kernels, and has them unregistered at exit.
FORBIDDEN = (OUT_OF_REACH - {"_GLOBAL_OFFSET_TABLE_", "atexit"}) | frozenset(
    """cudaStreamSetAttribute cudaDeviceSetLimit cudaCtxResetPersistingL2Cache cudaLaunchHostFunc
    cudaStreamAddCallback cudaDeviceReset cudaHostRegister cudaIpcOpenMemHandle cudaProfilerStart
    cudaProfilerStop""".split()  # noqa: SIM905
)
# What honest kernels may call too (tensor maps come from the driver alone), but through which launches or what comes
# to the host go unseen.
UNSEEN = frozenset(
    """cudaGetDriverEntryPoint cudaGetDriverEntryPointByVersion cudaGraphLaunch cudaMemcpy3D cudaMemcpy3DAsync
    cudaMemcpy3DPeer cudaMemcpy3DPeerAsync cudaMemcpyPeer cudaMemcpyPeerAsync cudaMemcpyFromArray
    cudaMemcpyFromArrayAsync cudaMemcpy2DFromArray cudaMemcpy2DFromArrayAsync cudaMemcpyBatchAsync
    cudaMemcpy3DBatchAsync cudaMemPoolCreate cudaMemPoolImportFromShareableHandle cudaLibraryLoadData
    cudaLibraryLoadFromFile""".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class Builder:
    """A prepared folder and the commands that put extensions into it."""

    folder: Path
    toolkit: Toolkit
    architecture: str
    cxx: str

    def compile_command(self, source: Path, target: Path, *, full_std: bool, flags: tuple[str, ...]) -> list[str]:
        """Return nvcc's command for one source, against the look-alike headers."""
        definitions = ["-DSIMT_FULL"] if full_std else []
        shared = [*definitions, f"-I{self.folder / 'include'}", "-include", "simt/extension.h"]
        return [*self.nvcc_command(flags), "-std=c++17", *shared, "-c", str(source), "-o", str(target)]

    def nvcc_command(self, flags: tuple[str, ...] = ()) -> list[str]:
        """Return nvcc with what every compilation has: one architecture, machine code only, torch's own flags.

        nvcc lets a definition win over a later ``-U``, so what ``flags`` undefine is not defined in the first place.
        """
        target = f"arch=compute_{self.architecture},code=sm_{self.architecture}"
        taken_back = {f"-D{flag[2:]}" for flag in flags if flag.startswith("-U")}
        usual = [flag for flag in NVCC_FLAGS if flag not in taken_back]
        return [str(self.toolkit.nvcc), "-ccbin", self.cxx, "-gencode", target, *usual, *flags]

    def link_command(self, target: Path, objects: list[Path], libraries: list[str]) -> list[str]:
        """Return the command that links objects, hooks and a copy of CUDA's runtime.

        Undefined names are errors, unless there are ``libraries``: Python's own names are the process's.
        """
        wraps = [f"-Wl,--wrap={name}" for name in WRAPPED]
        own = [str(self.folder / HOOKS_OBJECT), str(self.folder / LIBRARY), "-Wl,-rpath,$ORIGIN"]
        runtime = [str(self.toolkit.static_runtime), "-ldl", "-lrt", "-lpthread"]
        strict = [] if libraries else ["-Wl,-z,defs"]
        options = ["-shared", *strict, "-Wl,--exclude-libs,ALL", *wraps, "-o", str(target)]
        return [self.cxx, *options, *map(str, objects), *own, *libraries, *runtime]

    def readable(self) -> list[Path]:
        """Return the folders outside of the system's that compiling takes: a toolkit may be anywhere.

        What a command names itself (torch's headers, Python's) need not be here.
        """
        nvcc = self.toolkit.nvcc
        folders = {nvcc.parents[1], nvcc.resolve().parents[1], Path(self.cxx).resolve().parents[1]}
        return sorted({*folders, self.toolkit.include, self.toolkit.static_runtime.parent})

    def forbidden(self, imports: frozenset[str]) -> list[str]:
        """Return which names that an extension's own objects ask for are out of its reach."""
        return sorted(imports & (FORBIDDEN | private_names(self.folder / LIBRARY, self.folder / "include")))


def builder(cache: Path) -> Builder:
    """Return the builder of a cache; what it needs is made at the first call, by whichever process comes first.

    Raises:
        UserError: there is no CUDA toolkit or C++ compiler, or nothing can be written there.
        InfrastructureError: the compiler can't compile the runtime.
    """
    return _builder(cache.resolve(), builder_key())


@cache
def builder_key() -> str:
    """Return a hash of all that builds rest on: our sources, the flags, the compilers' versions, the architecture."""
    toolkit = find_toolkit()
    told = [toolkit.version, architecture(), cxx_compiler(), *_CXX_FLAGS, *NVCC_FLAGS, *WRAPPED, *FORWARDED]
    digest = hashlib.sha256("\n".join(told).encode())
    for folder in (INCLUDE, RUNTIME, HOOKS, SIMT_INCLUDE, SIMT_RUNTIME):
        for path in sorted(p for p in folder.rglob("*") if p.suffix in (".h", ".cpp")):
            digest.update(str(path.relative_to(folder)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def _builder(cache: Path, key: str) -> Builder:
    made = Builder(cache / f"cuda-{key}", find_toolkit(), architecture(), cxx_compiler())
    complete = made.folder / "complete"
    make_once(made.folder, complete, lambda: _make(made, complete))
    return made


def _make(made: Builder, complete: Path) -> None:
    """Build everything under the folder; ``complete`` is written last, so that its presence means so."""
    shutil.rmtree(made.folder, ignore_errors=True)
    made.folder.mkdir()
    # Of simt's headers only those of torch's look-alike: its stand-ins for CUDA's own would hide the real ones.
    shutil.copytree(SIMT_INCLUDE / "simt", made.folder / "include" / "simt")
    shutil.copytree(INCLUDE, made.folder / "include", dirs_exist_ok=True)
    for name in FORWARDED:
        header = made.folder / "include" / name
        header.parent.mkdir(parents=True, exist_ok=True)
        header.write_text('#include "simt/extension.h"\n')
    includes = [f"-I{folder}" for folder in (made.folder / "include", SIMT_RUNTIME, made.toolkit.include)]
    compile_one = [made.cxx, *_CXX_FLAGS, *includes]
    _run([*compile_one, "-c", str(HOOKS / "hooks.cpp"), "-o", str(made.folder / HOOKS_OBJECT)])
    sources = [*(SIMT_RUNTIME / name for name in _SHARED_SOURCES), *sorted(RUNTIME.glob("*.cpp"))]
    link = ["-shared", f"-Wl,-soname,{LIBRARY}", "-Wl,--exclude-libs,ALL"]
    runtime = [str(made.toolkit.static_runtime), "-ldl", "-lrt", "-lpthread"]
    _run([*compile_one, *link, *map(str, sources), *runtime, "-o", str(made.folder / LIBRARY)])
    with atomic(complete) as temporary:
        temporary.write_text(made.toolkit.version)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InfrastructureError(f"{command[0]} failed: {re.sub(r'^.*note:.*$', '', done.stderr)[-2000:]}")
