"""The recipe's ``judge`` section."""

import secrets
from pathlib import Path
from typing import Literal

from pydantic import Field

from pipeline.section import Section, throughput

Backend = Literal["auto", "cuda", "simt", "none"]
Policy = Literal["strict", "report"]


class JudgeConfig(Section):
    """How candidates are judged.

    ``backend``: ``simt`` runs the CUDA source on the CPU and measures no speed; ``none`` decides nothing. ``sandbox:
    none`` runs candidates unprotected on a machine that can't confine them. ``seeds``: ``fresh`` draws a secret for
    each run, from which inputs and weights come, and sizes that a task does not name; a verdict says which, and
    the same text gives the same again. ``budget_seconds`` of work is what a candidate may cost on simt: settings that
    would take more, by an estimate, or on any backend more than ``max_case_mb`` of inputs and results (by default 64
    on simt and 1024 on cuda), are replaced by smaller ones. ``timing: none`` leaves speed out on cuda too.
    ``workers: 0`` means one per core, on a GPU as many as its memory and the machine's have room for.
    """

    backend: Backend = "auto"
    policy: Policy = "strict"
    sandbox: Literal["auto", "none"] = "auto"
    seeds: str = Field(default="fresh", min_length=1)
    budget_seconds: float = Field(default=10, gt=0)
    max_case_mb: int | None = Field(default=None, ge=1)
    timing: Literal["auto", "none"] = "auto"
    cpu_seconds: int = Field(default=20, ge=1)
    memory_mb: int = Field(default=4096, ge=256)
    workers: int = throughput(0, ge=0)
    cache: Path = throughput(Path("~/.cache/kernel-pipeline/builds"))

    def drawn_seeds(self) -> str:
        """Return the text that all draws come from: a new secret for ``fresh``, else what is configured."""
        return secrets.token_hex(16) if self.seeds == "fresh" else self.seeds
