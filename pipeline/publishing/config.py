"""The recipe's ``publish`` section."""

from typing import Literal

from pydantic import Field

from pipeline.section import Section, throughput

_NAME = r"^[\w.-]+(/[\w.-]+)?$"


class Repository(Section):
    """Where a folder goes: ``to`` is a repository's name on the Hub, ``owner/name``, or ``name`` for one's own.

    ``private`` is for a repository that does not exist yet. ``revision`` is a branch, made if it is missing.
    """

    to: str | None = Field(default=None, pattern=_NAME)
    private: bool = throughput(default=False)
    revision: str | None = throughput(default=None)


class ModelConfig(Repository):
    """How the student is presented.

    ``weights``: an adapter as it was trained, or ``merged`` into the model under it. ``licence`` is an identifier of
    the Hub; a student that comes from another model is bound to that model's.
    """

    weights: Literal["as_trained", "merged"] = "as_trained"
    pretty_name: str = "CUDA kernel writer"
    licence: str | None = None
    language: str = "en"
    tags: tuple[str, ...] = ("cuda", "gpu-kernels", "code", "reasoning")


class PublishConfig(Repository):
    """How the dataset is presented, and the model if ``model`` is there.

    Only the command ``publish`` sends anything to the Hub, and only with ``to``. ``licence`` is that of what the
    collection adds to its sources. A data file is closed at ``shard_mb`` MiB.
    """

    pretty_name: str = "CUDA kernels with reasoning"
    licence: str = "apache-2.0"
    language: str = "en"
    tags: tuple[str, ...] = ("cuda", "gpu-kernels", "pytorch", "code", "reasoning")
    shard_mb: int = Field(default=256, ge=1)
    model: ModelConfig | None = None
