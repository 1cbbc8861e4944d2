"""The recipe's ``train`` section; importable without torch."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from pipeline.section import Section
from pipeline.training.rewards import KEVIN_DISCOUNT, LEAST_GAIN, RewardName


class ScratchModel(Section):
    """A small Llama with random weights and a tokenizer made from the samples: learns in minutes on a CPU."""

    kind: Literal["scratch"]
    layers: int = Field(4, ge=1)
    width: int = Field(192, ge=8)
    heads: int = Field(6, ge=1)
    feed_forward: int | None = Field(None, ge=8)
    vocabulary: int = Field(3072, ge=300)

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.width % (2 * self.heads):
            raise ValueError(f"width {self.width} must be a multiple of twice the {self.heads} heads")
        return self


class HubModel(Section):
    """A pretrained model: a name on the Hub or a folder. A chat template comes with its tokenizer.

    ``attention`` is transformers' attn_implementation, such as ``flash_attention_2``; null is its own choice. Packed
    samples (``sft.packing``) see each other with none of them; flash attention alone saves time and memory by it.
    """

    kind: Literal["hub"]
    name: str
    revision: str | None = None
    attention: str | None = None

    def local_files(self) -> dict[str, list[Path]]:
        """Return a folder's descriptions: weights take long to read, and a student's log tells it from others."""
        folder = Path(self.name)
        return {"name": list(folder.glob("*.json"))} if folder.is_dir() else {}


class LoraSection(Section):
    """Low-rank adapters in place of full fine-tuning (peft's LoraConfig)."""

    r: int = Field(32, ge=1)
    alpha: int = Field(32, ge=1)
    dropout: float = Field(0.05, ge=0, lt=1)
    target_modules: str | tuple[str, ...] = "all-linear"


class GrpoSection(Section):
    """Reinforcement learning with the judge as the reward, by TRL's GRPOTrainer.

    ``turns``: how often a trajectory may answer; between two answers it is shown what the judge found. Each answer
    is a training example of its own, with the discounted rewards of those after it as credit (Kevin-32B's way).
    ``concise_weight`` takes up to that much from the reward of a right answer, in proportion to how much of
    ``concise_tokens`` its reasoning used. ``trl`` goes to GRPOConfig as it is.
    """

    reward: RewardName = "correctness"
    turns: int = Field(default=1, ge=1, le=16)
    discount: float = Field(default=KEVIN_DISCOUNT, ge=0, le=1)
    concise_weight: float = Field(default=0.0, ge=0, lt=1)
    concise_tokens: int = Field(default=4000, ge=1)
    trl: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _right_stays_better_than_wrong(self) -> Self:
        least = LEAST_GAIN[self.reward]
        if self.concise_weight and self.concise_weight >= least:
            raise ValueError(
                f"concise_weight {self.concise_weight:g} could make a right answer worth no more than a wrong one: "
                f"with reward {self.reward} it must be below {least:g}"
            )
        return self


class TrainConfig(Section):
    """What is trained, and how.

    ``sft`` learns from curated samples, ``dpo`` from the pairs of right and wrong, fast and slow answers that
    curation leaves, ``grpo`` from the judge's verdicts on answers of its own to the training tasks.

    Samples longer than ``max_length`` tokens are left out whole: a cut answer teaches to stop early. The sections
    ``sft``, ``dpo`` and ``grpo.trl`` go to TRL's SFTConfig, DPOConfig and GRPOConfig as they are, under their names
    (learning_rate, num_train_epochs, per_device_train_batch_size, ...). ``loss`` is that of ``sft``: cross entropy,
    dynamic fine-tuning (arXiv 2508.05629), or coverage in ``samples_at_test`` samples (arXiv 2502.07154).

    ``accelerate`` names a configuration file of accelerate (several GPUs, DeepSpeed, FSDP; ``recipes/accelerate``);
    without one, training runs in this process.
    """

    method: Literal["sft", "dpo", "grpo"] = "sft"
    model: Annotated[ScratchModel | HubModel, Field(discriminator="kind")]
    lora: LoraSection | None = None
    accelerate: Path | None = None
    max_length: int = Field(4096, ge=2)
    loss: Literal["nll", "dft", "dco"] = "nll"
    samples_at_test: int | None = Field(None, ge=1)
    sft: dict[str, Any] = Field(default_factory=dict)
    dpo: dict[str, Any] = Field(default_factory=dict)
    grpo: GrpoSection = GrpoSection()

    def local_files(self) -> dict[str, list[Path]]:
        """Return accelerate's configuration: how many processes there are is how large a step is."""
        return {} if self.accelerate is None else {"accelerate": [self.accelerate]}

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.lora is not None and self.model.kind == "scratch":
            raise ValueError("lora needs a pretrained model; a scratch model is trained whole")
        if self.method != "sft" and self.model.kind == "scratch":
            raise ValueError(f"method {self.method} improves a model that can answer already; name one (kind: hub)")
        if (self.loss == "dco") != (self.samples_at_test is not None):
            raise ValueError("loss dco and samples_at_test (how often will be sampled) belong together")
        return self
