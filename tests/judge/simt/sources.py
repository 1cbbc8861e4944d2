"""CUDA sources as a model writes them, each with arguments and what torch computes for them."""

import torch
import torch.nn.functional as F  # noqa: N812

from pipeline.judge.simt.build import ExtensionSource
from tests.judge.simt.example import Example, example

GRID_STRIDE = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>
#include <cmath>

__device__ __forceinline__ float gelu(float x) { return 0.5f * x * (1.0f + erff(x * 0.70710678f)); }

__global__ void __launch_bounds__(256) gelu_kernel(const float* __restrict__ x, float* __restrict__ y, size_t n) {
    for (size_t i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += size_t(blockDim.x) * gridDim.x)
        y[i] = gelu(__ldg(&x[i]));
}

torch::Tensor gelu_cuda(torch::Tensor x) {
    TORCH_CHECK(x.is_cuda(), "x must be a CUDA tensor");
    TORCH_CHECK(x.scalar_type() == torch::kFloat32, "x must be float32, not ", x.scalar_type());
    auto y = torch::empty_like(x);
    const int threads = 256;
    const int blocks = std::min<int64_t>((x.numel() + threads - 1) / threads, 4);
    gelu_kernel<<<blocks, threads, 0, at::cuda::getCurrentCUDAStream()>>>(
        x.data_ptr<float>(),
        y.data_ptr<float>(),
        x.numel());
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return y;
}
"""

GRID_3D = r"""
__global__ void add_bias(const float* x, const float* b, float* y, int n, int c, int h) {
    int k = blockIdx.x * blockDim.x + threadIdx.x, j = blockIdx.y * blockDim.y + threadIdx.y, i = blockIdx.z;
    if (j < c && k < h) {
        int at = (i * c + j) * h + k;
        y[at] = max(x[at] + b[j], 0.0f);
    }
}
torch::Tensor add_bias_cuda(const torch::Tensor& x, const torch::Tensor& b) {
    auto y = torch::zeros_like(x);
    dim3 block(8, 4);
    dim3 grid((x.size(2) + block.x - 1) / block.x, (x.size(1) + block.y - 1) / block.y, x.size(0));
    add_bias<<<grid, block>>>(x.data_ptr<float>(), b.data_ptr<float>(), y.data_ptr<float>(), x.size(0), x.size(1),
                              x.size(2));
    cudaError_t err = cudaGetLastError();
    if (err != cudaSuccess) throw std::runtime_error(std::string("launch: ") + cudaGetErrorString(err));
    return y;
}
"""

WARP_SUM = r"""
template <typename T>
__inline__ __device__ T warp_sum(T v) {
    #pragma unroll
    for (int offset = 16; offset > 0; offset >>= 1) v += __shfl_down_sync(0xffffffff, v, offset);
    return v;
}
template <typename T, int THREADS>
__global__ void row_sum(const T* x, T* y, int cols) {
    __shared__ T partial[THREADS / 32], total;
    const T* row = x + (size_t)blockIdx.x * cols;
    T sum = 0;
    for (int c = threadIdx.x; c < cols; c += THREADS) sum += row[c];
    sum = warp_sum(sum);
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    if (lane == 0) partial[warp] = sum;
    __syncthreads();
    if (warp == 0) {
        sum = lane < THREADS / 32 ? partial[lane] : T(0);
        sum = warp_sum(sum);
        if (lane == 0) total = sum;
    }
    __syncthreads();
    if (threadIdx.x == THREADS - 1) y[blockIdx.x] = total;
}
torch::Tensor row_sum_cuda(torch::Tensor x) {
    auto y = torch::empty({x.size(0)}, x.options());
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "row_sum", ([&] {
        row_sum<scalar_t, 128><<<x.size(0), 128>>>(x.data_ptr<scalar_t>(), y.data_ptr<scalar_t>(), x.size(1));
    }));
    return y;
}
"""

SIGMOID = r"""
template <typename scalar_t>
__global__ void sigmoid_kernel(const scalar_t* x, scalar_t* y, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = scalar_t(1) / (scalar_t(1) + exp(-static_cast<float>(x[i])));
}
at::Tensor sigmoid_cuda(at::Tensor x) {
    auto y = at::empty_like(x);
    AT_DISPATCH_FLOATING_TYPES_AND2(at::ScalarType::Half, at::ScalarType::BFloat16, x.scalar_type(), "sigmoid", [&] {
        sigmoid_kernel<scalar_t><<<(x.numel() + 31) / 32, 32>>>(x.data_ptr<scalar_t>(), y.data_ptr<scalar_t>(),
                                                               x.numel());
    });
    return y;
}
"""

SOFTMAX = r"""
__global__ void softmax_kernel(const float* x, float* y, int cols) {
    extern __shared__ float buffer[];
    int t = threadIdx.x;
    const float* row = x + blockIdx.x * cols;
    float m = -INFINITY;
    for (int c = t; c < cols; c += blockDim.x) m = fmaxf(m, row[c]);
    buffer[t] = m;
    __syncthreads();
    for (int s = blockDim.x / 2; s > 0; s >>= 1) {
        if (t < s) buffer[t] = fmaxf(buffer[t], buffer[t + s]);
        __syncthreads();
    }
    m = buffer[0];
    __syncthreads();
    float sum = 0.0f;
    for (int c = t; c < cols; c += blockDim.x) sum += __expf(row[c] - m);
    buffer[t] = sum;
    __syncthreads();
    for (int s = blockDim.x / 2; s > 0; s >>= 1) {
        if (t < s) buffer[t] += buffer[t + s];
        __syncthreads();
    }
    for (int c = t; c < cols; c += blockDim.x) y[blockIdx.x * cols + c] = expf(row[c] - m) / buffer[0];
}
torch::Tensor softmax_cuda(torch::Tensor x) {
    auto y = torch::empty_like(x);
    softmax_kernel<<<x.size(0), 64, 64 * sizeof(float)>>>(x.data_ptr<float>(), y.data_ptr<float>(), x.size(1));
    return y;
}
"""

MATMUL = r"""
#define TILE 16
template <int TS>
__global__ void matmul_kernel(const float* A, const float* B, float* C, int M, int N, int K) {
    __shared__ float As[TS][TS];
    __shared__ float Bs[TS][TS + 1];
    int row = blockIdx.y * TS + threadIdx.y, col = blockIdx.x * TS + threadIdx.x;
    float acc = 0.0f;
    for (int t = 0; t < (K + TS - 1) / TS; ++t) {
        int a = t * TS + threadIdx.x, b = t * TS + threadIdx.y;
        As[threadIdx.y][threadIdx.x] = row < M && a < K ? A[row * K + a] : 0.0f;
        Bs[threadIdx.y][threadIdx.x] = b < K && col < N ? B[b * N + col] : 0.0f;
        __syncthreads();
        #pragma unroll
        for (int k = 0; k < TS; ++k) acc += As[threadIdx.y][k] * Bs[k][threadIdx.x];
        __syncthreads();
    }
    if (row < M && col < N) C[row * N + col] = acc;
}
torch::Tensor matmul_cuda(torch::Tensor A, torch::Tensor B) {
    int M = A.size(0), K = A.size(1), N = B.size(1);
    auto C = torch::empty({M, N}, torch::TensorOptions().dtype(torch::kFloat32).device(A.device()));
    matmul_kernel<TILE><<<dim3((N + TILE - 1) / TILE, (M + TILE - 1) / TILE), dim3(TILE, TILE)>>>(
        A.data_ptr<float>(), B.data_ptr<float>(), C.data_ptr<float>(), M, N, K);
    return C;
}
"""

HISTOGRAM = r"""
__global__ void histogram_kernel(const int64_t* x, int* bins, float* weighted, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    atomicAdd(&bins[x[i]], 1);
    atomicAdd(weighted + x[i], 0.5f);
}
std::vector<torch::Tensor> histogram_cuda(torch::Tensor x, int64_t bins) {
    auto counts = torch::zeros({bins}, x.options().dtype(torch::kInt32));
    auto weighted = torch::zeros({bins}, x.options().dtype(torch::kFloat));
    histogram_kernel<<<(x.numel() + 63) / 64, 64>>>(x.data_ptr<int64_t>(), counts.data_ptr<int>(),
                                                    weighted.data_ptr<float>(), x.numel());
    return {counts, weighted};
}
"""

HOST_MEMORY = """
__constant__ float three;
__global__ void scale(const float* x, const float* factor, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i] * *factor * three;
}
torch::Tensor scaled(torch::Tensor x) {
    float first, factor = 3.0f, *managed, *device;
    cudaMemcpy(&first, x.data_ptr<float>(), sizeof(float), cudaMemcpyDeviceToHost);
    TORCH_CHECK(first == x[0].item<float>(), "two ways to read one number");
    cudaMemcpyToSymbol(three, &factor, sizeof(float));
    cudaMallocManaged(&managed, sizeof(float));
    *managed = first;
    cudaMalloc(&device, sizeof(float));
    cudaMemset(device, 0, sizeof(float));
    cudaMemcpy(device, managed, sizeof(float), cudaMemcpyDefault);
    auto y = torch::zeros_like(x).fill_(7);
    scale<<<1, 64>>>(x.data_ptr<float>(), device, y.data_ptr<float>(), x.numel());
    TORCH_CHECK(*managed == first, "the kernel has not touched it");
    cudaFree(managed);
    cudaFree(device);
    return y.clone();
}
"""

FLOAT4 = r"""
__global__ void axpy4(const float4* __restrict__ x, const float4* __restrict__ y, float4* out, float a, int n4) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n4) {
        float4 u = x[i], v = __ldg(y + i);
        out[i] = make_float4(a * u.x + v.x, a * u.y + v.y, a * u.z + v.z, a * u.w + v.w);
    }
}
torch::Tensor axpy(torch::Tensor x, torch::Tensor y, double a) {
    auto out = torch::empty_like(x);
    int n4 = x.numel() / 4;
    axpy4<<<(n4 + 127) / 128, 128>>>(reinterpret_cast<const float4*>(x.data_ptr<float>()),
        reinterpret_cast<const float4*>(y.data_ptr<float>()), reinterpret_cast<float4*>(out.data_ptr<float>()),
        static_cast<float>(a), n4);
    return out;
}
"""

MODULE = r"""
#include <torch/extension.h>
#include <string>
__global__ void scale(torch::PackedTensorAccessor32<float, 2, torch::RestrictPtrTraits> x,
                      torch::PackedTensorAccessor32<float, 2, torch::RestrictPtrTraits> y, float k) {
    const int r = blockIdx.x, c = threadIdx.x;
    if (c < x.size(1)) y[r][c] = k * x[r][c];
}
std::tuple<torch::Tensor, int64_t> apply(torch::Tensor x, c10::optional<torch::Tensor> bias, const std::string& mode,
                                         float k, bool twice) {
    auto y = torch::empty(x.sizes(), x.options());
    if (mode == "double") k *= 2;
    for (int i = 0; i < (twice ? 2 : 1); ++i)
        scale<<<x.size(0), 32>>>(x.packed_accessor32<float, 2, torch::RestrictPtrTraits>(),
                                 y.packed_accessor32<float, 2, torch::RestrictPtrTraits>(), k);
    return {y, bias.has_value() ? bias->numel() : -1};
}
PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
    m.doc() = "scales";
    m.def("apply", &apply, "scale a matrix", py::arg("x"), py::arg("bias") = py::none(), py::arg("mode") = "plain",
          py::arg("k") = 1.0f, py::arg("twice") = false);
}
"""


EXAMPLES = {
    "grid stride": example(
        GRID_STRIDE, "torch::Tensor gelu_cuda(torch::Tensor x)", lambda: (torch.randn(37, 91),), F.gelu
    ),
    "3-D grid": example(
        GRID_3D,
        "torch::Tensor add_bias_cuda(const torch::Tensor& x, const torch::Tensor& b)",
        lambda: (torch.randn(3, 9, 21), torch.randn(9)),
        lambda x, b: torch.relu(x + b[:, None]),
    ),
    "warp shuffles": example(
        WARP_SUM, "torch::Tensor row_sum_cuda(torch::Tensor x)", lambda: (torch.randn(7, 333),), lambda x: x.sum(1)
    ),
    "dispatch to double": example(
        WARP_SUM,
        "torch::Tensor row_sum_cuda(torch::Tensor x)",
        lambda: (torch.randn(7, 333).double(),),
        lambda x: x.sum(1),
    ),
    "dynamic shared memory": example(
        SOFTMAX, "torch::Tensor softmax_cuda(torch::Tensor x)", lambda: (torch.randn(5, 301),), lambda x: x.softmax(1)
    ),
    **{
        f"sigmoid of {dtype}": example(
            SIGMOID,
            "at::Tensor sigmoid_cuda(at::Tensor x)",
            lambda dtype=dtype: (torch.randn(99).to(dtype),),
            torch.sigmoid,
        )
        for dtype in (torch.float32, torch.float16, torch.bfloat16)
    },
    "tiled matmul": example(
        MATMUL,
        "torch::Tensor matmul_cuda(torch::Tensor A, torch::Tensor B)",
        lambda: (torch.randn(33, 50), torch.randn(50, 41)),
        torch.matmul,
    ),
    "atomics": example(
        HISTOGRAM,
        "std::vector<torch::Tensor> histogram_cuda(torch::Tensor x, int64_t bins)",
        lambda: (torch.randint(0, 9, (1000,)), 9),
        lambda x, n: [torch.bincount(x, minlength=n).int(), torch.bincount(x, minlength=n) * 0.5],
    ),
    "memory of the host": example(
        HOST_MEMORY,
        "torch::Tensor scaled(torch::Tensor x)",
        lambda: (torch.rand(50) + 1,),
        lambda x: x * x[0] * 3,
    ),
    "float4": example(
        FLOAT4,
        "torch::Tensor axpy(torch::Tensor x, torch::Tensor y, double a)",
        lambda: (torch.randn(16, 64), torch.randn(16, 64), 3),
        lambda x, y, a: a * x + y,
    ),
    "its own module": Example(
        ExtensionSource("", MODULE, ()),
        "apply",
        lambda: (torch.randn(4, 30), None, "double", 1.5, True),
        lambda x, *_: (3 * x, -1),
    ),
}
