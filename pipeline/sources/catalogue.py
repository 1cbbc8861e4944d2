"""The full catalogue of operators that tasks are composed of: what each takes, gives, and how it is written.

A value is known by the names of its axes' sizes, like ``("BATCH", "CHANNELS", "HEIGHT", "WIDTH")``; an axis whose
size an operator has changed has no name (None). In the templates ``{x}`` is the value, ``{w}`` an attribute of
``self`` made by ``layer``, ``{y}`` a further input, ``{C}`` the size of axis 1 and ``{L}`` that of the last axis.
"""

from dataclasses import dataclass
from typing import Literal

Axes = tuple[str | None, ...]
# What becomes of the axes: kept; the sizes of all but the first two, or of the last one, changed; the last one, axis
# 1 or all but the first two gone.
Effect = Literal["keeps", "resizes", "resizes_last", "drops_last", "drops_1", "drops_spatial"]
Operand = Literal["same", "row", "column", "classes", "indices"]
Family = Literal[
    "elementwise", "binary", "reduction", "softmax", "normalisation", "matmul", "convolution", "pooling", "padding",
    "indexing", "loss", "attention", "recurrent", "scan",
]  # fmt: skip
ANY = (2, 3, 4, 5)


@dataclass(frozen=True)
class FullOperator:
    """One statement of a ``forward``; operators of a name that differ in an axis are one operator to ``held out``."""

    name: str
    family: Family
    expression: str
    ranks: tuple[int, ...] = ANY
    effect: Effect = "keeps"
    layer: str | None = None
    operand: Operand | None = None


def _family(family: Family, *rows: tuple[str, str], **options: object) -> list[FullOperator]:
    return [FullOperator(name, family, expression, **options) for name, expression in rows]  # pyright: ignore[reportArgumentType]


def _layers(family: Family, *rows: tuple[str, str, tuple[int, ...]], effect: Effect = "keeps") -> list[FullOperator]:
    return [FullOperator(name, family, "self.{w}({x})", ranks, effect, layer) for name, layer, ranks in rows]


ELEMENTWISE = _family(
    "elementwise",
    ("relu", "F.relu({x})"),
    ("leaky_relu", "F.leaky_relu({x}, 0.1)"),
    ("elu", "F.elu({x})"),
    ("selu", "F.selu({x})"),
    ("gelu", "F.gelu({x})"),
    ("silu", "F.silu({x})"),
    ("mish", "F.mish({x})"),
    ("softplus", "F.softplus({x})"),
    ("softsign", "F.softsign({x})"),
    ("hardtanh", "F.hardtanh({x})"),
    ("hardswish", "F.hardswish({x})"),
    ("hardsigmoid", "F.hardsigmoid({x})"),
    ("sigmoid", "torch.sigmoid({x})"),
    ("tanh", "torch.tanh({x})"),
    ("abs", "torch.abs({x})"),
    ("square", "torch.square({x})"),
    ("sin", "torch.sin({x})"),
    ("exp", "torch.exp(torch.clamp({x}, max=2.0))"),
    ("sqrt", "torch.sqrt(torch.abs({x}) + 0.1)"),
    ("log1p", "torch.log1p(torch.abs({x}))"),
    ("clamp", "torch.clamp({x}, -0.5, 2.0)"),
    ("reciprocal", "1.0 / (torch.abs({x}) + 0.5)"),
    ("scale", "{x} * 1.5"),
    ("shift", "{x} + 0.5"),
)
BINARY = [
    *_family(
        "binary",
        ("add", "{x} + {y}"),
        ("sub", "{x} - {y}"),
        ("mul", "{x} * {y}"),
        ("div", "{x} / (torch.abs({y}) + 0.5)"),
        ("maximum", "torch.maximum({x}, {y})"),
        ("minimum", "torch.minimum({x}, {y})"),
        ("where", "torch.where({y} > 0, {x}, {y})"),
        ("lerp", "torch.lerp({x}, {y}, 0.3)"),
        operand="same",
    ),
    *_family("binary", ("add_row", "{x} + {y}"), ("mul_row", "{x} * {y}"), operand="row"),
    *_family("binary", ("sub_column", "{x} - {y}"), ("mul_column", "{x} * {y}"), operand="column"),
]
_REDUCERS = (
    ("sum", "torch.sum({x}, dim=AXIS) * 0.1"),
    ("mean", "torch.mean({x}, dim=AXIS) * 4.0"),
    ("amax", "torch.amax({x}, dim=AXIS)"),
    ("amin", "torch.amin({x}, dim=AXIS)"),
    ("var", "torch.var({x}, dim=AXIS)"),
    ("std", "torch.std({x}, dim=AXIS)"),
    ("logsumexp", "torch.logsumexp({x}, dim=AXIS)"),
    ("vector_norm", "torch.linalg.vector_norm({x}, dim=AXIS)"),
)


def _reductions(axis: str, effect: Effect, ranks: tuple[int, ...]) -> list[FullOperator]:
    rows = [(name, expression.replace("AXIS", axis)) for name, expression in _REDUCERS]
    return _family("reduction", *rows, effect=effect, ranks=ranks)


REDUCTION = [
    *_reductions("-1", "drops_last", ANY),
    *_reductions("1", "drops_1", (3, 4, 5)),
    *_reductions("(2, 3)", "drops_spatial", (4,)),
]
SOFTMAX = [
    *_family("softmax", *((n, f"F.{n}({{x}}, dim=-1)") for n in ("softmax", "log_softmax", "softmin"))),
    *_family("softmax", *((n, f"F.{n}({{x}}, dim=1)") for n in ("softmax", "log_softmax")), ranks=(3, 4)),
]
NORM = [
    *_layers(
        "normalisation",
        ("layer_norm", "nn.LayerNorm({L})", ANY),
        ("rms_norm", "nn.RMSNorm({L})", ANY),
        ("group_norm", "nn.GroupNorm(4, {C})", (3, 4, 5)),
        ("instance_norm", "nn.InstanceNorm2d({C}, affine=True)", (4,)),
        ("local_response_norm", "nn.LocalResponseNorm(5)", (3, 4)),
    ),
    *_family("normalisation", ("normalize", "F.normalize({x}, dim=1)"), ranks=(2, 3, 4)),
    *_family("normalisation", ("batch_norm", "F.batch_norm({x}, None, None, training=True)"), ranks=(2, 4, 5)),
]
MATMUL = [
    *_layers("matmul", ("linear", "nn.Linear({L}, {L})", ANY)),
    FullOperator(
        "matmul",
        "matmul",
        "torch.matmul({x}, self.{w})",
        ANY,
        layer="nn.Parameter(torch.randn({L}, {L}) * {L} ** -0.5)",
    ),
    *_family(
        "matmul",
        ("bmm", "torch.bmm({x}, {y}.transpose(1, 2)) * 0.1"),
        ranks=(3,),
        effect="resizes_last",
        operand="same",
    ),
    *_family("matmul", ("gram", "torch.matmul({x}, {x}.transpose(-2, -1)) * 0.1"), ranks=(3,), effect="resizes_last"),
    *_family(
        "matmul",
        ("einsum", 'torch.einsum("blc,blc->bl", {x}, {y}) * 0.1'),
        ranks=(3,),
        effect="drops_last",
        operand="same",
    ),
]
CONVOLUTION = [
    *_layers(
        "convolution",
        ("conv1d", "nn.Conv1d({C}, {C}, 3, padding=1)", (3,)),
        ("conv2d", "nn.Conv2d({C}, {C}, 3, padding=1)", (4,)),
        ("pointwise_conv2d", "nn.Conv2d({C}, {C}, 1)", (4,)),
        ("depthwise_conv2d", "nn.Conv2d({C}, {C}, 3, padding=1, groups={C})", (4,)),
        ("dilated_conv2d", "nn.Conv2d({C}, {C}, 3, padding=2, dilation=2)", (4,)),
        ("conv3d", "nn.Conv3d({C}, {C}, 3, padding=1)", (5,)),
    ),
    *_layers(
        "convolution",
        ("strided_conv2d", "nn.Conv2d({C}, {C}, 3, stride=2, padding=1)", (4,)),
        ("conv_transpose1d", "nn.ConvTranspose1d({C}, {C}, 4, stride=2, padding=1)", (3,)),
        ("conv_transpose2d", "nn.ConvTranspose2d({C}, {C}, 4, stride=2, padding=1)", (4,)),
        ("conv_transpose3d", "nn.ConvTranspose3d({C}, {C}, 3, padding=1)", (5,)),
        effect="resizes",
    ),
]
POOLING = [
    *_family(
        "pooling", *((n, f"F.{n}({{x}}, 2)") for n in ("max_pool2d", "avg_pool2d")), ranks=(4,), effect="resizes"
    ),
    *_family("pooling", ("lp_pool2d", "F.lp_pool2d({x}.abs() + 0.1, 2, 2)"), ranks=(4,), effect="resizes"),
    *_family(
        "pooling", *((n, f"F.{n}({{x}}, 2)") for n in ("max_pool1d", "avg_pool1d")), ranks=(3,), effect="resizes"
    ),
    *_family(
        "pooling", *((n, f"F.{n}({{x}}, 2)") for n in ("max_pool3d", "avg_pool3d")), ranks=(5,), effect="resizes"
    ),
    *_family("pooling", ("adaptive_avg_pool2d", "F.adaptive_avg_pool2d({x}, 4) * 4.0"), ranks=(4,), effect="resizes"),
    *_family("pooling", ("adaptive_max_pool2d", "F.adaptive_max_pool2d({x}, 4)"), ranks=(4,), effect="resizes"),
]
RESIZING = [
    *_family(
        "padding",
        ("zero_pad", "F.pad({x}, (1, 2, 2, 1))"),
        *(
            (f"{mode}_pad", f'F.pad({{x}}, (1, 2, 2, 1), mode="{mode}")')
            for mode in ("reflect", "replicate", "circular")
        ),
        ranks=(4,),
        effect="resizes",
    ),
    *_family("padding", ("pad_last", "F.pad({x}, (3, 0))"), ranks=(2, 3), effect="resizes_last"),
    *_family(
        "padding",
        ("upsample_nearest", 'F.interpolate({x}, scale_factor=2, mode="nearest")'),
        ("upsample_bilinear", 'F.interpolate({x}, scale_factor=2, mode="bilinear", align_corners=False)'),
        ranks=(4,),
        effect="resizes",
    ),
]
INDEXING = [
    *_family(
        "indexing",
        ("flip", "torch.flip({x}, dims=(-1,)) * torch.sigmoid({x})"),
        ("roll", "{x} - torch.roll({x}, shifts=1, dims=-1)"),
        ("tril", "torch.tril({x})"),
        ("masked_fill", "{x}.masked_fill({x} < -1.0, 0.5)"),
    ),
    *_family("indexing", ("every_other", "{x}[..., ::2]"), effect="resizes_last"),
    *_family("indexing", ("index_select", "torch.index_select({x}, 0, {y})"), operand="indices"),
    *_family("indexing", ("take_rows", "{x}[{y}] + {x}"), operand="indices"),
    *_family(
        "indexing",
        ("gather", "torch.gather({x}, 1, {y}.unsqueeze(1)).squeeze(1)"),
        ranks=(2,),
        effect="drops_last",
        operand="classes",
    ),
]
# One loss for each row: the mean over everything hardly depends on the values, and a constant would pass for it.
LOSS = [
    *_family(
        "loss",
        ("mse_loss", 'F.mse_loss({x}, {y}, reduction="none").mean(dim=-1)'),
        ("l1_loss", 'F.l1_loss({x}, {y}, reduction="none").mean(dim=-1)'),
        ("smooth_l1_loss", 'F.smooth_l1_loss({x}, {y}, reduction="none").mean(dim=-1)'),
        ("huber_loss", 'F.huber_loss({x}, {y}, reduction="none", delta=0.5).mean(dim=-1)'),
        (
            "bce_with_logits",
            'F.binary_cross_entropy_with_logits({x}, torch.sigmoid({y}), reduction="none").mean(dim=-1)',
        ),
        ("kl_div", 'F.kl_div(F.log_softmax({x}, dim=-1), F.softmax({y}, dim=-1), reduction="none").sum(dim=-1)'),
        ("cosine_similarity", "F.cosine_similarity({x}, {y}, dim=-1)"),
        effect="drops_last",
        operand="same",
    ),
    *_family(
        "loss",
        ("cross_entropy", 'F.cross_entropy({x}, {y}, reduction="none")'),
        ranks=(2,),
        effect="drops_last",
        operand="classes",
    ),
]
ATTENTION = [
    *_family(
        "attention",
        ("attention", "F.scaled_dot_product_attention({x}, {y}, {y})"),
        ("causal_attention", "F.scaled_dot_product_attention({x}, {y}, {y}, is_causal=True)"),
        ranks=(3, 4),
        operand="same",
    ),
    FullOperator(
        "multihead_attention",
        "attention",
        "self.{w}({x}, {x}, {x}, need_weights=False)[0]",
        (3,),
        layer="nn.MultiheadAttention({L}, 4, batch_first=True)",
    ),
]
RECURRENT = [
    FullOperator(kind, "recurrent", "self.{w}({x})[0]", (3,), layer=f"nn.{layer}({{L}}, {{L}}, batch_first=True)")
    for kind, layer in (("rnn", "RNN"), ("gru", "GRU"), ("lstm", "LSTM"))
] + [
    FullOperator(kind, "recurrent", expression, (2,), layer=f"nn.{layer}({{L}}, {{L}})")
    for kind, layer, expression in (
        ("rnn_cell", "RNNCell", "self.{w}({x})"),
        ("gru_cell", "GRUCell", "self.{w}({x})"),
        ("lstm_cell", "LSTMCell", "self.{w}({x})[0]"),
    )
]
SCAN = _family(
    "scan",
    ("cumsum", "torch.cumsum({x}, dim=-1) * 0.1"),
    ("cumprod", "torch.cumprod(1.0 + 0.1 * torch.tanh({x}), dim=-1)"),
    ("cummax", "torch.cummax({x}, dim=-1)[0]"),
    ("logcumsumexp", "torch.logcumsumexp({x}, dim=-1)"),
)

CATALOGUE: tuple[FullOperator, ...] = (
    *ELEMENTWISE, *BINARY, *REDUCTION, *SOFTMAX, *NORM, *MATMUL, *CONVOLUTION, *POOLING, *RESIZING, *INDEXING, *LOSS,
    *ATTENTION, *RECURRENT, *SCAN,
)  # fmt: skip
