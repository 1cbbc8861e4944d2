// Times calls between events, the L2 cache flushed before each. Here rather than in Python: this library's own copy of
// CUDA's runtime is loaded before a candidate's code, and neither torch's functions nor the candidate's are asked.
#include <cuda_runtime.h>
#include <stddef.h>

namespace simt {

constexpr size_t kLeastFlush = size_t{64} << 20;
constexpr int kMostFlushes = 400;  // fewer than launches may wait in a stream's queue
constexpr int kTrialFlushes = 8;
static void* flushed;
static size_t flushed_bytes;
static float flush_ms;
static cudaEvent_t start, end, whole;

static cudaError_t flush(cudaStream_t on, int times) {
    for (int i = 0; i < times; ++i)
        if (const cudaError_t error = cudaMemsetAsync(flushed, 0, flushed_bytes, on)) return error;
    return cudaSuccess;
}

// How long a flush takes; the first trial is to wake it up.
static cudaError_t time_flush() {
    for (int trial = 0; trial < 2; ++trial) {
        if (const cudaError_t error = cudaEventRecord(start, nullptr)) return error;
        if (const cudaError_t error = flush(nullptr, kTrialFlushes)) return error;
        if (const cudaError_t error = cudaEventRecord(end, nullptr)) return error;
        if (const cudaError_t error = cudaEventSynchronize(end)) return error;
    }
    if (const cudaError_t error = cudaEventElapsedTime(&flush_ms, start, end)) return error;
    flush_ms /= kTrialFlushes;
    return cudaSuccess;
}

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
    void* memory = nullptr;
    if (const cudaError_t error = cudaMalloc(&memory, flushed_bytes)) return error;
    flushed = memory;
    return cudaSuccess;
}

// See how long a flush takes now: a GPU that was idle has slow clocks. Take back what persists in the L2 cache, and the
// part of the cache that is set aside for it. Before Ampere there is no such part, and no such limit; in a part of a GPU
// (MIG) or under MPS it can't be changed, and not by a candidate either: only an error that lasts is one.
int simt_stopwatch_reset_cache() {
    int device = 0, largest = 0;
    if (const cudaError_t error = time_flush()) return error;
    if (const cudaError_t error = cudaGetDevice(&device)) return error;
    if (const cudaError_t error = cudaDeviceGetAttribute(&largest, cudaDevAttrMaxPersistingL2CacheSize, device))
        return error;
    if (!largest) return cudaSuccess;
    (void)cudaCtxResetPersistingL2Cache();
    (void)cudaDeviceSetLimit(cudaLimitPersistingL2CacheSize, 0);
    (void)cudaGetLastError();
    return cudaDeviceSynchronize();
}

// The GPU is busy flushing, for `busy_ms` or as often as can be, while the host goes on to the call: its launches wait in
// the queue, and what the events see is the GPU's time, not what Python and the launches themselves take.
int simt_stopwatch_start(void* stream, float busy_ms) {
    const auto on = static_cast<cudaStream_t>(stream);
    const float wanted = flush_ms > 0 ? busy_ms / flush_ms : 0;
    const int times = wanted >= kMostFlushes ? kMostFlushes : 1 + static_cast<int>(wanted);
    if (const cudaError_t error = cudaDeviceSynchronize()) return error;
    if (const cudaError_t error = flush(on, times)) return error;
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
