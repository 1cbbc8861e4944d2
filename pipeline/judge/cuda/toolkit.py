"""Finds CUDA's compiler, and the architecture to compile for."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pipeline.errors import InfrastructureError, UserError

DEFAULT_CAPABILITY = "9.0"  # an H100's: what is compiled for where no GPU is
FIRST_WITH_FEATURES = 90  # from there on an architecture has instructions that only its own variant "a" takes: wgmma
_STATIC_RUNTIME = "libcudart_static.a"
_LIBRARY_FOLDERS = ("lib64", "lib", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib", "lib/x86_64-linux-gnu")
_INCLUDE_FOLDERS = ("include", "targets/x86_64-linux/include", "targets/sbsa-linux/include")


@dataclass(frozen=True)
class Toolkit:
    """A CUDA toolkit that can compile and link.

    Attributes:
        nvcc: the compiler.
        include: the folder of cuda_runtime.h.
        static_runtime: libcudart_static.a, of which every extension gets a copy, so that the versions of this toolkit
            and of torch's own runtime need not agree.
        version: what nvcc calls itself.
    """

    nvcc: Path
    include: Path
    static_runtime: Path
    version: str


@cache
def find_toolkit() -> Toolkit:
    """Return the toolkit of CUDA_HOME, CUDA_PATH, the search path, /usr/local/cuda or NVIDIA's Python packages.

    Raises:
        UserError: there is none with a compiler, headers and a static runtime.
    """
    for root in _roots():
        nvcc = root / "bin" / "nvcc"
        include = _first(root, _INCLUDE_FOLDERS, "cuda_runtime.h")
        runtime = _first(root, _LIBRARY_FOLDERS, _STATIC_RUNTIME)
        if os.access(nvcc, os.X_OK) and include and runtime:
            return Toolkit(nvcc, include.parent, runtime, _version(nvcc))
    raise UserError(
        "judge.backend: cuda needs nvcc with its headers and libcudart_static.a, and found none (set CUDA_HOME)"
    )


@cache
def architecture() -> str:
    """Return the architecture of the GPU to judge on in nvcc's spelling (``90a``), an H100's where there is none."""
    from pipeline.judge.cuda.gpus import choose_gpu, find_gpus

    gpus = find_gpus()
    chosen = choose_gpu(gpus, os.environ.get("CUDA_VISIBLE_DEVICES")).gpu if gpus else None
    number = (chosen.compute_capability if chosen else DEFAULT_CAPABILITY).replace(".", "")
    return f"{number}a" if int(number) >= FIRST_WITH_FEATURES else number


def _roots() -> Iterator[Path]:
    for name in ("CUDA_HOME", "CUDA_PATH"):
        if os.environ.get(name):
            yield Path(os.environ[name])
    on_path = shutil.which("nvcc")
    if on_path:
        yield Path(on_path).parents[1]  # Debian's /usr/bin/nvcc is a link, its headers are in /usr/include
        yield Path(on_path).resolve().parents[1]
    yield Path("/usr/local/cuda")
    package = importlib.util.find_spec("nvidia")
    for folder in package.submodule_search_locations or () if package else ():
        yield from sorted(Path(folder).glob("cu[0-9]*"), reverse=True)


def _first(root: Path, folders: tuple[str, ...], name: str) -> Path | None:
    return next((root / folder / name for folder in folders if (root / folder / name).is_file()), None)


def _version(nvcc: Path) -> str:
    done = subprocess.run([nvcc, "--version"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise InfrastructureError(f"{nvcc} does not start: {done.stderr[-500:]}")
    lines = [line for line in done.stdout.splitlines() if "release" in line]
    return lines[0].strip() if lines else done.stdout.strip()
