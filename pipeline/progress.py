"""Progress of one stage: a live view on a terminal, a line now and then in a log, an estimate of what is left."""

import sys
import time
from collections.abc import Iterable
from typing import Self

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from pipeline.tally import Tally

LOG_EVERY_SECONDS = 10.0
MARGIN = " " * 11  # under the text after the stage's name


class LiveView(Progress):
    """A bar, and under it the tally's lines; drawn anew several times a second."""

    def __init__(self, tally: Tally, *columns: ProgressColumn, console: Console) -> None:
        self._tally = tally
        super().__init__(*columns, console=console)

    def get_renderables(self) -> Iterable[RenderableType]:
        """Yield what is drawn."""
        yield from super().get_renderables()
        why = self._tally.why()
        for line in (self._tally.line(), f"rejected: {why}" if why else ""):
            if line:
                yield Text(f"{MARGIN}{line}", style="dim", overflow="ellipsis", no_wrap=True)


class StageProgress:
    """Counts finished units of a stage; writes to stderr, so that stdout stays for results.

    Args:
        stage: the name that each line starts with.
        console: where to write; by default stderr.

    ``tally`` takes figures beside the count, which are shown with it.
    """

    def __init__(self, stage: str, console: Console | None = None) -> None:
        self.stage = stage
        self.console = console or Console(file=sys.stderr)
        self.tally = Tally()
        self._total: int | None = None
        self._done = self._done_at_start = 0
        self._note = ""
        self._started = self._logged = time.monotonic()
        self._bar: LiveView | None = None
        self._bar_task = None

    def start(self, total: int | None, done: int = 0) -> None:
        """Say how many units there are and how many an earlier run has finished already."""
        self._total, self._done, self._done_at_start = total, done, done
        self._started = self._logged = time.monotonic()
        if self.console.is_terminal:
            columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"))
            self._bar = LiveView(
                self.tally,
                TextColumn(f"{self.stage:>9}"), *columns, TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
                console=self.console,
            )  # fmt: skip
            self._bar.start()
            self._bar_task = self._bar.add_task(self.stage, total=total, completed=done, note="")
        else:
            self._line()

    def advance(self, n: int = 1, note: str = "") -> None:
        """Count n finished units; ``note`` is a few words on how it goes ("412 correct")."""
        self._done += n
        self._note = note or self._note
        if self._bar is not None and self._bar_task is not None:
            self._bar.update(self._bar_task, advance=n, note=self._note)
        elif time.monotonic() - self._logged >= LOG_EVERY_SECONDS:
            self._logged = time.monotonic()
            self._line()

    def say(self, text: str) -> None:
        """Print one line that stays."""
        self.console.print(f"{self.stage:>9}  {text}", highlight=False, markup=False, soft_wrap=True)

    def stop(self) -> None:
        """End the bar; the last state stays on the screen."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _line(self) -> None:
        of = f"/{self._total}" if self._total is not None else ""
        elapsed = time.monotonic() - self._started
        fresh = self._done - self._done_at_start
        left = ""
        if self._total is not None and fresh > 0:
            left = f", about {elapsed / fresh * (self._total - self._done):.0f} s left"
        told = "; ".join(part for part in (self._note, self.tally.line(), self.tally.why()) if part)
        self.say(f"{self._done}{of} after {elapsed:.0f} s{left}{'  ' if told else ''}{told}")
