// See rehearsal.h. Addresses are handed out where neither the kernel nor the C library puts anything by itself.
#include "rehearsal.h"

namespace simt {

constexpr uintptr_t kFirst = uintptr_t(0x1000) << 32, kLast = uintptr_t(0x5000) << 32;

static bool on, has_read, seen, pending_refusal;
static FaultRecord refusal;
static uintptr_t next = kFirst;

bool rehearsing() { return on; }

char* unbacked_addresses(size_t bytes) {
    if (bytes > kLast - next) return nullptr;
    const uintptr_t begin = next;
    next += bytes;
    return reinterpret_cast<char*>(begin);
}

bool is_unbacked(const void* address) {
    const auto at = reinterpret_cast<uintptr_t>(address);
    return at >= kFirst && at < kLast;
}

bool may_refuse() { return !on || !has_read; }

static void forget_refusal() {
    if (!pending_refusal || !seen) return;
    pending_refusal = false;
    clear_fault_page();
}

void launch_refused(const FaultRecord& fault) {
    if (!on || has_read || (pending_refusal && !seen)) return;
    refusal = fault;
    pending_refusal = true;
    seen = false;
}

void launch_made() { forget_refusal(); }

void error_seen() { seen = true; }

void host_has_read() {
    if (!on) return;
    has_read = true;
    forget_refusal();
}

extern "C" {
void simt_set_rehearsing(bool rehearsing) {
    on = rehearsing;
    has_read = seen = pending_refusal = false;
}
bool simt_is_unbacked(const void* address) { return is_unbacked(address); }
void simt_host_has_read() { host_has_read(); }
bool simt_has_read() { return has_read; }
// The first launch that was refused and came to nothing, or null.
const FaultRecord* simt_refusal() { return pending_refusal ? &refusal : nullptr; }
}

}  // namespace simt
