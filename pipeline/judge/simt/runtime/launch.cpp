// The host's side of a launch: limits, errors, the count of launches; and the host API that is more than a line.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vector>
#include "rehearsal.h"
#include "scheduler.h"
#include "simt/cuda_api.h"

namespace simt {

// Storage of what device code sees as constants.
uint3 thread_index_storage __asm__("simt_thread_index");
uint3 block_index_storage __asm__("simt_block_index");
uint3 block_dim_storage __asm__("simt_block_dim");
uint3 grid_dim_storage __asm__("simt_grid_dim");

void set_block_index(uint3 index) { block_index_storage = index; }

struct LaunchRecord {
    char kernel[512];
    unsigned grid[3], block[3];
};
constexpr size_t kMaxRecords = 4096;
static std::vector<LaunchRecord> records;
static int64_t launch_count;
static bool launching = true;

struct AttributeRecord {
    char text[192];
    const void* library;  // with the kernel in it, where only a pointer told which one that is
    size_t bytes;
};
static std::vector<AttributeRecord> attributes;
static cudaError_t last_error = cudaSuccess;

void set_last_error(cudaError_t error) { last_error = error; }

// A limit that no GPU has is asked for. In a rehearsal that counts like the launch it is for, unless another one follows.
static cudaError_t refuse_limit(const char* kernel, int bytes) {
    last_error = cudaErrorInvalidValue;
    if (!rehearsing() || !may_refuse()) return last_error;
    char text[sizeof(FaultRecord::detail)];
    snprintf(text, sizeof text, "no GPU lets a block have %d bytes of dynamic shared memory", bytes);
    FaultRecord fault = make_fault("launch_error", text, 0);
    snprintf(fault.kernel, sizeof fault.kernel, "%.*s", static_cast<int>(strcspn(kernel, ",<")), kernel);
    record_fault(fault);
    launch_refused(fault);
    error_seen();
    return last_error;
}

Launch::Launch(const char* kernel, int line, dim3 grid, dim3 block, size_t shared_bytes, CUstream_st*)
    : config{kernel, line, {grid.x, grid.y, grid.z}, {block.x, block.y, block.z}, shared_bytes} {}

static size_t base_name_length(const char* kernel) {
    size_t n = 0;
    while (kernel[n] && kernel[n] != '<' && kernel[n] != ' ') ++n;
    return n;
}

static const void* library_of(const void* function) {
    Dl_info found;
    return dladdr(function, &found) ? found.dli_fbase : nullptr;
}

// The limit that cudaFuncSetAttribute raised for a kernel, found by the kernel's name in the call's text; what was
// raised by way of a pointer may be any kernel's of its library, what is launched by one may be any, and a rehearsal
// takes the largest of all.
static size_t dynamic_shared_limit(const LaunchConfig& config, KernelBody body) {
    if (attributes.empty()) return kDefaultDynamicShared;  // what follows looks at every library of the process
    char name[sizeof(LaunchRecord::kernel)];
    snprintf(name, sizeof name, "%.*s", static_cast<int>(base_name_length(config.kernel)), config.kernel);
    const bool any = rehearsing() || config.by_pointer;
    const void* own = library_of(reinterpret_cast<const void*>(body));
    size_t limit = kDefaultDynamicShared;
    for (const AttributeRecord& attribute : attributes)
        if (attribute.bytes > limit &&
            (any || (attribute.library ? attribute.library == own : strstr(attribute.text, name) != nullptr)))
            limit = attribute.bytes;
    return limit;
}

static cudaError_t raise_limit(const char* text, const void* library, cudaFuncAttribute attribute, int value) {
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
    if (value < 0 || static_cast<size_t>(value) > kMaxDynamicShared) return refuse_limit(text, value);
    AttributeRecord record = {};
    snprintf(record.text, sizeof record.text, "%s", text);
    record.library = library;
    record.bytes = static_cast<size_t>(value);
    attributes.push_back(record);
    return cudaSuccess;
}

static const char* launch_problem(const LaunchConfig& c) {
    if (!c.grid[0] || !c.grid[1] || !c.grid[2]) return "a grid of zero blocks";
    if (!c.block[0] || !c.block[1] || !c.block[2]) return "a block of zero threads";
    if (uint64_t(c.block[0]) * c.block[1] * c.block[2] > kMaxThreads) return "more than 1024 threads per block";
    if (c.block[0] > 1024 || c.block[1] > 1024 || c.block[2] > 64) return "a block dimension over its limit";
    if (c.grid[0] > 0x7fffffffu || c.grid[1] > 65535 || c.grid[2] > 65535) return "a grid dimension over its limit";
    return nullptr;
}

static FaultRecord launch_fault(const LaunchConfig& config, const char* kind, const char* detail) {
    FaultRecord fault = make_fault(kind, detail, config.line);
    snprintf(fault.kernel, sizeof fault.kernel, "%s", config.kernel);
    return fault;
}

static void refuse(const LaunchConfig& config, cudaError_t error, const char* detail) {
    last_error = error;
    if (!may_refuse()) return;
    char text[sizeof(FaultRecord::detail)];
    snprintf(text, sizeof text, "%s: grid (%u, %u, %u), block (%u, %u, %u), %zu bytes of dynamic shared memory", detail,
             config.grid[0], config.grid[1], config.grid[2], config.block[0], config.block[1], config.block[2],
             config.shared_bytes);
    const FaultRecord fault = launch_fault(config, "launch_error", text);
    record_fault(fault);
    launch_refused(fault);
}

// Of the host's memory there are small addresses (a number), the heap and stacks; all else is known.
constexpr uintptr_t kLowestAddress = uintptr_t(0x5500) << 32, kHighestAddress = uintptr_t(0x8000) << 32;

extern "C" void simt_argument(const LaunchConfig& config, const void* pointer) {
    const auto address = reinterpret_cast<uintptr_t>(pointer);
    if (address < kLowestAddress || address >= kHighestAddress || !launching || fault_pending()) return;
    auto* at = static_cast<const char*>(pointer);
    if (region_near(at) || borrowed(at) || borrowed(at - 1) || is_static(at)) return;  // an end belongs to what it ends
    stop(launch_fault(config, "host_memory", "a kernel is given a pointer to the host's own memory"));
}

extern "C" void simt_launch(const LaunchConfig& config, KernelBody body, void* arguments) {
    if (in_kernel()) simt_device_fail("unsupported", "dynamic parallelism", config.line);
    if (fault_pending()) return;
    if (const char* problem = launch_problem(config)) return refuse(config, cudaErrorInvalidConfiguration, problem);
    if (config.shared_bytes > kDefaultDynamicShared && config.shared_bytes > dynamic_shared_limit(config, body))
        return refuse(config, cudaErrorInvalidValue, "more dynamic shared memory than the limit set for this kernel");
    const Residence blocks = config.cooperative ? residence(config) : Residence::Fits;
    if (blocks == Residence::TooLarge)
        return refuse(config, cudaErrorCooperativeLaunchTooLarge, "a cooperative launch of more blocks than fit a GPU");
    if (blocks == Residence::Beyond)
        return stop(launch_fault(config, "unsupported", "a cooperative launch of so many threads"));
    launch_made();
    ++launch_count;
    if (records.size() < kMaxRecords) {
        LaunchRecord record = {};
        snprintf(record.kernel, sizeof record.kernel, "%s", config.kernel);
        memcpy(record.grid, config.grid, sizeof record.grid);
        memcpy(record.block, config.block, sizeof record.block);
        records.push_back(record);
    }
    if (!launching) return;
    block_dim_storage = {config.block[0], config.block[1], config.block[2]};
    grid_dim_storage = {config.grid[0], config.grid[1], config.grid[2]};
    install_signal_handler();
    const DeviceAccess access;
    shared_begin_launch(config.shared_bytes, dynamic_shared_limit(config, body) > kDefaultDynamicShared);
    run_grid(config, body, arguments);
    shared_end_launch();
}

extern "C" {

int64_t simt_launch_count() { return launch_count; }
const LaunchRecord* simt_launch_record(int64_t i) {
    return i < static_cast<int64_t>(records.size()) ? &records[static_cast<size_t>(i)] : nullptr;
}
void simt_reset_launches() {
    launch_count = 0;
    records.clear();
}
void simt_set_launching(bool on) { launching = on; }
// Whether a launch was refused and nobody has asked for the error: on a GPU, torch's next launch raises it.
bool simt_has_unread_error() { return last_error != cudaSuccess; }
void simt_set_order(int order, uint64_t seed) {
    set_order(static_cast<Order>(order), seed);
    set_poison(static_cast<unsigned>(seed % 3));
}

}  // extern "C"
}  // namespace simt

extern "C" {

cudaError_t cudaPeekAtLastError() {
    if (simt::last_error) simt::error_seen();
    return simt::fault_pending() ? cudaErrorIllegalAddress : simt::last_error;
}
cudaError_t cudaGetLastError() {
    const cudaError_t error = cudaPeekAtLastError();
    simt::last_error = cudaSuccess;
    return error;
}
cudaError_t cudaDeviceSynchronize() { return simt::fault_pending() ? cudaErrorIllegalAddress : cudaSuccess; }

const char* cudaGetErrorString(cudaError_t error) {
    switch (error) {
        case cudaSuccess: return "no error";
        case cudaErrorInvalidValue: return "invalid argument";
        case cudaErrorMemoryAllocation: return "out of memory";
        case cudaErrorInvalidConfiguration: return "invalid configuration argument";
        case cudaErrorCooperativeLaunchTooLarge: return "too many blocks in cooperative launch";
        case cudaErrorIllegalAddress: return "an illegal memory access was encountered";
        default: return "unspecified launch failure";
    }
}
const char* cudaGetErrorName(cudaError_t error) { return error == cudaSuccess ? "cudaSuccess" : "cudaError"; }

// The figures of an A100, whose limits the launches are held to, of which the kernel has a slice: all blocks of a
// cooperative launch, as large as such a GPU allows, have to be there at once.
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int) {
    memset(p, 0, sizeof *p);
    snprintf(p->name, sizeof p->name, "NVIDIA A100-SXM4-40GB MIG 2g.10gb");  // a kernel can't tell where it is judged
    p->totalGlobalMem = size_t(10) << 30;
    p->sharedMemPerBlock = simt::kDefaultDynamicShared;
    p->sharedMemPerBlockOptin = 163 * 1024;
    p->sharedMemPerMultiprocessor = simt::kSharedPerMultiprocessor;
    p->regsPerBlock = 65536;
    p->warpSize = 32;
    p->maxThreadsPerBlock = p->maxThreadsDim[0] = p->maxThreadsDim[1] = 1024;
    p->maxThreadsDim[2] = 64;
    p->maxGridSize[0] = 0x7fffffff;
    p->maxGridSize[1] = p->maxGridSize[2] = 65535;
    p->major = 8;
    p->multiProcessorCount = static_cast<int>(simt::kMultiprocessors);
    p->maxThreadsPerMultiProcessor = 2048;
    p->l2CacheSize = 10 << 20;
    p->clockRate = 1410000;
    p->cooperativeLaunch = p->concurrentKernels = 1;
    p->maxBlocksPerMultiProcessor = 32;
    p->regsPerMultiprocessor = 65536;
    p->memoryClockRate = 1215000;
    p->memoryBusWidth = 5120;
    p->totalConstMem = 65536;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
    cudaDeviceProp p;
    cudaGetDeviceProperties(&p, 0);
    switch (attribute) {
        case cudaDevAttrMaxThreadsPerBlock: *value = p.maxThreadsPerBlock; break;
        case cudaDevAttrMaxBlockDimX: *value = p.maxThreadsDim[0]; break;
        case cudaDevAttrMaxBlockDimY: *value = p.maxThreadsDim[1]; break;
        case cudaDevAttrMaxBlockDimZ: *value = p.maxThreadsDim[2]; break;
        case cudaDevAttrMaxGridDimX: *value = p.maxGridSize[0]; break;
        case cudaDevAttrMaxGridDimY: *value = p.maxGridSize[1]; break;
        case cudaDevAttrMaxGridDimZ: *value = p.maxGridSize[2]; break;
        case cudaDevAttrMaxRegistersPerBlock: *value = p.regsPerBlock; break;
        case cudaDevAttrClockRate: *value = p.clockRate; break;
        case cudaDevAttrL2CacheSize: *value = p.l2CacheSize; break;
        case cudaDevAttrCooperativeLaunch: *value = 1; break;
        case cudaDevAttrMaxSharedMemoryPerMultiprocessor: *value = static_cast<int>(p.sharedMemPerMultiprocessor); break;
        case cudaDevAttrMaxSharedMemoryPerBlock: *value = static_cast<int>(p.sharedMemPerBlock); break;
        case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = static_cast<int>(p.sharedMemPerBlockOptin); break;
        case cudaDevAttrWarpSize: *value = p.warpSize; break;
        case cudaDevAttrMultiProcessorCount: *value = p.multiProcessorCount; break;
        case cudaDevAttrMaxThreadsPerMultiProcessor: *value = p.maxThreadsPerMultiProcessor; break;
        case cudaDevAttrComputeCapabilityMajor: *value = p.major; break;
        case cudaDevAttrComputeCapabilityMinor: *value = p.minor; break;
        default: return cudaErrorInvalidValue;
    }
    return cudaSuccess;
}

cudaError_t simt_func_set_attribute(const char* text, cudaFuncAttribute attribute, int value) {
    return simt::raise_limit(text, nullptr, attribute, value);
}

cudaError_t simt_pointer_set_attribute(const void* kernel, cudaFuncAttribute attribute, int value) {
    return simt::raise_limit("a kernel", simt::library_of(kernel), attribute, value);
}

}  // extern "C"
