//! Curves of random Fourier features, computed where the features are drawn.

use super::blas::Factor;
use super::device::Buffer;
use super::plan::{F64, Tall};
use super::session::Session;
use super::solver::Factors;
use crate::Error;
use crate::features::{FOURIER_STREAM, StationaryKernel, draw_fourier};
use crate::filter::{Response, SpectralFilter, Spectrum};
use crate::svd::verify::{norm, probe, tolerance};
use crate::svd::{Cutoff, Route};
use ndarray::{Array2, ArrayView2};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng, TryRng};
use rand_distr::StandardNormal;
use std::convert::Infallible;

/// A model-wise curve on random Fourier features `√2 cos(w_k·x + b_k)`, those of
/// [`RandomFourier::new`](crate::features::RandomFourier::new) of the same kernel and seed: frequencies and phases to the
/// bit, cosines to rounding. For [`Cuda::fourier_curve`](super::Cuda::fourier_curve).
#[derive(Clone, Copy, Debug)]
pub struct FourierCurve<'a> {
    /// What the frequencies are drawn from.
    pub kernel: StationaryKernel,
    /// The seed of the frequencies.
    pub seed: u64,
    /// Training inputs, `n × d`.
    pub x: ArrayView2<'a, f64>,
    /// Training targets, `n × k`.
    pub y: ArrayView2<'a, f64>,
    /// Test inputs, `m × d`.
    pub x_test: ArrayView2<'a, f64>,
    /// Test targets, `m × k`.
    pub y_test: ArrayView2<'a, f64>,
    /// Numbers of features `p` to fit on, each the first `p` of the longest.
    pub sizes: &'a [usize],
    /// The estimators.
    pub filters: &'a [&'a dyn SpectralFilter],
}

/// One fit of a [`FourierCurve`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FourierPoint {
    /// Features, `p`.
    pub features: usize,
    /// Which of the filters.
    pub filter: usize,
    /// Singular values of the training features over the default cutoff.
    pub rank: usize,
    /// The smallest of those; `None` at rank 0.
    pub smallest_nonzero: Option<f64>,
    /// `‖β̂‖²`, for each output.
    pub squared_norms: Vec<f64>,
    /// `‖Z β̂ − y‖²/n`, for each output.
    pub train_mse: Vec<f64>,
    /// `‖Z_test β̂ − y_test‖²/m`, for each output.
    pub test_mse: Vec<f64>,
}

impl FourierCurve<'_> {
    fn check(&self) -> Result<(), Error> {
        let (n, d) = self.x.dim();
        if self.x.is_empty() || self.y.is_empty() {
            return Err(Error::Empty { what: "the training table" });
        }
        if self.x_test.is_empty() || self.y_test.is_empty() {
            return Err(Error::Empty { what: "the test table" });
        }
        if self.sizes.is_empty() || self.sizes.contains(&0) {
            return Err(Error::Empty { what: "the list of features" });
        }
        if self.filters.is_empty() {
            return Err(Error::Empty { what: "the list of filters" });
        }
        Error::check_len("rows of y", n, self.y.nrows())?;
        Error::check_len("columns of x_test", d, self.x_test.ncols())?;
        Error::check_len("rows of y_test", self.x_test.nrows(), self.y_test.nrows())?;
        Error::check_len("columns of y_test", self.y.ncols(), self.y_test.ncols())?;
        for (what, table) in [("x", self.x), ("y", self.y), ("x_test", self.x_test), ("y_test", self.y_test)]
        {
            Error::check_finite(what, table)?;
        }
        self.kernel.check()
    }

    fn most(&self) -> usize {
        self.sizes.iter().copied().max().unwrap_or(0)
    }

    /// Bytes that the whole curve takes on the device at its largest point, work space of the routines apart.
    fn bytes(&self) -> usize {
        let ((n, d), m, k) = (self.x.dim(), self.x_test.nrows(), self.y.ncols());
        let (p, columns) = (self.most(), k.saturating_mul(self.filters.len()));
        let (tall, _) = Tall::new((n, p));
        let rows = n.saturating_add(m);
        // Features; frequencies with phases, flags and inputs, or (once those are gone) a fit: β and both predictions,
        // gains and products of modes.
        let features = rows.saturating_mul(p);
        let drawing = p.saturating_mul(d + 2).saturating_add(rows.saturating_mul(d));
        let modes = n.min(p).saturating_mul(self.filters.len() + k + columns);
        let fit = rows.saturating_add(p).saturating_mul(columns).saturating_add(modes);
        let routes = tall.bytes().max(tall.bytes_of_whole()) / F64;
        // A copy of the features to factorise, counted in `routes`, and one that was turned.
        let working = routes.saturating_add(tall.len()).saturating_add(fit);
        let targets = rows.saturating_mul(k);
        features.saturating_add(targets).saturating_add(drawing.max(working)).saturating_mul(F64)
    }
}

/// A table of features on a device, column by column, and the sums of the squares of its columns.
struct Features {
    table: Buffer<f64>,
    squares: Vec<f64>,
}

/// Frequencies and phases on a device: the first feature's inputs, then the second's.
struct Frequencies {
    frequencies: Buffer<f64>,
    phases: Buffer<f64>,
}

/// `X = U Σ Vᵀ` on a device, checked; modes in any order.
struct OnDevice {
    factors: Factors,
    sigma: Vec<f64>,
    shape: (usize, usize),
}

impl OnDevice {
    /// The factor of as many rows as the matrix, or as columns.
    fn side(&self, of_rows: bool) -> Factor<'_> {
        let (tall, transposed) = Tall::new(self.shape);
        if of_rows == transposed {
            let v = Factor::new(&self.factors.right, (tall.columns, tall.columns));
            if self.factors.right_is_transposed { v.t() } else { v }
        } else {
            Factor::new(&self.factors.left, (tall.rows, tall.columns))
        }
    }

    fn u(&self) -> Factor<'_> {
        self.side(true)
    }

    fn v(&self) -> Factor<'_> {
        self.side(false)
    }
}

impl Session {
    pub(super) fn fourier_curve(&self, curve: &FourierCurve<'_>) -> Result<Vec<FourierPoint>, Error> {
        curve.check()?;
        self.device.reserve(curve.bytes())?;
        let (n, m) = (curve.x.nrows(), curve.x_test.nrows());
        let (train, test) = {
            let drawn = self.frequencies(curve.kernel, curve.seed, (curve.most(), curve.x.ncols()))?;
            (self.features(&drawn, curve.x)?, self.features(&drawn, curve.x_test)?)
        };
        let y = self.device.upload(&by_columns(curve.y))?;
        let y_test = self.device.upload(&by_columns(curve.y_test))?;
        let mut points = Vec::with_capacity(curve.sizes.len() * curve.filters.len());
        for &p in curve.sizes {
            let svd = self.checked(&train, (n, p))?;
            let spectrum = Ordered::new(&svd);
            let modes = svd.sigma.len();
            let products =
                self.blas.product(&self.device, svd.u().t(), Factor::new(&y, (n, curve.y.ncols())))?;
            let mut gains = Vec::with_capacity(modes * curve.filters.len());
            for filter in curve.filters {
                gains.extend(spectrum.gains(*filter)?);
            }
            let gains = self.device.upload(&gains)?;
            let weighted = self.kernels.apply_gains(&self.device, &products, &gains, modes)?;
            let columns = curve.y.ncols() * curve.filters.len();
            let beta = self.blas.product(&self.device, svd.v(), Factor::new(&weighted, (modes, columns)))?;
            let errors = |features: &Features, rows: usize, y: &Buffer<f64>| {
                let features = Factor::new(&features.table, (rows, p));
                let fitted = self.blas.product(&self.device, features, Factor::new(&beta, (p, columns)))?;
                let squares = self.kernels.squared_distances(&self.device, &fitted, Some(y), rows)?;
                finite(
                    "the mean squared error",
                    squares.into_iter().map(|square| square / rows as f64).collect(),
                )
            };
            let (train_mse, test_mse) = (errors(&train, n, &y)?, errors(&test, m, &y_test)?);
            let norms = self.kernels.squared_distances(&self.device, &beta, None, p)?;
            let norms = finite("the norm of the fit", norms)?;
            for filter in 0..curve.filters.len() {
                let outputs = |all: &[f64]| all[filter * curve.y.ncols()..][..curve.y.ncols()].to_vec();
                points.push(FourierPoint {
                    features: p,
                    filter,
                    rank: spectrum.rank,
                    smallest_nonzero: spectrum.rank.checked_sub(1).map(|last| spectrum.sigma[last]),
                    squared_norms: outputs(&norms),
                    train_mse: outputs(&train_mse),
                    test_mse: outputs(&test_mse),
                });
            }
        }
        Ok(points)
    }

    /// `W` (`count × inputs`) and `b`, drawn on the device.
    pub(super) fn gaussian_frequencies(
        &self,
        gamma: f64,
        seed: u64,
        (count, inputs): (usize, usize),
    ) -> Result<(Array2<f64>, Vec<f64>), Error> {
        let kernel = StationaryKernel::Gaussian { gamma };
        kernel.check()?;
        if count == 0 || inputs == 0 {
            return Err(Error::Empty { what: "the list of frequencies" });
        }
        // The flags too, which are half as long.
        self.device.reserve(count.saturating_mul(inputs.saturating_add(2)).saturating_mul(F64))?;
        let drawn = self.frequencies(kernel, seed, (count, inputs))?;
        let rows = self.device.download(&drawn.frequencies)?;
        let frequencies = Array2::from_shape_vec((count, inputs), rows);
        Ok((frequencies.map_err(|e| self.device.error(e.to_string()))?, self.device.download(&drawn.phases)?))
    }

    fn frequencies(
        &self,
        kernel: StationaryKernel,
        seed: u64,
        (count, inputs): (usize, usize),
    ) -> Result<Frequencies, Error> {
        let StationaryKernel::Gaussian { gamma } = kernel else {
            // Cauchy and gamma variables hang on tangents, logarithms and powers: the CPU's, to the bit.
            let mut rows = crate::machine::memory::zeros("the frequencies", count, inputs)?;
            let mut phases = Vec::with_capacity(count);
            for (k, mut row) in rows.rows_mut().into_iter().enumerate() {
                phases.push(draw_fourier(kernel, seed, k, row.as_slice_mut().unwrap_or_default())?);
            }
            let frequencies = self.device.upload(rows.as_slice().unwrap_or_default())?;
            return Ok(Frequencies { frequencies, phases: self.device.upload(&phases)? });
        };
        let deviation = std::f64::consts::SQRT_2 * gamma.sqrt();
        let stream = (&key(seed), FOURIER_STREAM as u64);
        let mut drawn = self.kernels.draw_gaussian(
            &self.device,
            stream,
            &ziggurat_edges(),
            (count, inputs),
            deviation,
        )?;
        let mut row = vec![0.0; inputs];
        for (k, _) in
            self.device.download(&drawn.flags)?.into_iter().enumerate().filter(|(_, flag)| *flag != 0)
        {
            let phase = draw_fourier(kernel, seed, k, &mut row)?;
            self.device.write(&mut drawn.frequencies, k * inputs, &row)?;
            self.device.write(&mut drawn.phases, k, &[phase])?;
        }
        Ok(Frequencies { frequencies: drawn.frequencies, phases: drawn.phases })
    }

    /// All features of some inputs, a row for each, column by column.
    fn features(&self, drawn: &Frequencies, x: ArrayView2<'_, f64>) -> Result<Features, Error> {
        let (n, d) = x.dim();
        let rows: Vec<f64> = x.iter().copied().collect();
        let inputs = self.device.upload(&rows)?;
        // Row by row is the transpose column by column.
        let inputs = Factor::new(&inputs, (d, n)).t();
        let frequencies = Factor::new(&drawn.frequencies, (d, drawn.phases.len()));
        let mut table = self.blas.product(&self.device, inputs, frequencies)?;
        self.kernels.cosines(&self.device, &mut table, &drawn.phases, std::f64::consts::SQRT_2)?;
        let squares = self.kernels.squared_distances(&self.device, &table, None, n)?;
        Ok(Features { table, squares: finite("the phase of a Fourier feature", squares)? })
    }

    /// The factorisation of the first `p` columns, by the second route if the first fails or does not pass its check.
    fn checked(&self, features: &Features, shape: (usize, usize)) -> Result<OnDevice, Error> {
        let first = self.factorised(features, shape, Route::First);
        first.or_else(|why_first| {
            self.factorised(features, shape, Route::Second).map_err(|why_second| match why_second {
                Error::DeviceMemory { .. } | Error::Overflow { .. } => why_second,
                _ => Error::Backend {
                    name: "cuda",
                    reason: format!("{why_first}; second route: {why_second}"),
                },
            })
        })
    }

    fn factorised(
        &self,
        features: &Features,
        (n, p): (usize, usize),
        route: Route,
    ) -> Result<OnDevice, Error> {
        let (tall, transposed) = Tall::new((n, p));
        let matrix = if transposed {
            self.kernels.transpose(&self.device, &features.table, (n, p))?
        } else {
            self.device.copy(&features.table, tall.len())?
        };
        let factors = match route {
            Route::First => self.factorise(tall, 1, matrix)?,
            Route::Second => self.solver.qr_iteration(&self.device, tall, matrix)?,
        };
        if let Some(reason) = factors.failed.iter().flatten().next() {
            return Err(self.device.error(reason.clone()));
        }
        let sigma = self.device.download(&factors.sigma)?;
        let svd = OnDevice { factors, sigma, shape: (n, p) };
        self.verify(features, &svd)?;
        Ok(svd)
    }

    /// The same check as of every factorisation (`verify.rs`), by products on the device; only vectors come back.
    fn verify(&self, features: &Features, svd: &OnDevice) -> Result<(), Error> {
        let ((n, p), sigma) = (svd.shape, &svd.sigma);
        let off = |what: &str, by: f64| Err(self.device.error(format!("{what} is off by {by:.1e}")));
        if sigma.iter().any(|s| *s < 0.0 || s.is_nan()) {
            return Err(self.device.error("singular values that are negative or NaN".into()));
        }
        let (x, r) = (Factor::new(&features.table, (n, p)), sigma.len());
        let product = |a: Factor<'_>, b: &Buffer<f64>| {
            let rows = a.shape().1;
            self.blas.product(&self.device, a, Factor::new(b, (rows, 1)))
        };
        let frobenius = features.squares[..p].iter().sum::<f64>().sqrt();
        let z = probe(n.max(p));
        // Vectors of modes with σ = 0 may be zero: no filter reads them.
        let s: Vec<f64> = z.iter().zip(sigma).map(|(z, s)| if *s > 0.0 { *z } else { 0.0 }).collect();
        let upload = |len: usize| self.device.upload(&z[..len]);
        let (on_columns, on_rows, on_modes) = (upload(p)?, upload(n)?, self.device.upload(&s)?);
        let scaled = |modes: &Buffer<f64>| {
            let modes = self.device.download(modes)?;
            self.device.upload(&modes.iter().zip(sigma).map(|(m, s)| m * s).collect::<Vec<_>>())
        };
        let (u, v) = (svd.u(), svd.v());
        let pairs = [
            (
                "U Σ Vᵀ z against X z",
                product(u, &scaled(&product(v.t(), &on_columns)?)?)?,
                product(x, &on_columns)?,
                p,
            ),
            (
                "V Σ Uᵀ w against Xᵀ w",
                product(v, &scaled(&product(u.t(), &on_rows)?)?)?,
                product(x.t(), &on_rows)?,
                n,
            ),
        ];
        let allowed = tolerance(n, p);
        let by = (norm(sigma) - frobenius).abs() / frobenius;
        if by > allowed || by.is_nan() {
            return off("Σσ² against ‖X‖²", by);
        }
        let distance = |a: &[f64], b: &[f64]| norm(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>());
        for (what, a, b, len) in pairs {
            let (a, b) = (self.device.download(&a)?, self.device.download(&b)?);
            let by = distance(&a, &b) / (frobenius * norm(&z[..len]));
            if by > allowed || by.is_nan() {
                return off(what, by);
            }
        }
        for (what, side) in [("Uᵀ U s against s", u), ("Vᵀ V s against s", v)] {
            let found = self.device.download(&product(side.t(), &product(side, &on_modes)?)?)?;
            let found: Vec<f64> =
                found.iter().zip(sigma).map(|(v, s)| if *s > 0.0 { *v } else { 0.0 }).collect();
            let by = distance(&found, &s) / norm(&z[..r]);
            if by > allowed || by.is_nan() {
                return off(what, by);
            }
        }
        Ok(())
    }
}

/// A spectrum in the order that filters are shown, and the places of its modes on the device.
struct Ordered {
    shape: (usize, usize),
    sigma: Vec<f64>,
    places: Vec<usize>,
    rank: usize,
}

impl Ordered {
    fn new(svd: &OnDevice) -> Self {
        let mut places: Vec<usize> = (0..svd.sigma.len()).collect();
        places.sort_by(|&i, &j| svd.sigma[j].total_cmp(&svd.sigma[i]));
        let sigma: Vec<f64> = places.iter().map(|&place| svd.sigma[place]).collect();
        let cutoff = Cutoff::default().value(Spectrum::new(svd.shape.0, svd.shape.1, &sigma));
        let rank = sigma.iter().take_while(|&&s| s > cutoff).count();
        Self { shape: svd.shape, sigma, places, rank }
    }

    /// In the device's order.
    fn gains(&self, filter: &dyn SpectralFilter) -> Result<Vec<f64>, Error> {
        let spectrum = Spectrum::new(self.shape.0, self.shape.1, &self.sigma);
        let ordered = Response::new(filter, spectrum)?.gains;
        let mut gains = vec![0.0; ordered.len()];
        self.places.iter().zip(ordered).for_each(|(&place, gain)| gains[place] = gain);
        Ok(gains)
    }
}

fn by_columns(table: ArrayView2<'_, f64>) -> Vec<f64> {
    table.t().iter().copied().collect()
}

fn finite(what: &'static str, values: Vec<f64>) -> Result<Vec<f64>, Error> {
    if values.iter().all(|value| value.is_finite()) { Ok(values) } else { Err(Error::Overflow { what }) }
}

/// The key of the streams of a seed, as eight words.
fn key(seed: u64) -> [i32; 8] {
    let bytes = ChaCha8Rng::seed_from_u64(seed).get_seed();
    let word = |k: usize| i32::from_le_bytes([0, 1, 2, 3].map(|byte| bytes[4 * k + byte]));
    std::array::from_fn(word)
}

/// Says what it is told to, then ones.
struct Told(Option<u64>);

impl TryRng for Told {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::MAX)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.take().unwrap_or(u64::MAX))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        to.fill(u8::MAX);
        Ok(())
    }
}

/// The abscissae of the ziggurat of `rand_distr`'s standard normal, which has them to itself: a draw whose first number
/// says "layer `i`, half its width" is half of abscissa `i`.
fn ziggurat_edges() -> [f64; 257] {
    let half = |i: usize| -> f64 { Told(Some(3 << 62 | i as u64)).sample(StandardNormal) };
    std::array::from_fn(|i| if i < 256 { 2.0 * half(i) } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Layers of equal area: `x_{i} (f(x_{i+1}) − f(x_i))`, and the tail's with the box beside it.
    #[test]
    fn the_edges_are_those_of_a_ziggurat() {
        let edges = ziggurat_edges();
        let density = |x: f64| (-x * x / 2.0).exp();
        assert_eq!(edges[1], 3.654_152_885_361_009);
        let area = edges[0] * density(edges[1]);
        for i in 1..256 {
            assert!(edges[i] > edges[i + 1]);
            let layer = edges[i] * (density(edges[i + 1]) - density(edges[i]));
            // The last one closes as well as the digits of R allow.
            assert!((layer / area - 1.0).abs() < 1e-9, "{i}: {layer} of {area}");
        }
        assert_eq!(edges[256], 0.0);
    }

    #[test]
    fn the_key_is_that_of_the_generator() {
        let words = key(7);
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let seed: [u8; 32] = bytes.try_into().unwrap();
        assert_eq!(ChaCha8Rng::from_seed(seed), ChaCha8Rng::seed_from_u64(7));
    }
}
