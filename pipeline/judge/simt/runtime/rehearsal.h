// A rehearsal: host code runs at sizes that this machine can't afford, kernels don't, and memory is addresses alone.
#pragma once
#include "state.h"

namespace simt {

bool rehearsing();
// An address that stands for memory of so many bytes, none of which can be touched; null if there are none left.
char* unbacked_addresses(size_t bytes);
bool is_unbacked(const void* address);

// What host code does while rehearsing. A refused launch that it may have reacted to, by launching something else or
// by reading from the device, is forgotten; so is one that follows what it read: its size may depend on that.
bool may_refuse();  // whether a launch that is refused now is to be noted
void launch_refused(const FaultRecord& fault);
void launch_made();
void error_seen();
void host_has_read();

}  // namespace simt
