"""tanh(x) * y on bfloat16 tensors through __nv_bfloat16."""
import torch
import torch.nn as nn

CATEGORY = "elementwise"
ROWS = 16
COLS = 40


class Model(nn.Module):
    def forward(self, x, y):
        return torch.tanh(x) * y


def get_inputs():
    return [torch.randn(ROWS, COLS, dtype=torch.bfloat16), torch.randn(ROWS, COLS, dtype=torch.bfloat16)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <cuda_bf16.h>

__global__ void gate_kernel(const __nv_bfloat16* x, const __nv_bfloat16* y, __nv_bfloat16* out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        float gate = tanhf(__bfloat162float(x[i]));
        out[i] = __float2bfloat16(gate * __bfloat162float(y[i]));
    }
}

torch::Tensor gate(torch::Tensor x, torch::Tensor y) {
    TORCH_CHECK(x.scalar_type() == at::kBFloat16, "bfloat16 expected");
    auto out = torch::empty_like(x);
    int n = x.numel();
    gate_kernel<<<(n + 255) / 256, 256>>>(reinterpret_cast<const __nv_bfloat16*>(x.data_ptr<at::BFloat16>()),
                                          reinterpret_cast<const __nv_bfloat16*>(y.data_ptr<at::BFloat16>()),
                                          reinterpret_cast<__nv_bfloat16*>(out.data_ptr<at::BFloat16>()), n);
    return out;
}
"""

ext = load_inline(
    name="gate_bf16",
    cpp_sources="torch::Tensor gate(torch::Tensor x, torch::Tensor y);",
    cuda_sources=cuda_source,
    functions=["gate"],
)


class ModelNew(nn.Module):
    def forward(self, x, y):
        return ext.gate(x.contiguous(), y.contiguous())
