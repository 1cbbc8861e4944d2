"""A small network with dropout in eval mode: lists of weights go to C++, one launch a layer."""
import torch
import torch.nn as nn

CATEGORY = "fused"
BATCH = 10
INPUT = 30
HIDDEN = 28
OUTPUT = 12


class Model(nn.Module):
    def __init__(self, sizes, p):
        super().__init__()
        layers = []
        for a, b in zip(sizes[:-2], sizes[1:-1]):
            layers += [nn.Linear(a, b), nn.ReLU(), nn.Dropout(p)]
        layers.append(nn.Linear(sizes[-2], sizes[-1]))
        self.network = nn.Sequential(*layers)
        self.eval()

    def forward(self, x):
        return self.network(x)


def get_inputs():
    return [torch.randn(BATCH, INPUT)]


def get_init_inputs():
    return [[INPUT, HIDDEN, HIDDEN, OUTPUT], 0.2]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <vector>

template <bool RELU>
__global__ void dense(const float* __restrict__ x, const float* __restrict__ w, const float* __restrict__ b,
                      float* __restrict__ y, int rows, int in, int out) {
    const int o = blockIdx.x * blockDim.x + threadIdx.x;
    const int row = blockIdx.y * blockDim.y + threadIdx.y;
    if (o >= out || row >= rows) return;
    float acc = b[o];
#pragma unroll 8
    for (int i = 0; i < in; ++i) acc = fmaf(x[row * in + i], w[o * in + i], acc);
    y[row * out + o] = RELU ? fmaxf(acc, 0.f) : acc;
}

torch::Tensor mlp(torch::Tensor x, std::vector<torch::Tensor> weights, std::vector<torch::Tensor> biases) {
    TORCH_CHECK(weights.size() == biases.size(), "a bias for each weight expected");
    const int rows = x.size(0);
    auto h = x;
    for (size_t l = 0; l < weights.size(); ++l) {
        const int in = weights[l].size(1), out = weights[l].size(0);
        auto y = torch::empty({rows, out}, x.options());
        dim3 block(32, 4), grid((out + 31) / 32, (rows + 3) / 4);
        if (l + 1 < weights.size())
            dense<true><<<grid, block>>>(h.data_ptr<float>(), weights[l].data_ptr<float>(), biases[l].data_ptr<float>(),
                                         y.data_ptr<float>(), rows, in, out);
        else
            dense<false><<<grid, block>>>(h.data_ptr<float>(), weights[l].data_ptr<float>(),
                                          biases[l].data_ptr<float>(), y.data_ptr<float>(), rows, in, out);
        h = y;
    }
    return h;
}
"""

ext = load_inline(
    name="mlp_layers",
    cpp_sources="#include <vector>\ntorch::Tensor mlp(torch::Tensor x, std::vector<torch::Tensor> weights, std::vector<torch::Tensor> biases);",
    cuda_sources=cuda_source,
    functions=["mlp"],
)


class ModelNew(nn.Module):
    def __init__(self, sizes, p):
        super().__init__()
        layers = []
        for a, b in zip(sizes[:-2], sizes[1:-1]):
            layers += [nn.Linear(a, b), nn.ReLU(), nn.Dropout(p)]
        layers.append(nn.Linear(sizes[-2], sizes[-1]))
        self.network = nn.Sequential(*layers)

    def forward(self, x):
        linears = [m for m in self.network if isinstance(m, nn.Linear)]
        return ext.mlp(x.contiguous(), [m.weight for m in linears], [m.bias for m in linears])
