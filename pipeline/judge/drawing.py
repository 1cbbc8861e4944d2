"""The sizes that a derived setting may have, and which of them a run takes.

Each kind of setting has several sizes that show the same faults. Which one stands for a size of the task, a keyed
hash decides: without the run's secret nobody knows them, and with it all candidates of a task get the same.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

TILE = 16  # the commonest width of a tile; a multiple of those of 8 and 4, and of the vector widths
WARP = 2 * TILE
FINE_SIZE = 64  # up to here a size becomes 5 to 11 in a small or tiny setting; above, 33 to 47, or 12, 20 or 28
CHOICES = 8  # odd sizes at most, from the largest down: they stay near the task's own
MANY_WARPS = 8 * WARP  # from here on there are enough odd sizes with one element in the last warp
MOST_THREADS = 1024  # of a block, or of one whose threads take several elements
LEAST_BLOCKS = 2 * CHOICES  # a size from half of a large one up, each another number of blocks
MOST_ALIGNED = 64  # of a reduced size that is a multiple of it, so is the one drawn

Sizes = Callable[[int], list[int]]  # those that may stand for a size; the first one where nothing is drawn
Taken = Sequence[Mapping[str, int]]  # what sizes are in other settings


def key_of(seeds: str) -> bytes:
    """Return what a run's draws are hashed with: sizes, and the seeds of inputs and weights."""
    return hashlib.blake2b(seeds.encode(), digest_size=32).digest()


@dataclass(frozen=True)
class Draw:
    """Numbers for a task's derived sizes, the same for each name with the same key; all are 0 without one."""

    task_id: str
    key: bytes | None = None

    def __call__(self, name: str) -> int:
        """Return the number drawn for a name."""
        if self.key is None:
            return 0
        text = f"{self.task_id}/size/{name}"
        return int.from_bytes(hashlib.blake2b(text.encode(), key=self.key, digest_size=8).digest())


def alike(kind: str, of: Sizes, sizes: Mapping[str, int], draw: Draw) -> dict[str, int]:
    """Return one of its sizes for each; equal ones stay equal, and larger ones are seldom made the smaller ones."""
    number = draw(kind)
    return {name: of(size)[number % len(of(size))] for name, size in sizes.items()}


def apart(kind: str, of: Sizes, sizes: Mapping[str, int], draw: Draw, had: Taken = ()) -> dict[str, int]:
    """Return another of its sizes for each, and not those that it had: as far as there are any, and then close ones.

    Whoever takes one size for the other is right where the two are equal.
    """
    found: dict[str, int] = {}
    for name, size in sizes.items():
        usual = of(size)
        others = (usual, [n for n in range(max(usual), 2, -1) if n % 4])
        free = ([n for n in some if n not in found.values()] for some in others)
        left = next(filter(None, free), usual)
        new = [n for n in left if n not in [taken.get(name) for taken in had]] or left
        found[name] = new[draw(f"{kind}/{name}") % len(new)]
    return found


def odd_size(size: int) -> int:
    """Return the largest size below that is one more than a multiple of ``TILE``; of small ones the largest prime.

    No multiple of a warp, a block or a vector width, and whoever stops one too early leaves out a whole tile.
    """
    if size > TILE + 1:
        return (size - 2) // TILE * TILE + 1
    return next((n for n in range(size - 1, 1, -1) if _is_prime(n)), size)


def odd_sizes(size: int) -> list[int]:
    """Return that size, and others below that are one more than a multiple of ``TILE``; of small ones primes.

    Large ones are one more than a multiple of ``WARP``, or of up to ``MOST_THREADS``: whoever stops one too early
    leaves out a whole warp, or a block.
    """
    least = size // 2 if size > FINE_SIZE else max(5, size // 3)
    if size <= WARP + 1:
        others = [n for n in range(size - 1, least - 1, -1) if _is_prime(n)]
    else:
        step = TILE if size < MANY_WARPS else min(MOST_THREADS, _power_of_two(size // LEAST_BLOCKS, WARP))
        others = list(range((size - 2) // step * step + 1, least - 1, -step))
    return list(dict.fromkeys([odd_size(size), *others]))[:CHOICES]


def small_sizes(size: int) -> list[int]:
    """Return sizes of which a block of threads is only partly used, of large ones a warp is; no multiples of 4."""
    first, beyond = (5, min(size, TILE - TILE // 4)) if size <= FINE_SIZE else (WARP + 1, WARP + TILE)
    return [n for n in range(first, beyond) if n % 4] or [first]


def tiny_sizes(size: int) -> list[int]:
    """Return sizes of which a warp of threads is only partly used; and of which tensors are multiples of 16 bytes.

    Then they end where no memory is: who reads one element too many is found even if it changes nothing.
    """
    return small_sizes(size) if size <= FINE_SIZE else [20, 12, 28]


def more_sizes(_size: int) -> list[int]:
    """Return sizes in the place of a number below 8: a tensor with some such dimensions takes several blocks."""
    return [7, 9, 11, 13]


def few_sizes(_size: int) -> list[int]:
    """Return sizes in the place of a number below 8 of which a block of threads is only partly used."""
    return [3, 5, 6]


def aligned_sizes(size: int) -> list[int]:
    """Return the size and others down to three quarters of it, multiples of the same power of two, up to one.

    A kernel's way for whole tiles or vectors is taken at these, too.
    """
    power, most = size & -size, max(TILE, min(MOST_ALIGNED, size // 8))
    step = 2 * power if power <= most else 1 << (most.bit_length() - 1)
    return list(range(size, max(1, size * 3 // 4 - 1), -step))


def _power_of_two(most: int, least: int) -> int:
    """Return the largest up to ``most``, at least ``least``."""
    return max(least, 1 << (most.bit_length() - 1))


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))
