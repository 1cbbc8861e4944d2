// What the parts of the runtime share. One OS thread runs kernels, so plain globals do.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "simt/abi.h"
#include "simt/cuda_api.h"

namespace simt {

constexpr int kMaxThreads = 1024;
constexpr size_t kDefaultDynamicShared = 48 * 1024;
constexpr size_t kMaxDynamicShared = 227 * 1024;
constexpr size_t kSharedPerMultiprocessor = 164 * 1024;
constexpr unsigned kMultiprocessors = 28;

// Fixed size, read by fault.py; keep the two in step.
struct FaultRecord {
    uint32_t magic;
    int32_t line;
    uint32_t block[3];
    uint32_t thread[3];
    char kind[32];
    char kernel[128];
    char detail[256];
    // The instruction at fault, and of a race the other one: offsets in a library of the build cache.
    uint64_t place, other_place;
    char library[32];
};
constexpr uint32_t kFaultMagic = 0x73696D74;
constexpr int kFaultExitStatus = 86;
constexpr uintptr_t kNullPages = 1u << 20;  // addresses below come from a null pointer

// An inaccessible page on either side of a body whose data ends flush with the second one.
struct Region {
    char* map;          // first guard page
    size_t map_bytes;
    char* data;
    size_t bytes;
    const char* what;   // "tensor", "__shared__ array"
    const char* name;
    bool host;          // managed or pinned memory, which host code may touch
    bool shared;        // of a block
    bool buffer;        // from cudaMalloc or one of its kind
    bool host_wrote;    // or may have: nothing in it counts as uninitialised
    bool unbacked;      // addresses alone: see rehearsal.h
    uint16_t slack_pattern;  // what surrounds the data up to its pages
    void* shadow;       // shadow.cpp
    Region *previous, *next;
};

Region* region_create(size_t bytes, const char* what, const char* name);
void region_destroy(Region* region);
const char* region_damage(const Region* region);  // null when the slack around the data is untouched
Region* region_near(const void* address);         // the region whose data or guards hold this address
Region* region_first();
void poison(void* data, size_t bytes);
void set_poison(unsigned number);  // which of three kinds it is from now on, around all regions too

// Memory of Python tensors that are not regions, while an extension holds them.
void borrow(const void* address, size_t bytes);
size_t borrowed_bytes(const void* address);  // of the tensor that the address is in, 0 outside of all
void give_back(const void* address);
bool borrowed(const void* address);
bool is_static(const char* address);  // whether it is a variable or a function of a library

// Device memory is out of reach for an extension's host code, as on a GPU: while that runs, regions are inaccessible.
// Kernels, and what works on a tensor for the host, hold a DeviceAccess. Outside of calls Python has access.
void device_open();
void device_close();
struct DeviceAccess {
    DeviceAccess() { device_open(); }
    ~DeviceAccess() { device_close(); }
    DeviceAccess(const DeviceAccess&) = delete;
    DeviceAccess& operator=(const DeviceAccess&) = delete;
};
bool device_closed();
// The same for one region, cheaper: a new one is open, and is closed when it is filled; one is opened to be destroyed.
void region_open(const Region* region);
void region_close(const Region* region);
void count_host_bytes(size_t bytes);
void count_moved_bytes(size_t bytes);

// A fault of the running kernel. `device_abort` leaves the kernel for the end of its launch.
FaultRecord make_fault(const char* kind, const char* detail, int line);
void record_fault(const FaultRecord& fault);
void clear_fault_page();
void record_damage(const Region* region, int line);  // a fault if the region's surroundings were written
bool fault_pending();
[[noreturn]] void device_abort(const FaultRecord& fault);
void stop(const FaultRecord& fault);  // likewise, from the host's side: no thread goes on
void install_signal_handler();
// "read 4 bytes past the end of a tensor (160 bytes)"; `bytes` may be 0 if unknown.
void describe_access(char* text, size_t size, const char* address, size_t bytes, bool write);

// The scheduler's view for the other parts.
bool in_kernel();
const LaunchConfig* current_launch();
bool in_fiber_stack_guard(const void* address);
bool on_running_stack(const void* address);
int current_thread();
uint3 thread_index(int thread);
uint3 block_index(uint64_t block);
[[noreturn]] void leave_kernel();
void count_launch(const LaunchConfig& config);

void shared_begin_launch(size_t dynamic_bytes, bool raised);  // raised: the kernel's limit, by an attribute
bool shared_select(size_t resident);  // of the blocks of a cooperative launch, 0 otherwise; false without memory for it
void shared_end_launch();
void shared_begin_block();
void shared_end_block();  // faults when an array's neighbourhood was written
void set_last_error(cudaError_t error);

}  // namespace simt
