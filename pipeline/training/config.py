"""The recipe's ``train`` section; importable without torch."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from pipeline.section import Section


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
    """A pretrained model: a name on the Hub or a folder. A chat template comes with its tokenizer."""

    kind: Literal["hub"]
    name: str
    revision: str | None = None


class LoraSection(Section):
    """Low-rank adapters in place of full fine-tuning (peft's LoraConfig)."""

    r: int = Field(32, ge=1)
    alpha: int = Field(32, ge=1)
    dropout: float = Field(0.05, ge=0, lt=1)
    target_modules: str | tuple[str, ...] = "all-linear"


class TrainConfig(Section):
    """What is trained, and how.

    Samples longer than ``max_length`` tokens are left out whole: a cut answer teaches to stop early. ``sft`` goes to
    TRL's SFTConfig as it is, under its names (learning_rate, num_train_epochs, per_device_train_batch_size, ...).
    """

    model: Annotated[ScratchModel | HubModel, Field(discriminator="kind")]
    lora: LoraSection | None = None
    max_length: int = Field(4096, ge=2)
    sft: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _lora_needs_a_base(self) -> Self:
        if self.lora is not None and self.model.kind == "scratch":
            raise ValueError("lora needs a pretrained model; a scratch model is trained whole")
        return self
