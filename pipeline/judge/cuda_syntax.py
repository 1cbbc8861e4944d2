"""Syntax trees of CUDA and C++ sources, for the rules on them and for the simt backend."""

from collections.abc import Iterator
from functools import cache, lru_cache

import tree_sitter
import tree_sitter_cuda

Node = tree_sitter.Node

KEPT, KEPT_BYTES = 8, 100_000  # sources whose trees are kept, for those who look next, and how long these may be


@cache
def language() -> tree_sitter.Language:
    """Return the grammar of CUDA C++."""
    return tree_sitter.Language(tree_sitter_cuda.language())


def parsed(source: str | bytes) -> Node:
    """Return the root of a source's syntax tree."""
    raw = source.encode(errors="replace") if isinstance(source, str) else source
    return _parsed_once(raw) if len(raw) <= KEPT_BYTES else _parser().parse(raw).root_node


def descendants(node: Node | None) -> Iterator[Node]:
    """Yield a node and all below it, in the order of the source; nothing of None."""
    waiting = [] if node is None else [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node.children[::-1]


def every_node(source: str) -> tuple[Node, ...]:
    """Return the nodes of a source's syntax tree, in the order of the source."""
    raw = source.encode(errors="replace")
    return _nodes_once(raw) if len(raw) <= KEPT_BYTES else tuple(descendants(parsed(raw)))


def text_of(node: Node | None) -> str:
    """Return the source text of a node, an empty string of None."""
    return (node.text or b"").decode(errors="replace") if node is not None else ""


@cache
def _parser() -> tree_sitter.Parser:
    return tree_sitter.Parser(language())


@lru_cache(maxsize=KEPT)
def _parsed_once(raw: bytes) -> Node:
    return _parser().parse(raw).root_node


@lru_cache(maxsize=KEPT)
def _nodes_once(raw: bytes) -> tuple[Node, ...]:
    return tuple(descendants(_parsed_once(raw)))
