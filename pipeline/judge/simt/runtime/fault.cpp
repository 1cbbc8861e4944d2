// Faults of device code: what they say, where they go, and the signal handler that turns a touched guard page into one.
#include <signal.h>
#include <initializer_list>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>
#include "instrument.h"

namespace simt {

constexpr int kMaxFaults = 64;
constexpr int kPageRecords = 4;
static FaultRecord faults[kMaxFaults];
static int fault_count;
static bool pending;  // until the extension call ends; a kernel launched meanwhile does nothing
static FaultRecord* page;  // kPageRecords of them
static char handler_stack[64 * 1024], recovery_stack[64 * 1024];

FaultRecord make_fault(const char* kind, const char* detail, int line) {
    FaultRecord fault = {};
    fault.magic = kFaultMagic;
    fault.line = line;
    snprintf(fault.kind, sizeof fault.kind, "%s", kind);
    snprintf(fault.detail, sizeof fault.detail, "%s", detail);
    if (const LaunchConfig* launch = current_launch()) {
        if (!line) fault.line = launch->line;
        snprintf(fault.kernel, sizeof fault.kernel, "%s", launch->kernel);
        fault.block[0] = blockIdx.x, fault.block[1] = blockIdx.y, fault.block[2] = blockIdx.z;
        fault.thread[0] = threadIdx.x, fault.thread[1] = threadIdx.y, fault.thread[2] = threadIdx.z;
    }
    return fault;
}

void record_fault(const FaultRecord& fault) {
    if (fault_count < kMaxFaults) faults[fault_count++] = fault;
    for (int i = 0; page && i < kPageRecords; ++i)
        if (page[i].magic != kFaultMagic) {
            page[i] = fault;
            break;
        }
}

void clear_fault_page() {
    for (int i = 0; page && i < kPageRecords; ++i) page[i].magic = 0;
}

void record_damage(const Region* region, int line) {
    const char* damage = region_damage(region);
    if (!damage) return;
    char text[sizeof(FaultRecord::detail)];
    snprintf(text, sizeof text, "%s of a %s %s (%zu bytes)", damage, region->what, region->name ? region->name : "",
             region->bytes);
    record_fault(make_fault("out_of_bounds", text, line));
}

bool fault_pending() { return pending; }

void stop(const FaultRecord& fault) {
    pending = true;
    record_fault(fault);
}

void device_abort(const FaultRecord& fault) {
    stop(fault);
    leave_kernel();
}

extern "C" void simt_device_fail(const char* kind, const char* detail, int line) {
    if (in_kernel()) device_abort(make_fault(kind, detail, line));
    fprintf(stderr, "host code, line %d: %s: %s\n", line, kind, detail);
    abort();
}

// What the compiler calls before an access beyond an object whose extent it knows (-fsanitize=object-size), and before
// one at an address that is not a multiple of what its type needs (-fsanitize=alignment).
struct BadAccess {
    struct {
        const char* file;
        uint32_t line, column;
    } place;
    const struct {
        uint16_t kind, info;
        char name[1];  // quoted
    }* type;
    unsigned char log_alignment, access;  // the former is 0 where it is about the extent
};
constexpr unsigned char kStore = 1;

extern "C" void __ubsan_handle_type_mismatch_v1(const BadAccess* found, uintptr_t address) {
    if (!in_kernel()) return;
    const char* verb = found->access == kStore ? "write of" : "read of";
    const unsigned alignment = 1u << found->log_alignment;
    char text[sizeof(FaultRecord::detail)];
    if (address % alignment == 0) {
        snprintf(text, sizeof text, "%s a %s outside of the array or variable that it belongs to", verb,
                 found->type->name);
        device_abort(make_fault("out_of_bounds", text, static_cast<int>(found->place.line)));
    }
    // Where a variable of a thread's own lies is up to the compiler, and not the same on a GPU.
    auto* at = reinterpret_cast<const void*>(address);
    if (!region_near(at) && !borrowed(at)) return;
    snprintf(text, sizeof text, "%s a %s at an address that is not a multiple of %u", verb, found->type->name, alignment);
    device_abort(make_fault("misaligned", text, static_cast<int>(found->place.line)));
}

void describe_access(char* text, size_t size, const char* address, size_t bytes, bool write) {
    const char* verb = write ? "write" : "read";
    if (const Region* region = region_near(address)) {
        const char* name = region->name ? region->name : "";
        const char* end = region->data + region->bytes;
        if (address >= region->data && address < end)
            snprintf(text, size, "%s %zu bytes of which %td lie past the end of a %s %s (%zu bytes)", verb, bytes,
                     address + bytes - end, region->what, name, region->bytes);
        else if (address >= region->data)
            snprintf(text, size, "%s %td bytes past the end of a %s %s (%zu bytes)", verb,
                     address - region->data - static_cast<ptrdiff_t>(region->bytes), region->what, name, region->bytes);
        else
            snprintf(text, size, "%s %td bytes before the start of a %s %s (%zu bytes)", verb, region->data - address,
                     region->what, name, region->bytes);
    } else if (reinterpret_cast<uintptr_t>(address) < kNullPages) {
        snprintf(text, size, "%s through a null pointer", verb);
    } else {
        snprintf(text, size, "%s at an address that belongs to no tensor", verb);
    }
}

static FaultRecord fault_of_signal(int signal, const siginfo_t* info, const ucontext_t* context) {
    if (signal == SIGFPE) return make_fault("illegal_instruction", "integer division by zero", 0);
    if (signal == SIGILL) return make_fault("illegal_instruction", "illegal instruction", 0);
    if (in_fiber_stack_guard(info->si_addr))
        return make_fault("stack_overflow", "local variables need more stack than this backend gives a thread", 0);
    bool write = false;
#ifdef __x86_64__
    write = context->uc_mcontext.gregs[REG_ERR] & 2;
    // A general protection fault has no address: an aligned vector access that is not, or a non-canonical pointer.
    if (signal == SIGSEGV && info->si_code == SI_KERNEL)
        return make_fault("out_of_bounds", "misaligned or wild address", 0);
#else
    (void)context;
#endif
    char text[sizeof(FaultRecord::detail)];
    const Region* region = region_near(info->si_addr);
    if (!in_kernel() && device_closed() && region) {
        snprintf(text, sizeof text, "host code may not %s a %s: it is device memory", write ? "write to" : "read",
                 region->what);
        return make_fault("host_access", text, 0);
    }
    describe_access(text, sizeof text, static_cast<const char*>(info->si_addr), 0, write);
    return make_fault("out_of_bounds", text, 0);
}

static FaultRecord signal_fault;
static void abort_after_signal() { device_abort(signal_fault); }

static void on_signal(int signal, siginfo_t* info, void* raw_context) {
    auto* context = static_cast<ucontext_t*>(raw_context);
    signal_fault = fault_of_signal(signal, info, context);
#ifdef __x86_64__
    if (instrumented && in_kernel())
        locate(signal_fault, reinterpret_cast<const char*>(context->uc_mcontext.gregs[REG_RIP]) + 1);
#endif
    if (page) {
        record_fault(signal_fault);
        _exit(kFaultExitStatus);
    }
#ifdef __x86_64__
    if (in_kernel()) {
        // Go on in abort_after_signal, on a stack that is surely usable; returning restores the signal mask.
        char* top = recovery_stack + sizeof recovery_stack;
        top -= reinterpret_cast<uintptr_t>(top) % 16 + 8;
        context->uc_mcontext.gregs[REG_RSP] = reinterpret_cast<greg_t>(top);
        context->uc_mcontext.gregs[REG_RIP] = reinterpret_cast<greg_t>(&abort_after_signal);
        return;
    }
#endif
    struct sigaction fallback = {};
    fallback.sa_handler = SIG_DFL;
    sigaction(signal, &fallback, nullptr);
}

void install_signal_handler() {
    static thread_local bool installed;
    if (installed) return;
    installed = true;
    stack_t stack = {};
    stack.ss_sp = handler_stack;
    stack.ss_size = sizeof handler_stack;
    sigaltstack(&stack, nullptr);
    struct sigaction action = {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) sigaction(signal, &action, nullptr);
}

extern "C" {

int simt_set_fault_page(int fd) {
    struct stat file;
    if (fstat(fd, &file) != 0) return -1;
    constexpr size_t bytes = kPageRecords * sizeof(FaultRecord);
    if (static_cast<size_t>(file.st_size) < bytes && ftruncate(fd, bytes) != 0) return -1;
    void* map = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) return -1;
    page = static_cast<FaultRecord*>(map);
    return 0;
}

int simt_fault_count() { return fault_count; }
const FaultRecord* simt_fault(int i) { return &faults[i]; }
void simt_clear_faults() { fault_count = 0; }
bool simt_take_pending() {
    const bool was = pending;
    pending = false;
    return was;
}

// Records a fault for every live region whose surroundings were written.
void simt_check_guards() {
    for (Region* region = region_first(); region; region = region->next) record_damage(region, 0);
}

}  // extern "C"
}  // namespace simt
