"""What ``publish`` does once the folders are written: shows what differs from the Hub, or makes the Hub equal."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from rich.console import Console

from pipeline.errors import UserError
from pipeline.publishing import dataset, model
from pipeline.publishing.config import PublishConfig
from pipeline.publishing.hub import Change, Target, differences, send
from pipeline.publishing.hub_errors import hub_errors

Kind = Literal["dataset", "model"]


def check_sending(config: PublishConfig | None, kinds: Sequence[Kind], *, dry_run: bool) -> bool:
    """Return whether a repository is named for any of the folders, before they are made.

    Raises:
        UserError: one is and there is no token, or none is and a dry run has nothing to compare with.
    """
    from huggingface_hub import get_token

    named = any(target.kind in kinds for target in _targets(config or PublishConfig()))
    if dry_run and not named:
        raise UserError("publish: a dry run needs a repository, --to OWNER/NAME or publish.to in the recipe")
    if named and not dry_run and get_token() is None:
        raise UserError("publish: there is no token for the Hub; log in with 'hf auth login' or set HF_TOKEN")
    return named


def send_run(directory: Path, config: PublishConfig | None, kinds: Sequence[Kind], *, dry_run: bool) -> None:
    """Send the folders of a run whose stage publish is complete to the repositories that the recipe names.

    The token is the environment's (HF_TOKEN) or that of the login, and goes nowhere but into the requests.

    Args:
        directory: the run's.
        config: its recipe's section.
        kinds: which of the two; one that no repository is named for stays where it is.
        dry_run: print what would be sent, and send nothing.

    Raises:
        UserError: there is no token, the Hub refuses or can't be reached, or a dry run has nothing to compare with.
    """
    wanted = [(directory / "publish" / t.kind, t) for t in _targets(config or PublishConfig()) if t.kind in kinds]
    if not check_sending(config, kinds, dry_run=dry_run):
        return
    from huggingface_hub import HfApi
    from huggingface_hub.utils import disable_progress_bars

    if not sys.stderr.isatty():
        disable_progress_bars()
    api = HfApi()
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for folder, named in wanted:
        target = named
        if "/" not in named.name:
            with hub_errors(str(named), api.endpoint):
                target = replace(named, name=f"{api.whoami()['name']}/{named.name}")
        changes = differences(api, folder, target)
        for line in _lines(changes) if dry_run else ():
            console.print(line)
        if dry_run:
            console.print(f"{target}: {_summary(changes)}; nothing was sent")
        elif (address := send(api, folder, target, changes)) is None:
            console.print(f"{target}: nothing has changed, nothing was sent")
        else:
            console.print(f"{target}: {_summary(changes)}; {address}")


def _targets(config: PublishConfig) -> Iterator[Target]:
    if config.to:
        yield Target(config.to, "dataset", config.private, config.revision, dataset.OWN_FILES)
    if config.model is not None and config.model.to:
        section = config.model
        yield Target(config.model.to, "model", section.private, section.revision, model.OWN_FILES)


def _lines(changes: Sequence[Change]) -> Iterator[str]:
    for change in changes:
        yield f"{change.state:>9}  {_readable(change.size):>9}  {change.path}"


def _summary(changes: Sequence[Change]) -> str:
    counts = Counter(change.state for change in changes)
    bytes_sent = sum(change.size for change in changes if change.state in ("added", "changed"))
    states = ", ".join(
        f"{counts[state]} {state}" for state in ("added", "changed", "removed", "unchanged") if counts[state]
    )
    return f"{states} ({_readable(bytes_sent)} to send)"


def _readable(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
