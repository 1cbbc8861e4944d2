"""Small samples and models, made where they are needed: nothing is downloaded."""

from pathlib import Path
from typing import Any

from pipeline.agent.prompting import translate
from pipeline.records import Message, Sample, Task
from pipeline.training.config import TrainConfig

OPERATORS = ("relu", "tanh", "sigmoid", "exp", "abs", "sin", "cos", "neg")
TINY = {"kind": "scratch", "layers": 1, "width": 32, "heads": 2, "vocabulary": 600}


def silent(*_: object) -> None:
    """Report nothing."""


def task(operator: str, split: Any = "train") -> Task:
    reference = f"import torch\n\n\nclass Model(torch.nn.Module):\n    def forward(self, x):\n        return torch.{operator}(x)\n"
    return Task(name=operator, reference=reference, category="elementwise", source="files", split=split)


def sample(operator: str, *, padding: int = 0) -> Sample:
    posed = task(operator)
    code = f"class ModelNew:\n    kernel = '{operator}f(x)'\n" + "    # more\n" * padding
    completion = Message(role="assistant", content=f"```python\n{code}```", reasoning=f"It is {operator}.")
    return Sample(
        task_id=posed.id, candidate_id=operator, verdict_id=operator, category="elementwise",
        prompt=translate(posed), completion=(completion,), reasoning_tokens=3, completion_tokens=20,
    )  # fmt: skip


def samples() -> list[Sample]:
    return [sample(operator, padding=n) for n, operator in enumerate(OPERATORS)]


def config(**sections: Any) -> TrainConfig:
    sft = {
        "per_device_train_batch_size": 2,
        "max_steps": 6,
        "logging_steps": 1,
        "save_steps": 2,
        "learning_rate": 1e-2,
    }
    values = {"model": TINY, "max_length": 400, **sections}
    return TrainConfig.model_validate({**values, "sft": {**sft, **sections.get("sft", {})}})


def tiny_model(directory: Path) -> Path:
    """Save a Llama with random weights and its tokenizer, as a download from the Hub would lie there."""
    from transformers import set_seed

    from pipeline.training.config import ScratchModel
    from pipeline.training.running import texts
    from pipeline.training.scratch import new_model
    from pipeline.training.tokenizer import train_tokenizer

    set_seed(0)
    tokenizer = train_tokenizer(texts(samples()), 600)
    new_model(ScratchModel.model_validate(TINY), tokenizer, 400).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory
