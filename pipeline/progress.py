"""Progress of one stage: a bar on a terminal, a plain line now and then in a log, an estimate of what is left."""

import sys
import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LOG_EVERY_SECONDS = 10.0


class StageProgress:
    """Counts finished units of a stage; writes to stderr, so that stdout stays for results.

    Args:
        stage: the name that each line starts with.
        console: where to write; by default stderr.
    """

    def __init__(self, stage: str, console: Console | None = None) -> None:
        self.stage = stage
        self.console = console or Console(file=sys.stderr)
        self._total: int | None = None
        self._done = self._done_at_start = 0
        self._note = ""
        self._started = self._logged = time.monotonic()
        self._bar: Progress | None = None
        self._bar_task = None

    def start(self, total: int | None, done: int = 0) -> None:
        """Say how many units there are and how many an earlier run has finished already."""
        self._total, self._done, self._done_at_start = total, done, done
        self._started = self._logged = time.monotonic()
        if self.console.is_terminal:
            columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"))
            self._bar = Progress(
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
        note = f"  {self._note}" if self._note else ""
        self.say(f"{self._done}{of} after {elapsed:.0f} s{left}{note}")
