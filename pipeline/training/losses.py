"""Losses beside TRL's own (``sft.loss_type: nll | dft``)."""

import math
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import torch
    from trl.trainer.sft_trainer import SFTTrainer

SMALL = -30.0  # of ln p; below it 1 - (1-p)^N is N p to the last digit, and the powers below would underflow


def dco_loss(sequence_log_probs: "torch.Tensor", samples: int) -> "torch.Tensor":
    """Return -ln(1 - (1-p)^N) for each sequence: the loss of someone who samples N times at test time.

    Direct coverage optimisation (arXiv 2502.07154). Its gradient is cross entropy's times
    F = N (1-p)^(N-1) p / (1 - (1-p)^N), so that what is likely enough to be found in N samples is let be. N = 1 is
    cross entropy.

    Args:
        sequence_log_probs: ln p of whole completions, shape (batch,), at most 0.
        samples: N, at least 1.
    """
    import torch

    tiny = sequence_log_probs < SMALL
    # The branch that is not taken must be finite too, or its gradient would be NaN times zero.
    ordinary = torch.where(tiny, torch.full_like(sequence_log_probs, -1.0), sequence_log_probs)
    ordinary = ordinary.clamp(max=-1e-6)  # p = 1 has no loss; ln(1-p) there is minus infinity
    log_all_miss = samples * torch.log1p(-torch.exp(ordinary))
    covered = torch.log(-torch.expm1(log_all_miss))
    return -torch.where(tiny, sequence_log_probs + math.log(samples), covered)


def dco_trainer(samples: int) -> "type[SFTTrainer]":
    """Return TRL's SFTTrainer with the loss ``dco_loss``, a mean over sequences; not for packed samples."""
    from trl.trainer.sft_trainer import SFTTrainer

    class CoverageTrainer(SFTTrainer):
        """Weights the gradient of each sequence's cross entropy by what coverage gains from it."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.model_accepts_loss_kwargs = False  # the loss is a mean over sequences: accumulation averages it

        def compute_loss(
            self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            """Return the loss; TRL's is computed from the same outputs, for metrics (accuracy, entropy, tokens)."""
            if return_outputs:  # evaluation, which this pipeline does by judging
                return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
            made: list[Any] = []

            def noted(**arguments: Any) -> Any:
                made.append(model(**arguments))
                return made[-1]

            super().compute_loss(cast("Any", noted), inputs, num_items_in_batch=num_items_in_batch)
            (outputs,) = made
            return dco_loss(outputs.log_probs.sum(dim=-1), samples).mean()

    return CoverageTrainer
