// A block of CUDA threads on one thread of the CPU: each is a fiber that runs until it has to wait for the others.
#pragma once
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <ucontext.h>
#include <vector>

struct Place {
    unsigned x = 0, y = 0, z = 0;
};
static Place threadIdx, blockIdx, blockDim, gridDim;

namespace fibers {

constexpr size_t STACK = 64 << 10;

struct Fiber {
    ucontext_t begin;
    jmp_buf place;
    bool started = false, finished = false;
    std::vector<char> stack;
};

struct Barrier {
    unsigned arrived = 0, generation = 0;
};

static std::vector<Fiber> all;
static std::vector<Barrier> warps;
static std::vector<double> exchanged;
static Barrier block;
static unsigned count = 0, lanes = 1, current = 0, running = 0, idle = 0;
static bool downwards = false;
static ucontext_t outside;
static void (*body)();

[[noreturn]] static void fail(const char *what)
{
    std::fprintf(stderr, "stand-in: %s (thread %u of block %u)\n", what, threadIdx.x, blockIdx.x);
    std::abort();
}

static void entry();

static void go_to(unsigned next)
{
    if (++idle > 8 * count + 64) fail("the threads of a block wait for each other for ever");
    if (next == current) return;
    Fiber &from = all[current];
    current = next;
    threadIdx.x = next;
    Fiber &to = all[next];
    if (from.finished || _setjmp(from.place) == 0) {
        if (to.started) _longjmp(to.place, 1);
        to.started = true;
        setcontext(&to.begin);
    }
}

// Threads take turns in ascending order, or in descending: what hangs on the order is a race.
static bool backwards()
{
    const char *order = std::getenv("CUDA_STAND_INS_BACKWARDS");
    return order && *order;
}

// The next thread, of those from `first` on, that has not ended.
static unsigned after(unsigned from, unsigned first, unsigned size)
{
    const unsigned direction = downwards ? size - 1 : 1;
    for (unsigned step = 1; step <= size; ++step) {
        const unsigned next = first + (from - first + step * direction) % size;
        if (!all[next].finished) return next;
    }
    return from;
}

static void wait(Barrier &barrier, unsigned first, unsigned size)
{
    const unsigned generation = barrier.generation;
    if (++barrier.arrived == size) {
        barrier.arrived = 0;
        ++barrier.generation;
        idle = 0;
    }
    while (barrier.generation == generation) go_to(after(current, first, size));
}

static void entry()
{
    body();
    all[current].finished = true;
    idle = 0;
    if (--running == 0) setcontext(&outside);
    go_to(after(current, 0, count));
    fail("a thread went on after its end");
}

// Runs `threads` threads in warps of `lanes_of_warp`.
static void run(unsigned threads, unsigned lanes_of_warp, void (*what)())
{
    body = what;
    count = running = threads;
    lanes = lanes_of_warp;
    idle = 0;
    block = {};
    if (all.size() < threads) all.resize(threads);
    warps.assign((threads + lanes - 1) / lanes, {});
    exchanged.assign(threads, 0.0);
    for (unsigned k = 0; k < threads; ++k) {
        Fiber &fiber = all[k];
        fiber.stack.resize(STACK);
        fiber.started = fiber.finished = false;
        getcontext(&fiber.begin);
        fiber.begin.uc_stack.ss_sp = fiber.stack.data();
        fiber.begin.uc_stack.ss_size = STACK;
        fiber.begin.uc_link = nullptr;
        makecontext(&fiber.begin, entry, 0);
    }
    downwards = backwards();
    current = threadIdx.x = downwards ? threads - 1 : 0;
    all[current].started = true;
    swapcontext(&outside, &all[current].begin);
}

} // namespace fibers

static void __syncthreads() { fibers::wait(fibers::block, 0, fibers::count); }

static double __shfl_xor_sync(unsigned mask, double value, int step)
{
    using namespace fibers;
    if (mask != 0xffffffffu) fail("a warp without all its lanes");
    const unsigned warp = current / lanes, me = current;
    if (count % lanes != 0) fail("a warp that is not full");
    // Once to write, once before the next one may overwrite.
    exchanged[me] = value;
    wait(warps[warp], warp * lanes, lanes);
    const double other = exchanged[me ^ unsigned(step)];
    wait(warps[warp], warp * lanes, lanes);
    return other;
}
