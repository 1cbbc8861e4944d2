"""A source made with string.Template, in a class that builds it once."""
import torch
import torch.nn as nn

CATEGORY = "activation"


class Model(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.a = nn.PReLU(n)
    def forward(self, x):
        return self.a(x)
n = 12
def get_inputs():
    return [torch.randn(4, n, 10)]
def get_init_inputs():
    return [n]
# --- candidate ---
import json
import math
from string import Template
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Literal, TypeVar
import torch
import torch.nn as nn
from torch.utils import cpp_extension
if TYPE_CHECKING:
    from types import ModuleType
T = TypeVar("T")
_TEMPLATE = Template(r"""
#include <torch/extension.h>
#define DIVUP(m, n) (((m) + (n) - 1) / (n))
__global__ void __launch_bounds__($threads) prelu(const float* __restrict__ x, const float* __restrict__ w, float* __restrict__ y, const int c, const int inner, const int n) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        const float v = x[i];
        y[i] = v >= 0.f ? v : v * w[(i / inner) % c];
    }
}
torch::Tensor prelu_forward(torch::Tensor x, torch::Tensor w) {
    TORCH_CHECK(x.scalar_type() == at::ScalarType::Float, "float32 expected, got ", x.scalar_type());
    auto y = torch::empty_like(x);
    const int n = x.numel(), c = w.numel(), inner = n / (x.size(0) * x.size(1));
    prelu<<<std::min(DIVUP(n, $threads), 65535), $threads>>>(x.data_ptr<float>(), w.data_ptr<float>(), y.data_ptr<float>(), c, inner, n);
    return y;
}
""")
class ModelNew(nn.Module):
    THREADS: ClassVar[int] = 256
    _module: ClassVar[Any] = None
    @classmethod
    def _load(cls) -> Any:
        if cls._module is None:
            source = _TEMPLATE.substitute(threads=cls.THREADS)
            cls._module = cpp_extension.load_inline(name="prelu_t", cpp_sources=["torch::Tensor prelu_forward(torch::Tensor x, torch::Tensor w);"], cuda_sources=[source], functions=["prelu_forward"], with_cuda=True, extra_ldflags=[""])
        return cls._module
    def __init__(self, n):
        super().__init__()
        self.a = nn.PReLU(n)
    @torch.jit.export
    def extra_repr(self) -> str:
        return f"threads={self.THREADS}"
    def forward(self, x):
        return self._load().prelu_forward(x.contiguous(), self.a.weight)
