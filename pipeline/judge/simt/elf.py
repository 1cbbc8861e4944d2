"""Reads the dynamic symbols of a 64-bit little-endian ELF library: what it defines and what it lacks."""

import struct
from pathlib import Path

_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_SYMTAB, _DYNSYM = 2, 11
_WEAK = 2


def dynamic_symbols(path: Path) -> tuple[set[str], set[str]]:
    """Return the names that the library defines and those that it must find elsewhere (weak ones need not be)."""
    return _symbols(path, _DYNSYM)


def object_symbols(path: Path) -> tuple[set[str], set[str]]:
    """Return the names that an object file defines, its local ones too, and those that it asks the linker for."""
    return _symbols(path, _SYMTAB)


def _symbols(path: Path, table: int) -> tuple[set[str], set[str]]:
    data = path.read_bytes()
    (sections,) = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    if not count:  # more than 65,279 sections: the number is in the first one
        count = _SECTION.unpack_from(data, sections)[5]
    headers = [_SECTION.unpack_from(data, sections + i * size) for i in range(count)]
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
