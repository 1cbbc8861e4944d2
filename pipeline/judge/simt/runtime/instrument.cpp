// The hooks that the compiler puts before every access of an instrumented library (-fsanitize=thread, without its
// runtime), and what they find at once: accesses outside of all memory that a kernel may touch, and endless waiting.
#include <dlfcn.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>
#include <unordered_set>
#include "instrument.h"
#include "scheduler.h"

namespace simt {

constexpr unsigned kSpins = 1u << 20;    // reads in a row of one value at one address, and nothing else
constexpr int kSecondsBeforeReport = 4;  // of CPU time, after which a kernel that still runs says where it is

static bool in_body;  // the thread is past the copying of its arguments, which lie in host memory
static int atomic_depth;
static const void* last_place;

void instrument_thread_begins() { in_body = false; }

const char* memory_name(const Region* region, char* text, size_t size) {
    snprintf(text, size, "%s%s%s (%zu bytes)", region->what, region->name ? " " : "",
             region->name ? region->name : "", region->bytes);
    return text;
}

void locate(FaultRecord& fault, const void* place) {
    Dl_info library;
    if (!dladdr(place, &library) || !library.dli_fname) return;
    const char* slash = strrchr(library.dli_fname, '/');
    snprintf(fault.library, sizeof fault.library, "%s", slash ? slash + 1 : library.dli_fname);
    // One byte back from where the call returns to is the call.
    fault.place = static_cast<uint64_t>(static_cast<const char*>(place) - static_cast<char*>(library.dli_fbase)) - 1;
}

// The instruction whose address has these low 32 bits; libraries lie less than 4 GiB apart.
static const void* whole(uint32_t place) {
    const auto here = reinterpret_cast<uintptr_t>(last_place);
    auto address = (here & ~uintptr_t(0xffffffff)) | place;
    if (address > here + 0x80000000u) address -= uintptr_t(1) << 32;
    else if (address + 0x80000000u < here) address += uintptr_t(1) << 32;
    return reinterpret_cast<const void*>(address);
}

static FaultRecord located_fault(const char* kind, const char* detail, const void* place) {
    FaultRecord fault = make_fault(kind, detail, 0);
    locate(fault, place);
    return fault;
}

void report(const char* kind, const char* detail, const Stamp& by, const Stamp* other) {
    static char reported[4][sizeof(FaultRecord::kind)];  // the first of each kind explains the rest
    static int reported_count;
    for (int i = 0; i < reported_count; ++i)
        if (strcmp(reported[i], kind) == 0) return;
    if (reported_count < 4) snprintf(reported[reported_count++], sizeof reported[0], "%s", kind);
    FaultRecord fault = make_fault(kind, detail, 0);
    const uint3 thread = thread_index(by.thread);
    fault.thread[0] = thread.x, fault.thread[1] = thread.y, fault.thread[2] = thread.z;
    if (other) {
        FaultRecord second = fault;
        locate(second, whole(other->place));
        fault.other_place = second.place;
        const uint3 them = thread_index(other->thread), block = block_index(order_block(*other));
        snprintf(fault.detail, sizeof fault.detail, "%s; the other is block (%u, %u, %u), thread (%u, %u, %u)", detail,
                 block.x, block.y, block.z, them.x, them.y, them.z);
    }
    locate(fault, whole(by.place));
    record_fault(fault);
}

static int count_segment(dl_phdr_info* library, size_t, void* raw) {
    const auto address = *static_cast<uintptr_t*>(raw);
    for (int i = 0; i < library->dlpi_phnum; ++i) {
        const auto& segment = library->dlpi_phdr[i];
        const uintptr_t begin = library->dlpi_addr + segment.p_vaddr;
        if (segment.p_type == PT_LOAD && address >= begin && address < begin + segment.p_memsz) return 1;
    }
    return 0;
}

// Whether it is a variable of a library: __constant__, __device__, or the runtime's own.
bool is_static(const char* address) {
    static uintptr_t known[64];  // pages found to be so; none ever leaves
    const auto page = reinterpret_cast<uintptr_t>(address) >> 12;
    if (known[page % 64] == page) return true;
    auto value = reinterpret_cast<uintptr_t>(address);
    if (!dl_iterate_phdr(count_segment, &value)) return false;
    known[page % 64] = page;
    return true;
}

[[noreturn]] static void outside(const Access& access, const Region* region, const void* place) {
    char text[sizeof(FaultRecord::detail)];
    const bool host = !region && reinterpret_cast<uintptr_t>(access.address) >= kNullPages;
    if (host) snprintf(text, sizeof text, "%s host memory: the address belongs to no tensor and no buffer of the device",
                       access.write ? "writes to" : "reads");
    else describe_access(text, sizeof text, access.address, access.bytes, access.write);
    device_abort(located_fault(host ? "host_memory" : "out_of_bounds", text, place));
}

// A thread that reads one value over and over waits for another thread, which has no turn before this one gives up.
static void count_spins(const Access& access, const void* place) {
    static char* address;
    static uint64_t value;
    static unsigned count;
    uint64_t now = 0;
    memcpy(&now, access.address, access.bytes < sizeof now ? access.bytes : sizeof now);
    if (access.address != address || now != value) count = 0;
    address = access.address;
    value = now;
    if (++count < kSpins) return;
    device_abort(located_fault("spin_wait", "waits for a value that another thread has to write. No order of threads "
                               "or blocks is promised: the other may only run once this one has ended", place));
}

// Variables of libraries that kernels wrote to, by their words: a __device__ variable's value is none of the host's.
static std::unordered_set<uintptr_t> written_by_kernels;
void variable_written(const void* address, size_t bytes) {
    const auto first = reinterpret_cast<uintptr_t>(address);
    for (uintptr_t at = first / 4; at <= (first + bytes - 1) / 4; ++at) written_by_kernels.insert(at);
}
constexpr size_t kFewBytes = 1024;  // a tensor of so few may be one of the host's own, with sizes or the like

// Of host code, while the device's memory is closed to it: what is guarded by pages ends in a signal instead.
static void host_access(char* address, bool write, const void* place) {
    if (!device_closed()) return;
    const bool variable = written_by_kernels.count(reinterpret_cast<uintptr_t>(address) / 4);
    if (!variable && borrowed_bytes(address) <= kFewBytes) return;
    char text[sizeof(FaultRecord::detail)];
    snprintf(text, sizeof text, "host code %s %s", write ? "writes to" : "reads",
             variable ? "a __device__ variable" : "a tensor's memory");
    record_fault(located_fault("host_access", text, place));
    _exit(kFaultExitStatus);
}

static void access(void* raw_address, size_t bytes, bool write, bool is_volatile, const void* place) {
    auto* address = static_cast<char*>(raw_address);
    if (!in_kernel()) host_access(address, write, place);
    if (!in_body || !in_kernel()) return;
    last_place = place;
    if (on_running_stack(address)) return;
    shadow_settle(atomic_depth > 0 ? raw_address : nullptr);
    if (atomic_depth > 0) order_atomic();
    Region* region = region_near(address);
    if (!region && is_static(address)) {
        if (write) written_by_kernels.insert(reinterpret_cast<uintptr_t>(address) / 4);
        return;
    }
    if (!region && borrowed(address)) return;
    // PTX: a volatile access is a relaxed strong one, which no other of its kind races with.
    const bool atomic = atomic_depth > 0 || (is_volatile && region && !region->shared);
    const Access described{address, bytes, write, order_stamp(place, atomic)};
    if (!region || address < region->data || address + bytes > region->data + region->bytes)
        outside(described, region, place);
    if (atomic && is_volatile) order_atomic();
    if (atomic || is_volatile) count_spins(described, place);
    shadow_access(region, described);
}

static void report_time(int, siginfo_t*, void* raw_context) {
    if (!in_kernel()) return;
    const void* place = last_place;
#ifdef __x86_64__
    Dl_info library, own;
    const auto* at = reinterpret_cast<const void*>(static_cast<ucontext_t*>(raw_context)->uc_mcontext.gregs[REG_RIP]);
    const bool known = dladdr(at, &library) && dladdr(reinterpret_cast<const void*>(&report_time), &own);
    if (known && library.dli_fbase != own.dli_fbase) place = static_cast<const char*>(at) + 1;
#else
    (void)raw_context;
#endif
    record_fault(located_fault("timeout", "still running", place));
    _exit(kFaultExitStatus);
}

extern "C" {

// Each instrumented library calls this when it is loaded.
void __tsan_init() {
    if (instrumented) return;
    instrumented = true;
    struct sigaction action = {};
    action.sa_sigaction = report_time;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGPROF, &action, nullptr);
    const itimerval timer{{0, 0}, {kSecondsBeforeReport, 0}};
    setitimer(ITIMER_PROF, &timer, nullptr);
}

void simt_body_begins() { in_body = true; }
void simt_fence() { order_fence(); }
void simt_atomic_begins() { ++atomic_depth; }
void simt_atomic_ends() { --atomic_depth; }

#define SIMT_HOOKS(N)                                                                                          \
    void __tsan_read##N(void* p) { access(p, N, false, false, __builtin_return_address(0)); }                  \
    void __tsan_write##N(void* p) { access(p, N, true, false, __builtin_return_address(0)); }                  \
    void __tsan_unaligned_read##N(void* p) { access(p, N, false, false, __builtin_return_address(0)); }        \
    void __tsan_unaligned_write##N(void* p) { access(p, N, true, false, __builtin_return_address(0)); }        \
    void __tsan_volatile_read##N(void* p) { access(p, N, false, true, __builtin_return_address(0)); }          \
    void __tsan_volatile_write##N(void* p) { access(p, N, true, true, __builtin_return_address(0)); }          \
    void __tsan_unaligned_volatile_read##N(void* p) { access(p, N, false, true, __builtin_return_address(0)); } \
    void __tsan_unaligned_volatile_write##N(void* p) { access(p, N, true, true, __builtin_return_address(0)); }
SIMT_HOOKS(1)
SIMT_HOOKS(2)
SIMT_HOOKS(4)
SIMT_HOOKS(8)
SIMT_HOOKS(16)
#undef SIMT_HOOKS
void __tsan_read_range(void* p, size_t n) { access(p, n, false, false, __builtin_return_address(0)); }
void __tsan_write_range(void* p, size_t n) { access(p, n, true, false, __builtin_return_address(0)); }
void __tsan_vptr_update(void** p, void*) { access(p, sizeof *p, true, false, __builtin_return_address(0)); }

}  // extern "C"

void instrument_begin_launch() {
    atomic_depth = 0;
    order_begin_launch();
}

}  // namespace simt
