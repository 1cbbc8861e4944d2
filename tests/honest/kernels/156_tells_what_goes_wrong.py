"""A logger, a build whose failure is told and raised again, a check, and no autocast."""
import torch
import torch.nn as nn

CATEGORY = "activation"


class Model(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n))
    def forward(self, x):
        return torch.tanh(x) * self.weight
n = 24
def get_inputs():
    return [torch.randn(10, n)]
def get_init_inputs():
    return [n]
# --- candidate ---
import inspect
import logging
import sys
from typing_extensions import override

import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

logging.basicConfig(level=logging.WARNING)
logger = logging.getLogger(__name__)
src = inspect.cleandoc(r"""
#include <torch/extension.h>
__global__ void k(const float* __restrict__ x, const float* __restrict__ w, float* __restrict__ y, int n, int c) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = tanhf(x[i]) * w[i % c];
}
torch::Tensor run(torch::Tensor x, torch::Tensor w) {
    auto y = torch::empty_like(x);
    const int n = x.numel();
    k<<<(n + 127) / 128, 128>>>(x.data_ptr<float>(), w.data_ptr<float>(), y.data_ptr<float>(), n, w.numel());
    return y;
}
""")
cpp = "torch::Tensor run(torch::Tensor x, torch::Tensor w);"

try:
    ext = load_inline(name="scaled_tanh", cpp_sources=cpp, cuda_sources=src, functions=["run"])
except RuntimeError as error:
    print(f"the kernel could not be built: {error}", file=sys.stderr)
    raise RuntimeError("no kernel") from error
logger.info("built %s", ext)


class ModelNew(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n))

    @override
    def forward(self, x):
        torch._check(x.size(-1) == self.weight.numel())
        logger.debug("called with %s", x.shape)
        with torch.amp.autocast("cuda", enabled=False):
            return ext.run(x.contiguous(), self.weight)
