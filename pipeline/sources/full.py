"""Tasks composed of the full catalogue, with sizes at which they are worth timing (imports torch).

Which of them are sound is for the judge to find out: its filters see operators without effect, results that hardly
depend on the inputs, and all else that makes a task worthless.
"""

import math
import random
from collections.abc import Iterator, Mapping, Sequence

from pipeline.curation.similarity import normal_form
from pipeline.errors import UserError
from pipeline.records import Split, Task
from pipeline.sources.categories import category_of
from pipeline.sources.chains import Chain, draw, draw_sizes, module_text
from pipeline.sources.estimate import eager_estimate

MAX_DRAWS = 400
SMALL_BATCHES = (4, 8, 16)
TRIALS = (8, 64)  # of BATCH: the estimate is a line through these two, nearly
LEAST = 2  # a batch norm has no variance of one row
LARGEST = 2**30  # elements of a tensor: 4 GiB, and within 32-bit indices


def read(
    counts: tuple[int, int],
    families: Sequence[str],
    lengths: Mapping[Split, tuple[int, int]],
    eager_ms: tuple[float, float] | None,
    gpu: str,
    seed: int,
) -> Iterator[Task]:
    """Yield the training tasks, then the held-out ones; see ``composed.Config``.

    Raises:
        UserError: there are not that many different tasks.
    """
    train, heldout = counts
    draws = _Draws(families, lengths, eager_ms, gpu, seed)
    held = [draws.new(index, "heldout", frozenset()) for index in range(heldout)]
    reserved = frozenset(chain.names for chain, _ in held)
    yield from (draws.new(index, "train", reserved)[1] for index in range(train))
    yield from (task for _, task in held)


class _Draws:
    def __init__(
        self,
        families: Sequence[str],
        lengths: Mapping[Split, tuple[int, int]],
        eager_ms: tuple[float, float] | None,
        gpu: str,
        seed: int,
    ) -> None:
        self._families, self._lengths, self._eager_ms = families, lengths, eager_ms
        self._gpu, self._seed = gpu, seed
        self._seen: set[tuple[str, ...]] = set()

    def new(self, index: int, split: Split, reserved: frozenset[tuple[str, ...]]) -> tuple[Chain, Task]:
        """Draw until a chain is new and can meet the wanted time."""
        rng = random.Random(f"{self._seed}/full/{split}/{index}")  # noqa: S311  (no secret)
        family = self._families[index % len(self._families)]
        for _ in range(MAX_DRAWS):
            chain = draw(family, self._families, self._lengths[split], rng)
            if chain is None or chain.names in reserved or chain.computes in self._seen:
                continue
            sizes = draw_sizes(chain, rng)
            batch = rng.choice(SMALL_BATCHES) if self._eager_ms is None else self._batch(chain, sizes, rng)
            if batch is None:
                continue
            self._seen.add(chain.computes)
            return chain, _task(chain, module_text(chain, {"BATCH": batch, **sizes}), index, split)
        raise UserError(f"tasks.{split}: found only {index} different tasks; ask for fewer, or widen eager_ms")

    def _batch(self, chain: Chain, sizes: dict[str, int], rng: random.Random) -> int | None:
        """Return a BATCH with which the estimate is in the wanted range, None if no tensor may become so large."""
        low, high = self._eager_ms or (0, math.inf)
        one, other = (eager_estimate(module_text(chain, {"BATCH": b, **sizes}), self._gpu) for b in TRIALS)
        slope = (other.ms - one.ms) / (TRIALS[1] - TRIALS[0])
        wanted = math.exp(rng.uniform(math.log(low), math.log(high)))
        most = LARGEST * TRIALS[1] // max(other.largest, 1)
        batch = max(LEAST, min(int((wanted - one.ms) / slope) + TRIALS[0] if slope > 0 else LEAST, most))
        batch = _rounded(batch)
        found = eager_estimate(module_text(chain, {"BATCH": batch, **sizes}), self._gpu)
        return batch if low <= found.ms <= high and found.largest <= LARGEST else None


def _rounded(batch: int) -> int:
    """Return a batch of two significant binary digits, as people choose them: 1, 2, 3, 4, 6, 8, 12, ..."""
    digits = max(batch.bit_length() - 2, 0)
    return (batch >> digits) << digits


def _task(chain: Chain, reference: str, index: int, split: Split) -> Task:
    return Task(
        name=f"{split}_{index:05d}_{'_'.join(chain.names)}",
        reference=reference,
        category=category_of(normal_form(reference)),
        level=len(chain.steps),
        source="composed",
        licence="Apache-2.0",
        split=split,
    )
