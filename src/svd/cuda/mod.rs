//! NVIDIA GPUs, through cuSOLVER and the project's own kernels.

mod blas;
mod cosines;
mod device;
mod frequencies;
mod kernels;
mod libraries;
mod plan;
mod session;
mod solver;

use super::{Backend, CosineDevice, CosineFits, CosineTables, RawSvd, Route};
use crate::Error;
use ndarray::{Array2, ArrayView2};
use session::Session;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An NVIDIA GPU, behind the feature `cuda`. Its libraries are looked up when [`Cuda::new`] is called, not when the
/// program is built or started.
///
/// | shape (of the matrix or its transpose, rows ≥ columns) | first route |
/// |---|---|
/// | up to 32 × 32 | `cusolverDnDgesvdjBatched` |
/// | up to 512 columns, and up to 512 or less than twice as many rows | one-sided Jacobi, a kernel of our own, compiled when the device is opened |
/// | over 512 rows and at least twice as many as columns | `cusolverDnXgeqrf`, then the triangle by its own shape, then `Dormqr` |
/// | any other | `cusolverDnXgesvdp`, unless its own estimate of its error is over `30 max(n, p) ε σ₁` |
///
/// The second route, for every shape, is `cusolverDnXgesvd`. Matrices of one shape go to the device together, as many
/// as fit into its free memory, which is queried first; if not even one fits, the error gives both numbers of bytes. A
/// matrix's route depends on its shape alone: its bits are the same in any batch, though not on another device model or
/// with another version of the libraries.
///
/// Only one thread at a time uses the device; others wait. A single small matrix leaves most of a device idle;
/// [`Auto`](super::Auto) keeps those on the CPU.
///
/// A [`Sweep`](crate::sweep::Sweep) over random Fourier features with this backend computes the features, and measures
/// the fits on them, on the device: [`CosineDevice`].
///
/// # Not yet run on a GPU
/// All of it is tested on the CPU with stand-ins for the driver and the libraries, and the kernel is compiled by the
/// real compiler; so far no GPU has run it. Every factorisation is checked as usual, so a wrong result from a device is
/// either corrected by the second route or an error.
///
/// # Examples
/// ```
/// use double_descent::svd::{Cuda, Svd};
/// use ndarray::array;
///
/// match Cuda::new(0) {
///     Ok(cuda) => {
///         let svd = Svd::with_backend(&array![[3.0, 0.0], [0.0, 4.0], [0.0, 0.0]], &cuda)?;
///         assert!((svd.singular_values()[0] - 4.0).abs() < 1e-14);
///     }
///     Err(error) => println!("{error}"), // and what was looked for
/// }
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Debug)]
pub struct Cuda {
    device: usize,
    name: String,
    session: Mutex<Session>,
}

impl Cuda {
    /// Opens a device, counted from 0, and compiles the kernel for it.
    ///
    /// # Errors
    /// [`Error::Device`], with what was looked for, if the driver, cuBLAS, cuSOLVER or NVRTC cannot be loaded, lacks a
    /// routine, or does not know the device; [`Error::DeviceMemory`] if the device is full.
    pub fn new(device: usize) -> Result<Self, Error> {
        let session = Session::open(device)?;
        Ok(Self { device, name: session.device.name().to_owned(), session: Mutex::new(session) })
    }

    /// The device's number, from 0.
    #[must_use]
    pub fn device(&self) -> usize {
        self.device
    }

    /// The device's name, as given by its maker.
    #[must_use]
    pub fn device_name(&self) -> &str {
        &self.name
    }

    /// Returns the bytes of device memory that are free now.
    ///
    /// # Errors
    /// [`Error::Device`] if the driver does not report it.
    pub fn free_memory(&self) -> Result<usize, Error> {
        self.enter()?.device.free()
    }

    /// Draws the frequencies `W` (`features × inputs`) and phases `b` of
    /// [`RandomFourier::gaussian`](crate::features::RandomFourier::gaussian) on the device, with the same bits.
    ///
    /// Each feature has its own `ChaCha8` stream and the same ziggurat as on the CPU. The few features whose numbers
    /// depend on the last digit of a logarithm or an exponential (about one number in 4000, in the tail) are drawn on
    /// the CPU and uploaded.
    ///
    /// # Errors
    /// [`Error::Domain`] unless `gamma` is finite and > 0; [`Error::Empty`] for no inputs or features;
    /// [`Error::DeviceMemory`] if they do not fit into the device's memory; [`Error::Device`] if the device fails, or
    /// if a number that it returns is not finite.
    pub fn gaussian_frequencies(
        &self,
        inputs: usize,
        features: usize,
        gamma: f64,
        seed: u64,
    ) -> Result<(Array2<f64>, Vec<f64>), Error> {
        self.enter()?.gaussian_frequencies(gamma, seed, (features, inputs))
    }

    /// Locks the session and directs this thread's calls to its device.
    fn enter(&self) -> Result<MutexGuard<'_, Session>, Error> {
        // A panic leaves half-finished work only on the device, where nothing uses it again.
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        session.device.enter()?;
        Ok(session)
    }

    fn many(&self, xs: &[ArrayView2<'_, f64>], route: Route) -> Vec<Result<RawSvd, String>> {
        match self.enter() {
            Ok(session) => {
                session.many(xs, route).into_iter().map(|one| one.map_err(|e| e.to_string())).collect()
            }
            Err(error) => xs.iter().map(|_| Err(error.to_string())).collect(),
        }
    }
}

impl Drop for Cuda {
    fn drop(&mut self) {
        // Memory freed next must be freed in its own context.
        drop(self.enter());
    }
}

impl Backend for Cuda {
    fn name(&self) -> &'static str {
        "cuda"
    }

    fn factorise(&self, x: ArrayView2<'_, f64>, route: Route) -> Result<RawSvd, String> {
        self.many(&[x], route).pop().unwrap_or_else(|| Err("no result".into()))
    }

    fn factorise_many(&self, xs: &[Array2<f64>]) -> Vec<Result<RawSvd, String>> {
        let views: Vec<_> = xs.iter().map(|x| x.view()).collect();
        self.many(&views, Route::First)
    }

    fn triangle(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
        let done = self.enter().and_then(|session| session.triangle(x));
        done.map_err(|e| e.to_string())
    }

    fn cosines(&self) -> Option<&dyn CosineDevice> {
        Some(self)
    }
}

impl CosineDevice for Cuda {
    fn begin<'a>(&'a self, tables: &CosineTables<'_>) -> Result<Box<dyn CosineFits + 'a>, Error> {
        Ok(Box::new(cosines::Fits::begin(self.enter()?, tables)?))
    }
}
