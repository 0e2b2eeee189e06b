// Stand-ins for NVIDIA's driver, cuBLAS, cuSOLVER and NVRTC on the CPU: what the feature `cuda` calls, no more.
//
// Device memory is host memory, of a size that CUDA_STAND_INS_MEMORY sets. Arguments are checked as the real routines
// document them, and every buffer for its size: what is wrong ends the program. The project's kernels are the real ones,
// compiled as C++. CUDA_STAND_INS_FAULT makes things go wrong, as `what:where[:how]`, commas between them:
//
//   fail:ROUTINE:STATUS       the routine returns that status
//   info:ROUTINE:VALUE        it reports that info
//   wrong:ROUTINE             its largest singular value is off by 1e-6
//   nan:ROUTINE               U holds a NaN
//   estimate:ROUTINE:VALUE    gesvdp's own estimate of its error
//   length:ROUTINE:VALUE      the work space that a _bufferSize asks for
//   stuck:one_sided_jacobi    the kernel reports no convergence
//   kernel:one_sided_jacobi   the kernel fails while it runs
//   memory:gone               memory that was free cannot be had
//   log:compile               the compiler refuses the kernels
//   old:compiler              it knows no architecture of today

#include "fibers.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>

#define EXPORT extern "C" __attribute__((visibility("default")))

using std::size_t;

// ---------------------------------------------------------------------------------------------------------- faults

static std::string setting(const char *name)
{
    const char *value = std::getenv(name);
    return value ? value : "";
}

// The third part of a fault whose first two are these; `found` says whether there is one.
static std::string fault(const char *what, const char *where, bool *found = nullptr)
{
    const std::string all = setting("CUDA_STAND_INS_FAULT") + ",", begin = std::string(what) + ":" + where;
    if (found) *found = false;
    for (size_t from = 0, to; (to = all.find(',', from)) != std::string::npos; from = to + 1) {
        const std::string one = all.substr(from, to - from);
        if (one != begin && one.rfind(begin + ":", 0) != 0) continue;
        if (found) *found = true;
        return one.size() > begin.size() ? one.substr(begin.size() + 1) : "";
    }
    return "";
}

static bool faulty(const char *what, const char *where)
{
    bool found = false;
    fault(what, where, &found);
    return found;
}

static int failure(const char *routine)
{
    const std::string status = fault("fail", routine);
    return status.empty() ? 0 : std::stoi(status);
}

#define MAY_FAIL                                                                                                       \
    if (const int status = failure(__func__)) return status;

[[noreturn]] static void wrong(const char *routine, const char *what)
{
    std::fprintf(stderr, "stand-in: %s: %s\n", routine, what);
    std::abort();
}

#define MUST(condition)                                                                                                \
    if (!(condition)) wrong(__func__, #condition)

// ---------------------------------------------------------------------------------------------------------- memory

static std::map<uintptr_t, size_t> buffers;
static size_t used = 0;

// Bytes on both sides of every buffer, which nobody may write to.
constexpr size_t FENCE = 1024;
constexpr unsigned char FENCED = 0xa5;

static size_t memory()
{
    const std::string bytes = setting("CUDA_STAND_INS_MEMORY");
    return bytes.empty() ? size_t(4) << 30 : std::stoull(bytes);
}

// Whether so many bytes from an address on are inside one buffer.
static bool inside(const void *address, size_t bytes)
{
    const uintptr_t begin = reinterpret_cast<uintptr_t>(address);
    auto after = buffers.upper_bound(begin);
    if (after == buffers.begin()) return false;
    const auto &[start, size] = *--after;
    return begin + bytes <= start + size;
}

static bool numbers(const void *address, size_t count)
{
    return reinterpret_cast<uintptr_t>(address) % 8 == 0 && inside(address, count * sizeof(double));
}

enum { INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_DEVICE = 101, LAUNCH_FAILED = 719 };

static int context, module_, primary_contexts = 0;
static bool initialised = false;
static thread_local void *current_context = nullptr;
static int pending = 0;

#define IN_CONTEXT MUST(initialised && current_context == &context)

EXPORT int cuInit(unsigned flags)
{
    MAY_FAIL
    MUST(flags == 0);
    initialised = true;
    return 0;
}

EXPORT int cuDeviceGetCount(int *count)
{
    MAY_FAIL
    MUST(initialised);
    const std::string devices = setting("CUDA_STAND_INS_DEVICES");
    *count = devices.empty() ? 1 : std::stoi(devices);
    return 0;
}

EXPORT int cuDeviceGet(int *device, int ordinal)
{
    MAY_FAIL
    MUST(initialised && ordinal >= 0);
    *device = 7 + ordinal;
    return 0;
}

EXPORT int cuDeviceGetName(char *name, int length, int device)
{
    MAY_FAIL
    MUST(device >= 7);
    std::strncpy(name, "stand-in on the CPU", size_t(length));
    return 0;
}

EXPORT int cuDeviceGetAttribute(int *value, int attribute, int device)
{
    MAY_FAIL
    MUST(device >= 7 && (attribute == 75 || attribute == 76));
    *value = attribute == 75 ? 9 : 0; // compute capability 9.0
    return 0;
}

EXPORT int cuDevicePrimaryCtxRetain(void **to, int device)
{
    MAY_FAIL
    MUST(device >= 7);
    ++primary_contexts;
    *to = &context;
    return 0;
}

EXPORT int cuDevicePrimaryCtxRelease_v2(int device)
{
    MUST(device >= 7 && primary_contexts > 0);
    if (--primary_contexts == 0) MUST(buffers.empty());
    return 0;
}

EXPORT int cuCtxSetCurrent(void *which)
{
    MAY_FAIL
    MUST(which == &context);
    current_context = which;
    return 0;
}

EXPORT int cuCtxSynchronize()
{
    MAY_FAIL
    IN_CONTEXT;
    return pending;
}

EXPORT int cuGetErrorName(int status, const char **text)
{
    switch (status) {
    case INVALID_VALUE: *text = "CUDA_ERROR_INVALID_VALUE"; return 0;
    case OUT_OF_MEMORY: *text = "CUDA_ERROR_OUT_OF_MEMORY"; return 0;
    case NO_DEVICE: *text = "CUDA_ERROR_NO_DEVICE"; return 0;
    case LAUNCH_FAILED: *text = "CUDA_ERROR_LAUNCH_FAILED"; return 0;
    }
    *text = nullptr;
    return INVALID_VALUE;
}

EXPORT int cuMemGetInfo_v2(size_t *free, size_t *total)
{
    MAY_FAIL
    IN_CONTEXT;
    *total = memory();
    *free = memory() - std::min(memory(), used);
    return 0;
}

EXPORT int cuMemAlloc_v2(uintptr_t *address, size_t bytes)
{
    MAY_FAIL
    IN_CONTEXT;
    if (bytes == 0) return INVALID_VALUE;
    if (faulty("memory", "gone") || used + bytes > memory()) return OUT_OF_MEMORY;
    auto *room = static_cast<char *>(std::aligned_alloc(256, (bytes + 255) / 256 * 256 + 2 * FENCE));
    MUST(room);
    std::memset(room, FENCED, bytes + 2 * FENCE);
    std::memset(room + FENCE, 0xff, bytes); // NaN: what is read before it is written shows
    *address = reinterpret_cast<uintptr_t>(room + FENCE);
    buffers[*address] = bytes;
    used += bytes;
    return 0;
}

EXPORT int cuMemFree_v2(uintptr_t address)
{
    IN_CONTEXT;
    const auto found = buffers.find(address);
    MUST(found != buffers.end());
    const size_t bytes = found->second;
    auto *room = reinterpret_cast<unsigned char *>(address);
    for (size_t k = 1; k <= FENCE; ++k) MUST(room[-std::ptrdiff_t(k)] == FENCED && room[bytes + k - 1] == FENCED);
    used -= bytes;
    std::memset(room, 0xff, bytes);
    std::free(room - FENCE);
    buffers.erase(found);
    return 0;
}

EXPORT int cuMemsetD8_v2(uintptr_t to, unsigned char value, size_t bytes)
{
    MAY_FAIL
    IN_CONTEXT;
    MUST(inside(reinterpret_cast<void *>(to), bytes));
    std::memset(reinterpret_cast<void *>(to), value, bytes);
    return 0;
}

EXPORT int cuMemcpyHtoD_v2(uintptr_t to, const void *from, size_t bytes)
{
    MAY_FAIL
    IN_CONTEXT;
    MUST(bytes > 0 && inside(reinterpret_cast<void *>(to), bytes));
    std::memcpy(reinterpret_cast<void *>(to), from, bytes);
    return 0;
}

EXPORT int cuMemcpyDtoH_v2(void *to, uintptr_t from, size_t bytes)
{
    MAY_FAIL
    IN_CONTEXT;
    MUST(bytes > 0 && inside(reinterpret_cast<void *>(from), bytes));
    if (pending) return pending;
    std::memcpy(to, reinterpret_cast<void *>(from), bytes);
    return 0;
}

EXPORT int cuMemcpyDtoD_v2(uintptr_t to, uintptr_t from, size_t bytes)
{
    MAY_FAIL
    IN_CONTEXT;
    MUST(inside(reinterpret_cast<void *>(to), bytes) && inside(reinterpret_cast<void *>(from), bytes));
    std::memmove(reinterpret_cast<void *>(to), reinterpret_cast<void *>(from), bytes);
    return 0;
}

// --------------------------------------------------------------------------------------------------------- kernels

#define KERNEL static
#define PER_BLOCK static
#define __device__
#define __shared__
#define __launch_bounds__(most)

using std::cos;
using std::exp;
using std::fabs;
using std::fma;
using std::hypot;
using std::sqrt;

// The shared memory that a launch asks for.
constexpr size_t ROOM = (48 << 10) / sizeof(double);

namespace whole_warps {
#define LANES 32
double room[ROOM];
#include "../../src/svd/cuda/kernels.cu"
#undef LANES
#undef EPSILON
#undef SHORTEST_SQUARED
#undef FINE
#undef MAX_SWEEPS
} // namespace whole_warps

namespace single_lanes {
#define LANES 1
double room[ROOM];
#include "../../src/svd/cuda/kernels.cu"
} // namespace single_lanes

#include "launch.hpp"

// ------------------------------------------------------------------------------------------------------- cuSOLVER

namespace plain {

// Hestenes' one-sided Jacobi, columns of A (m × n, m ≥ n) in pairs; A becomes U Σ, V the rotations.
static void rotate_all(int m, int n, double *a, size_t lda, double *v)
{
    for (int i = 0; i < n; ++i)
        for (int j = 0; j < n; ++j) v[i + size_t(j) * n] = i == j;
    for (int sweep = 0; sweep < 60; ++sweep) {
        bool turned = false;
        for (int i = 0; i < n; ++i)
            for (int j = i + 1; j < n; ++j) {
                double *x = a + i * lda, *y = a + j * lda, xx = 0, yy = 0, xy = 0;
                for (int k = 0; k < m; ++k) xx += x[k] * x[k], yy += y[k] * y[k], xy += x[k] * y[k];
                if (xx < 1e-290 || yy < 1e-290) continue;
                if (std::fabs(xy) <= 2.3e-16 * std::sqrt(double(n)) * std::sqrt(xx) * std::sqrt(yy)) continue;
                turned = true;
                const double zeta = (yy - xx) / (2 * xy);
                const double t = (zeta < 0 ? -1 : 1) / (std::fabs(zeta) + std::hypot(1.0, zeta));
                const double c = 1 / std::sqrt(1 + t * t), s = c * t;
                for (int k = 0; k < m; ++k) {
                    const double p = x[k], q = y[k];
                    x[k] = c * p - s * q;
                    y[k] = s * p + c * q;
                }
                for (int k = 0; k < n; ++k) {
                    double &p = v[k + size_t(i) * n], &q = v[k + size_t(j) * n];
                    const double r = p;
                    p = c * r - s * q;
                    q = s * r + c * q;
                }
            }
        if (!turned) return;
    }
}

// Fills column `place` of a basis with what the columns before it leave of a coordinate axis.
static void complete(double *u, int m, int place)
{
    int axis = 0;
    double least = 2;
    for (int k = 0; k < m; ++k) {
        double explained = 0;
        for (int j = 0; j < place; ++j) explained += u[k + size_t(j) * m] * u[k + size_t(j) * m];
        if (explained < least) least = explained, axis = k;
    }
    double *column = u + size_t(place) * m;
    for (int k = 0; k < m; ++k) column[k] = k == axis;
    for (int pass = 0; pass < 2; ++pass)
        for (int j = 0; j < place; ++j) {
            double inner = 0;
            for (int k = 0; k < m; ++k) inner += column[k] * u[k + size_t(j) * m];
            for (int k = 0; k < m; ++k) column[k] -= inner * u[k + size_t(j) * m];
        }
    double square = 0;
    for (int k = 0; k < m; ++k) square += column[k] * column[k];
    for (int k = 0; k < m; ++k) column[k] /= std::sqrt(square);
}

// U of m × width, Σ descending, V of n × n. A is left destroyed. False if it holds NaN.
static bool svd(int m, int n, double *a, size_t lda, double *u, int width, double *sigma, double *v)
{
    for (int j = 0; j < n; ++j)
        for (int i = 0; i < m; ++i)
            if (!std::isfinite(a[i + j * lda])) return false;
    std::vector<double> rotations(size_t(n) * n), lengths(n);
    rotate_all(m, n, a, lda, rotations.data());
    std::vector<int> order(n);
    for (int j = 0; j < n; ++j) {
        double square = 0, drift = 0;
        for (int i = 0; i < m; ++i) square += a[i + j * lda] * a[i + j * lda];
        for (int i = 0; i < n; ++i) drift += rotations[i + size_t(j) * n] * rotations[i + size_t(j) * n];
        drift = std::sqrt(drift); // of rotations whose cos² + sin² is not quite 1
        for (int i = 0; i < n; ++i) rotations[i + size_t(j) * n] /= drift;
        for (int i = 0; i < m; ++i) a[i + j * lda] /= drift;
        lengths[j] = square < 1e-290 ? 0 : std::sqrt(square) / drift;
        order[j] = j;
    }
    std::stable_sort(order.begin(), order.end(), [&](int i, int j) { return lengths[i] > lengths[j]; });
    for (int place = 0; place < n; ++place) {
        const int j = order[place];
        sigma[place] = lengths[j];
        std::copy_n(rotations.data() + size_t(j) * n, n, v + size_t(place) * n);
        if (lengths[j] > 0)
            for (int i = 0; i < m; ++i) u[i + size_t(place) * m] = a[i + j * lda] / lengths[j];
        else
            complete(u, m, place);
    }
    for (int place = n; place < width; ++place) complete(u, m, place);
    return true;
}

// x ← (I − τ v vᵀ) x, v with 1 in its first place.
static void reflect(const double *v, double tau, double *x, int m)
{
    double inner = x[0];
    for (int k = 1; k < m; ++k) inner += v[k] * x[k];
    x[0] -= tau * inner;
    for (int k = 1; k < m; ++k) x[k] -= tau * inner * v[k];
}

} // namespace plain

enum { SOLVER_INVALID_VALUE = 3, EXECUTION_FAILED = 6 };
constexpr int R_64F = 1;

static int solver_handle, solver_params, jacobi_info;
static bool sorted = true;

// What the fault makes of a result, and of its status.
static int spoil(const char *routine, double *u, double *sigma, int *info)
{
    if (faulty("wrong", routine)) sigma[0] *= 1 + 1e-6;
    if (faulty("nan", routine)) u[0] = NAN;
    const std::string told = fault("info", routine);
    if (!told.empty()) *info = std::stoi(told);
    return 0;
}

static int length_of(const char *routine, int honest)
{
    const std::string told = fault("length", routine);
    return told.empty() ? honest : std::stoi(told);
}

static size_t bytes_of(const char *routine, size_t honest)
{
    const std::string told = fault("length", routine);
    return told.empty() ? honest : std::stoull(told);
}

EXPORT int cusolverDnCreate(void **handle)
{
    MAY_FAIL
    IN_CONTEXT;
    *handle = &solver_handle;
    return 0;
}

EXPORT int cusolverDnDestroy(void *handle)
{
    IN_CONTEXT;
    MUST(handle == &solver_handle);
    return 0;
}

EXPORT int cusolverDnCreateParams(void **params)
{
    MAY_FAIL
    *params = &solver_params;
    return 0;
}

EXPORT int cusolverDnDestroyParams(void *params)
{
    MUST(params == &solver_params);
    return 0;
}

EXPORT int cusolverDnCreateGesvdjInfo(void **info)
{
    MAY_FAIL
    *info = &jacobi_info;
    return 0;
}

EXPORT int cusolverDnDestroyGesvdjInfo(void *info)
{
    MUST(info == &jacobi_info);
    return 0;
}

EXPORT int cusolverDnXgesvdjSetSortEig(void *info, int sort)
{
    MAY_FAIL
    MUST(info == &jacobi_info);
    sorted = sort == 1;
    return 0;
}

EXPORT int cusolverDnDgesvdjBatched_bufferSize(void *handle, int mode, int m, int n, const double *a, int lda,
                                               const double *s, const double *u, int ldu, const double *v, int ldv,
                                               int *length, void *params, int batch)
{
    MAY_FAIL
    MUST(handle == &solver_handle && params == &jacobi_info && mode == 1 && a && s && u && v);
    MUST(m <= 32 && n <= 32 && lda >= m && ldu >= m && ldv >= n && batch > 0);
    *length = length_of(__func__, 1000 * batch + m + 1);
    return 0;
}

EXPORT int cusolverDnDgesvdjBatched(void *handle, int mode, int m, int n, double *a, int lda, double *s, double *u,
                                    int ldu, double *v, int ldv, double *work, int length, int *info, void *params,
                                    int batch)
{
    MAY_FAIL
    IN_CONTEXT;
    MUST(handle == &solver_handle && params == &jacobi_info && mode == 1 && sorted);
    MUST(m >= n && n >= 1 && m <= 32 && lda == m && ldu == m && ldv == n && batch > 0);
    MUST(length >= 1000 * batch + m + 1 && numbers(work, size_t(length)));
    MUST(numbers(a, size_t(batch) * m * n) && numbers(u, size_t(batch) * m * m) && numbers(v, size_t(batch) * n * n));
    MUST(numbers(s, size_t(batch) * n) && inside(info, size_t(batch) * sizeof(int)));
    for (int k = 0; k < batch; ++k) {
        double *left = u + size_t(k) * m * m, *sigma = s + size_t(k) * n;
        if (!plain::svd(m, n, a + size_t(k) * m * n, size_t(m), left, m, sigma, v + size_t(k) * n * n))
            return EXECUTION_FAILED;
        info[k] = 0;
        spoil(__func__, left, sigma, info + k);
    }
    return 0;
}

#ifndef CUDA_STAND_INS_OLD // cuSOLVER had it not always
EXPORT int cusolverDnXgesvdp_bufferSize(void *handle, void *params, int mode, int econ, int64_t m, int64_t n, int ta,
                                        const void *a, int64_t lda, int ts, const void *s, int tu, const void *u,
                                        int64_t ldu, int tv, const void *v, int64_t ldv, int tc, size_t *on_device,
                                        size_t *on_host)
{
    MAY_FAIL
    MUST(handle == &solver_handle && params == &solver_params && mode == 1 && econ == 1 && a && s && u && v);
    MUST(ta == R_64F && ts == R_64F && tu == R_64F && tv == R_64F && tc == R_64F && m >= n && lda >= m && ldu >= m && ldv >= n);
    *on_device = bytes_of(__func__, size_t(8 * (m + n) + 40));
    *on_host = 24;
    return 0;
}

EXPORT int cusolverDnXgesvdp(void *handle, void *params, int mode, int econ, int64_t m, int64_t n, int ta, void *a,
                             int64_t lda, int ts, void *s, int tu, void *u, int64_t ldu, int tv, void *v, int64_t ldv,
                             int tc, void *work, size_t on_device, void *host, size_t on_host, int *info,
                             double *estimate)
{
    MAY_FAIL
    IN_CONTEXT;
    MUST(handle == &solver_handle && params == &solver_params && mode == 1 && econ == 1);
    MUST(ta == R_64F && ts == R_64F && tu == R_64F && tv == R_64F && tc == R_64F);
    MUST(m >= n && n >= 1 && lda == m && ldu == m && ldv == n);
    MUST(on_device >= size_t(8 * (m + n) + 40) && inside(work, on_device) && on_host == 24 && host);
    std::memset(host, 1, on_host);
    MUST(numbers(a, size_t(m * n)) && numbers(u, size_t(m * n)) && numbers(v, size_t(n * n)) && numbers(s, size_t(n)));
    MUST(inside(info, sizeof(int)) && estimate && !inside(estimate, 1));
    auto *left = static_cast<double *>(u), *sigma = static_cast<double *>(s);
    if (!plain::svd(int(m), int(n), static_cast<double *>(a), size_t(lda), left, int(n), sigma, static_cast<double *>(v)))
        return EXECUTION_FAILED;
    *info = 0;
    const std::string told = fault("estimate", __func__);
    *estimate = told.empty() ? 1e-17 : std::stod(told);
    return spoil(__func__, left, sigma, info);
}

#endif

EXPORT int cusolverDnXgesvd_bufferSize(void *handle, void *params, signed char jobu, signed char jobvt, int64_t m,
                                       int64_t n, int ta, const void *a, int64_t lda, int ts, const void *s, int tu,
                                       const void *u, int64_t ldu, int tv, const void *vt, int64_t ldvt, int tc,
                                       size_t *on_device, size_t *on_host)
{
    MAY_FAIL
    MUST(handle == &solver_handle && params == &solver_params && jobu == 'S' && jobvt == 'S' && a && s && u && vt);
    MUST(ta == R_64F && ts == R_64F && tu == R_64F && tv == R_64F && tc == R_64F && m >= n && lda >= m && ldu >= m && ldvt >= n);
    *on_device = bytes_of(__func__, size_t(8 * (m + n)));
    *on_host = 0;
    return 0;
}

EXPORT int cusolverDnXgesvd(void *handle, void *params, signed char jobu, signed char jobvt, int64_t m, int64_t n,
                            int ta, void *a, int64_t lda, int ts, void *s, int tu, void *u, int64_t ldu, int tv,
                            void *vt, int64_t ldvt, int tc, void *work, size_t on_device, void *, size_t on_host,
                            int *info)
{
    MAY_FAIL
    IN_CONTEXT;
    MUST(handle == &solver_handle && params == &solver_params && jobu == 'S' && jobvt == 'S');
    MUST(ta == R_64F && ts == R_64F && tu == R_64F && tv == R_64F && tc == R_64F);
    MUST(m >= n && n >= 1 && lda == m && ldu == m && ldvt == n);
    MUST(on_device >= size_t(8 * (m + n)) && inside(work, on_device) && on_host == 0);
    MUST(numbers(a, size_t(m * n)) && numbers(u, size_t(m * n)) && numbers(vt, size_t(n * n)) && numbers(s, size_t(n)));
    MUST(inside(info, sizeof(int)));
    auto *left = static_cast<double *>(u), *sigma = static_cast<double *>(s), *right = static_cast<double *>(vt);
    std::vector<double> v(size_t(n * n));
    if (!plain::svd(int(m), int(n), static_cast<double *>(a), size_t(lda), left, int(n), sigma, v.data()))
        return EXECUTION_FAILED;
    for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < n; ++j) right[i + j * n] = v[size_t(j + i * n)];
    *info = 0;
    return spoil(__func__, left, sigma, info);
}

EXPORT int cusolverDnXgeqrf_bufferSize(void *handle, void *params, int64_t m, int64_t n, int ta, const void *a,
                                       int64_t lda, int tt, const void *tau, int tc, size_t *on_device, size_t *on_host)
{
    MAY_FAIL
    MUST(handle == &solver_handle && params == &solver_params && a && tau && lda >= m && n >= 1);
    MUST(ta == R_64F && tt == R_64F && tc == R_64F);
    *on_device = bytes_of(__func__, size_t(8 * n));
    *on_host = 0;
    return 0;
}

EXPORT int cusolverDnXgeqrf(void *handle, void *params, int64_t m, int64_t n, int ta, void *a, int64_t lda, int tt,
                            void *tau, int tc, void *work, size_t on_device, void *, size_t on_host, int *info)
{
    MAY_FAIL
    IN_CONTEXT;
    MUST(handle == &solver_handle && params == &solver_params && ta == R_64F && tt == R_64F && tc == R_64F);
    const int64_t r = std::min(m, n);
    MUST(lda == m && numbers(a, size_t(m * n)) && numbers(tau, size_t(r)) && inside(info, sizeof(int)));
    MUST(on_device >= size_t(8 * n) && inside(work, on_device) && on_host == 0);
    auto *x = static_cast<double *>(a), *factors = static_cast<double *>(tau);
    for (int64_t j = 0; j < r; ++j) {
        double *column = x + j * m + j, square = 0;
        for (int64_t i = 1; i < m - j; ++i) square += column[i] * column[i];
        factors[j] = 0;
        if (square == 0) continue;
        const double beta = -std::copysign(std::hypot(column[0], std::sqrt(square)), column[0]);
        factors[j] = (beta - column[0]) / beta;
        for (int64_t i = 1; i < m - j; ++i) column[i] /= column[0] - beta;
        for (int64_t k = j + 1; k < n; ++k) plain::reflect(column, factors[j], x + k * m + j, int(m - j));
        column[0] = beta;
    }
    *info = 0;
    const std::string told = fault("info", __func__);
    if (!told.empty()) *info = std::stoi(told);
    if (faulty("wrong", __func__)) x[0] *= 1 + 1e-6;
    return 0;
}

EXPORT int cusolverDnDormqr_bufferSize(void *handle, int side, int transpose, int m, int n, int k, const double *a,
                                       int lda, const double *tau, const double *c, int ldc, int *length)
{
    MAY_FAIL
    MUST(handle == &solver_handle && side == 0 && transpose == 0 && a && tau && c && lda >= m && ldc >= m && k <= m && n >= 1);
    *length = length_of(__func__, n + 2);
    return 0;
}

EXPORT int cusolverDnDormqr(void *handle, int side, int transpose, int m, int n, int k, const double *a, int lda,
                            const double *tau, double *c, int ldc, double *work, int length, int *info)
{
    MAY_FAIL
    IN_CONTEXT;
    MUST(handle == &solver_handle && side == 0 && transpose == 0 && k <= m && lda == m && ldc == m);
    MUST(numbers(a, size_t(m) * k) && numbers(tau, size_t(k)) && numbers(c, size_t(m) * n));
    MUST(length >= n + 2 && numbers(work, size_t(length)) && inside(info, sizeof(int)));
    for (int column = 0; column < n; ++column)
        for (int j = k - 1; j >= 0; --j)
            plain::reflect(a + size_t(j) * lda + j, tau[j], c + size_t(column) * ldc + j, m - j);
    *info = 0;
    const std::string told = fault("info", __func__);
    if (!told.empty()) *info = std::stoi(told);
    return 0;
}

// --------------------------------------------------------------------------------------------------------- cuBLAS

static int blas_handle;

EXPORT int cublasCreate_v2(void **handle)
{
    MAY_FAIL
    IN_CONTEXT;
    *handle = &blas_handle;
    return 0;
}

EXPORT int cublasDestroy_v2(void *handle)
{
    IN_CONTEXT;
    MUST(handle == &blas_handle);
    return 0;
}

EXPORT int cublasDgemm_v2_64(void *handle, int ta, int tb, int64_t m, int64_t n, int64_t k, const double *alpha,
                             const double *a, int64_t lda, const double *b, int64_t ldb, const double *beta, double *c,
                             int64_t ldc)
{
    MAY_FAIL
    IN_CONTEXT;
    MUST(handle == &blas_handle && m >= 1 && n >= 1 && k >= 1 && (ta == 0 || ta == 1) && (tb == 0 || tb == 1));
    MUST(lda >= (ta ? k : m) && ldb >= (tb ? n : k) && ldc >= m);
    MUST(numbers(a, size_t(lda * ((ta ? m : k) - 1) + (ta ? k : m))));
    MUST(numbers(b, size_t(ldb * ((tb ? k : n) - 1) + (tb ? n : k))));
    MUST(numbers(c, size_t(ldc * (n - 1) + m)));
    for (int64_t j = 0; j < n; ++j)
        for (int64_t i = 0; i < m; ++i) {
            double sum = 0;
            for (int64_t l = 0; l < k; ++l)
                sum += a[ta ? l + i * lda : i + l * lda] * b[tb ? j + l * ldb : l + j * ldb];
            double &to = c[i + j * ldc];
            to = *alpha * sum + (*beta == 0 ? 0 : *beta * to);
        }
    return 0;
}

// ---------------------------------------------------------------------------------------------------------- NVRTC

static int program;
static std::string options;
static const char IMAGE[] = "\x7f" "ELF of the stand-in";

EXPORT int nvrtcGetNumSupportedArchs(int *count)
{
    MAY_FAIL
    *count = 3;
    return 0;
}

EXPORT int nvrtcGetSupportedArchs(int *all)
{
    MAY_FAIL
    const int today[] = {80, 90, 100}, tomorrow[] = {300, 310, 320};
    std::copy_n(faulty("old", "compiler") ? tomorrow : today, 3, all);
    return 0;
}

EXPORT int nvrtcCreateProgram(void **to, const char *source, const char *name, int headers, const char *const *,
                              const char *const *)
{
    MAY_FAIL
    MUST(std::strstr(source, "one_sided_jacobi") && name && headers == 0);
    *to = &program;
    return 0;
}

EXPORT int nvrtcDestroyProgram(void **which)
{
    MUST(*which == &program || *which == nullptr);
    return 0;
}

EXPORT int nvrtcCompileProgram(void *which, int count, const char *const *all)
{
    MAY_FAIL
    MUST(which == &program);
    for (int k = 0; k < count; ++k) options += std::string(all[k]) + " ";
    MUST(options.find("sm_90") != std::string::npos);
    return faulty("log", "compile") ? 6 : 0;
}

static const char LOG[] = "kernels.cu(1): error: the stand-in does not like it";

EXPORT int nvrtcGetProgramLogSize(void *, size_t *size)
{
    MAY_FAIL
    *size = sizeof LOG;
    return 0;
}

EXPORT int nvrtcGetProgramLog(void *, char *to)
{
    MAY_FAIL
    std::memcpy(to, LOG, sizeof LOG);
    return 0;
}

EXPORT int nvrtcGetCUBINSize(void *, size_t *size)
{
    MAY_FAIL
    *size = faulty("length", __func__) ? 0 : sizeof IMAGE;
    return 0;
}

EXPORT int nvrtcGetCUBIN(void *, char *to)
{
    MAY_FAIL
    std::memcpy(to, IMAGE, sizeof IMAGE);
    return 0;
}

EXPORT int nvrtcGetPTXSize(void *, size_t *size)
{
    *size = 0;
    return 0;
}

EXPORT int nvrtcGetPTX(void *, char *) { return 0; }
