// A stack and a saved place in it. On x86-64 a switch is about 8 ns; elsewhere <ucontext.h> does it in 300.
#pragma once
#include <stddef.h>
#include <sys/mman.h>
#ifndef __x86_64__
#include <ucontext.h>
#endif

namespace simt {

constexpr size_t kStackBytes = 256 * 1024, kSmallStackBytes = 64 * 1024, kStackGuard = 4096;

#ifdef __x86_64__
struct Context { void* stack_pointer = nullptr; };
// Saves the callee-saved registers and the stack pointer to `from`, continues `to`.
extern "C" void simt_switch(Context* from, Context* to);
#else
struct Context { ucontext_t place; };
inline void simt_switch(Context* from, Context* to) { swapcontext(&from->place, &to->place); }
#endif

struct Fiber {
    Context context;
    char* stack = nullptr;  // lowest address: the guard page
    size_t bytes = 0;       // above it

    // False if the process may have no more memory.
    bool create(size_t stack_bytes) {
        void* map = mmap(nullptr, stack_bytes + kStackGuard, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (map == MAP_FAILED) return false;
        stack = static_cast<char*>(map);
        bytes = stack_bytes;
        if (mprotect(stack, kStackGuard, PROT_NONE) == 0) return true;
        destroy();
        return false;
    }

    void destroy() { munmap(stack, kStackGuard + bytes); }

    // The next switch to this fiber calls `entry`, which never returns.
    void prepare(void (*entry)()) {
#ifdef __x86_64__
        void** top = reinterpret_cast<void**>(stack + kStackGuard + bytes);
        *--top = nullptr;                            // keeps the entry's frame aligned as after a call
        *--top = reinterpret_cast<void*>(entry);
        for (int i = 0; i < 6; ++i) *--top = nullptr;
        context.stack_pointer = top;
#else
        getcontext(&context.place);
        context.place.uc_stack.ss_sp = stack + kStackGuard;
        context.place.uc_stack.ss_size = bytes;
        context.place.uc_link = nullptr;
        makecontext(&context.place, entry, 0);
#endif
    }
};

}  // namespace simt
