"""Sources that use more of CUDA: groups of threads, atomics, memory of the device, other ways to launch."""

import torch

from tests.judge.simt.example import example

GROUPS = r"""
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cooperative_groups/scan.h>
namespace cg = cooperative_groups;

__device__ float group_sum(cg::thread_group g, float* buffer, float v) {
    for (int i = g.size() / 2; i > 0; i /= 2) {
        buffer[g.thread_rank()] = v;
        g.sync();
        if (g.thread_rank() < i) v += buffer[g.thread_rank() + i];
        g.sync();
    }
    return v;
}
__global__ void k(const float* x, float* sums, float* most, int* flags, float* prefix, int cols) {
    __shared__ float buffer[64];
    cg::thread_block block = cg::this_thread_block();
    auto warp = cg::tiled_partition<32>(block);
    auto quarter = cg::tiled_partition<8>(warp);
    const float v = threadIdx.x < cols ? x[blockIdx.x * cols + threadIdx.x] : 0.0f;
    const float total = group_sum(block, buffer, v);
    if (block.thread_rank() == 0) sums[blockIdx.x] = total;
    const float m = cg::reduce(quarter, v, cg::greater<float>());
    const float same = cg::reduce(warp, m, [](float a, float b) { return a > b ? a : b; });
    if (warp.thread_rank() == 0) most[blockIdx.x * warp.meta_group_size() + warp.meta_group_rank()] = same;
    const unsigned positive = quarter.ballot(v > 0);
    const int huge = quarter.any(v > 100) || !quarter.all(v > -100) ? 1000 : 0;
    if (quarter.thread_rank() == quarter.num_threads() - 1)
        flags[cg::this_grid().thread_rank() / 8] = __popc(positive) + huge;
    prefix[cg::this_grid().thread_rank()] = cg::inclusive_scan(warp, v > 0 ? 1.0f : 0.0f, cg::plus<float>());
}
std::vector<torch::Tensor> f(torch::Tensor x) {
    const int rows = x.size(0), cols = x.size(1);
    auto sums = torch::empty({rows}, x.options()), most = torch::empty({rows, 2}, x.options());
    auto flags = torch::empty({rows, 8}, x.options().dtype(torch::kInt)), prefix = torch::empty({rows, 64}, x.options());
    k<<<rows, 64>>>(x.data_ptr<float>(), sums.data_ptr<float>(), most.data_ptr<float>(), flags.data_ptr<int>(),
                    prefix.data_ptr<float>(), cols);
    return {sums, most, flags, prefix};
}
"""


def _groups(x: torch.Tensor) -> list[torch.Tensor]:
    wide = torch.nn.functional.pad(x, (0, 64 - x.shape[1]))
    positive = (wide > 0).view(len(x), -1)
    return [
        x.sum(1),
        wide.view(len(x), 2, 32).amax(2),
        positive.view(len(x), 8, 8).sum(2).int(),
        positive.view(len(x), 2, 32).cumsum(2).view(len(x), 64).float(),
    ]


GRID = r"""
#include <cooperative_groups.h>
namespace cg = cooperative_groups;
extern __shared__ float tile[];
__device__ float kept(bool begin) {
    __shared__ float s[64];
    if (begin) return s[threadIdx.x] = tile[threadIdx.x];
    return s[63 - threadIdx.x];
}
// Each block keeps its elements in shared memory while it learns the sums of all blocks; then three steps of a stencil.
__global__ void k(float* x, float* y, float* sums, int n) {
    cg::grid_group grid = cg::this_grid();
    const int i = (int)grid.thread_rank();
    tile[threadIdx.x] = i < n ? x[i] : 0.0f;
    kept(true);
    __syncthreads();
    if (threadIdx.x == 0) { float s = 0; for (int j = 0; j < blockDim.x; ++j) s += tile[j]; sums[blockIdx.x] = s; }
    grid.sync();
    float total = 0;
    for (int b = 0; b < grid.num_blocks(); ++b) total += sums[b];
    y[i] = kept(false) + total;
    for (int step = 0; step < 3; ++step) {
        cg::sync(grid);
        const float from = y[(i + 64) % grid.size()];
        grid.sync();
        y[i] = from + 1;
    }
}
torch::Tensor f(torch::Tensor x) {
    int n = x.numel(), per_sm = 0, threads = 64;
    C10_CUDA_CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&per_sm, k, threads, threads * sizeof(float)));
    cudaDeviceProp prop;
    cudaGetDeviceProperties(&prop, 0);
    const int blocks = (n + threads - 1) / threads;
    TORCH_CHECK(prop.cooperativeLaunch && blocks <= per_sm * prop.multiProcessorCount);
    auto y = torch::empty({blocks * threads}, x.options()), sums = torch::empty({blocks}, x.options());
    float *from = x.data_ptr<float>(), *to = y.data_ptr<float>(), *by_block = sums.data_ptr<float>();
    void* arguments[] = {&from, &to, &by_block, &n};
    C10_CUDA_CHECK(cudaLaunchCooperativeKernel((void*)k, blocks, threads, arguments, threads * sizeof(float),
                                               at::cuda::getCurrentCUDAStream()));
    return y;
}
"""


def _grid(x: torch.Tensor) -> torch.Tensor:
    wide = torch.nn.functional.pad(x, (0, -len(x) % 64))
    mirrored = wide.view(-1, 64).flip(1) + x.sum()
    return mirrored.roll(-3, 0).flatten() + 3


COALESCED = r"""
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
namespace cg = cooperative_groups;
__device__ int place(cg::thread_group g, int* counter) {
    int first = 0;
    if (g.thread_rank() == 0) first = atomicAdd(counter, (int)g.size());
    return first;
}
// Marks as many places as there are positive elements, and tells each what those of its warp sum up to.
__global__ void k(const float* x, float* marks, float* sums, int* counter, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n || !(x[i] > 0)) return;
    cg::coalesced_group active = cg::coalesced_threads();
    const int at = active.shfl(place(active, counter), 0) + active.thread_rank();
    marks[at] = 1.0f;
    const bool agrees = active.all(x[i] > 0) && !active.any(x[i] < 0) && __popc(active.ballot(1)) == active.size();
    sums[i] = agrees ? cg::reduce(active, x[i], cg::plus<float>()) + active.shfl_down(0.0f, 1) : -1.0f;
}
std::vector<torch::Tensor> f(torch::Tensor x) {
    auto marks = torch::zeros_like(x), sums = torch::zeros_like(x);
    auto counter = torch::zeros({1}, x.options().dtype(torch::kInt));
    k<<<(x.numel() + 63) / 64, 64>>>(x.data_ptr<float>(), marks.data_ptr<float>(), sums.data_ptr<float>(),
                                    counter.data_ptr<int>(), x.numel());
    return {marks, sums, counter};
}
"""


def _coalesced(x: torch.Tensor) -> list[torch.Tensor]:
    positive = torch.nn.functional.pad(x.clamp(min=0), (0, -len(x) % 32)).view(-1, 32)
    sums = (positive.sum(1, keepdim=True) * (positive > 0)).flatten()[: len(x)]
    count = (x > 0).sum().int()
    return [(torch.arange(len(x)) < count).float(), sums, count[None]]


ATOMICS = r"""
__device__ float atomicMaxFloat(float* address, float value) {
    int* as_int = (int*)address;
    int old = *as_int, assumed;
    do {
        assumed = old;
        old = atomicCAS(as_int, assumed, __float_as_int(fmaxf(value, __int_as_float(assumed))));
    } while (assumed != old);
    return __int_as_float(old);
}
__device__ unsigned done;
__global__ void k(const float* x, float* most, double* sum, unsigned long long* bits, unsigned* last, int n) {
    __shared__ bool is_last;
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        atomicMaxFloat(most, x[i]);
        atomicAdd(sum, double(x[i] > 0));
        atomicOr(bits, 1ull << (i % 64));
        atomicAdd(bits + 1, 2ull);
        atomicMin((int*)last + 1, i - 5);
    }
    __threadfence();
    if (threadIdx.x == 0) is_last = atomicInc(&done, gridDim.x - 1) == gridDim.x - 1;
    __syncthreads();
    if (is_last && threadIdx.x == 0) last[0] = gridDim.x;
}
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor, torch::Tensor> f(torch::Tensor x) {
    auto most = torch::full({1}, -INFINITY, x.options()), sum = torch::zeros({1}, x.options().dtype(torch::kFloat64));
    auto bits = torch::zeros({2}, x.options().dtype(torch::kInt64)), last = torch::zeros({2}, x.options().dtype(torch::kInt32));
    k<<<3, 32>>>(x.data_ptr<float>(), most.data_ptr<float>(), sum.data_ptr<double>(),
                 reinterpret_cast<unsigned long long*>(bits.data_ptr<int64_t>()), (unsigned*)last.data_ptr<int>(), x.numel());
    return std::make_tuple(most, sum, bits, last);
}
"""

LAUNCHES = r"""
#include <cstdio>
#include <cublas_v2.h>
__constant__ float weights[4];
__device__ float offset_on_device = 0.25f;
template <typename T, int N>
__global__ void __launch_bounds__(64) k(const T* __restrict__ x, T* y, int n, float scale) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i] * weights[i % N] * scale + offset_on_device;
    if (i == n - 1) printf("last: %d\n", i);
}
__global__ void same(const int* x, int* y) {
    int all = 0;
    unsigned mask = __match_all_sync(0xffffffff, x[threadIdx.x / 32], &all);
    y[threadIdx.x] = all && mask == 0xffffffff ? __popc(__match_any_sync(0xffffffff, threadIdx.x / 8)) : -1;
}
std::vector<torch::Tensor> f(torch::Tensor x, torch::Tensor keys, at::IntArrayRef shape, std::tuple<int, int> pair) {
    float host[4] = {1, 2, 3, 4}, scale = 1.5f;
    cudaStream_t stream;
    cudaStreamCreate(&stream);
    C10_CUDA_CHECK(cudaMemcpyToSymbolAsync(weights, host, sizeof(host), 0, cudaMemcpyHostToDevice, stream));
    auto y = torch::empty(shape, x.options());
    const float* from = x.data_ptr<float>();
    float* to = y.data_ptr<float>();
    int n = x.numel();
    void* arguments[] = {&from, &to, &n, &scale};
    AT_CUDA_CHECK(cudaLaunchKernel((const void*)k<float, 4>, dim3((n + 63) / 64), dim3(64), arguments,
                                   0, stream));
    cudaStreamSynchronize(stream);
    cudaStreamDestroy(stream);
    auto counts = torch::empty_like(keys.view({-1, 1}).expand({std::get<0>(pair), std::get<1>(pair)}));
    same<<<1, 64>>>(keys.data_ptr<int>(), counts.data_ptr<int>());
    return {y, counts};
}
"""

LIMITS = r"""
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAException.h>
__global__ void k(float* x) { extern __shared__ float s[]; s[0] = 1; x[threadIdx.x] += s[0]; }
torch::Tensor f(torch::Tensor x, int64_t threads, int64_t shared_bytes) {
    auto y = x.clone();
    k<<<1, threads, shared_bytes, at::cuda::getCurrentCUDAStream()>>>(y.data_ptr<float>());
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return y;
}
"""

ROUNDING = r"""
__global__ void k(const float* x, float* y, int* z, int n) {
    int i = threadIdx.x;
    if (i >= n) return;
    const float third = __fdiv_rd(x[i], 3.0f), above = __fdiv_ru(x[i], 3.0f);
    y[i] = (above >= third && (above == third) == (double(third) * 3 == x[i])) ? __frcp_rn(x[i]) + __fmul_rz(2.0f, x[i]) : -1.0f;
    z[i] = __float2int_rd(x[i]) + 100 * __float2int_ru(x[i]) + (int)__byte_perm(0x03020100u, 0, 0x4441u) +
           __funnelshift_r(4u, 0u, 2) + __double2int_rn(2.5) + __clz(1) + __ffs(8);
}
std::vector<torch::Tensor> f(torch::Tensor x) {
    auto y = torch::empty_like(x), z = torch::empty(x.sizes(), torch::dtype(torch::kInt32).device(x.device()));
    k<<<1, 64>>>(x.data_ptr<float>(), y.data_ptr<float>(), z.data_ptr<int>(), x.numel());
    return {y, z};
}
"""

DISPATCH = r"""
template <typename T>
__global__ void k(const T* x, T* y, int n) { int i = threadIdx.x; if (i < n) y[i] = x[i] + x[i]; }
torch::Tensor f(torch::Tensor x) {
    auto y = torch::empty(x.sizes().vec(), x.options());
    auto run = [&](auto* from, auto* to) { k<<<1, 64>>>(from, to, x.numel()); };
    if (x.dim() == 1) {
        AT_DISPATCH_ALL_TYPES_AND3(at::kHalf, at::kBFloat16, at::kBool, x.scalar_type(), "f",
                                   [&] { run(x.data_ptr<scalar_t>(), y.data_ptr<scalar_t>()); });
    } else {
        AT_DISPATCH_SWITCH(x.scalar_type(), "f",
            AT_DISPATCH_CASE_REDUCED_FLOATING_TYPES([&] { run(x.data_ptr<scalar_t>(), y.data_ptr<scalar_t>()); })
            AT_DISPATCH_CASE(at::ScalarType::Float, [&] { run(x.data_ptr<scalar_t>(), y.data_ptr<scalar_t>()); }));
    }
    return y;
}
"""

EXAMPLES = {
    "cooperative groups": example(
        GROUPS,
        "std::vector<torch::Tensor> f(torch::Tensor x)",
        lambda: (torch.randint(-9, 9, (3, 50)).float(),),
        _groups,
    ),
    "a barrier for the grid": example(
        GRID,
        "torch::Tensor f(torch::Tensor x)",
        lambda: (torch.randint(-9, 9, (150,)).float(),),
        _grid,
    ),
    "lanes that are together": example(
        COALESCED,
        "std::vector<torch::Tensor> f(torch::Tensor x)",
        lambda: (torch.randint(-9, 9, (150,)).float(),),
        _coalesced,
    ),
    "atomics of every kind": example(
        ATOMICS,
        "std::tuple<torch::Tensor, torch::Tensor, torch::Tensor, torch::Tensor> f(torch::Tensor x)",
        lambda: (torch.randn(90),),
        lambda x: (
            x.max()[None],
            (x > 0).sum().double()[None],
            torch.tensor([-1, 180]),
            torch.tensor([3, -5], dtype=torch.int32),
        ),
    ),
    "cudaLaunchKernel, constants and globals": example(
        LAUNCHES,
        "std::vector<torch::Tensor> f(torch::Tensor x, torch::Tensor keys, at::IntArrayRef shape, std::tuple<int, int> pair)",
        lambda: (torch.randn(40), torch.arange(8, dtype=torch.int32), [4, 10], (8, 8)),
        lambda x, keys, *_: [
            (x * (torch.arange(40) % 4 + 1) * 1.5 + 0.25).view(4, 10),
            torch.full((8, 8), 8, dtype=torch.int32),
        ],
    ),
    "rounding": example(
        ROUNDING,
        "std::vector<torch::Tensor> f(torch::Tensor x)",
        lambda: (torch.tensor([1.5, -2.5, 7.25, 10.1]),),
        lambda x: [1 / x + 2 * x, (x.floor() + 100 * x.ceil()).int() + 0x01 + 1 + 2 + 31 + 4],
    ),
    **{
        f"dispatch of {len(shape)}-D {dtype}": example(
            DISPATCH,
            "torch::Tensor f(torch::Tensor x)",
            lambda dtype=dtype, shape=shape: (torch.randint(1, 9, shape).to(dtype),),
            lambda x: (x + x).to(x.dtype),
        )
        for dtype, shape in (
            *((d, (30,)) for d in (torch.uint8, torch.int16, torch.bool, torch.bfloat16, torch.float64)),
            *((d, (5, 6)) for d in (torch.float16, torch.float32)),
        )
    },
}
