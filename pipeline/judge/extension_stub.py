"""What stands in for ``torch.utils.cpp_extension`` in a candidate's process: the parent builds."""

import types
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.judge.channel import Channel
from pipeline.judge.device import Device


class BuildFailedError(RuntimeError):
    """The parent could not build the extension; it keeps the reason itself and needs no word from here."""


def make_stub(channel: Channel, device: Device, loaded: list[str]) -> types.ModuleType:
    """Return a module with ``load_inline`` and ``load`` that ask the parent for a build over the channel.

    The paths of the libraries go to ``loaded``.
    """

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
        **_options: Any,
    ) -> Any:
        paths = [Path(p) for p in ([sources] if isinstance(sources, str) else sources)]
        cuda = "\n".join(p.read_text() for p in paths if p.suffix in (".cu", ".cuh"))
        cpp = "\n".join(p.read_text() for p in paths if p.suffix not in (".cu", ".cuh"))
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


def _closed(name: str, extension: Any) -> types.ModuleType:
    """Return a module with the extension's functions and nothing that leads from them to the backend."""
    module = types.ModuleType(str(name))
    module.__file__ = f"/root/.cache/torch_extensions/py311_cu124/{name}/{name}.so"
    for exported, function in vars(extension).items():
        if exported.startswith("__"):  # of a Python module built with torch's own headers: its loader and the like
            continue
        setattr(module, exported, _plain(function))
    return module


def _plain(function: Any) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


def _joined(sources: str | Iterable[str]) -> str:
    return sources if isinstance(sources, str) else "\n".join(sources)
