"""From an extension's sources to a shared library for the GPU, in a content-addressed cache.

The fast path lets nvcc compile the candidate's own text, unchanged, against small headers that look like torch's over
one library: 1 to 2 seconds, where torch's own headers cost nvcc 30 to 100. What those headers lack is
undeclared, so such a source fails to compile, and is then built with torch's own headers (``full``).
"""

import hashlib
import re
import shutil
import tempfile
import time
from pathlib import Path

from pipeline.disk import full_disk
from pipeline.errors import InfrastructureError
from pipeline.judge.cuda import diagnostics
from pipeline.judge.cuda.library import UNSEEN, Builder, builder, builder_key
from pipeline.judge.simt.build import ExtensionSource, one_unit, told_again
from pipeline.judge.simt.compiler import confined, limited, limits, run_compiler
from pipeline.judge.simt.elf import object_symbols
from pipeline.judge.simt.errors import CompileError, ForbiddenError, Unsupported
from pipeline.judge.simt.features import header
from pipeline.judge.simt.toolchain import atomic
from pipeline.judge.simt.translate import code_only

LIMITS = limits(gib=16, cpu_seconds=300, file_mib=256)  # of each of the compilers
_OUTSIDE = re.compile(r'^\s*#\s*include\s*[<"]\s*(/|[^">]*\.\.)', re.MULTILINE)
# What a candidate may ask of nvcc. The rest (architectures, paths, the standard) is the judge's to choose.
_FLAG = re.compile(
    r"-O[0-3]|--?use_fast_math|--?(fmad|ftz|prec-div|prec-sqrt)=\w+|--?maxrregcount[= ]?\d+"
    r"|--?(expt-)?extended-lambda|--?expt-relaxed-constexpr|-D\w+(=\w+)?|-U__CUDA_NO_\w+"
)
# A thread's own default stream: other functions of CUDA's, and not the stream that torch is on.
_OTHER_STREAMS = "API_PER_THREAD_DEFAULT_STREAM"
_REGISTERS = re.compile(r"\bTORCH_LIBRARY\w*")  # operators of torch.ops; what is built here is a module's functions
_DECLARED_ONLY = re.compile(r"undefined reference to (?P<name>(at|c10|simt)::[\w:]+)")
_TORCH_HEADER = re.compile(r"(torch|ATen|c10|caffe2|pybind11)/|Python\.h$")
# The look-alike has one device, so what works with tensors on the host must see torch's own headers.
_HOST_TENSORS = re.compile(
    r"\bkCPU\b|\bcpu\s*\(|\bis_cpu\s*\(|\bDeviceType\s*::\s*CPU\b|\bpin_memory\b|\bpinned_memory\b"
)


def build(source: ExtensionSource, cache: Path, timeout_s: float = 1800) -> Path:
    """Return the extension's library, from the cache if the same sources were built, or refused, before.

    A name that ends in ``.full.so`` is a Python module of torch's own kind, any other is for ``binding.load``.

    Raises:
        CompileError: the candidate's code is wrong, or it exports what it does not define.
        CompileTimeoutError: a compiler took all its seconds of CPU, or all together ``timeout_s`` on the clock.
        Unsupported: the source needs what neither the look-alike nor this machine's torch has.
        ForbiddenError: it calls what would get around the judge's checks.
        InfrastructureError: nvcc itself does not work here.
        UserError: the disk is full, or there is no toolkit.
    """
    from pipeline.judge.cuda.full import build_full

    for text in (source.cpp, source.cuda):
        if _OUTSIDE.search(text):
            raise Unsupported("a header outside of the include paths")
    tools, deadline = builder(cache), time.monotonic() + timeout_s
    text, flags = fast_text(source), allowed_flags(source)
    key = hashlib.sha256(f"{builder_key()}\0{flags}\0{text}".encode(errors="replace")).hexdigest()[:24]
    fast, full = tools.folder / f"{key}.so", tools.folder / f"{key}.full.so"
    if fast.exists() or full.exists():
        return fast if fast.exists() else full
    code = "\n".join(map(code_only, (source.cpp, source.cuda)))
    if _REGISTERS.search(code):
        raise Unsupported("TORCH_LIBRARY")
    missing = "tensors on the host" if _HOST_TENSORS.search(code) else None
    with told_again(tools.folder / f"{key}.errors"):
        if missing is None:
            missing = _build_fast(text, fast, tools, deadline, full_std=header(code, ()) != "small", flags=flags)
        if missing is not None:
            build_full(source, full, tools, deadline, missing)
    return full if missing is not None else fast


def fast_text(source: ExtensionSource) -> str:
    """Return the one translation unit of the fast path: both sources as they are, the exports between them."""
    return one_unit((("main.cpp", source.cpp), ("bindings", source.exports()), ("cuda.cu", source.cuda)))


def allowed_flags(source: ExtensionSource) -> tuple[str, ...]:
    """Return the candidate's flags for nvcc that are passed on."""
    return tuple(flag for flag in source.flags if _FLAG.fullmatch(flag) and _OTHER_STREAMS not in flag)


def _build_fast(
    text: str, target: Path, tools: Builder, deadline: float, *, full_std: bool, flags: tuple[str, ...]
) -> str | None:
    """Build against the look-alike; return what it lacks, None when the library is there."""
    with tempfile.TemporaryDirectory(prefix="cuda-") as name:
        folder = Path(name)
        source, object_file = folder / "extension.cu", folder / "extension.o"
        source.write_text(text, errors="replace")
        code, log = run(
            tools.compile_command(source, object_file, full_std=full_std, flags=flags), folder, tools, deadline
        )
        if code and not full_std:  # a standard header may be all that lacks
            code, log = run(
                tools.compile_command(source, object_file, full_std=True, flags=flags), folder, tools, deadline
            )
        if code:
            missing = diagnostics.missing_construct(log)
            if missing is None:
                raise failure(log, folder, tools)
            if missing.endswith((".h", ".hpp", ".cuh")) and not _TORCH_HEADER.match(missing):
                raise Unsupported(missing, "the header is not installed here")
            return missing
        try:
            link([object_file], target, [], tools, deadline)
        except CompileError as error:  # what simt's headers declare and only its own runtime defines
            lacking = _DECLARED_ONLY.search(error.log)
            if lacking is None:
                raise
            return lacking["name"]
    return None


def link(objects: list[Path], target: Path, libraries: list[str], tools: Builder, deadline: float) -> None:
    """Link an extension and put it into the cache, after a look at what its objects ask for.

    Raises:
        ForbiddenError, CompileError: see ``build``.
    """
    imports = frozenset[str]().union(*(object_symbols(path)[1] for path in objects))
    if forbidden := tools.forbidden(imports):
        raise ForbiddenError(forbidden)
    if unseen := sorted(UNSEEN & imports):
        raise Unsupported(unseen[0], "what is launched or copied by way of it can't be counted")
    folder = objects[0].parent
    linked = folder / "extension.so"  # the cache itself can't be written to by what runs confined
    code, log = run(tools.link_command(linked, objects, libraries), folder, tools, deadline)
    if code:
        raise failure(log, folder, tools)
    with atomic(target) as temporary:
        shutil.copyfile(linked, temporary)


def failure(log: str, folder: Path, tools: Builder) -> Exception:
    """Return the exception that a failed command amounts to."""
    full_now = full_disk(folder, tools.folder, told=log)
    if full_now or diagnostics.names_an_error(log):
        return full_now or CompileError(diagnostics.relevant(log))
    probe = folder / "probe.cu"
    probe.write_text("__global__ void probe() {}\n")
    command = [*tools.nvcc_command(), "-c", str(probe), "-o", str(folder / "probe.o")]
    code, told = run(command, folder, tools, time.monotonic() + 120)
    last = (log.strip().splitlines() or ["no message"])[-1].strip()[:300]
    if code:
        return InfrastructureError(f"nvcc does not work: {told[-500:]}")
    return Unsupported("what the compiler gives up on", last)


def run(command: list[str], folder: Path, tools: Builder, deadline: float) -> tuple[int, str]:
    """Run one of the compilers, confined and under limits; see ``run_compiler``."""
    command = confined(command, folder, tools.folder, tools.cxx, tools.readable())
    return run_compiler(limited(command, LIMITS), folder, deadline)
