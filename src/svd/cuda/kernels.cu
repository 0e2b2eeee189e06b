// The project's own kernels, compiled by NVRTC when a device is opened. Matrices are column by column.

// Lanes that add their parts of a sum together. Tests on the CPU compile this file with 32 and with 1.
#ifndef LANES
#define LANES 32
#endif

#ifndef KERNEL
#define KERNEL extern "C" __global__
#endif

// Memory that the threads of a block share.
#ifndef PER_BLOCK
#define PER_BLOCK __shared__
#endif

#define EPSILON 2.220446049250313e-16
// Columns shorter than 2^-480 count as zero: their squares would lose digits. Entries of a matrix go up to 1.
#define SHORTEST_SQUARED 1.0261342003245941e-289
// A sweep whose rotations were all this small, in angle and in the cosine that they removed, was the last.
#define FINE 1e-9
#define MAX_SWEEPS 60

static __device__ double sum_over_lanes(double x)
{
    // All lanes end with the same bits: at each step both sides of a pair add the same two numbers.
    for (int step = LANES / 2; step > 0; step /= 2) x += __shfl_xor_sync(0xffffffffu, x, step);
    return x;
}

// Makes two columns of `rows` entries orthogonal, the longer one first, and turns those of `columns` entries along.
// Whether the pair was not fine yet.
static __device__ int rotate(double *x, double *y, int rows, double *vx, double *vy, int columns, int lane)
{
    double xx = 0.0, yy = 0.0, xy = 0.0;
    for (int k = lane; k < rows; k += LANES) {
        xx = fma(x[k], x[k], xx);
        yy = fma(y[k], y[k], yy);
        xy = fma(x[k], y[k], xy);
    }
    xx = sum_over_lanes(xx);
    yy = sum_over_lanes(yy);
    xy = sum_over_lanes(xy);
    const int both = xx >= SHORTEST_SQUARED && yy >= SHORTEST_SQUARED;
    // As LAPACK's dgesvj: orthogonal when the cosine of their angle is rounding error. Square roots first: the product
    // of the squares may vanish.
    const double lengths = sqrt(xx) * sqrt(yy);
    const int turn = both && fabs(xy) > sqrt((double)columns) * EPSILON * lengths;
    double tangent = 0.0, cosine = 1.0, sine = 0.0;
    if (turn) {
        // The smaller root t of xy t² + (yy − xx) t − xy.
        const double gap = yy - xx;
        tangent = 2.0 * fabs(xy) / (fabs(gap) + hypot(gap, 2.0 * xy));
        if ((xy < 0.0) != (gap < 0.0)) tangent = -tangent;
        cosine = 1.0 / sqrt(fma(tangent, tangent, 1.0));
        sine = cosine * tangent;
    }
    const int exchange = fma(-tangent, xy, xx) < fma(tangent, xy, yy);
    if (!turn && !exchange) return 0;
    const double c = exchange ? sine : cosine, s = exchange ? -cosine : sine;
    for (int k = lane; k < rows; k += LANES) {
        const double a = x[k], b = y[k];
        x[k] = fma(c, a, -(s * b));
        y[k] = fma(c, b, s * a);
    }
    for (int k = lane; k < columns; k += LANES) {
        const double a = vx[k], b = vy[k];
        vx[k] = fma(c, a, -(s * b));
        vy[k] = fma(c, b, s * a);
    }
    return turn && (fabs(tangent) > FINE || fabs(xy) > FINE * lengths);
}

// One-sided Jacobi (Hestenes): rotations V make the columns of A orthogonal, A V = U Σ. A block for each matrix, a warp
// for each pair of columns; all pairs of a round at once, in the order of a round-robin tournament.
//
// `matrices` (rows × columns each, rows ≥ columns) become U, `vectors` V (columns × columns), `sigmas` Σ in no
// order; where σ = 0 the column of U is zero. `sweeps` is how many it took, −1 where they did not end.
KERNEL void __launch_bounds__(512)
one_sided_jacobi(double *matrices, double *vectors, double *sigmas, int *sweeps, int rows, int columns, int in_shared)
{
    extern __shared__ double room[];
    PER_BLOCK int busy;
    const int lane = threadIdx.x % LANES, warp = threadIdx.x / LANES, warps = blockDim.x / LANES;
    const size_t size = (size_t)rows * columns, square = (size_t)columns * columns;
    double *matrix = matrices + blockIdx.x * size, *vector = vectors + blockIdx.x * square;
    double *a = in_shared ? room : matrix, *v = in_shared ? room + size : vector;
    if (in_shared)
        for (size_t k = threadIdx.x; k < size; k += blockDim.x) a[k] = matrix[k];
    for (size_t k = threadIdx.x; k < square; k += blockDim.x) v[k] = k % (columns + 1) == 0 ? 1.0 : 0.0;
    __syncthreads();

    // An even number of players; the last one is nobody if the number of columns is odd.
    const int players = columns + columns % 2, turning = players - 1;
    int sweep = 0, done = 0;
    while (!done && sweep < MAX_SWEEPS) {
        if (threadIdx.x == 0) busy = 0;
        int coarse = 0;
        for (int round = 0; round < turning; ++round) {
            for (int pair = warp; pair < players / 2; pair += warps) {
                int i = pair == 0 ? turning : (round + pair) % turning;
                int j = (round + turning - pair) % turning;
                if (i > j) {
                    const int other = i;
                    i = j;
                    j = other;
                }
                if (j < columns)
                    coarse |= rotate(a + (size_t)i * rows, a + (size_t)j * rows, rows,
                                     v + (size_t)i * columns, v + (size_t)j * columns, columns, lane);
            }
            __syncthreads();
        }
        if (coarse && lane == 0) busy = 1; // whoever writes, writes 1
        __syncthreads();
        done = !busy;
        ++sweep;
        __syncthreads();
    }

    // Where cos² + sin² is not quite 1, a rotation makes both its columns of A and of V longer by the same factor: over
    // all sweeps some hundred ε, of which each column of V knows its own.
    for (int j = warp; j < columns; j += warps) {
        const double *u = a + (size_t)j * rows, *w = v + (size_t)j * columns;
        double length = 0.0, drift = 0.0;
        for (int k = lane; k < rows; k += LANES) length = fma(u[k], u[k], length);
        for (int k = lane; k < columns; k += LANES) drift = fma(w[k], w[k], drift);
        length = sum_over_lanes(length);
        length = length < SHORTEST_SQUARED ? 0.0 : sqrt(length);
        drift = sqrt(sum_over_lanes(drift));
        for (int k = lane; k < rows; k += LANES) matrix[(size_t)j * rows + k] = length > 0.0 ? u[k] / length : 0.0;
        for (int k = lane; k < columns; k += LANES) vector[(size_t)j * columns + k] = w[k] / drift;
        if (lane == 0) sigmas[(size_t)blockIdx.x * columns + j] = length / drift;
    }
    if (threadIdx.x == 0) sweeps[blockIdx.x] = done ? sweep : -1;
}

// The upper trapezoid of a QR factorisation, zeros below it: `to` (height × columns) of `from` (rows × columns).
KERNEL void upper_triangle(const double *from, double *to, long long rows, long long height, long long columns)
{
    const long long step = (long long)gridDim.x * blockDim.x;
    for (long long k = (long long)blockIdx.x * blockDim.x + threadIdx.x; k < height * columns; k += step) {
        const long long i = k % height, j = k / height;
        to[k] = i <= j ? from[j * rows + i] : 0.0;
    }
}

// `from` (height × columns) over zeros: `to` (rows × columns).
KERNEL void over_zeros(const double *from, double *to, long long rows, long long height, long long columns)
{
    const long long step = (long long)gridDim.x * blockDim.x;
    for (long long k = (long long)blockIdx.x * blockDim.x + threadIdx.x; k < rows * columns; k += step) {
        const long long i = k % rows, j = k / rows;
        to[k] = i < height ? from[j * height + i] : 0.0;
    }
}

// ------------------------------------------------------------------------------------------ random Fourier features

typedef unsigned int u32;
typedef unsigned long long u64;

// The words of one ChaCha8 stream, from the first on.
struct Stream {
    u32 state[16], block[16];
    int next;
};

static __device__ u32 rotated(u32 x, int by) { return (x << by) | (x >> (32 - by)); }

static __device__ void quarter(u32 *x, int a, int b, int c, int d)
{
    x[a] += x[b], x[d] = rotated(x[d] ^ x[a], 16);
    x[c] += x[d], x[b] = rotated(x[b] ^ x[c], 12);
    x[a] += x[b], x[d] = rotated(x[d] ^ x[a], 8);
    x[c] += x[d], x[b] = rotated(x[b] ^ x[c], 7);
}

static __device__ void begin(Stream &stream, const int *key, u64 nonce)
{
    const u32 constants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    for (int k = 0; k < 4; ++k) stream.state[k] = constants[k];
    for (int k = 0; k < 8; ++k) stream.state[4 + k] = (u32)key[k];
    stream.state[12] = stream.state[13] = 0;
    stream.state[14] = (u32)nonce;
    stream.state[15] = (u32)(nonce >> 32);
    stream.next = 16;
}

// Two words, the lower one first. Words are only ever taken in pairs here.
static __device__ u64 pair(Stream &stream)
{
    if (stream.next == 16) {
        u32 *x = stream.block;
        for (int k = 0; k < 16; ++k) x[k] = stream.state[k];
        for (int twice = 0; twice < 4; ++twice) {
            quarter(x, 0, 4, 8, 12), quarter(x, 1, 5, 9, 13), quarter(x, 2, 6, 10, 14), quarter(x, 3, 7, 11, 15);
            quarter(x, 0, 5, 10, 15), quarter(x, 1, 6, 11, 12), quarter(x, 2, 7, 8, 13), quarter(x, 3, 4, 9, 14);
        }
        for (int k = 0; k < 16; ++k) x[k] += stream.state[k];
        if (++stream.state[12] == 0) ++stream.state[13];
        stream.next = 0;
    }
    const u64 low = stream.block[stream.next], high = stream.block[stream.next + 1];
    stream.next += 2;
    return low | high << 32;
}

// Uniform on [0, 1), of 53 bits.
static __device__ double uniform(Stream &stream) { return (double)(pair(stream) >> 11) * 0x1p-53; }

// Frequencies and phases of features `first`, …: Gaussian by the ziggurat, each feature from a stream of its own, the bits
// of the CPU's. Where those hang on the last digit of an exponential or a logarithm (the tail, and a rejection by a
// hair) the feature is flagged, for the CPU to draw.
//
// `edges` (257) are the abscissae of the ziggurat; `frequencies` inputs × count, column by column.
KERNEL void draw_gaussian(const int *key, const double *edges, double *frequencies, double *phases, int *flags,
                          long long count, long long inputs, double deviation, u64 low_nonce)
{
    const long long step = (long long)gridDim.x * blockDim.x;
    for (long long k = (long long)blockIdx.x * blockDim.x + threadIdx.x; k < count; k += step) {
        Stream stream;
        begin(stream, key, (u64)k << 32 ^ low_nonce);
        int flag = 0;
        for (long long j = 0; j < inputs && !flag; ++j) {
            double x = 0.0;
            for (;;) {
                const u64 bits = pair(stream);
                const int i = (int)(bits & 0xff);
                // The mantissa's 52 bits: [−1, 1).
                const double u = (double)(bits >> 12) * 0x1p-51 - 1.0;
                x = u * edges[i];
                if (fabs(x) < edges[i + 1]) break;
                if (i == 0) {
                    flag = 1;
                    break;
                }
                const double over = exp(-edges[i] * edges[i] / 2.0), under = exp(-edges[i + 1] * edges[i + 1] / 2.0);
                const double height = under + (over - under) * uniform(stream), density = exp(-x * x / 2.0);
                if (fabs(height - density) < 1e-12) flag = 1;
                if (height < density) break;
            }
            frequencies[k * inputs + j] = deviation * x;
        }
        phases[k] = 6.283185307179586 * uniform(stream);
        flags[k] = flag;
    }
}

// `table` (rows × columns): t becomes amplitude · cos(t + b), b the phase of its column.
KERNEL void cosines(double *table, const double *phases, long long rows, long long columns, double amplitude)
{
    const long long step = (long long)gridDim.x * blockDim.x;
    for (long long k = (long long)blockIdx.x * blockDim.x + threadIdx.x; k < rows * columns; k += step)
        table[k] = amplitude * cos(table[k] + phases[k / rows]);
}

// `to` (columns × rows) is the transpose of `from` (rows × columns).
KERNEL void transpose(const double *from, double *to, long long rows, long long columns)
{
    const long long step = (long long)gridDim.x * blockDim.x;
    for (long long k = (long long)blockIdx.x * blockDim.x + threadIdx.x; k < rows * columns; k += step)
        to[k] = from[k / columns + k % columns * rows];
}

// All filters at once: `to` (modes × outputs · filters) is `from` (modes × outputs) times the gains of each filter
// (modes × filters).
KERNEL void apply_gains(const double *from, const double *gains, double *to, long long modes, long long outputs,
                        long long filters)
{
    const long long step = (long long)gridDim.x * blockDim.x;
    for (long long k = (long long)blockIdx.x * blockDim.x + threadIdx.x; k < modes * outputs * filters; k += step) {
        const long long mode = k % modes, column = k / modes;
        to[k] = gains[column / outputs * modes + mode] * from[column % outputs * modes + mode];
    }
}

// `to[c]` = ‖a_c − b_{c mod outputs}‖² of columns of `a` (rows × gridDim.x) and `b` (rows × outputs), a block each;
// ‖a_c‖² with 0 outputs. 256 threads.
KERNEL void __launch_bounds__(256)
squared_distances(const double *a, const double *b, double *to, long long rows, long long outputs)
{
    PER_BLOCK double parts[256];
    const long long column = blockIdx.x;
    double sum = 0.0;
    for (long long k = threadIdx.x; k < rows; k += blockDim.x) {
        const double off = a[column * rows + k] - (outputs > 0 ? b[column % outputs * rows + k] : 0.0);
        sum = fma(off, off, sum);
    }
    parts[threadIdx.x] = sum;
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) parts[threadIdx.x] += parts[threadIdx.x + half];
    }
    if (threadIdx.x == 0) to[column] = parts[0];
}
