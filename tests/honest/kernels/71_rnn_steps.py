"""A vanilla RNN over a sequence: one launch a time step, the hidden state in two buffers by turns."""
import torch
import torch.nn as nn

CATEGORY = "recurrent"
LENGTH = 9
BATCH = 5
INPUT = 12
HIDDEN = 20


class Model(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.i2h = nn.Linear(input_size + hidden_size, hidden_size)

    def forward(self, x, h0):
        h = h0
        for t in range(x.size(0)):
            h = torch.tanh(self.i2h(torch.cat((x[t], h), dim=1)))
        return h


def get_inputs():
    return [torch.randn(LENGTH, BATCH, INPUT), torch.randn(BATCH, HIDDEN)]


def get_init_inputs():
    return [INPUT, HIDDEN]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void step(const float* __restrict__ x, const float* __restrict__ h, const float* __restrict__ w,
                     const float* __restrict__ b, float* __restrict__ next, int batch, int in, int hidden) {
    const int j = blockIdx.x * blockDim.x + threadIdx.x, i = blockIdx.y;
    if (j >= hidden) return;
    const float* row = w + (size_t)j * (in + hidden);
    float acc = b[j];
    for (int k = 0; k < in; ++k) acc += x[i * in + k] * row[k];
    for (int k = 0; k < hidden; ++k) acc += h[i * hidden + k] * row[in + k];
    next[i * hidden + j] = tanhf(acc);
}

torch::Tensor rnn(torch::Tensor x, torch::Tensor h0, torch::Tensor w, torch::Tensor b) {
    const int length = x.size(0), batch = x.size(1), in = x.size(2), hidden = h0.size(1);
    torch::Tensor buffers[2] = {h0.clone(), torch::empty_like(h0)};
    for (int t = 0; t < length; ++t) {
        step<<<dim3((hidden + 31) / 32, batch), 32>>>(x[t].data_ptr<float>(), buffers[t % 2].data_ptr<float>(),
                                                      w.data_ptr<float>(), b.data_ptr<float>(),
                                                      buffers[(t + 1) % 2].data_ptr<float>(), batch, in, hidden);
    }
    return buffers[length % 2];
}
"""

ext = load_inline(
    name="rnn_steps",
    cpp_sources="torch::Tensor rnn(torch::Tensor x, torch::Tensor h0, torch::Tensor w, torch::Tensor b);",
    cuda_sources=cuda_source,
    functions=["rnn"],
)


class ModelNew(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.i2h = nn.Linear(input_size + hidden_size, hidden_size)

    def forward(self, x, h0):
        return ext.rnn(x.contiguous(), h0.contiguous(), self.i2h.weight, self.i2h.bias)
