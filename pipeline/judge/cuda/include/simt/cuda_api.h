// In place of simt's emulation: CUDA's own runtime interface.
#pragma once
#include <cuda_runtime.h>
