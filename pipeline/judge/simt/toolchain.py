"""What every build shares: the compiler, the precompiled headers and the runtime library, made once per cache.

Precompiled headers make a build near as cheap as one without any header, but only if they leave out what leaves
templates for each translation unit to instantiate: <string> (60 ms) and C++17's special functions (40 ms). Hence two
of them, and the smaller one for the sources that can do with it. A third, made when first asked for, has CUDA's
16-bit types on top of the larger one, from NVIDIA's own headers.
"""

import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from pipeline.errors import InfrastructureError, UserError
from pipeline.judge.simt.elf import dynamic_symbols, private_names
from pipeline.judge.simt.errors import Unsupported
from pipeline.judge.simt.flags import ALIGNMENT_FLAGS, FLAGS, INSTRUMENTED_FLAGS, UNSET_FLAGS, flags_for
from pipeline.judge.simt.out_of_reach import OUT_OF_REACH, out_of_reach, unknown_of_c

HERE = Path(__file__).parent
INCLUDE = HERE / "include"
RUNTIME = HERE / "runtime"
LAUNCHER = HERE / "launcher"
LIBRARY = "libsimt.so"
SYMBOLS, FULL_NAMES, C_NAMES = "symbols.txt", "full_names.txt", "c_names.txt"
# "half" has __half and __nv_bfloat16 as torch's own builds have them, "half_operators" all of NVIDIA's headers.
Header = Literal["small", "full", "half", "half_operators"]
_DEFINITIONS: dict[Header, tuple[str, ...]] = {
    "small": (),
    "full": ("SIMT_FULL",),
    "half": (
        *("SIMT_FULL", "SIMT_CUDA_16_BITS", "__CUDA_NO_HALF_OPERATORS__", "__CUDA_NO_HALF_CONVERSIONS__"),
        *("__CUDA_NO_BFLOAT16_CONVERSIONS__", "__CUDA_NO_HALF2_OPERATORS__"),
    ),
    "half_operators": ("SIMT_FULL", "SIMT_CUDA_16_BITS"),
}
RUNTIME_FLAGS = ("-shared", f"-Wl,-soname,{LIBRARY}", "-Wl,--no-as-needed")
_START_FILES, _END_FILES = ("crti.o", "crtbeginS.o"), ("crtendS.o", "crtn.o")
# The libraries that an extension may use. The runtime brings them: the linker is spared their tables (40 to 110 ms).
_LIBRARIES = ("libc.so.6", "libstdc++.so.6", "libm.so.6", "libgcc_s.so.1")


@dataclass(frozen=True)
class Toolchain:
    """A prepared folder: compile with ``compile_command``, link with ``link_command``, put results into it."""

    folder: Path
    compiler: str
    linker: str
    start_files: tuple[str, ...]
    end_files: tuple[str, ...]
    flags: tuple[str, ...]

    def compile_command(
        self, source: Path, target: Path, header: Header, *, aligned: bool = False, instrumented: bool = False
    ) -> list[str]:
        """Return the command that compiles one translated source with one of the precompiled headers.

        ``instrumented`` builds have hooks before every access, and need the larger header in place of the small one.
        Where ``aligned``, others look at the addresses of accesses.

        Raises:
            Unsupported: the header with 16-bit types is asked for, and NVIDIA's headers are not installed.
        """
        if instrumented and header == "small":
            header = "full"
        flags = (*self.flags, *INSTRUMENTED_FLAGS) if instrumented else self.flags
        path = self.folder / (f"{header}-instrumented" if instrumented else header) / "simt.h"
        if not path.exists():
            with lock(self.folder / "headers.lock"):
                if not path.exists():
                    _precompile(self.compiler, path.parent, header, flags)
        flags += ALIGNMENT_FLAGS if aligned and not instrumented else ()
        return [self.compiler, *flags, "-include", str(path), "-x", "c++", "-c", str(source), "-o", str(target)]

    def link_command(self, target: Path, *objects: Path) -> list[str]:
        """Return the command that links objects to an extension: the linker itself, without the compiler's driver.

        Undefined symbols are not its business; see ``undefined``.
        """
        inputs = [*map(str, objects), str(self.folder / LIBRARY)]
        options = ["-shared", "--eh-frame-hdr", "-rpath", "$ORIGIN", "-o", str(target)]
        return [self.linker, *options, *self.start_files, *inputs, *self.end_files]

    def undefined(self, imports: AbstractSet[str]) -> list[str]:
        """Return which of a linked extension's imports nobody defines."""
        return sorted(imports - _words(self.folder / SYMBOLS))

    def forbidden(self, imports: AbstractSet[str]) -> list[str]:
        """Return which imports would get around the checks; however the source spells them, here is their name."""
        return sorted(out_of_reach(imports) | imports & private_names(self.folder / LIBRARY, INCLUDE))

    def unknown(self, imports: AbstractSet[str]) -> list[str]:
        """Return which imports are functions of the C library that nobody has looked at."""
        return sorted(unknown_of_c(imports, _words(self.folder / C_NAMES)))

    def full_names(self) -> frozenset[str]:
        """Return the identifiers that the larger header has and the smaller one lacks."""
        return _words(self.folder / FULL_NAMES)


@cache
def _words(path: Path) -> frozenset[str]:
    return frozenset(path.read_text().split())


def own_files() -> list[Path]:
    """Return the headers and sources that builds depend on, in a fixed order."""
    return sorted(p for folder in (INCLUDE, RUNTIME, LAUNCHER) for p in folder.rglob("*") if p.is_file())


@cache
def nvidia_headers() -> Path | None:
    """Return the folder of NVIDIA's headers: of the package nvidia-cuda-runtime or of a toolkit; None without one."""
    package = importlib.util.find_spec("nvidia")
    roots = [Path(root) for root in (package.submodule_search_locations or ())] if package else []
    folders = [folder for root in roots for folder in sorted(root.glob("*/include"), reverse=True)]
    toolkit = Path(os.environ.get("CUDA_HOME", "/usr/local/cuda")) / "include"
    return next((f for f in (*folders, toolkit) if (f / "cuda_bf16.h").exists()), None)


@cache
def toolchain_key() -> str:
    """Return a hash of all that the shared files are made from: our sources, the flags, the compiler's version."""
    digest = hashlib.sha256(_output([cxx_compiler(), "--version"]).encode())
    digest.update(" ".join([*FLAGS, *UNSET_FLAGS, *ALIGNMENT_FLAGS, *RUNTIME_FLAGS, *sorted(OUT_OF_REACH)]).encode())
    for name in ("device_code.py", "out_of_reach.py"):  # what they refuse is looked for where nothing is kept
        digest.update((HERE / name).read_bytes())
    nvidia = nvidia_headers()
    theirs = sorted(nvidia.glob("cuda_?*16.h*")) if nvidia else []
    for path in (*own_files(), *theirs):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def prepare(cache: Path) -> Path:
    """Make what all builds need, unless it is there, and return the runtime library.

    Safe to call from many processes at once.

    Raises:
        UserError: there is no C++ compiler, or nothing can be written there.
        InfrastructureError: the compiler can't compile the runtime.
    """
    return toolchain(cache).folder / LIBRARY


def toolchain(cache: Path) -> Toolchain:
    """Return the prepared toolchain of a cache; see ``prepare``."""
    return _toolchain(cache.resolve(), toolchain_key())


@cache
def _toolchain(cache: Path, key: str) -> Toolchain:
    folder = cache / f"simt-{key}"
    description = folder / "toolchain.json"
    make_once(folder, description, lambda: _make(folder, description))
    found = json.loads(description.read_text())
    start, end = tuple(found["start_files"]), tuple(found["end_files"])
    return Toolchain(folder, found["compiler"], found["linker"], start, end, tuple(found["flags"]))


def make_once(folder: Path, complete: Path, make: Callable[[], None]) -> None:
    """Call ``make``, which fills a cache's folder and ends with the file ``complete``, unless that is there.

    Of several processes one makes it, and the others wait.

    Raises:
        UserError: nothing can be written there.
    """
    if complete.exists():
        return
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"judge.cache: {folder.parent} can't be made ({error.strerror})") from error
    with lock(folder.with_name(f"{folder.name}.lock")):
        if not complete.exists():
            make()


def _make(folder: Path, description: Path) -> None:
    """Build everything under ``folder``; the description is written last, so that its presence means complete."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    compiler = cxx_compiler()
    flags = flags_for(compiler)
    small = _precompile(compiler, folder / "small", "small", flags)
    full = _precompile(compiler, folder / "full", "full", flags)
    sources = [str(p) for p in sorted(RUNTIME.glob("*.cpp"))]
    command = [compiler, *flags, "-include", str(folder / "small" / "simt.h"), "-I", str(INCLUDE), *RUNTIME_FLAGS]
    _output([*command, *sources, "-o", str(folder / LIBRARY)])
    libraries = [folder / LIBRARY, *(Path(_print_file(compiler, name)) for name in _LIBRARIES)]
    available = [dynamic_symbols(library)[0] for library in libraries]
    (folder / SYMBOLS).write_text("\n".join(sorted(set[str]().union(*available))))
    (folder / C_NAMES).write_text("\n".join(available[1]))
    (folder / FULL_NAMES).write_text("\n".join(sorted(full - small)))
    where = {name: _print_file(compiler, name) for name in (*_START_FILES, *_END_FILES)}
    found = {
        "compiler": compiler,
        "flags": flags,
        "linker": _output([compiler, "-print-prog-name=ld"]).strip(),
        "start_files": [where[name] for name in _START_FILES],
        "end_files": [where[name] for name in _END_FILES],
    }
    with atomic(description) as temporary:
        temporary.write_text(json.dumps(found))


def _include(kind: Header) -> list[str]:
    include = ["-I", str(INCLUDE)]
    if "SIMT_CUDA_16_BITS" in _DEFINITIONS[kind]:
        nvidia = nvidia_headers()
        if nvidia is None:
            raise Unsupported("__half and __nv_bfloat16", "pip install nvidia-cuda-runtime, or set CUDA_HOME")
        include += ["-I", str(nvidia)]
    return include


def _precompile(compiler: str, folder: Path, kind: Header, flags: tuple[str, ...]) -> set[str]:
    """Make one of the precompiled headers, ``folder``/simt.h; return the identifiers it has."""
    folder.mkdir(exist_ok=True)
    header, text = folder / "simt.h", folder / "text.h"
    text.write_text("".join(f"#define {name}\n" for name in _DEFINITIONS[kind]) + '#include "simt/simt.h"\n')
    command = [compiler, *flags, *_include(kind), "-x", "c++-header", str(text)]
    _output([*command, "-o", f"{header}.gch"])
    # A precompiled header that does not fit is skipped without a word, and every build would be slow.
    with atomic(header) as temporary:
        temporary.write_text('#error "the precompiled header was not used"\n')
    return set(re.findall(r"[A-Za-z_]\w*", _output([*command, "-E", "-P", "-dD"])))


def _print_file(compiler: str, name: str) -> str:
    return _output([compiler, f"-print-file-name={name}"]).strip()


def cxx_compiler() -> str:
    """Return the C++ compiler: CXX, or g++; raises UserError if there is none."""
    found = shutil.which(os.environ.get("CXX", "g++"))
    if found is None:
        raise UserError("kernels can't be judged without a C++ compiler (Debian: apt-get install g++)")
    return found


def _output(command: list[str]) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise InfrastructureError(f"{command[0]} failed: {result.stderr[-2000:]}")
    return result.stdout


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold a file's lock against every other process for the length of the block."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that becomes it when the block ends without an exception."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
