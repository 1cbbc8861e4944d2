"""The category of a task that names none: the heaviest kind of operation in it."""

import re

from pipeline.curation.similarity import Form

# From the kind that says most about a task to the one that says least; an operation belongs to the first that fits.
KINDS: tuple[tuple[str, str], ...] = (
    ("attention", r"attention|scaleddotproduct"),
    ("recurrent", r"^(lstm|gru|rnn)(cell)?$"),
    ("convolution", r"^conv(transpose)?\d?d$"),
    ("matmul", r"^(linear|matmul|matmult|bmm|mm|addmm|baddbmm|einsum|bilinear|mv|dot|tensordot)$"),
    ("loss", r"loss$|^(crossentropy|binarycrossentropy\w*|kldiv|nllloss|cosinesimilarity)$"),
    ("normalisation", r"norm(1d|2d|3d)?$|^normalize$"),
    ("softmax", r"softmax|softmin"),
    ("pooling", r"pool(ing)?\d?d?$"),
    ("scan", r"^(cum\w+|logcumsumexp)$"),
    ("indexing", r"^(gather|scatter\w*|indexselect|embedding\w*|take\w*|roll|flip|where|maskedfill|topk|sort)$"),
    ("padding", r"pad(\d?d)?$"),
    ("reduction", r"^(sum|mean|amax|amin|max|min|prod|std|var|logsumexp|argmax|argmin)$"),
)


def category_of(form: Form) -> str:
    """Return the category of a normal form: of ``KINDS``, else ``elementwise``, or ``other`` if it is empty."""
    operations = set(form)
    for name, pattern in KINDS:
        if any(re.search(pattern, operation) for operation in operations):
            return name
    return "elementwise" if operations else "other"
