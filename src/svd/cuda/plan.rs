//! Routes and batch sizes: pure functions of shapes, counts and free memory.

use crate::Error;

/// cuSOLVER's batched Jacobi takes at most this many rows and columns.
const SMALLEST: usize = 32;

/// Our own kernel takes matrices whose shorter side is at most this.
const SMALL: usize = 512;

/// The most matrices in one batch.
const MOST: usize = 1 << 16;

/// Bytes of shared memory available to a block on every device, minus the kernel's other use of it.
const SHARED: usize = (48 << 10) - 64;

/// Lanes of a warp.
const LANES: usize = 32;

/// The most warps of a block of the Jacobi kernel: `__launch_bounds__` in `kernels.cu`.
const WARPS: usize = 16;

pub(super) const F64: usize = size_of::<f64>();

/// How a matrix is factorised: a function of its shape alone, so that its bits do not depend on its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// `gesvdjBatched`: both sides up to 32.
    Batched,
    /// Our own kernel: the shorter side up to 512, the longer up to 512 or less than twice the shorter.
    Kernel,
    /// A tall matrix (or a wide one's transpose): QR first, then the triangle.
    Triangle,
    /// `Xgesvdp`.
    Whole,
}

/// A matrix or its transpose, whichever has at least as many rows as columns, column-major.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Tall {
    pub rows: usize,
    pub columns: usize,
}

impl Tall {
    /// Returns the shape, and whether it is that of the transpose.
    pub fn new((n, p): (usize, usize)) -> (Self, bool) {
        (Self { rows: n.max(p), columns: n.min(p) }, n < p)
    }

    pub fn way(self) -> Way {
        let Self { rows, columns } = self;
        if rows <= SMALLEST {
            Way::Batched
        } else if rows > SMALL && rows / 2 >= columns && i32::try_from(rows.saturating_mul(columns)).is_ok() {
            // cuSOLVER multiplies by Q with 32-bit integers.
            Way::Triangle
        } else if columns <= SMALL && rows <= SMALL.max(2 * columns) {
            Way::Kernel
        } else {
            Way::Whole
        }
    }

    pub fn triangle(self) -> Self {
        Self { rows: self.columns, columns: self.columns }
    }

    /// Number of entries; saturating, since that much memory is refused anyway.
    pub fn len(self) -> usize {
        self.rows.saturating_mul(self.columns)
    }

    /// Device bytes per matrix of a batch, without the routines' workspace.
    pub fn bytes(self) -> usize {
        let Self { rows, columns } = self;
        let square = |side: usize| side.saturating_mul(side);
        let numbers = match self.way() {
            // The matrix, all of U and V, the singular values, and the status.
            Way::Batched => self.len() + square(rows) + square(columns) + columns + 1,
            // U overwrites the matrix; V, the singular values, and the numbers of sweeps.
            Way::Kernel => self.len().saturating_add(square(columns)).saturating_add(columns + 1),
            Way::Whole => return self.bytes_of_whole(),
            // The reflections with their factors, the product, and the memory for the triangle.
            Way::Triangle => {
                let triangle = self.triangle().bytes() / F64;
                let product = self.len().saturating_mul(2).saturating_add(columns);
                product.saturating_add(triangle).saturating_add(square(columns))
            }
        };
        numbers.saturating_mul(F64)
    }

    /// Bytes for one matrix in a routine for single matrices.
    pub fn bytes_of_whole(self) -> usize {
        let square = self.columns.saturating_mul(self.columns);
        let numbers = self.len().saturating_mul(2).saturating_add(square).saturating_add(self.columns);
        numbers.saturating_mul(F64)
    }

    /// Most matrices that go to the device together, whatever its memory.
    pub fn most(self) -> usize {
        let columns = self.columns.max(1);
        match self.way() {
            Way::Whole => 1,
            // Their workspace is counted with 32 bits.
            Way::Batched | Way::Kernel => {
                MOST.min((1 << 30) / self.rows.saturating_mul(self.rows).max(1)).max(1)
            }
            Way::Triangle if columns > SMALL => 1,
            Way::Triangle => MOST.min((1 << 30) / self.len().max(1)).max(1),
        }
    }
}

/// Launch parameters of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Launch {
    pub blocks: u32,
    pub threads: u32,
    pub shared_bytes: u32,
}

impl Launch {
    /// One-sided Jacobi: one block per matrix, one warp per pair of columns; in shared memory if everything fits.
    pub fn jacobi(shape: Tall, count: usize) -> Option<Self> {
        let pairs = shape.columns.div_ceil(2).clamp(1, WARPS);
        let bytes = (shape.len() + shape.columns * shape.columns) * F64;
        Some(Self {
            blocks: u32::try_from(count).ok()?,
            threads: u32::try_from(pairs * LANES).ok()?,
            shared_bytes: if bytes <= SHARED { u32::try_from(bytes).ok()? } else { 0 },
        })
    }

    /// One thread per entry, up to a limit; beyond it, each thread handles several entries.
    pub fn each(count: usize) -> Self {
        let blocks = u32::try_from(count.div_ceil(256)).unwrap_or(u32::MAX).clamp(1, 1 << 16);
        Self { blocks, threads: 256, shared_bytes: 0 }
    }
}

/// Returns how many of `free` bytes may be allocated: the driver rounds every buffer up, and the routines need some
/// memory themselves.
pub(super) fn usable(free: usize) -> usize {
    free - free / 16
}

/// Returns how many of `count` matrices go to the device at once, at `each` bytes per matrix.
///
/// # Errors
/// [`Error::DeviceMemory`] if not even one fits.
pub(super) fn batch(count: usize, most: usize, each: usize, free: usize) -> Result<usize, Error> {
    let fit = usable(free) / each.max(1);
    if fit == 0 {
        return Err(Error::DeviceMemory { needed: each, free });
    }
    Ok(count.min(most).min(fit))
}

/// Groups the indices of matrices by shape, in order of first occurrence.
pub(super) fn groups(shapes: impl Iterator<Item = (usize, usize)>) -> Vec<((usize, usize), Vec<usize>)> {
    let mut groups: Vec<((usize, usize), Vec<usize>)> = Vec::new();
    let mut place_of = std::collections::HashMap::new();
    for (index, shape) in shapes.enumerate() {
        let group = *place_of.entry(shape).or_insert_with(|| {
            groups.push((shape, Vec::new()));
            groups.len() - 1
        });
        groups[group].1.push(index);
    }
    groups
}

/// Compilation target for NVRTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Machine code for exactly this device.
    Code(i32),
    /// Assembly for an older device, which the driver translates, if the compiler does not know this one.
    Assembly(i32),
}

impl Target {
    /// Chooses among the compiler's known architectures (90 for 9.0) for a device; `None` if all of them are newer.
    pub fn choose(known: &[i32], device: i32) -> Option<Self> {
        if known.contains(&device) {
            return Some(Self::Code(device));
        }
        known.iter().copied().filter(|&one| one < device).max().map(Self::Assembly)
    }

    pub fn option(self) -> String {
        match self {
            Self::Code(one) => format!("--gpu-architecture=sm_{one}"),
            Self::Assembly(one) => format!("--gpu-architecture=compute_{one}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(n: usize, p: usize) -> Way {
        Tall::new((n, p)).0.way()
    }

    #[test]
    fn each_shape_has_one_way() {
        for (shape, expected) in [
            ((1, 1), Way::Batched),
            ((32, 32), Way::Batched),
            ((33, 1), Way::Kernel),
            ((39, 8), Way::Kernel),
            ((8, 39), Way::Kernel),
            ((512, 512), Way::Kernel),
            ((512, 1), Way::Kernel),
            ((513, 1), Way::Triangle),
            ((1000, 512), Way::Kernel),
            ((1023, 512), Way::Kernel),
            ((1024, 512), Way::Triangle),
            ((513, 513), Way::Whole),
            ((600, 1000), Way::Whole),
            ((5000, 500), Way::Triangle),
            ((200, 1000), Way::Triangle),
            ((10_000, 9000), Way::Whole),
            ((1 << 31, 1), Way::Whole),
        ] {
            assert_eq!(way(shape.0, shape.1), expected, "{shape:?}");
            assert_eq!(way(shape.1, shape.0), expected, "{shape:?}, transposed");
        }
    }

    /// The kernel and the batched routine get only shapes that they can take.
    #[test]
    fn no_way_gets_a_shape_that_it_cannot_take() {
        for rows in 1..1400 {
            for columns in (1..=rows).step_by(7) {
                let shape = Tall { rows, columns };
                match shape.way() {
                    Way::Batched => assert!(rows <= 32),
                    Way::Kernel => assert!(columns <= 512 && rows <= 1024),
                    // The triangle left after QR is not tall again.
                    Way::Triangle => assert!(rows >= 2 * columns && shape.triangle().way() != Way::Triangle),
                    Way::Whole => assert!(columns > 256),
                }
                let launch = Launch::jacobi(shape, 3).unwrap();
                assert!(launch.threads.is_multiple_of(32) && (32..=512).contains(&launch.threads));
                assert!(launch.shared_bytes <= 48 << 10);
                assert!(shape.most() >= 1);
            }
        }
        // 47.5 × 1024 bytes: 55 × 55 twice is inside, 56 × 56 is not.
        assert_eq!(Launch::jacobi(Tall { rows: 55, columns: 55 }, 1).unwrap().shared_bytes, 2 * 55 * 55 * 8);
        assert_eq!(Launch::jacobi(Tall { rows: 56, columns: 56 }, 1).unwrap().shared_bytes, 0);
    }

    #[test]
    fn bytes_count_every_buffer() {
        // A, U, V, σ and the status of a 30 × 20 matrix.
        assert_eq!(Tall { rows: 30, columns: 20 }.bytes(), 8 * (600 + 900 + 400 + 20 + 1));
        assert_eq!(Tall { rows: 100, columns: 60 }.bytes(), 8 * (6000 + 3600 + 60 + 1));
        assert_eq!(Tall { rows: 900, columns: 700 }.bytes(), 8 * (2 * 630_000 + 490_000 + 700));
        let triangle = 8 * (2500 + 2500 + 50 + 1);
        assert_eq!(Tall { rows: 5000, columns: 50 }.bytes(), 8 * (2 * 250_000 + 50 + 2500) + triangle);
        for huge in [usize::MAX, 1 << 40] {
            assert!(Tall { rows: huge, columns: huge }.bytes() > 1 << 62); // no overflow
        }
    }

    #[test]
    fn batches_follow_the_memory() {
        let needed = 1000;
        assert_eq!(batch(10, 100, needed, 1 << 20), Ok(10));
        assert_eq!(batch(10, 4, needed, 1 << 20), Ok(4));
        assert_eq!(batch(10, 100, needed, 3300), Ok(3));
        assert_eq!(batch(10, 100, needed, 1067), Ok(1));
        assert_eq!(batch(10, 100, needed, 1065), Err(Error::DeviceMemory { needed, free: 1065 }));
        assert_eq!(batch(10, 100, needed, 0), Err(Error::DeviceMemory { needed, free: 0 }));
        assert_eq!(batch(0, 100, needed, 1 << 20), Ok(0));
        let text = batch(1, 1, needed, 5).unwrap_err().to_string();
        assert!(text.contains("1000 bytes") && text.contains("5 bytes are free"), "{text}");
    }

    #[test]
    fn equal_shapes_go_together() {
        let shapes = [(3, 2), (2, 3), (3, 2), (5, 5), (2, 3), (3, 2)];
        let expected = vec![((3, 2), vec![0, 2, 5]), ((2, 3), vec![1, 4]), ((5, 5), vec![3])];
        assert_eq!(groups(shapes.into_iter()), expected);
        assert!(groups([].into_iter()).is_empty());
    }

    #[test]
    fn a_compiler_older_than_the_device_writes_assembly() {
        let known = [75, 80, 86, 90, 100];
        assert_eq!(Target::choose(&known, 90), Some(Target::Code(90)));
        assert_eq!(Target::choose(&known, 103), Some(Target::Assembly(100)));
        assert_eq!(Target::choose(&known, 89), Some(Target::Assembly(86)));
        assert_eq!(Target::choose(&known, 70), None);
        assert_eq!(Target::choose(&[], 90), None);
        assert_eq!(Target::Code(90).option(), "--gpu-architecture=sm_90");
        assert_eq!(Target::Assembly(86).option(), "--gpu-architecture=compute_86");
    }
}
