// What torch's own headers have for device code: c10/macros/Macros.h, ATen/cuda/DeviceUtils.cuh, detail/KernelUtils.h.
#pragma once
#include "simt/device.h"

#define C10_HOST __host__
#define C10_DEVICE __device__
#define C10_HOST_DEVICE __host__ __device__
#define GPU_LAMBDA __host__ __device__
#define C10_ALWAYS_INLINE __forceinline__
#define C10_NOINLINE __noinline__
#define C10_RESTRICT __restrict__
#define C10_UNUSED __attribute__((unused))
#define C10_LIKELY(...) (__builtin_expect(static_cast<bool>(__VA_ARGS__), 1))
#define C10_UNLIKELY(...) (__builtin_expect(static_cast<bool>(__VA_ARGS__), 0))
#define C10_LAUNCH_BOUNDS_0
#define C10_LAUNCH_BOUNDS_1(...)
#define C10_LAUNCH_BOUNDS_2(...)
#define C10_WARP_SIZE 32
#define CUDA_KERNEL_ASSERT(condition) assert(condition)

#define CUDA_KERNEL_LOOP_TYPE(i, n, index_type)                                                              \
    int64_t _i_n_d_e_x = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;                        \
    for (index_type i = static_cast<index_type>(_i_n_d_e_x); _i_n_d_e_x < (n);                               \
         _i_n_d_e_x += blockDim.x * gridDim.x, i = static_cast<index_type>(_i_n_d_e_x))
#define CUDA_KERNEL_LOOP(i, n) CUDA_KERNEL_LOOP_TYPE(i, n, int)
namespace at::cuda::detail {
constexpr int CUDA_NUM_THREADS = 1024;
inline int GET_BLOCKS(int64_t n, int64_t threads = CUDA_NUM_THREADS) { return static_cast<int>((n - 1) / threads + 1); }
}  // namespace at::cuda::detail

#define SIMT_WARP_SHUFFLE(NAME, MODE)                                                                         \
    template <class T>                                                                                        \
    T NAME(T value, int lane, int width = 32, unsigned mask = 0xffffffffu, int line = __builtin_LINE()) {     \
        return simt::shuffle(line, MODE, mask, value, lane, width);                                           \
    }
SIMT_WARP_SHUFFLE(WARP_SHFL, 'i')
SIMT_WARP_SHUFFLE(WARP_SHFL_UP, 'u')
SIMT_WARP_SHUFFLE(WARP_SHFL_DOWN, 'd')
SIMT_WARP_SHUFFLE(WARP_SHFL_XOR, 'x')
#undef SIMT_WARP_SHUFFLE
inline unsigned WARP_BALLOT(int predicate, unsigned mask = 0xffffffffu, int line = __builtin_LINE()) {
    return simt::ballot(line, mask, predicate ? 1 : 0);
}
