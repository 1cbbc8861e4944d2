"""One LSTM step with a tuple as an argument and a tuple as the result; gates through shared memory."""
import torch
import torch.nn as nn

CATEGORY = "recurrent"
BATCH = 9
INPUT = 14
HIDDEN = 16


class Model(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.lstm = nn.LSTMCell(input_size, hidden_size)

    def forward(self, x, state):
        h, c = self.lstm(x, state)
        return h, (h, c)


def get_inputs():
    return [torch.randn(BATCH, INPUT), (torch.randn(BATCH, HIDDEN), torch.randn(BATCH, HIDDEN))]


def get_init_inputs():
    return [INPUT, HIDDEN]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <vector>

__global__ void lstm_kernel(const float* __restrict__ x, const float* __restrict__ h, const float* __restrict__ c,
                            const float* __restrict__ w_ih, const float* __restrict__ w_hh,
                            const float* __restrict__ b_ih, const float* __restrict__ b_hh, float* __restrict__ h_out,
                            float* __restrict__ c_out, int in, int hidden) {
    extern __shared__ float gates[];
    const int row = blockIdx.x;
    for (int g = threadIdx.x; g < 4 * hidden; g += blockDim.x) {
        float acc = b_ih[g] + b_hh[g];
        for (int k = 0; k < in; ++k) acc += x[row * in + k] * w_ih[g * in + k];
        for (int k = 0; k < hidden; ++k) acc += h[row * hidden + k] * w_hh[g * hidden + k];
        gates[g] = g / hidden == 2 ? tanhf(acc) : 1.f / (1.f + expf(-acc));
    }
    __syncthreads();
    for (int u = threadIdx.x; u < hidden; u += blockDim.x) {
        const float i = gates[u], f = gates[hidden + u], g = gates[2 * hidden + u], o = gates[3 * hidden + u];
        const float next = f * c[row * hidden + u] + i * g;
        c_out[row * hidden + u] = next;
        h_out[row * hidden + u] = o * tanhf(next);
    }
}

std::vector<torch::Tensor> lstm(torch::Tensor x, torch::Tensor h, torch::Tensor c, torch::Tensor w_ih,
                                torch::Tensor w_hh, torch::Tensor b_ih, torch::Tensor b_hh) {
    const int in = x.size(1), hidden = h.size(1);
    auto h_out = torch::empty_like(h), c_out = torch::empty_like(c);
    lstm_kernel<<<x.size(0), 64, 4 * hidden * sizeof(float)>>>(
        x.data_ptr<float>(), h.data_ptr<float>(), c.data_ptr<float>(), w_ih.data_ptr<float>(), w_hh.data_ptr<float>(),
        b_ih.data_ptr<float>(), b_hh.data_ptr<float>(), h_out.data_ptr<float>(), c_out.data_ptr<float>(), in, hidden);
    return {h_out, c_out};
}
"""

ext = load_inline(
    name="lstm_step",
    cpp_sources="""#include <vector>
std::vector<torch::Tensor> lstm(torch::Tensor x, torch::Tensor h, torch::Tensor c, torch::Tensor w_ih,
                                torch::Tensor w_hh, torch::Tensor b_ih, torch::Tensor b_hh);""",
    cuda_sources=cuda_source,
    functions=["lstm"],
)


class ModelNew(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.lstm = nn.LSTMCell(input_size, hidden_size)

    def forward(self, x, state):
        m = self.lstm
        h0, c0 = state
        h, c = ext.lstm(x.contiguous(), h0.contiguous(), c0.contiguous(), m.weight_ih, m.weight_hh, m.bias_ih, m.bias_hh)
        return h, (h, c)
