// The names of c10::cuda and of at::cuda's context: here every stream is the same one, and there is one device.
#pragma once
#include "simt/cuda_api.h"

namespace c10::cuda {
struct CUDAStream {
    cudaStream_t stream() const { return nullptr; }
    operator cudaStream_t() const { return nullptr; }
    void synchronize() const {}
};
inline CUDAStream getCurrentCUDAStream(int = -1) { return {}; }
inline CUDAStream getDefaultCUDAStream(int = -1) { return {}; }
inline CUDAStream getStreamFromPool(bool = false, int = -1) { return {}; }
inline int8_t current_device() { return 0; }
inline int8_t device_count() { return 1; }
struct CUDAGuard {
    template <class D> explicit CUDAGuard(D) {}
};
struct OptionalCUDAGuard {
    OptionalCUDAGuard() = default;
    template <class D> explicit OptionalCUDAGuard(D) {}
};
struct CUDAStreamGuard {
    explicit CUDAStreamGuard(CUDAStream) {}
};
}  // namespace c10::cuda
