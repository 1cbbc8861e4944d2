"""What stands in for ``torch.utils.cpp_extension`` in a candidate's process: the parent builds."""

import re
import types
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from pipeline.judge import operator_stub
from pipeline.judge.channel import Channel
from pipeline.judge.device import Device
from pipeline.judge.prescribed import not_prescribed

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"(?P<name>[\w./-]+)"[^\n]*$', re.MULTILINE)
_ONCE = re.compile(r"^[ \t]*#[ \t]*pragma[ \t]+once[^\n]*$", re.MULTILINE)


class BuildFailedError(RuntimeError):
    """The parent could not build the extension; it keeps the reason itself and needs no word from here."""


def make_stub(channel: Channel, device: Device, loaded: list[str]) -> types.ModuleType:
    """Return a module with ``load_inline`` and ``load`` that ask the parent for a build over the channel.

    The paths of the libraries go to ``loaded``. What torch has to make an operator of a function, or to keep one from
    being compiled, is replaced as well.
    """
    operator_stub.install()
    torch.compiler.disable = _as_it_is  # torch's own loads its compiler first, which takes seconds

    def load_inline(
        name: str,
        cpp_sources: str | Iterable[str] = (),
        cuda_sources: str | Iterable[str] | None = None,
        functions: str | Iterable[str] | None = None,
        extra_cuda_cflags: Iterable[str] | None = None,
        **_options: Any,
    ) -> Any:
        exported = [functions] if isinstance(functions, str) else list(functions or ())
        return build(name, _joined(cpp_sources), _joined(cuda_sources or ()), exported, extra_cuda_cflags)

    def load(
        name: str,
        sources: str | Iterable[str],
        extra_cuda_cflags: Iterable[str] | None = None,
        extra_include_paths: str | Iterable[str] | None = None,
        **_options: Any,
    ) -> Any:
        paths = [Path(p) for p in ([sources] if isinstance(sources, str | Path) else sources)]
        given = [extra_include_paths] if isinstance(extra_include_paths, str | Path) else extra_include_paths or ()
        folders = [Path(folder) for folder in given]
        cuda, cpp = (
            "\n".join(_with_own_headers(p, folders, ()) for p in paths if (p.suffix in (".cu", ".cuh")) is wanted)
            for wanted in (True, False)
        )
        return build(name, cpp, cuda, [], extra_cuda_cflags)

    def build(name: str, cpp: str, cuda: str, functions: list[str], flags: Iterable[str] | None) -> Any:
        channel.send({"build": {"cpp": cpp, "cuda": cuda, "functions": functions, "flags": list(flags or ())}})
        answer, _ = channel.receive()
        if "path" not in answer:
            raise BuildFailedError("Error building extension")
        loaded.append(answer["path"])
        return _closed(name, device.load(Path(answer["path"])))

    stub = types.ModuleType("torch.utils.cpp_extension")
    stub.load_inline = load_inline  # type: ignore[attr-defined]
    stub.load = load  # type: ignore[attr-defined]
    stub.CUDA_HOME = "/usr/local/cuda"  # type: ignore[attr-defined]
    return stub


def _as_it_is(function: Any = None, *_args: Any, **_options: Any) -> Any:
    """Return what a decorator does, called or not, that leaves functions as they are."""
    return function if function is not None else _as_it_is


def _with_own_headers(path: Path, folders: Sequence[Path], within: tuple[Path, ...]) -> str:
    """Return a source with the headers that lie beside it, or in ``folders``, in place of their includes."""

    def included(match: re.Match[str]) -> str:
        places = (folder / match["name"] for folder in (path.parent, *folders))
        header = next((place for place in places if place.is_file()), None)
        if header is None or header in within:
            return match[0]
        text = _with_own_headers(header, folders, (*within, header))
        if _ONCE.search(text) is None:
            return text
        guard = "".join(c if c.isalnum() else "_" for c in f"INCLUDED_{header.name}").upper()
        return f"#ifndef {guard}\n#define {guard}\n{_ONCE.sub('', text)}\n#endif"

    return _INCLUDE.sub(included, path.read_text())


def _closed(name: str, extension: Any) -> types.ModuleType:
    """Return a module with the extension's functions and nothing that leads from them to the backend."""
    module = types.ModuleType(str(name))
    module.__file__ = f"/root/.cache/torch_extensions/py311_cu124/{name}/{name}.so"
    for exported, function in vars(extension).items():
        if exported.startswith("__"):  # of a Python module built with torch's own headers: its loader and the like
            continue
        setattr(module, exported, not_prescribed(function))
    return module


def _joined(sources: str | Iterable[str]) -> str:
    return sources if isinstance(sources, str) else "\n".join(sources)
