"""How fast a candidate is on this machine, and so for which calls there is no time."""

from pipeline.judge.inputs import Case
from pipeline.judge.settings import Plan

OVERHEAD_SECONDS = 0.05  # of a call, whatever its sizes
LONG_SECONDS = 1.0  # what a call may take at the ``long`` setting


class Pace:
    """Predicts what calls take by those before.

    What a candidate says of its speed is not checked: it can only spare itself the main setting and the long one,
    never the odd and small ones that a general kernel must be right at.

    Args:
        settings: at which sizes.
        seconds: of work that a candidate may cost here.
    """

    def __init__(self, settings: Plan, seconds: float) -> None:
        self._settings = settings
        self._seconds = seconds
        self._rate = 0.0  # seconds for a unit of work, at the largest setting so far

    def note(self, case: Case, seconds: float) -> None:
        """Note what a call took."""
        work = self._settings.work.get(case.setting.name, 0)
        if work and not case.is_long:
            self._rate = max(0.0, seconds - OVERHEAD_SECONDS) / work

    def refuses(self, case: Case) -> str | None:
        """Return why there is no time for a case, None if there is."""
        main = self._settings.settings[0]
        if case.setting is not main and not case.is_long:
            return None
        predicted = self._rate * self._settings.work.get(case.setting.name, 0)
        most = LONG_SECONDS if case.is_long else self._seconds / 2
        return f"would take {predicted:.0f} s a call on this backend" if predicted > most else None
