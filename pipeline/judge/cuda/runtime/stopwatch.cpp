// Times calls between events, the L2 cache flushed before each. Here rather than in Python: this library's own copy of
// CUDA's runtime is loaded before a candidate's code, and neither torch's functions nor the candidate's are asked.
#include <cuda_runtime.h>
#include <stddef.h>

namespace simt {

constexpr size_t kLeastFlush = size_t{64} << 20;
static void* flushed;
static size_t flushed_bytes;
static cudaEvent_t start, end, whole;

extern "C" {

// Each returns CUDA's error, zero if there is none.
int simt_stopwatch_open() {
    if (flushed) return cudaSuccess;
    int device = 0, l2 = 0;
    if (const cudaError_t error = cudaGetDevice(&device)) return error;
    if (const cudaError_t error = cudaDeviceGetAttribute(&l2, cudaDevAttrL2CacheSize, device)) return error;
    flushed_bytes = 2 * static_cast<size_t>(l2);
    if (flushed_bytes < kLeastFlush) flushed_bytes = kLeastFlush;
    for (cudaEvent_t* event : {&start, &end, &whole})
        if (const cudaError_t error = cudaEventCreateWithFlags(event, cudaEventDefault)) return error;
    return cudaMalloc(&flushed, flushed_bytes);
}

// Take back what persists in the L2 cache, and the part of the cache that is set aside for it. Before Ampere there is
// no such part, and no such limit.
int simt_stopwatch_reset_cache() {
    int device = 0, largest = 0;
    if (const cudaError_t error = cudaGetDevice(&device)) return error;
    if (const cudaError_t error = cudaDeviceGetAttribute(&largest, cudaDevAttrMaxPersistingL2CacheSize, device))
        return error;
    if (!largest) return cudaSuccess;
    if (const cudaError_t error = cudaCtxResetPersistingL2Cache()) return error;
    return cudaDeviceSetLimit(cudaLimitPersistingL2CacheSize, 0);
}

// The GPU is busy flushing while the host goes on to the call: its launches wait in the queue, and what the events
// see is the GPU's time unless the host takes longer than the flush.
int simt_stopwatch_start(void* stream) {
    const auto on = static_cast<cudaStream_t>(stream);
    if (const cudaError_t error = cudaDeviceSynchronize()) return error;
    if (const cudaError_t error = cudaMemsetAsync(flushed, 0, flushed_bytes, on)) return error;
    return cudaEventRecord(start, on);
}

int simt_stopwatch_wait() { return cudaDeviceSynchronize(); }

int simt_stopwatch_stop(void* stream) { return cudaEventRecord(end, static_cast<cudaStream_t>(stream)); }

int simt_stopwatch_read(void* stream, float* event_ms, float* whole_ms) {
    if (const cudaError_t error = cudaDeviceSynchronize()) return error;  // other streams' work too
    if (const cudaError_t error = cudaEventRecord(whole, static_cast<cudaStream_t>(stream))) return error;
    if (const cudaError_t error = cudaEventSynchronize(whole)) return error;
    if (const cudaError_t error = cudaEventElapsedTime(event_ms, start, end)) return error;
    return cudaEventElapsedTime(whole_ms, start, whole);
}

}  // extern "C"
}  // namespace simt
