// The names of c10::cuda over torch's own streams. There is one device: what names another keeps the current one.
#pragma once
#include <cuda_runtime.h>

namespace simt {
extern "C" void* simt_current_stream();  // torch's, as binding.py sees it
[[noreturn]] void cuda_failed(cudaError_t error);
}  // namespace simt

namespace c10::cuda {
class CUDAStream {
public:
    explicit CUDAStream(cudaStream_t stream) : stream_(stream) {}
    cudaStream_t stream() const { return stream_; }
    operator cudaStream_t() const { return stream_; }
    void synchronize() const {
        if (const cudaError_t error = cudaStreamSynchronize(stream_)) simt::cuda_failed(error);
    }

private:
    cudaStream_t stream_;
};
inline CUDAStream getCurrentCUDAStream(int = -1) {
    return CUDAStream(static_cast<cudaStream_t>(simt::simt_current_stream()));
}
inline CUDAStream getDefaultCUDAStream(int = -1) { return CUDAStream(nullptr); }
inline int current_device() { return 0; }
inline int device_count() { return 1; }
struct CUDAGuard {
    template <class D> explicit CUDAGuard(D) {}
};
struct OptionalCUDAGuard {
    OptionalCUDAGuard() = default;
    template <class D> explicit OptionalCUDAGuard(D) {}
};
}  // namespace c10::cuda
