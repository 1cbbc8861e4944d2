"""Where in a file things are, by name, in 24 to 48 bytes each: a dict of texts takes ten times as much."""

from array import array
from collections.abc import Hashable

_FIRST = 1024  # slots; a power of two, as all sizes are
_HASH = 2**64 - 1


class Offsets:
    """Offsets of names; of two offsets of one name the first stands.

    Of a name only its hash is kept (64 bits, this process's own), so once in very many names ``find`` gives another
    one's offset: whoever reads there sees whose it is. A name whose hash is taken is not added.
    """

    def __init__(self) -> None:
        self._count = 0
        self._hashes = _zeros(_FIRST)
        self._ends = _zeros(_FIRST)  # offset + 1; 0: a free slot

    def find(self, name: Hashable) -> int | None:
        """Return the offset of a name, None if it was not added."""
        end = self._ends[self._slot(hash(name) & _HASH)]
        return end - 1 if end else None

    def add(self, name: Hashable, offset: int) -> None:
        """Enter an offset, from 0 on, unless the name has one."""
        if 3 * self._count >= 2 * len(self._ends):
            self._grow()
        self._put(hash(name) & _HASH, offset + 1)

    def _slot(self, hashed: int) -> int:
        """Return the slot with this hash, or the free one where it belongs."""
        mask = len(self._ends) - 1
        slot = hashed & mask
        while self._ends[slot] and self._hashes[slot] != hashed:
            slot = (slot + 1) & mask
        return slot

    def _put(self, hashed: int, end: int) -> None:
        slot = self._slot(hashed)
        if not self._ends[slot]:
            self._hashes[slot], self._ends[slot] = hashed, end
            self._count += 1

    def _grow(self) -> None:
        old = zip(self._hashes, self._ends, strict=True)
        size = 2 * len(self._ends)
        self._hashes, self._ends, self._count = _zeros(size), _zeros(size), 0
        for hashed, end in old:
            if end:
                self._put(hashed, end)


def _zeros(count: int) -> "array[int]":
    return array("Q", [0]) * count  # made of bytes, it would have room to spare
