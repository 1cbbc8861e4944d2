"""An extension together with what it must compute."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from pipeline.judge.simt.build import ExtensionSource


@dataclass(frozen=True)
class Example:
    """One extension: call ``function`` with ``arguments``, compare with ``expected``."""

    source: ExtensionSource
    function: str
    arguments: Callable[[], tuple[Any, ...]]
    expected: Callable[..., Any]


def inline(cuda: str, declaration: str) -> ExtensionSource:
    name = declaration.partition("(")[0].split()[-1]
    return ExtensionSource(f"#include <torch/extension.h>\n{declaration};", cuda, (name,))


def example(
    cuda: str,
    declaration: str,
    arguments: Callable[[], tuple[Any, ...]],
    expected: Callable[..., Any],
    flags: tuple[str, ...] = (),
) -> Example:
    """Return the example of an extension that exports the one function declared."""
    source = replace(inline(cuda, declaration), flags=flags)
    return Example(source, source.functions[0], arguments, expected)
