// The instrumented run: what the hooks of an instrumented library know about the accesses of a kernel. A fast library
// calls none of this; `instrumented` stays false and the scheduler's calls return at once.
#pragma once
#include "state.h"

namespace simt {

// One access: by which thread of the block, when, from which instruction.
struct Stamp {
    uint32_t interval;  // between two barriers of one block; counted over the whole process; 0: no access
    uint32_t place;     // the low half of the instruction's address
    uint16_t thread;
    uint16_t clock;     // of the thread within its warp, see order.cpp
    bool atomic;
};

struct Access {
    char* address;
    size_t bytes;
    bool write;
    Stamp stamp;
};

extern bool instrumented;

// order.cpp: which earlier accesses are ordered before one by the running thread.
void order_begin_launch();
void order_begin_block(uint64_t block);
void order_barrier();
void order_warp(int first, unsigned group);
void order_fence();
void order_atomic();
Stamp order_stamp(const void* place, bool atomic);
bool ordered(const Stamp& earlier);
uint64_t order_block(const Stamp& stamp);

// shadow.cpp: what was written and by whom.
void shadow_access(Region* region, const Access& access);
void shadow_written(const void* address, size_t bytes);  // by host code
// Decides about the last access, which has happened by now; `next` is the address if an atomic access comes next.
void shadow_settle(const void* next = nullptr);
void shadow_forget(Region* region);                      // as if never accessed

// instrument.cpp
void instrument_begin_launch();
void instrument_thread_begins();
void variable_written(const void* address, size_t bytes);  // from then on it is none of the host's
void locate(FaultRecord& fault, const void* place);  // `place` is where a call returns to
void report(const char* kind, const char* detail, const Stamp& by, const Stamp* other);
const char* memory_name(const Region* region, char* text, size_t size);

}  // namespace simt
