// In place of simt's emulation: CUDA's own qualifiers, vector types and runtime.
#pragma once
#include <cuda_runtime.h>
