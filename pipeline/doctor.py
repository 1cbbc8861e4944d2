"""Examines the machine: what is there, and what each absence costs in plain words."""

import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from pipeline.doctor_recipe import examine_recipe
from pipeline.machine import cores
from pipeline.prerequisites import Prerequisite, State

PROGRAM_SECONDS = 60  # torch on a cold disk takes long
GIB = 2**30
CLONE_NEWUSER = 0x10000000


def doctor(recipe: Path | None) -> int:
    """Print what was found; return 0, or 1 if something that every run, or this recipe, needs is missing.

    Raises:
        UserError: the recipe can't be read.
    """
    from rich.console import Console
    from rich.table import Table

    prerequisites = [*examine(), *(examine_recipe(recipe) if recipe else ())]
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for title in ("", "what", "found", "what its absence costs"):
        table.add_column(title, overflow="fold", no_wrap=title == "what")  # an address stays in one piece
    marks = {"ok": "[green]ok[/]", "absent": "[yellow]-[/]", "missing": "[red]missing[/]"}
    for prerequisite in prerequisites:
        cost = "" if prerequisite.state == "ok" else prerequisite.cost_of_absence
        table.add_row(marks[prerequisite.state], prerequisite.name, prerequisite.found, cost)
    Console().print(table)
    return 1 if any(prerequisite.state == "missing" for prerequisite in prerequisites) else 0


def examine() -> list[Prerequisite]:
    """Return what this machine has; nothing is installed, reached over the network or changed."""
    gpus, nvcc = gpu_names(), _version_line("nvcc") or _toolkit()
    simt = (
        "kernels are judged on the CPU (backend simt); speed is not measured, and only small students can be trained"
    )
    hub = "gated models and private repositories can't be read; nothing else needs the Hub"
    return [
        _prerequisite(
            "Python", platform.python_version() if sys.version_info >= (3, 11) else None, "needs 3.11", needed=True
        ),
        *_torch(gpus),
        _prerequisite("GPU", ", ".join(gpus), simt),
        _prerequisite(
            "nvcc", nvcc, "no kernel can be built for the GPU" if gpus else "nothing without a GPU", needed=bool(gpus)
        ),
        *_backend(gpus),
        _prerequisite(
            "g++", _version_line("g++"), "no kernel can be judged (Debian: apt-get install g++)", needed=True
        ),
        *_confinement(),
        *_room(),
        _prerequisite("Hub login", _hub_login(), hub),
    ]


def _torch(gpus: list[str]) -> Iterator[Prerequisite]:
    """Import torch in a process of its own: it takes seconds, and a broken one must not end the examination."""
    test = "import torch; print(torch.__version__, torch.version.cuda or 'none', torch.cuda.is_available())"
    version, cuda, usable = ((_output(sys.executable, "-c", test) or "").split() or ["", "", ""])[-3:]
    found = f"{version}, for {'the CPU only' if cuda == 'none' else f'CUDA {cuda}'}" if version else None
    yield _prerequisite("torch", found, "nothing can be judged or trained: install the project again", needed=True)
    if gpus and version:
        cost = "the GPU is there but torch can't use it: install a torch build for this driver"
        yield _prerequisite("torch on the GPU", "yes" if usable == "True" else None, cost)


def _backend(gpus: list[str]) -> Iterator[Prerequisite]:
    """Say which backend ``judge.backend: auto`` takes here, and why."""
    from pipeline.judge.cuda.gpus import why_not

    lacking = why_not()
    state: State = "absent" if lacking and gpus else "ok"
    yield Prerequisite(
        "judge.backend: auto", state, f"simt: {lacking}" if lacking else "cuda", "speed is not measured"
    )


def _toolkit() -> str | None:
    """Return the version of the nvcc that the judge finds off the search path, None if there is none that works."""
    from pipeline.errors import InfrastructureError, UserError
    from pipeline.judge.cuda.toolkit import find_toolkit

    try:
        return find_toolkit().version
    except (UserError, InfrastructureError):
        return None


def gpu_names() -> list[str]:
    """Return the names of the NVIDIA GPUs, with their memory."""
    listed = _output("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")
    return [line.strip() for line in (listed or "").splitlines() if line.strip()]


def cpu_name() -> str:
    """Return the processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _prerequisite(name: str, found: str | None, cost: str, *, needed: bool = False) -> Prerequisite:
    absent: State = "missing" if needed else "absent"
    return Prerequisite(name, "ok" if found else absent, found or "no", cost)


def _confinement() -> Iterator[Prerequisite]:
    from pipeline.judge.bubblewrap import bubblewrap
    from pipeline.judge.landlock import landlock_abi
    from pipeline.judge.sandbox import missing

    abi, wrapper, namespaces, lacking = landlock_abi(), bubblewrap(), _user_namespaces(), missing()
    layers = ["bwrap" if wrapper else "namespaces" if namespaces else "", "tmpfs" if namespaces else ""]
    layers += [f"landlock{abi}" if abi else "", "seccomp", "rlimits"]
    tier = "+".join(layer for layer in layers if layer)
    yield _prerequisite(
        "sandbox", None if lacking else tier, f"nothing is judged without {lacking} (or judge.sandbox=none)"
    )
    files = (
        "the compiler is not confined: only rules keep a source from having it read your files"
        if wrapper
        else "no candidate is run: it could read the files that you may read"
    )
    yield _prerequisite("Landlock", f"version {abi}" if abi else None, files)
    shared = "candidates see other processes' numbers; how much they write is only watched"
    yield _prerequisite("user namespaces", "yes" if namespaces else None, shared)
    found = _version_line("bwrap")
    works = found if wrapper else None
    cost = f"{found} is there but does not work here: as without it" if found else "nothing: Landlock hides the files"
    yield _prerequisite("bubblewrap", works, cost)


def _user_namespaces() -> bool:
    """Try one in a child process: whether they are allowed depends on more settings than can be read."""
    test = f"import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare({CLONE_NEWUSER}) != 0)"
    return subprocess.run([sys.executable, "-I", "-c", test], check=False, capture_output=True).returncode == 0


def _room() -> Iterator[Prerequisite]:
    import psutil

    yield Prerequisite("processor", "ok", f"{cpu_name()}, {cores()} core{'s' if cores() != 1 else ''}", "")
    free = psutil.virtual_memory().available / GIB
    few = "judging and training may be killed for lack of memory; lower judge.workers"
    yield Prerequisite("memory", "ok" if free >= 4 else "absent", f"{free:.1f} GiB free", few)
    disk = shutil.disk_usage(Path.cwd()).free / GIB
    yield Prerequisite(
        "disk", "ok" if disk >= 2 else "absent", f"{disk:.1f} GiB free here", "a run may end with a full disk"
    )


def _hub_login() -> str | None:
    from huggingface_hub import get_token

    return "a token is set" if get_token() else None


def _version_line(program: str) -> str | None:
    """Return the line in which a program gives its version, None if it is not there or does not start."""
    lines = [line for line in (_output(program, "--version") or "").splitlines() if any(c.isdigit() for c in line)]
    return next((line.strip() for line in lines if "release" in line), lines[0].strip() if lines else None)


def _output(program: str, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            [program, *arguments], check=True, capture_output=True, text=True, timeout=PROGRAM_SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
