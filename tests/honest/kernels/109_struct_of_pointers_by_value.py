"""A struct of pointers and numbers as the kernel's argument."""
import torch
import torch.nn as nn
import torch.nn.functional as F
CATEGORY = "elementwise"
ROWS = 48
COLS = 96

class Model(nn.Module):

    def forward(self, x):
        return x * 2 + 1


def get_inputs():
    return [torch.randn(ROWS, COLS)]


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

struct Args { const float* x; float* y; int n; float f[2]; };
__global__ void k(Args a) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < a.n) a.y[i] = a.x[i] * a.f[0] + a.f[1]; }
torch::Tensor go(torch::Tensor x) { auto y = torch::empty_like(x); Args a{x.data_ptr<float>(), y.data_ptr<float>(), (int)x.numel(), {2.f, 1.f}}; k<<<(a.n + 255) / 256, 256>>>(a); return y; }

"""
ext = load_inline(name="e", cpp_sources="""torch::Tensor go(torch::Tensor x);""", cuda_sources=source, functions=['go'])


class ModelNew(nn.Module):
    def __init__(self, *args):
        super().__init__()
        pass

    def forward(self, x):
        return ext.go(x)
