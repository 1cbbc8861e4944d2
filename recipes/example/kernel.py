import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = r"""
#include <torch/extension.h>

__global__ void rms_norm(const float* x, const float* scale, float* y, int columns) {
    __shared__ float squares[256];
    const float* row = x + blockIdx.x * columns;
    float sum = 0;
    for (int i = threadIdx.x; i < columns; i += blockDim.x) sum += row[i] * row[i];
    squares[threadIdx.x] = sum;
    for (int half = 128; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) squares[threadIdx.x] += squares[threadIdx.x + half];
    }
    float factor = rsqrtf(squares[0] / columns + 1e-6f);
    for (int i = threadIdx.x; i < columns; i += blockDim.x)
        y[blockIdx.x * columns + i] = row[i] * factor * scale[i];
}

torch::Tensor forward(torch::Tensor x, torch::Tensor scale) {
    auto y = torch::empty_like(x);
    rms_norm<<<x.size(0), 256>>>(x.data_ptr<float>(), scale.data_ptr<float>(), y.data_ptr<float>(), x.size(1));
    return y;
}
"""
declaration = "torch::Tensor forward(torch::Tensor x, torch::Tensor scale);"
extension = load_inline("rms_norm", declaration, source, functions=["forward"])


class ModelNew(nn.Module):
    def __init__(self, columns):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(columns))

    def forward(self, x):
        return extension.forward(x.contiguous(), self.scale)
