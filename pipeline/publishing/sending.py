"""What ``publish`` does once the folders are written: shows what differs from the Hub, or makes the Hub equal."""

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import UserError
from pipeline.publishing import dataset, model
from pipeline.publishing.config import PublishConfig, Repository
from pipeline.publishing.hub import Change, Target, differences, hub_errors, send

if TYPE_CHECKING:
    from huggingface_hub import HfApi


def send_run(directory: Path, config: PublishConfig, *, only_model: bool, dry_run: bool) -> None:
    """Send the folders of a run whose stage publish is complete to the repositories that the recipe names.

    Args:
        directory: the run's.
        config: its recipe's section.
        only_model: leave the dataset where it is.
        dry_run: print what would be sent, and send nothing.

    Raises:
        UserError: there is no token, the Hub refuses or can't be reached, or a dry run has nothing to compare with.
    """
    wanted: list[tuple[Path, Repository, Target]] = []
    if config.to and not only_model:
        target = Target(config.to, "dataset", config.private, config.revision, dataset.OWN_FILES)
        wanted.append((directory / "publish" / "dataset", config, target))
    if config.model is not None and config.model.to:
        section = config.model
        target = Target(config.model.to, "model", section.private, section.revision, model.OWN_FILES)
        wanted.append((directory / "publish" / "model", section, target))
