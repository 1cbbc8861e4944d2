// Atomics. One OS thread runs everything, so a read and a write in a row are atomic. The types are those that CUDA has
// each function for, no more: code that calls another does not compile with nvcc either.
#pragma once
#include "simt/types.h"

#define SIMT_ATOMIC(T, NAME, NEXT)                                                  \
    inline T NAME(T* address, T value) {                                            \
        const simt::AtomicScope scope;                                              \
        const T old = *address;                                                     \
        *address = NEXT;                                                            \
        return old;                                                                 \
    }                                                                               \
    inline T NAME##_block(T* address, T value) { return NAME(address, value); }     \
    inline T NAME##_system(T* address, T value) { return NAME(address, value); }
#define SIMT_ATOMIC_INT(T)                                         \
    SIMT_ATOMIC(T, atomicMax, (value > old ? value : old))         \
    SIMT_ATOMIC(T, atomicMin, (value < old ? value : old))         \
    SIMT_ATOMIC(T, atomicAnd, (old & value))                       \
    SIMT_ATOMIC(T, atomicOr, (old | value))                        \
    SIMT_ATOMIC(T, atomicXor, (old ^ value))
SIMT_ATOMIC_INT(int)
SIMT_ATOMIC_INT(unsigned)
SIMT_ATOMIC_INT(long long)
SIMT_ATOMIC_INT(unsigned long long)
SIMT_ATOMIC(int, atomicAdd, old + value)
SIMT_ATOMIC(unsigned, atomicAdd, old + value)
SIMT_ATOMIC(unsigned long long, atomicAdd, old + value)
SIMT_ATOMIC(float, atomicAdd, old + value)
SIMT_ATOMIC(double, atomicAdd, old + value)
SIMT_ATOMIC(int, atomicSub, old - value)
SIMT_ATOMIC(unsigned, atomicSub, old - value)
SIMT_ATOMIC(int, atomicExch, value)
SIMT_ATOMIC(unsigned, atomicExch, value)
SIMT_ATOMIC(unsigned long long, atomicExch, value)
SIMT_ATOMIC(float, atomicExch, value)
SIMT_ATOMIC(unsigned, atomicInc, (old >= value ? 0 : old + 1))
SIMT_ATOMIC(unsigned, atomicDec, (old == 0 || old > value ? value : old - 1))
#undef SIMT_ATOMIC_INT
#undef SIMT_ATOMIC

#define SIMT_ATOMIC_CAS(T)                                                          \
    inline T atomicCAS(T* address, T compare, T value) {                            \
        const simt::AtomicScope scope;                                              \
        const T old = *address;                                                     \
        if (old == compare) *address = value;                                       \
        return old;                                                                 \
    }                                                                               \
    inline T atomicCAS_block(T* address, T compare, T value) { return atomicCAS(address, compare, value); } \
    inline T atomicCAS_system(T* address, T compare, T value) { return atomicCAS(address, compare, value); }
SIMT_ATOMIC_CAS(int)
SIMT_ATOMIC_CAS(unsigned)
SIMT_ATOMIC_CAS(unsigned long long)
SIMT_ATOMIC_CAS(unsigned short)
#undef SIMT_ATOMIC_CAS

// ATen/cuda/Atomic.cuh: for every dtype.
template <class T>
void gpuAtomicAddNoReturn(T* address, T value) {
    const simt::AtomicScope scope;
    *address = T(*address + value);
}
template <class T>
T gpuAtomicAdd(T* address, T value) {
    const simt::AtomicScope scope;
    const T old = *address;
    *address = T(old + value);
    return old;
}
