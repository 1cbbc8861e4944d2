"""Everything made with device="cuda", and launches sized by what torch.cuda says of the GPU."""
import torch
import torch.nn as nn

CATEGORY = "elementwise"
B = 6
C = 40


class Model(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.w = nn.Parameter(torch.randn(c))
        self.b = nn.Parameter(torch.rand(c))

    def forward(self, x):
        return x * self.w + self.b * torch.arange(x.size(1))


def get_inputs():
    return [torch.randn(B, C)]


def get_init_inputs():
    return [C]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

src = r"""
#include <torch/extension.h>
#include <ATen/cuda/CUDAContext.h>
__global__ void k(const float* x, const float* w, const float* b, const float* t, float* y, int c, int n) { for (int i = blockIdx.x * 128 + threadIdx.x; i < n; i += gridDim.x * 128) { int j = i % c; y[i] = x[i] * w[j] + b[j] * t[j]; } }
torch::Tensor f(torch::Tensor x, torch::Tensor w, torch::Tensor b, torch::Tensor t, int64_t blocks) { auto y = torch::empty_like(x); int n = x.numel();
    TORCH_CHECK(blocks % at::cuda::getCurrentDeviceProperties()->multiProcessorCount == 0);
    k<<<blocks, 128>>>(x.data_ptr<float>(), w.data_ptr<float>(), b.data_ptr<float>(), t.data_ptr<float>(), y.data_ptr<float>(), x.size(1), n); return y; }
"""
ext = load_inline("aff", "torch::Tensor f(torch::Tensor x, torch::Tensor w, torch::Tensor b, torch::Tensor t, int64_t blocks);", src, functions=["f"])


class ModelNew(nn.Module):
    def __init__(self, c):
        super().__init__()
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        properties = torch.cuda.get_device_properties(torch.cuda.current_device())
        free, _ = torch.cuda.mem_get_info()
        fits = properties.shared_memory_per_multiprocessor // 1024 > 32 and free > 2**20
        self.blocks = (2 if fits else 1) * properties.multi_processor_count
        self.wide = torch.cuda.get_device_capability(device)[0] >= 7
        self.w = nn.Parameter(torch.randn(c, device="cuda"))
        self.b = nn.Parameter(torch.rand(c, device=torch.device("cuda:0")))
        self.register_buffer("t", torch.arange(c, device="cuda", dtype=torch.float32), persistent=False)

    def forward(self, x):
        with torch.cuda.device(x.device):
            return ext.f(x.to("cuda"), self.w, self.b, self.t, self.blocks)
