"""An array of pointers, brought to the device by the launcher."""
import torch
import torch.nn as nn
import torch.nn.functional as F
CATEGORY = "movement"
ROWS = 48
COLS = 96

class Model(nn.Module):

    def forward(self, a, b):
        return torch.cat([a, b], 1)


def get_inputs():
    return [torch.randn(ROWS, COLS), torch.randn(ROWS, COLS)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.cpp_extension import load_inline

source = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>

__global__ void k(const float** src, float* y, int R, int C) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i >= 2 * R * C) return; int r = i / (2 * C), c = i % (2 * C); y[i] = src[c / C][r * C + c % C]; }
torch::Tensor go(std::vector<torch::Tensor> xs) { int R = xs[0].size(0), C = xs[0].size(1); auto y = torch::empty({R, 2 * C}, xs[0].options()); std::vector<const float*> h; for (auto& t : xs) h.push_back(t.data_ptr<float>());
 const float** d; cudaMalloc(&d, h.size() * sizeof(float*)); cudaMemcpy(d, h.data(), h.size() * sizeof(float*), cudaMemcpyHostToDevice); k<<<(2 * R * C + 255) / 256, 256>>>(d, y.data_ptr<float>(), R, C); cudaFree(d); return y; }

"""
ext = load_inline(name="e", cpp_sources="""torch::Tensor go(std::vector<torch::Tensor> xs);""", cuda_sources=source, functions=['go'])


class ModelNew(nn.Module):
    def __init__(self, *args):
        super().__init__()
        pass

    def forward(self, a, b):
        return ext.go([a, b])
