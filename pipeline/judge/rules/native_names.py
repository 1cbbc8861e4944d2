"""The names that the rules on CUDA and C++ know."""

import re

# Of the C library and the loader: processes, memory maps, the network, signals, jumps, other libraries.
OUT_OF_BOUNDS = frozenset(
    """mprotect pkey_mprotect mmap mmap64 munmap mremap madvise memfd_create shm_open process_vm_readv
    process_vm_writev dlopen dlmopen dlsym dlvsym dladdr dl_iterate_phdr _r_debug _DYNAMIC _GLOBAL_OFFSET_TABLE_
    syscall ptrace prctl sigaction sigaltstack sigprocmask pthread_sigmask pthread_create setjmp _setjmp sigsetjmp
    longjmp siglongjmp makecontext swapcontext getcontext setcontext vfork execve execv execvp execl execlp
    posix_spawn popen atexit on_exit fopen fdopen freopen openat open64 pread pwrite readv
    writev sendmsg recvmsg gethostbyname getaddrinfo getenv setenv unsetenv environ __environ backtrace
    __builtin_frame_address __builtin_return_address __builtin_longjmp __builtin_setjmp
    __libc_start_main __REDIRECT __REDIRECT_NTH __REDIRECT_NTHNL __REDIRECT_LDBL __ASMNAME
    __ASMNAME2""".split()  # noqa: SIM905
)
# What keeps a number from one call to the next where nobody looks, and what tells where a process runs.
OUT_OF_BOUNDS |= frozenset(
    """umask getrlimit setrlimit getrlimit64 setrlimit64 prlimit prlimit64 setitimer getitimer setpriority
    getpriority pthread_key_create pthread_setspecific pthread_getspecific tss_create tss_set tss_get ungetc mallopt
    mallinfo mallinfo2 malloc_usable_size secure_getenv putenv clearenv fegetenv fesetenv feholdexcept feupdateenv
    fesetround feenableexcept fedisableexcept fegetexcept feraiseexcept fesetexceptflag uname gethostname sysconf
    sysinfo getrusage getauxval get_nprocs get_nprocs_conf getpid getppid gettid getuid geteuid readlink realpath
    opendir readdir mkstemp tmpfile tmpnam posix_spawnp execle execveat fexecve wordexp dlinfo
    random_device signgam""".split()  # noqa: SIM905
)
# The same, where the word is common enough to name something else: only a call of such a function counts.
FUNCTIONS_OUT_OF_BOUNDS = frozenset(
    """signal fork clone system kill raise open creat read write send recv dup dup2 dup3 fcntl ioctl socket
    connect bind listen accept sbrk brk sleep usleep nanosleep access stat fstat lstat alarm nice""".split()  # noqa: SIM905
)
PYTHON = ("Py_", "PyObject", "PyRun", "PyEval", "PyImport", "PyGC", "PyGIL", "PyFrame", "PyThread", "PyList", "_Py")
PYBIND = frozenset({"import", "exec", "eval", "eval_file", "globals", "module_"})
TORCH_NAMESPACES = frozenset({"nn", "linalg", "native", "_ops", "jit", "fft"})
CLOCKS = frozenset(
    """cudaEventElapsedTime cuEventElapsedTime clock_gettime gettimeofday timespec_get rdtsc __rdtsc steady_clock
    high_resolution_clock system_clock file_clock utc_clock sleep_for clock64 __rdtscp globaltimer""".split()  # noqa: SIM905
)
CLOCK_FUNCTIONS = frozenset({"time", "clock", "times", "ftime"})  # words: only calls count
# A stream of one's own is honest if something waits for it.
WAITING = frozenset(
    {"cudaStreamWaitEvent", "cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize", "block"}
)
STREAMS = frozenset(
    """cudaStreamCreate cudaStreamCreateWithFlags cudaStreamCreateWithPriority cudaStreamNonBlocking
    cudaStreamPerThread cudaLaunchHostFunc cudaStreamAddCallback getStreamFromPool getStreamFromExternal
    setCurrentCUDAStream CUDAStreamGuard cuStreamCreate""".split()  # noqa: SIM905
)
THREADS = frozenset({"thread", "jthread", "async", "promise", "packaged_task", "pthread_create", "thrd_create"})
GRAPHS = ("cudaGraph", "cuGraph", "cudaStreamBeginCapture", "cudaStreamEndCapture", "CUDAGraph")
L2_WINDOW = frozenset(
    """cudaLimitPersistingL2CacheSize cudaAccessPolicyWindow accessPolicyWindow cudaStreamAttributeAccessPolicyWindow
    cudaAccessPropertyPersisting cudaCtxResetPersistingL2Cache""".split()  # noqa: SIM905
)
LIBRARIES = ("cublas", "cudnn", "cusparse", "cusolver", "cufft", "nvrtc", "cutensor", "miopen", "mkl_", "cblas_")
# Of at:: and torch::, and as methods of a tensor: what computes. Kernels' own names (relu, sum, ...) are common, so
# methods count only where the source defines none of that name.
OPERATORS = frozenset(
    """matmul mm bmm mv addmm addmv addbmm baddbmm dot einsum tensordot linear bilinear conv1d conv2d conv3d
    convolution cudnn_convolution conv_transpose1d conv_transpose2d conv_transpose3d softmax log_softmax sigmoid
    sigmoid_ tanh tanh_ relu relu_ leaky_relu gelu silu elu selu celu hardtanh hardswish hardsigmoid softplus mish exp
    exp_ exp2 expm1 log log_ log2 log10 log1p sqrt sqrt_ rsqrt pow square abs neg sin cos tan erf reciprocal add add_
    sub sub_ mul mul_ div div_ addcmul addcdiv sum mean prod std var var_mean std_mean amax amin aminmax argmax argmin
    maximum minimum logsumexp norm cumsum cumprod cummax cummin sort argsort topk kthvalue median batch_norm
    layer_norm group_norm instance_norm native_layer_norm native_batch_norm avg_pool1d avg_pool2d avg_pool3d
    max_pool1d max_pool2d max_pool3d adaptive_avg_pool2d adaptive_max_pool2d embedding gather scatter scatter_add
    index_select index_add masked_fill where clamp clamp_ clamp_min clamp_max lerp dropout cdist cosine_similarity
    cross_entropy_loss nll_loss mse_loss l1_loss smooth_l1_loss binary_cross_entropy kl_div huber_loss
    scaled_dot_product_attention tril triu flip roll im2col col2im upsample_nearest2d pixel_shuffle""".split()  # noqa: SIM905
)
ALLOCATING = frozenset(
    "malloc calloc realloc aligned_alloc strdup make_unique make_shared allocate_shared".split()  # noqa: SIM905
)
CONTAINERS = frozenset(
    """Tensor TensorList vector map unordered_map set unordered_set deque list optional shared_ptr unique_ptr
    function""".split()  # noqa: SIM905
)
KEYWORDS = frozenset(
    """if else for while do return switch case break continue goto int float double char short long unsigned signed
    bool void auto const static struct class template typename namespace using true false this new delete try catch
    throw sizeof asm __asm__ __asm __global__ __device__ __host__ __shared__ __syncthreads half __half float2 float4
    torch at Tensor std main exp expf sqrtf""".split()  # noqa: SIM905
)
# Functions and variables that simt's headers declare for what they make of a source, not for the source itself.
SIMTS_OWN = frozenset(
    """simt simt_active_mask simt_argument simt_atomic_begins simt_atomic_ends simt_block_barrier simt_block_dim
    simt_block_index simt_body_begins simt_copy simt_copy_to_variable simt_define_module simt_device_fail
    simt_device_free simt_device_malloc simt_dynamic_shared simt_fence simt_func_set_attribute simt_grid_barrier
    simt_grid_dim simt_host_malloc simt_lane simt_launch simt_launch_number simt_launched_together simt_live_mask
    simt_module simt_new_values simt_print simt_resident_blocks simt_set simt_shared_allocate simt_thread_index
    simt_warp""".split()  # noqa: SIM905
)
JUDGED = ("SIMT", "simt", "__SANITIZE")  # what only this project's builds define
HEADERS = re.compile(
    r"""(torch|ATen|c10|pybind11|cub|thrust|cute|cutlass|cooperative_groups|cuda|nv)/[\w/.-]+(?<!\.\.)
    | (cuda|cublas|cudnn|curand|cufft|cusparse|cusolver|nvrtc|nvtx|nvToolsExt|device|vector|math|sm_|mma|Python)
      [\w]*\.(h|hpp|cuh)
    | cooperative_groups(\.h)? | driver_types\.h | builtin_types\.h | host_defines\.h
    | c?(math|float|limits|stdint|stddef|stdio|stdlib|string|assert|inttypes|stdbool|ctype|errno|stdarg|time)(\.h)?
    | algorithm | array | atomic | bit | bitset | chrono | complex | deque | exception | functional | initializer_list
    | iomanip | ios | iosfwd | iostream | istream | iterator | limits | list | map | memory | mutex | new | numeric
    | optional | ostream | queue | random | ratio | set | sstream | stack | stdexcept | string | string_view
    | system_error | tuple | type_traits | typeinfo | unordered_map | unordered_set | utility | valarray | variant
    | vector | omp\.h""",
    re.VERBOSE,
)
