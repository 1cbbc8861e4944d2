// Linked into every extension with `--wrap`: launches and copies to the host are reported to the runtime library before
// CUDA's own function runs. An extension brings its own copy of CUDA's runtime, so this sees that extension's calls and
// no one else's.
#include <cuda_runtime.h>

extern "C" {

void simt_count_launch(const char* kernel, const unsigned* grid, const unsigned* block);
void simt_count_host_bytes(size_t bytes);
bool simt_launching();

// Some of these exist only in some versions of CUDA: weak, and then never called.
#define REAL(NAME) __attribute__((weak)) __real_##NAME
cudaError_t REAL(cudaLaunchKernel)(const void*, dim3, dim3, void**, size_t, cudaStream_t);
cudaError_t REAL(__cudaLaunchKernel)(void*, dim3, dim3, void**, size_t, cudaStream_t);
cudaError_t REAL(cudaLaunchCooperativeKernel)(const void*, dim3, dim3, void**, size_t, cudaStream_t);
cudaError_t REAL(cudaLaunchKernelExC)(const cudaLaunchConfig_t*, const void*, void**);
cudaError_t REAL(cudaMemcpy)(void*, const void*, size_t, cudaMemcpyKind);
cudaError_t REAL(cudaMemcpyAsync)(void*, const void*, size_t, cudaMemcpyKind, cudaStream_t);
cudaError_t REAL(cudaMemcpy2D)(void*, size_t, const void*, size_t, size_t, size_t, cudaMemcpyKind);
cudaError_t REAL(cudaMemcpy2DAsync)(void*, size_t, const void*, size_t, size_t, size_t, cudaMemcpyKind, cudaStream_t);
cudaError_t REAL(cudaMemcpyFromSymbol)(void*, const void*, size_t, size_t, cudaMemcpyKind);
cudaError_t REAL(cudaMemcpyFromSymbolAsync)(void*, const void*, size_t, size_t, cudaMemcpyKind, cudaStream_t);
cudaError_t REAL(cudaMallocManaged)(void**, size_t, unsigned);
cudaError_t REAL(cudaMallocHost)(void**, size_t);
cudaError_t REAL(cudaHostAlloc)(void**, size_t, unsigned);

static void count(const void* kernel, dim3 grid, dim3 block) {
    const char* name = nullptr;
#if CUDART_VERSION >= 12030
    if (cudaFuncGetName(&name, kernel) != cudaSuccess) cudaGetLastError();
#endif
    const unsigned blocks[3] = {grid.x, grid.y, grid.z}, threads[3] = {block.x, block.y, block.z};
    simt_count_launch(name, blocks, threads);
}

}  // extern "C"

// Where launches are to do nothing, they are counted all the same. A launch that failed is none.
template <class Launch>
static cudaError_t launched(const void* kernel, dim3 grid, dim3 block, Launch launch) {
    const cudaError_t status = simt_launching() ? launch() : cudaSuccess;
    if (status == cudaSuccess) count(kernel, grid, block);
    return status;
}

extern "C" {

cudaError_t __wrap_cudaLaunchKernel(const void* f, dim3 grid, dim3 block, void** args, size_t shared, cudaStream_t s) {
    return launched(f, grid, block, [&] { return __real_cudaLaunchKernel(f, grid, block, args, shared, s); });
}
cudaError_t __wrap___cudaLaunchKernel(void* f, dim3 grid, dim3 block, void** args, size_t shared, cudaStream_t s) {
    return launched(f, grid, block, [&] { return __real___cudaLaunchKernel(f, grid, block, args, shared, s); });
}
cudaError_t __wrap_cudaLaunchCooperativeKernel(const void* f, dim3 grid, dim3 block, void** args, size_t shared,
                                               cudaStream_t s) {
    return launched(f, grid, block,
                    [&] { return __real_cudaLaunchCooperativeKernel(f, grid, block, args, shared, s); });
}
cudaError_t __wrap_cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* f, void** args) {
    return launched(f, config->gridDim, config->blockDim, [&] { return __real_cudaLaunchKernelExC(config, f, args); });
}

// With unified addressing the kind may be cudaMemcpyDefault: the destination says whether the host gets to see it.
static void copied(const void* to, size_t bytes, cudaMemcpyKind kind) {
    cudaPointerAttributes place = {};
    const bool known = cudaPointerGetAttributes(&place, to) == cudaSuccess;
    if (!known) cudaGetLastError();
    if (kind == cudaMemcpyDeviceToHost || (kind == cudaMemcpyDefault && place.type != cudaMemoryTypeDevice))
        simt_count_host_bytes(bytes);
}
cudaError_t __wrap_cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
    copied(to, bytes, kind);
    return __real_cudaMemcpy(to, from, bytes, kind);
}
cudaError_t __wrap_cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t s) {
    copied(to, bytes, kind);
    return __real_cudaMemcpyAsync(to, from, bytes, kind, s);
}
cudaError_t __wrap_cudaMemcpy2D(void* to, size_t to_pitch, const void* from, size_t pitch, size_t width, size_t height,
                                cudaMemcpyKind kind) {
    copied(to, width * height, kind);
    return __real_cudaMemcpy2D(to, to_pitch, from, pitch, width, height, kind);
}
cudaError_t __wrap_cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t pitch, size_t width,
                                     size_t height, cudaMemcpyKind kind, cudaStream_t s) {
    copied(to, width * height, kind);
    return __real_cudaMemcpy2DAsync(to, to_pitch, from, pitch, width, height, kind, s);
}
cudaError_t __wrap_cudaMemcpyFromSymbol(void* to, const void* symbol, size_t bytes, size_t offset,
                                        cudaMemcpyKind kind) {
    copied(to, bytes, kind);
    return __real_cudaMemcpyFromSymbol(to, symbol, bytes, offset, kind);
}
cudaError_t __wrap_cudaMemcpyFromSymbolAsync(void* to, const void* symbol, size_t bytes, size_t offset,
                                             cudaMemcpyKind kind, cudaStream_t s) {
    copied(to, bytes, kind);
    return __real_cudaMemcpyFromSymbolAsync(to, symbol, bytes, offset, kind, s);
}
cudaError_t __wrap_cudaMallocManaged(void** pointer, size_t bytes, unsigned flags) {
    simt_count_host_bytes(bytes);
    return __real_cudaMallocManaged(pointer, bytes, flags);
}
cudaError_t __wrap_cudaMallocHost(void** pointer, size_t bytes) {
    simt_count_host_bytes(bytes);
    return __real_cudaMallocHost(pointer, bytes);
}
cudaError_t __wrap_cudaHostAlloc(void** pointer, size_t bytes, unsigned flags) {
    simt_count_host_bytes(bytes);
    return __real_cudaHostAlloc(pointer, bytes, flags);
}

}  // extern "C"
