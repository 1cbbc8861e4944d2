"""What a candidate's module hands to ``load_inline`` or ``load``, found by executing it: for our own test files only."""

import contextlib
import os
import sys
import tempfile
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from pipeline.judge.channel import Channel
from pipeline.judge.cuda import device
from pipeline.judge.extension_stub import make_stub
from pipeline.judge.simt.build import ExtensionSource


class _Recorder(Channel):
    """Takes requests for builds and answers each with a library that does not matter."""

    def __init__(self) -> None:
        self.sources: list[ExtensionSource] = []

    def send(self, header: dict[str, Any], *_: Any, **__: Any) -> None:
        self.sources.append(ExtensionSource.requested(header["build"]))

    def receive(self, *_: Any, **__: Any) -> tuple[dict[str, Any], list[bytearray]]:
        return {"path": "none"}, []


def sources_of(code: str, init: list[Any]) -> list[ExtensionSource]:
    """Return what the module builds when it is executed and, if that is nothing yet, when ModelNew is constructed."""
    recorder = _Recorder()
    with _in_a_folder(), patch.object(device, "load", lambda _: types.SimpleNamespace()):
        stub = make_stub(recorder, device, [])
        with patch.dict(sys.modules, {"torch.utils.cpp_extension": stub}), _attribute(stub):
            module = types.ModuleType("candidate")
            module.__file__ = str(Path("candidate.py").absolute())
            exec(compile(code, "<candidate>", "exec"), module.__dict__)
            if not recorder.sources:
                module.ModelNew(*init)
    return recorder.sources


@contextlib.contextmanager
def _attribute(stub: types.ModuleType) -> Iterator[None]:
    with patch.object(torch.utils, "cpp_extension", stub, create=True):
        yield


@contextlib.contextmanager
def _in_a_folder() -> Iterator[None]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)
