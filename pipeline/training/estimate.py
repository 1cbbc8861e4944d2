"""What a training will need, before it takes a GPU for hours: memory by parts, and time.

Estimates, not promises: fragmentation, the loss of a long sequence and kernels that copy are not in them, nor is the
judge's time. Formulas are named where they are used; ``gigabytes`` are 10^9 bytes.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from pipeline.errors import UserError, first_line
from pipeline.training.config import HubModel, LoraSection, TrainConfig

if TYPE_CHECKING:
    from transformers import PretrainedConfig

ADAM_BYTES = 8  # two float32 moments for each trained parameter
SHARE_OF_PEAK = 0.4  # of a large matrix product's speed, that training a transformer reaches in practice
GIGA = 1e9


@dataclass(frozen=True)
class TrainingCost:
    """Memory of one process without sharding, in bytes, and seconds on one device of the measured speed."""

    parameters: int
    trained_parameters: int
    weights: int
    gradients: int
    optimizer: int
    activations: int
    seconds: float
    flops_per_second: float

    @property
    def memory(self) -> int:
        """All parts together, in bytes."""
        return self.weights + self.gradients + self.optimizer + self.activations

    def lines(self) -> list[str]:
        """Return the estimate in words."""
        parts = ("weights", "gradients", "optimizer", "activations")
        gigabytes = ", ".join(f"{part} {getattr(self, part) / GIGA:.2f}" for part in parts)
        speed = self.flops_per_second / 1e12
        hours = self.seconds / 3600
        time_needed = f"{hours:.2f} hours" if hours >= 1 else f"{max(1, round(60 * hours))} minutes"
        return [
            f"{self.parameters / 1e6:.1f} M parameters, {self.trained_parameters / 1e6:.2f} M of them trained",
            f"memory on one device: about {self.memory / GIGA:.2f} GB ({gigabytes})",
            "ZeRO-3 or FSDP over n devices divide all but the activations by n",
            f"time on one such device: about {time_needed}",
            f"({SHARE_OF_PEAK:.0%} of its {speed:.2f} TFLOP/s in a matrix product, which was measured)",
        ]


def estimate(config: TrainConfig, tokens: int, flops_per_second: float) -> TrainingCost:
    """Return what training on that many tokens needs.

    ``grpo``'s time is the least: writing answers is bound by memory, and is counted by its arithmetic alone. What
    vLLM reserves beside the model (``vllm_gpu_memory_utilization``) is not in the memory.

    Args:
        config: the recipe's section.
        tokens: over the whole training, all passes together (see ``passes``): of samples, of both answers of pairs
            for ``dpo``, of answers and their prompts for ``grpo``.
        flops_per_second: of a large matrix product in the precision of training (see ``matmul_speed``).

    Raises:
        UserError: there is no such model.
    """
    import torch

    model = _model_config(config)
    parameters = _parameters(model)
    trained = _adapter_parameters(model, config.lora) if config.lora else parameters
    half = config.lora is not None and torch.cuda.is_available()  # frozen weights are bfloat16 there
    frozen_bytes = (2 if half else 4) * parameters if config.lora else 0
    section = section_of(config)
    checkpointing = section.get("gradient_checkpointing", isinstance(config.model, HubModel))
    referred = _has_reference(config, section)
    # A frozen copy of the model; an adapter's is the model without it.
    reference_bytes = 4 * parameters if referred and config.lora is None else 0
    # Kaplan et al. (arXiv 2001.08361): 2 FLOPs a parameter and token forward, 4 backward; frozen weights need no
    # gradients of their own, which leaves 2; checkpointing computes the forward pass twice.
    flops = (4 if config.lora else 6) + (2 if checkpointing else 0)
    flops += (2 if referred else 0) + (2 if config.method == "grpo" else 0)  # the reference's; writing the answer
    return TrainingCost(
        parameters=parameters,
        trained_parameters=trained,
        weights=frozen_bytes + 4 * trained + reference_bytes,
        gradients=4 * trained,
        optimizer=ADAM_BYTES * trained,
        activations=_activations(model, rows_at_once(config) * config.max_length, checkpointing=checkpointing),
        seconds=flops * parameters * tokens / (flops_per_second * SHARE_OF_PEAK),
        flops_per_second=flops_per_second,
    )


def section_of(config: TrainConfig) -> dict[str, Any]:
    """Return what goes to TRL's configuration class of the method."""
    return {"sft": config.sft, "dpo": config.dpo, "grpo": config.grpo.trl}[config.method]


def rows_at_once(config: TrainConfig) -> int:
    """Return the sequences of one forward and backward pass: for ``dpo`` both answers of each pair."""
    batch = section_of(config).get("per_device_train_batch_size", 8)  # TRL's default
    return 2 * batch if config.method == "dpo" else batch


def passes(config: TrainConfig, examples: int) -> float:
    """Return how often training goes over its samples or pairs: ``max_steps`` goes before ``num_train_epochs``.

    1 for ``grpo``, whose answers are written once. Where samples are packed, several share a row, and ``max_steps``
    sees more of them than is counted here.
    """
    if config.method == "grpo":
        return 1.0
    section = section_of(config)
    if (steps := section.get("max_steps", -1)) > 0:
        return steps * _rows_per_step(config, section) / max(1, examples)
    return section.get("num_train_epochs", 3)  # TRL's default


def answers_of_grpo(config: TrainConfig, n_tasks: int) -> int:
    """Return how many answers reinforcement learning has written and judged, of all processes."""
    trl = config.grpo.trl
    if trl.get("max_steps", -1) > 0:
        return trl["max_steps"] * _rows_per_step(config, trl) // trl.get("num_iterations", 1)
    return round(n_tasks * trl.get("num_generations", 8) * trl.get("num_train_epochs", 3))


def _has_reference(config: TrainConfig, section: dict[str, Any]) -> bool:
    return config.method == "dpo" or (config.method == "grpo" and section.get("beta", 0.0) > 0)


def _rows_per_step(config: TrainConfig, section: dict[str, Any]) -> int:
    """Return the rows of one optimizer step of all processes."""
    batch = section.get("per_device_train_batch_size", 8)  # TRL's default
    return batch * section.get("gradient_accumulation_steps", 1) * processes(config)


def processes(config: TrainConfig) -> int:
    """Return how many processes accelerate's configuration starts; 1 without one, or where it can't be read."""
    try:
        found = yaml.safe_load(config.accelerate.read_text()) if config.accelerate else {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        found = {}
    return int(found.get("num_processes", 1)) if isinstance(found, dict) else 1


def matmul_speed(size: int = 2048) -> float:
    """Return this machine's floating-point operations a second in a matrix product, as training would do it."""
    import torch

    gpu = torch.cuda.is_available()
    device, dtype = ("cuda", torch.bfloat16) if gpu else ("cpu", torch.float32)
    a = torch.randn(size, size, device=device, dtype=dtype)
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        _ = a @ a
        if gpu:
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best


def _model_config(config: TrainConfig) -> "PretrainedConfig":
    from transformers import AutoConfig

    from pipeline.training.scratch import llama_config

    if not isinstance(config.model, HubModel):
        return llama_config(config.model, config.model.vocabulary, config.max_length)
    try:
        found = AutoConfig.from_pretrained(config.model.name, revision=config.model.revision)
    except (OSError, ValueError) as error:
        raise UserError(f"model {config.model.name}: {first_line(error)}") from error
    return found


def _meta_model(config: "PretrainedConfig") -> Any:
    """Return the model without memory for its weights."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config)


def _parameters(config: "PretrainedConfig") -> int:
    return sum(p.numel() for p in _meta_model(config).parameters())


def _adapter_parameters(config: "PretrainedConfig", lora: LoraSection) -> int:
    """Return r x (inputs + outputs) of each adapted linear layer (Hu et al., arXiv 2106.09685)."""
    import torch

    wanted = (lora.target_modules,) if isinstance(lora.target_modules, str) else lora.target_modules
    count = 0
    for name, module in _meta_model(config).named_modules():
        leaf = name.rsplit(".", 1)[-1]
        named = leaf in wanted or (wanted == ("all-linear",) and leaf != "lm_head")
        if isinstance(module, torch.nn.Linear) and named:
            count += lora.r * (module.in_features + module.out_features)
    return count


def _activations(config: Any, tokens: int, *, checkpointing: bool) -> int:
    """Return the bytes of activations of a batch, with attention that keeps no score matrix.

    34 bytes a token, layer and unit of width in 16 bits (Korthikanti et al., arXiv 2205.05198, without the attention
    term); checkpointing keeps each layer's input, 2 bytes, and one layer whole.
    """
    width, layers = config.hidden_size, config.num_hidden_layers
    whole_layer = 34 * width * tokens
    return layers * 2 * width * tokens + whole_layer if checkpointing else layers * whole_layer
