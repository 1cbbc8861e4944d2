"""From an extension's sources to a shared library in a content-addressed cache."""

import hashlib
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.disk import full_disk
from pipeline.errors import InfrastructureError
from pipeline.judge.simt import diagnostics, extension, features
from pipeline.judge.simt.compiler import confined, limited, limits, run_compiler
from pipeline.judge.simt.device_code import problems
from pipeline.judge.simt.elf import dynamic_symbols, has_thread_locals
from pipeline.judge.simt.errors import CompileError, ForbiddenError, Unsupported
from pipeline.judge.simt.toolchain import Header, Toolchain, atomic, prepare, toolchain, toolchain_key
from pipeline.judge.simt.translate import NESTED_LAUNCH, code_only, translate

__all__ = ["ExtensionSource", "build", "prepare", "prepare_with_extension"]

# A source that makes the compiler use more is no kernel.
LIMITS = limits(gib=2, cpu_seconds=60, file_mib=64)
MAX_PROBLEMS = 5  # as many errors as the compiler tells
# However a macro pastes the word together; the headers that are compiled already may use it.
NO_ASSEMBLY = "#pragma GCC poison asm __asm __asm__\n"
_POINTER_CAST = re.compile(r"_cast\s*<[^;(]*\*|\*\s*(const\s*|__restrict__\s*)?\)")  # a wrong yes costs 10 ms
RELOCATABLE = frozenset({"-rdc=true", "--relocatable-device-code=true", "-dc", "--device-c"})


@dataclass(frozen=True)
class ExtensionSource:
    """What ``load_inline`` was given.

    Attributes:
        cpp: the C++ source, which declares (or defines) the exported functions.
        cuda: the CUDA source.
        functions: names to export; empty if a source has its own PYBIND11_MODULE.
        flags: ``extra_cuda_cflags``, of which definitions count, and whether 16-bit types have operators.
    """

    cpp: str
    cuda: str
    functions: tuple[str, ...]
    flags: tuple[str, ...] = ()

    @classmethod
    def requested(cls, request: dict[str, Any]) -> "ExtensionSource":
        """Return what a candidate's process asks to have built.

        Raises:
            KeyError, TypeError: it asks for nothing of the kind.
        """
        names, flags = (tuple(map(str, request[key])) for key in ("functions", "flags"))
        return cls(str(request["cpp"]), str(request["cuda"]), names, flags)

    def exports(self) -> str:
        """Return the C++ that registers the exported functions, an empty text if a source does that itself."""
        definitions = "".join(f'm.def("{name}", &{name}); ' for name in self.functions)
        return f'extern "C" void simt_module(simt::Module& m) {{ {definitions}}}' if definitions else ""


def one_unit(parts: Iterable[tuple[str, str]]) -> str:
    """Return one translation unit of named parts, in which messages name part and line; empty ones are left out."""
    return "\n".join(f'#line 1 "{name}"\n{part}' for name, part in parts if part) + "\n"


def build(source: ExtensionSource, cache: Path, timeout_s: float = 600, *, instrumented: bool = False) -> Path:
    """Return the extension's library, from the cache if the same sources were built, or refused, before.

    Both sources become one translation unit, in the order in which names have to be declared for ``load_inline``:
    the C++ source, the exports, the CUDA source. An ``instrumented`` library tells the runtime of every access
    (see ``explain``); it takes several times as long to build and to run.

    Raises:
        CompileError: the candidate's C++ is wrong, or it exports what it does not define.
        CompileTimeoutError: the compiler took longer than its seconds of CPU, or ``timeout_s`` on the clock, which is
            far more: a busy machine is not the candidate's fault.
        Unsupported: this backend lacks something that the source uses.
        ForbiddenError: it calls what would get around this backend's checks.
        InfrastructureError: the compiler itself does not work here.
        UserError: the disk is full.
    """
    parts = (
        ("flags", features.definitions(source.flags)),
        ("main.cpp", _translated(source.cpp, source.flags)),
        ("bindings", source.exports()),
        ("cuda.cu", _translated(source.cuda, source.flags)),
    )
    text = NO_ASSEMBLY + one_unit(parts)
    header = features.header("\n".join(map(code_only, (source.cpp, source.cuda))), source.flags)
    key = hashlib.sha256(f"{toolchain_key()}\0{header}\0{instrumented}\0{text}".encode()).hexdigest()[:24]
    tools = toolchain(cache)
    target = tools.folder / f"{key}.so"
    if not target.exists():
        if refused := problems(source.cuda):
            raise CompileError("\n".join(map(str, refused[:MAX_PROBLEMS])))
        with told_again(target.with_suffix(".errors")):
            _compile(text, target, tools, time.monotonic() + timeout_s, header, instrumented=instrumented)
    return target


def prepare_with_extension(cache: Path) -> tuple[Path, Path]:
    """Return the runtime library and the built ``extension``, made unless they are there; raises as ``prepare``."""
    runtime = prepare(cache)
    return runtime, build(ExtensionSource(extension.CPP, extension.CUDA, extension.FUNCTIONS), cache)


@contextmanager
def told_again(kept: Path) -> Iterator[None]:
    """Keep the compiler's errors in a source, in place of a library; raise them again without asking it.

    Only errors at places in the source: others may be about this machine.
    """
    if kept.exists():
        raise CompileError(kept.read_text())
    try:
        yield
    except CompileError as error:
        if error.log:
            with atomic(kept) as temporary:
                temporary.write_text(error.log)
        raise


def _translated(source: str, flags: Sequence[str]) -> str:
    """Translate; a kernel that launches one is an error of nvcc's too, unless the flags ask for relocatable code."""
    try:
        return translate(source)
    except Unsupported as error:
        if error.construct != NESTED_LAUNCH or RELOCATABLE.intersection(flags):
            raise
        raise CompileError(
            "kernel launch from __device__ or __global__ functions requires separate compilation mode"
        ) from error


def _compile(
    text: str, target: Path, tools: Toolchain, deadline: float, header: Header, *, instrumented: bool = False
) -> None:
    with tempfile.TemporaryDirectory(prefix="simt-") as name:
        folder = Path(name)
        source, object_file = folder / "extension.cpp", folder / "extension.o"
        source.write_text(text)
        aligned = _POINTER_CAST.search(text) is not None
        command = tools.compile_command(source, object_file, header, aligned=aligned, instrumented=instrumented)
        code, log = _run(command, folder, tools, deadline)
        if code and header == "small" and not instrumented and diagnostics.may_lack_a_header(log, tools.full_names()):
            command = tools.compile_command(source, object_file, "full", aligned=aligned)
            code, log = _run(command, folder, tools, deadline)
        if code:
            full_now = full_disk(folder, tools.folder, told=log)
            raise full_now or diagnostics.explain(log, text) or _gave_up(log, tools, folder)
        linked = folder / "extension.so"
        code, log = _run(tools.link_command(linked, object_file), folder, tools, deadline)
        if code:
            raise full_disk(folder, tools.folder, told=log) or _gave_up(log, tools, folder)
        with atomic(target) as temporary:
            shutil.copyfile(linked, temporary)
            _, imports = dynamic_symbols(temporary)
            if has_thread_locals(temporary):  # what is kept in these between calls would not be seen
                raise Unsupported("thread_local")
            if undefined := tools.undefined(imports - {"__tls_get_addr"}):  # the loader's; std::call_once needs it
                raise diagnostics.explain_undefined(undefined)
            if forbidden := tools.forbidden(imports):
                raise ForbiddenError(forbidden)
            if unknown := tools.unknown(imports):
                raise Unsupported("this function of the C library", ", ".join(unknown))


def _run(command: list[str], folder: Path, tools: Toolchain, deadline: float) -> tuple[int, str]:
    command = confined(command, folder, tools.folder, tools.compiler)
    return run_compiler(limited(command, LIMITS), folder, deadline)


def _gave_up(log: str, tools: Toolchain, folder: Path) -> Exception:
    """Return what it amounts to that the compiler failed without naming an error: does it still compile anything?

    If so, the source is too much for it: it crashed on it, or ran out of its memory.
    """
    last = (log.strip().splitlines() or ["no message"])[-1].strip()[:300]
    probe = folder / "probe.cpp"
    probe.write_text("int probe() { return 0; }\n")
    code, _ = _run(tools.compile_command(probe, folder / "probe.o", "small"), folder, tools, time.monotonic() + 60)
    if code:
        return InfrastructureError(f"the C++ compiler does not work: {last}")
    return Unsupported("what the compiler gives up on", last)
