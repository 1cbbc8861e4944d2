// A stack and a saved place in it. On x86-64 a switch is about 8 ns; elsewhere <ucontext.h> does it in 300.
#pragma once
#include <stddef.h>
#include <sys/mman.h>
#ifndef __x86_64__
#include <ucontext.h>
#endif

namespace simt {

constexpr size_t kStackBytes = 256 * 1024, kStackGuard = 4096;

#ifdef __x86_64__
struct Context { void* stack_pointer = nullptr; };
// Saves the callee-saved registers and the stack pointer to `from`, continues `to`.
extern "C" void simt_switch(Context* from, Context* to);
asm(R"(
.text
.globl simt_switch
.hidden simt_switch
.type simt_switch,@function
simt_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq (%rsi), %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size simt_switch,.-simt_switch
)");
#else
struct Context { ucontext_t place; };
inline void simt_switch(Context* from, Context* to) { swapcontext(&from->place, &to->place); }
#endif

struct Fiber {
    Context context;
    char* stack = nullptr;  // lowest address: the guard page

    void create() {
        void* map = mmap(nullptr, kStackBytes + kStackGuard, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        stack = static_cast<char*>(map);
        mprotect(stack, kStackGuard, PROT_NONE);
    }

    // The next switch to this fiber calls `entry`, which never returns.
    void prepare(void (*entry)()) {
#ifdef __x86_64__
        void** top = reinterpret_cast<void**>(stack + kStackGuard + kStackBytes);
        *--top = nullptr;                            // keeps the entry's frame aligned as after a call
        *--top = reinterpret_cast<void*>(entry);
        for (int i = 0; i < 6; ++i) *--top = nullptr;
        context.stack_pointer = top;
#else
        getcontext(&context.place);
        context.place.uc_stack.ss_sp = stack + kStackGuard;
        context.place.uc_stack.ss_size = kStackBytes;
        context.place.uc_link = nullptr;
        makecontext(&context.place, entry, 0);
#endif
    }
};

}  // namespace simt
