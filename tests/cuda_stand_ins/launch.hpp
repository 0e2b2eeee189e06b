// The driver's side of the kernels.

struct Function {
    const char *name;
    int (*launch)(unsigned blocks, unsigned threads, unsigned shared_bytes, void **arguments);
};

template <typename T> static T argument(void **arguments, int place)
{
    T value;
    std::memcpy(&value, arguments[place], sizeof value);
    return value;
}

// Whole warps, shuffles and all, are true to the device, and slow: CUDA_STAND_INS_WARPS asks for them.
static bool whole() { return !setting("CUDA_STAND_INS_WARPS").empty(); }

static struct {
    double *matrices, *vectors, *sigmas;
    int *sweeps;
    int rows, columns, in_shared;
} jacobi_arguments;

static void jacobi_32()
{
    const auto &a = jacobi_arguments;
    whole_warps::one_sided_jacobi(a.matrices, a.vectors, a.sigmas, a.sweeps, a.rows, a.columns, a.in_shared);
}

static void jacobi_1()
{
    const auto &a = jacobi_arguments;
    single_lanes::one_sided_jacobi(a.matrices, a.vectors, a.sigmas, a.sweeps, a.rows, a.columns, a.in_shared);
}

static int launch_jacobi(unsigned blocks, unsigned threads, unsigned shared_bytes, void **arguments)
{
    auto &a = jacobi_arguments;
    a.matrices = argument<double *>(arguments, 0);
    a.vectors = argument<double *>(arguments, 1);
    a.sigmas = argument<double *>(arguments, 2);
    a.sweeps = argument<int *>(arguments, 3);
    a.rows = argument<int>(arguments, 4);
    a.columns = argument<int>(arguments, 5);
    a.in_shared = argument<int>(arguments, 6);
    const size_t size = size_t(a.rows) * a.columns, square = size_t(a.columns) * a.columns;
    MUST(a.rows >= a.columns && a.columns >= 1 && threads % 32 == 0 && threads <= 512);
    MUST(numbers(a.matrices, blocks * size) && numbers(a.vectors, blocks * square));
    MUST(numbers(a.sigmas, size_t(blocks) * a.columns) && inside(a.sweeps, blocks * sizeof(int)));
    MUST(shared_bytes == (a.in_shared ? 8 * (size + square) : 0));
    if (faulty("kernel", "one_sided_jacobi")) return pending = LAUNCH_FAILED, 0;
    for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x) {
        std::fill(std::begin(whole_warps::room), std::end(whole_warps::room), NAN);
        std::fill(std::begin(single_lanes::room), std::end(single_lanes::room), NAN);
        blockDim.x = whole() ? threads : threads / 32;
        fibers::run(blockDim.x, whole() ? 32 : 1, whole() ? jacobi_32 : jacobi_1);
        const double *room = whole() ? whole_warps::room : single_lanes::room;
        for (size_t k = shared_bytes / sizeof *room; k < ROOM; ++k) MUST(std::isnan(room[k]));
        if (faulty("stuck", "one_sided_jacobi")) a.sweeps[blockIdx.x] = -1;
        if (faulty("wrong", "one_sided_jacobi")) a.sigmas[size_t(blockIdx.x) * a.columns] += 1e-6;
        if (faulty("nan", "one_sided_jacobi")) a.matrices[blockIdx.x * size] = NAN;
    }
    return 0;
}

// A kernel without barriers: its threads one after the other.
template <typename Kernel> static void each_thread(unsigned blocks, unsigned threads, Kernel kernel)
{
    gridDim.x = blocks;
    blockDim.x = threads;
    for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x)
        for (threadIdx.x = 0; threadIdx.x < threads; ++threadIdx.x) kernel();
}

static int launch_upper(unsigned blocks, unsigned threads, unsigned shared_bytes, void **arguments)
{
    const auto *from = argument<double *>(arguments, 0);
    auto *to = argument<double *>(arguments, 1);
    const auto rows = argument<int64_t>(arguments, 2), height = argument<int64_t>(arguments, 3);
    const auto columns = argument<int64_t>(arguments, 4);
    MUST(shared_bytes == 0 && height <= rows && numbers(from, size_t(rows * columns)) && numbers(to, size_t(height * columns)));
    each_thread(blocks, threads, [&] { whole_warps::upper_triangle(from, to, rows, height, columns); });
    return 0;
}

static int launch_over_zeros(unsigned blocks, unsigned threads, unsigned shared_bytes, void **arguments)
{
    const auto *from = argument<double *>(arguments, 0);
    auto *to = argument<double *>(arguments, 1);
    const auto rows = argument<int64_t>(arguments, 2), height = argument<int64_t>(arguments, 3);
    const auto columns = argument<int64_t>(arguments, 4);
    MUST(shared_bytes == 0 && height <= rows && numbers(from, size_t(height * columns)) && numbers(to, size_t(rows * columns)));
    each_thread(blocks, threads, [&] { whole_warps::over_zeros(from, to, rows, height, columns); });
    return 0;
}

static int launch_draw(unsigned blocks, unsigned threads, unsigned shared_bytes, void **arguments)
{
    const auto *key = argument<int *>(arguments, 0);
    const auto *edges = argument<double *>(arguments, 1);
    auto *frequencies = argument<double *>(arguments, 2), *phases = argument<double *>(arguments, 3);
    auto *flags = argument<int *>(arguments, 4);
    const auto count = argument<int64_t>(arguments, 5), inputs = argument<int64_t>(arguments, 6);
    const auto deviation = argument<double>(arguments, 7);
    const auto nonce = argument<unsigned long long>(arguments, 8);
    MUST(shared_bytes == 0 && inside(key, 32) && numbers(edges, 257) && numbers(phases, size_t(count)));
    MUST(numbers(frequencies, size_t(count * inputs)) && inside(flags, size_t(count) * 4));
    each_thread(blocks, threads, [&] {
        whole_warps::draw_gaussian(key, edges, frequencies, phases, flags, count, inputs, deviation, nonce);
    });
    if (faulty("wrong", "draw_gaussian")) frequencies[0] = NAN;
    return 0;
}

static int launch_cosines(unsigned blocks, unsigned threads, unsigned shared_bytes, void **arguments)
{
    auto *table = argument<double *>(arguments, 0);
    const auto *phases = argument<double *>(arguments, 1);
    const auto rows = argument<int64_t>(arguments, 2), columns = argument<int64_t>(arguments, 3);
    const auto amplitude = argument<double>(arguments, 4);
    MUST(shared_bytes == 0 && numbers(table, size_t(rows * columns)) && numbers(phases, size_t(columns)));
    each_thread(blocks, threads, [&] { whole_warps::cosines(table, phases, rows, columns, amplitude); });
    return 0;
}

static int launch_transpose(unsigned blocks, unsigned threads, unsigned shared_bytes, void **arguments)
{
    const auto *from = argument<double *>(arguments, 0);
    auto *to = argument<double *>(arguments, 1);
    const auto rows = argument<int64_t>(arguments, 2), columns = argument<int64_t>(arguments, 3);
    MUST(shared_bytes == 0 && numbers(from, size_t(rows * columns)) && numbers(to, size_t(rows * columns)));
    each_thread(blocks, threads, [&] { whole_warps::transpose(from, to, rows, columns); });
    return 0;
}

static int launch_gains(unsigned blocks, unsigned threads, unsigned shared_bytes, void **arguments)
{
    const auto *from = argument<double *>(arguments, 0), *gains = argument<double *>(arguments, 1);
    auto *to = argument<double *>(arguments, 2);
    const auto modes = argument<int64_t>(arguments, 3), outputs = argument<int64_t>(arguments, 4);
    const auto filters = argument<int64_t>(arguments, 5);
    MUST(shared_bytes == 0 && numbers(from, size_t(modes * outputs)) && numbers(gains, size_t(modes * filters)));
    MUST(numbers(to, size_t(modes * outputs * filters)));
    each_thread(blocks, threads, [&] { whole_warps::apply_gains(from, gains, to, modes, outputs, filters); });
    return 0;
}

static struct {
    const double *a, *b;
    double *to;
    int64_t rows, outputs;
} distance_arguments;

static int launch_distances(unsigned blocks, unsigned threads, unsigned shared_bytes, void **arguments)
{
    auto &d = distance_arguments;
    d.a = argument<double *>(arguments, 0);
    d.b = argument<double *>(arguments, 1);
    d.to = argument<double *>(arguments, 2);
    d.rows = argument<int64_t>(arguments, 3);
    d.outputs = argument<int64_t>(arguments, 4);
    MUST(shared_bytes == 0 && threads == 256 && numbers(d.a, size_t(blocks) * size_t(d.rows)));
    MUST(numbers(d.b, size_t(d.rows * d.outputs)) && numbers(d.to, blocks));
    blockDim.x = threads;
    for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x)
        fibers::run(threads, 32, [] {
            const auto &d = distance_arguments;
            whole_warps::squared_distances(d.a, d.b, d.to, d.rows, d.outputs);
        });
    return 0;
}

static Function functions[] = {{"one_sided_jacobi", launch_jacobi}, {"upper_triangle", launch_upper},
                               {"over_zeros", launch_over_zeros},   {"draw_gaussian", launch_draw},
                               {"cosines", launch_cosines},         {"transpose", launch_transpose},
                               {"apply_gains", launch_gains},       {"squared_distances", launch_distances}};

EXPORT int cuModuleLoadData(void **to, const void *image)
{
    MAY_FAIL
    IN_CONTEXT;
    MUST(std::memcmp(image, "\x7f" "ELF", 4) == 0);
    *to = &module_;
    return 0;
}

EXPORT int cuModuleUnload(void *which)
{
    IN_CONTEXT;
    MUST(which == &module_);
    return 0;
}

EXPORT int cuModuleGetFunction(void **to, void *which, const char *name)
{
    MAY_FAIL
    MUST(which == &module_);
    for (Function &function : functions)
        if (std::strcmp(function.name, name) == 0) return *to = &function, 0;
    return 500; // CUDA_ERROR_NOT_FOUND
}

EXPORT int cuLaunchKernel(void *which, unsigned bx, unsigned by, unsigned bz, unsigned tx, unsigned ty, unsigned tz,
                          unsigned shared_bytes, void *stream, void **arguments, void **extra)
{
    MAY_FAIL
    IN_CONTEXT;
    MUST(by == 1 && bz == 1 && ty == 1 && tz == 1 && bx >= 1 && tx <= 1024 && !stream && !extra);
    MUST(shared_bytes <= 48 << 10);
    return static_cast<Function *>(which)->launch(bx, tx, shared_bytes, arguments);
}
