"""Reads the symbols of a 64-bit little-endian ELF library: what it defines, what it lacks, and the names in them."""

import re
import struct
from functools import cache
from pathlib import Path

_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_SYMTAB, _DYNSYM = 2, 11
_WEAK = 2
_TLS = 0x400  # of a section
# A substitution or template parameter, a constructor or destructor, a literal, or a name's length.
_MANGLED_PART = re.compile(r"[ST][0-9A-Z]*_|[CD][0-5]|L[a-z]n?\d+E|(\d+)")


def dynamic_symbols(path: Path) -> tuple[set[str], set[str]]:
    """Return the names that the library defines and those that it must find elsewhere (weak ones need not be)."""
    return _symbols(path, _DYNSYM)


def object_symbols(path: Path) -> tuple[set[str], set[str]]:
    """Return the names that an object file defines, its local ones too, and those that it asks the linker for."""
    return _symbols(path, _SYMTAB)


def has_thread_locals(path: Path) -> bool:
    """Return whether the library has variables of which each thread has its own."""
    return any(flags & _TLS for _, _, flags, *_ in _sections(path.read_bytes()))


def _sections(data: bytes) -> list[tuple[int, ...]]:
    (sections,) = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    if not count:  # more than 65,279 sections: the number is in the first one
        count = _SECTION.unpack_from(data, sections)[5]
    return [_SECTION.unpack_from(data, sections + i * size) for i in range(count)]


def _symbols(path: Path, table: int) -> tuple[set[str], set[str]]:
    data = path.read_bytes()
    headers = _sections(data)
    defined: set[str] = set()
    needed: set[str] = set()
    for _, kind, _, _, offset, length, link, *_ in headers:
        if kind != table:
            continue
        texts = headers[link][4]
        for at in range(offset + _SYMBOL.size, offset + length, _SYMBOL.size):
            name, info, _, section, _, _ = _SYMBOL.unpack_from(data, at)
            end = data.index(b"\0", texts + name)
            text = data[texts + name : end].decode()
            if section:
                defined.add(text)
            elif info >> 4 != _WEAK:
                needed.add(text)
    return defined, needed


@cache
def private_names(library: Path, *includes: Path) -> frozenset[str]:
    """Return the symbols of a runtime that no header under ``includes`` declares for a candidate's use."""
    text = "".join(path.read_text() for folder in includes for path in folder.rglob("*.h"))
    declared = frozenset(re.findall(r"\w+", text))
    own = (name for name in dynamic_symbols(library)[0] if "simt" in name)
    return frozenset(name for name in own if not names_in(name) <= declared)


def names_in(symbol: str) -> set[str]:
    """Return the identifiers in a symbol: a C name itself, the parts of a mangled one (Itanium ABI, 5.1.2)."""
    if not symbol.startswith("_Z"):
        return {symbol}
    names: set[str] = set()
    position = 2
    while found := _MANGLED_PART.search(symbol, position):
        position = found.end() + int(found[1] or 0)
        if found[1]:
            names.add(symbol[found.end() : position])
    return names
