"""The recipe's ``executor`` section. None of it changes what a stage writes."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.section import Section


class LocalConfig(Section):
    """Everything runs on this machine; ``judge.workers`` says how much at a time."""

    kind: Literal["local"] = "local"


class RayConfig(Section):
    """Judging, and local teachers, run on the machines of a Ray cluster (needs the extra ``ray``).

    ``address``: ``auto`` is the cluster that this machine is part of, ``HOST:PORT`` that of a head which this machine
    has joined, ``local`` one that is started on this machine and ends with the command. ``actors`` judge
    ``cpus_per_actor`` candidates at a time each, ``judge.workers`` or not; 0 means as many as the cluster has room
    for. For the backend cuda, which ``judge.backend: auto`` takes if the cluster has a GPU, each has
    ``gpus_per_actor``. ``teachers`` copies of a local teacher, with ``gpus_per_teacher`` each (by default 1 if the
    cluster has any), share the requests: leave them a GPU with ``actors``.
    """

    kind: Literal["ray"]
    address: str = Field(default="auto", min_length=1)
    actors: int = Field(default=0, ge=0)
    cpus_per_actor: int = Field(default=1, ge=1)
    gpus_per_actor: float = Field(default=1, gt=0)
    teachers: int = Field(default=1, ge=1)
    gpus_per_teacher: float | None = Field(default=None, ge=0)


class RemoteConfig(Section):
    """Judging runs on another machine, behind ``judge --serve`` at ``url``; everything else on this one.

    ``token_env`` is the environment variable that holds the server's token. The server has the version of the project
    that this machine has. Policy and seeds are the recipe's; the sandbox, limits and workers are the server's own.
    """

    kind: Literal["remote"]
    url: str = Field(pattern=r"^https?://[^\s@]+$")
    token_env: str = "JUDGE_TOKEN"  # noqa: S105  (a variable's name)


ExecutorConfig = Annotated[LocalConfig | RayConfig | RemoteConfig, Field(discriminator="kind")]
