// The part of the CUDA runtime's host API that a kernel's launcher uses. Streams and events do nothing: a launch has
// ended when it returns.
#pragma once
#include <stdlib.h>
#include <string.h>
#include <utility>
#include "simt/types.h"

enum cudaError_t {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInvalidConfiguration = 9,
    cudaErrorInvalidDevicePointer = 17,
    cudaErrorInvalidDeviceFunction = 98,
    cudaErrorNoDevice = 100,
    cudaErrorInvalidDevice = 101,
    cudaErrorNoKernelImageForDevice = 209,
    cudaErrorNotReady = 600,
    cudaErrorIllegalAddress = 700,
    cudaErrorLaunchOutOfResources = 701,
    cudaErrorLaunchFailure = 719,
    cudaErrorCooperativeLaunchTooLarge = 720,
    cudaErrorNotSupported = 801,
    cudaErrorUnknown = 999,
};
using cudaError = cudaError_t;
enum cudaMemcpyKind {
    cudaMemcpyHostToHost,
    cudaMemcpyHostToDevice,
    cudaMemcpyDeviceToHost,
    cudaMemcpyDeviceToDevice,
    cudaMemcpyDefault
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8, cudaFuncAttributePreferredSharedMemoryCarveout };
constexpr int cudaSharedmemCarveoutDefault = -1, cudaSharedmemCarveoutMaxShared = 100, cudaSharedmemCarveoutMaxL1 = 0;
enum cudaFuncCache { cudaFuncCachePreferNone, cudaFuncCachePreferShared, cudaFuncCachePreferL1, cudaFuncCachePreferEqual };
enum cudaDeviceAttr {
    cudaDevAttrMaxThreadsPerBlock = 1,
    cudaDevAttrMaxBlockDimX = 2,
    cudaDevAttrMaxBlockDimY = 3,
    cudaDevAttrMaxBlockDimZ = 4,
    cudaDevAttrMaxGridDimX = 5,
    cudaDevAttrMaxGridDimY = 6,
    cudaDevAttrMaxGridDimZ = 7,
    cudaDevAttrMaxSharedMemoryPerBlock = 8,
    cudaDevAttrWarpSize = 10,
    cudaDevAttrMaxRegistersPerBlock = 12,
    cudaDevAttrClockRate = 13,
    cudaDevAttrMultiProcessorCount = 16,
    cudaDevAttrL2CacheSize = 38,
    cudaDevAttrMaxThreadsPerMultiProcessor = 39,
    cudaDevAttrComputeCapabilityMajor = 75,
    cudaDevAttrComputeCapabilityMinor = 76,
    cudaDevAttrMaxSharedMemoryPerMultiprocessor = 81,
    cudaDevAttrCooperativeLaunch = 95,
    cudaDevAttrMaxSharedMemoryPerBlockOptin = 97
};
using cudaStream_t = struct CUstream_st*;
using cudaEvent_t = struct CUevent_st*;
constexpr unsigned cudaStreamNonBlocking = 1, cudaStreamDefault = 0;
constexpr unsigned cudaEventDefault = 0, cudaEventDisableTiming = 2;

struct cudaDeviceProp {
    char name[256];
    size_t totalGlobalMem, sharedMemPerBlock, sharedMemPerBlockOptin, sharedMemPerMultiprocessor;
    int regsPerBlock, warpSize, maxThreadsPerBlock, maxThreadsDim[3], maxGridSize[3];
    int major, minor, multiProcessorCount, maxThreadsPerMultiProcessor, l2CacheSize, clockRate;
    int cooperativeLaunch, maxBlocksPerMultiProcessor, regsPerMultiprocessor, concurrentKernels;
    int memoryClockRate, memoryBusWidth;
    size_t totalConstMem;
};

extern "C" {
cudaError_t cudaGetLastError();
cudaError_t cudaPeekAtLastError();
const char* cudaGetErrorString(cudaError_t error);
const char* cudaGetErrorName(cudaError_t error);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);
cudaError_t cudaDeviceSynchronize();
cudaError_t simt_func_set_attribute(const char* text, cudaFuncAttribute attribute, int value);
cudaError_t simt_pointer_set_attribute(const void* kernel, cudaFuncAttribute attribute, int value);
}

namespace simt {
template <class F>
cudaError_t set_attribute(const char* text, F, cudaFuncAttribute attribute, int value) {
    return simt_func_set_attribute(text, attribute, value);
}
template <class F>
cudaError_t set_attribute_by_pointer(F kernel, cudaFuncAttribute attribute, int value) {
    return simt_pointer_set_attribute((const void*)kernel, attribute, value);
}
}  // namespace simt
// The text names the kernel, which is how a launch finds the limit that was raised for it.
#define cudaFuncSetAttribute(...) simt::set_attribute(#__VA_ARGS__, __VA_ARGS__)
template <class F> cudaError_t cudaFuncSetCacheConfig(F, cudaFuncCache) { return cudaSuccess; }
enum cudaSharedMemConfig { cudaSharedMemBankSizeDefault, cudaSharedMemBankSizeFourByte, cudaSharedMemBankSizeEightByte };
template <class F> cudaError_t cudaFuncSetSharedMemConfig(F, cudaSharedMemConfig) { return cudaSuccess; }
inline cudaError_t cudaDeviceSetSharedMemConfig(cudaSharedMemConfig) { return cudaSuccess; }
inline cudaError_t cudaDeviceSetCacheConfig(cudaFuncCache) { return cudaSuccess; }
constexpr unsigned cudaMemAttachGlobal = 1, cudaHostAllocDefault = 0, cudaHostAllocMapped = 2, cudaHostAllocPortable = 1;
constexpr int cudaCpuDeviceId = -1;

template <class T>
cudaError_t cudaMalloc(T** pointer, size_t bytes) {
    *pointer = static_cast<T*>(simt::simt_device_malloc(bytes));
    return *pointer || bytes == 0 ? cudaSuccess : cudaErrorMemoryAllocation;
}
template <class T> cudaError_t cudaMallocAsync(T** pointer, size_t bytes, cudaStream_t) { return cudaMalloc(pointer, bytes); }
template <class T>
cudaError_t cudaMallocManaged(T** pointer, size_t bytes, unsigned = 1) {
    *pointer = static_cast<T*>(simt::simt_host_malloc(bytes));
    return *pointer || bytes == 0 ? cudaSuccess : cudaErrorMemoryAllocation;
}
template <class T> cudaError_t cudaMallocHost(T** pointer, size_t bytes) { return cudaMallocManaged(pointer, bytes); }
template <class T> cudaError_t cudaHostAlloc(T** pointer, size_t bytes, unsigned) { return cudaMallocManaged(pointer, bytes); }
inline cudaError_t cudaFree(void* pointer) { return simt::simt_device_free(pointer) ? cudaSuccess : cudaErrorInvalidValue; }
inline cudaError_t cudaFreeAsync(void* pointer, cudaStream_t) { return cudaFree(pointer); }
inline cudaError_t cudaFreeHost(void* pointer) { return cudaFree(pointer); }
inline cudaError_t cudaMemset(void* to, int value, size_t bytes) { simt::simt_set(to, value, bytes); return cudaSuccess; }
inline cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t = {}) { return cudaMemset(to, value, bytes); }
inline cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
    simt::simt_copy(to, from, bytes, kind == cudaMemcpyDeviceToHost);
    return cudaSuccess;
}
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t = {}) {
    return cudaMemcpy(to, from, bytes, kind);
}
template <class T>
cudaError_t cudaMemcpyToSymbol(T& symbol, const void* from, size_t bytes, size_t offset = 0,
                               cudaMemcpyKind kind = cudaMemcpyHostToDevice) {
    if (offset + bytes > sizeof(T)) return cudaErrorInvalidValue;
    char* to = reinterpret_cast<char*>(&symbol) + offset;
    if (kind == cudaMemcpyDeviceToDevice) simt::simt_copy_to_variable(to, from, bytes);
    else simt::simt_copy(to, from, bytes, false);
    return cudaSuccess;
}
template <class T>
cudaError_t cudaMemcpyToSymbolAsync(T& symbol, const void* from, size_t bytes, size_t offset, cudaMemcpyKind kind,
                                    cudaStream_t = {}) {
    return cudaMemcpyToSymbol(symbol, from, bytes, offset, kind);
}
template <class T>
cudaError_t cudaMemcpyFromSymbol(void* to, const T& symbol, size_t bytes, size_t offset = 0,
                                 cudaMemcpyKind kind = cudaMemcpyDeviceToHost) {
    if (offset + bytes > sizeof(T)) return cudaErrorInvalidValue;
    simt::simt_copy(to, reinterpret_cast<const char*>(&symbol) + offset, bytes, kind == cudaMemcpyDeviceToHost);
    return cudaSuccess;
}

template <class T>
cudaError_t cudaGetSymbolAddress(void** pointer, T& symbol) {
    *pointer = const_cast<void*>(static_cast<const volatile void*>(&symbol));
    return cudaSuccess;
}
inline cudaError_t cudaMemPrefetchAsync(const void*, size_t, int, cudaStream_t = {}) { return cudaSuccess; }
inline cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
    cudaDeviceProp properties;
    cudaGetDeviceProperties(&properties, 0);
    *free = *total = properties.totalGlobalMem;
    return cudaSuccess;
}

inline cudaError_t cudaGetDevice(int* device) { *device = 0; return cudaSuccess; }
inline cudaError_t cudaSetDevice(int device) { return device == 0 ? cudaSuccess : cudaErrorInvalidValue; }
inline cudaError_t cudaGetDeviceCount(int* count) { *count = 1; return cudaSuccess; }
// Handles of nothing, but as on a GPU not null.
inline cudaError_t cudaStreamCreate(cudaStream_t* stream) { *stream = cudaStream_t(0x55d0c0de1000); return cudaSuccess; }
inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) { return cudaStreamCreate(stream); }
inline cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned, int) { return cudaStreamCreate(stream); }
inline cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
    *least = 0;
    *greatest = -5;
    return cudaSuccess;
}
inline cudaError_t cudaStreamQuery(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaEventQuery(cudaEvent_t) { return cudaSuccess; }
inline cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaDeviceSynchronize(); }
inline cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned = 0) { return cudaSuccess; }
inline cudaError_t cudaEventCreate(cudaEvent_t* event) { *event = cudaEvent_t(0x55d0c0de2000); return cudaSuccess; }
inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) { return cudaEventCreate(event); }
inline cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t = {}) { return cudaSuccess; }
inline cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaDeviceSynchronize(); }
inline cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t, cudaEvent_t) { *ms = 0; return cudaSuccess; }
inline cudaError_t cudaEventDestroy(cudaEvent_t) { return cudaSuccess; }
namespace simt {
template <class... A, size_t... I>
void launch_with(const Launch& launch, void (*kernel)(A...), void** arguments, std::index_sequence<I...>) {
    launch([&](A... a) SIMT_UNCHECKED { SIMT_BODY_BEGINS kernel(a...); }, *static_cast<A*>(arguments[I])...);
}
// cudaLaunchKernel, once the translator has taken the kernel out of its casts.
template <class... A>
cudaError_t launch_kernel(const char* name, int line, void (*kernel)(A...), dim3 grid, dim3 block, void** arguments,
                          size_t shared_bytes = 0, cudaStream_t = {}, bool cooperative = false) {
    Launch launch(name, line, grid, block, shared_bytes);
    launch.config.cooperative = cooperative;
    launch_with(launch, kernel, arguments, std::index_sequence_for<A...>());
    return cudaPeekAtLastError();
}
// cudaLaunchCooperativeKernel, likewise.
template <class... A>
cudaError_t launch_together(const char* name, int line, void (*kernel)(A...), dim3 grid, dim3 block, void** arguments,
                            size_t shared_bytes = 0, cudaStream_t stream = {}) {
    return launch_kernel(name, line, kernel, grid, block, arguments, shared_bytes, stream, true);
}
}  // namespace simt

template <class F>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, F, int block_size, size_t shared_bytes) {
    if (block_size <= 0) return cudaErrorInvalidValue;
    *blocks = simt::simt_resident_blocks(static_cast<uint64_t>(block_size), shared_bytes);
    return cudaSuccess;
}
template <class F>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, F kernel, int block_size,
                                                                   size_t shared_bytes, unsigned) {
    return cudaOccupancyMaxActiveBlocksPerMultiprocessor(blocks, kernel, block_size, shared_bytes);
}
struct cudaFuncAttributes {
    size_t sharedSizeBytes, constSizeBytes, localSizeBytes;
    int maxThreadsPerBlock, numRegs, ptxVersion, binaryVersion, maxDynamicSharedSizeBytes;
};
template <class F>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, F) {
    *attributes = {0, 0, 0, 1024, 32, 80, 80, 48 * 1024};
    return cudaSuccess;
}
template <class F>
cudaError_t cudaOccupancyMaxPotentialBlockSize(int* grid, int* block, F, size_t shared_bytes = 0, int limit = 0) {
    *block = limit > 0 && limit < 256 ? limit : 256;
    cudaDeviceProp properties;
    cudaGetDeviceProperties(&properties, 0);
    *grid = properties.multiProcessorCount * simt::simt_resident_blocks(static_cast<uint64_t>(*block), shared_bytes);
    return cudaSuccess;
}
template <class F, class Bytes>
cudaError_t cudaOccupancyMaxPotentialBlockSizeVariableSMem(int* grid, int* block, F kernel, Bytes bytes, int limit = 0) {
    cudaOccupancyMaxPotentialBlockSize(grid, block, kernel, 0, limit);
    return cudaOccupancyMaxPotentialBlockSize(grid, block, kernel, bytes(*block), limit);
}
