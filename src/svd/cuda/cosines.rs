//! Cosine features computed on the device, and fits on them measured there.

use super::blas::Factor;
use super::device::Buffer;
use super::plan::{F64, Tall};
use super::session::Session;
use super::solver::Factors;
use crate::Error;
use crate::svd::verify::{norm, probe, tolerance};
use crate::svd::{CosineFit, CosineFits, CosineTables, Route, exponent, power_of_two};
use ndarray::ArrayView2;
use std::sync::MutexGuard;

/// Tables and features on a device, which stays locked while they exist. Fields are dropped in this order: the lock
/// last, so that memory is freed in the device's own context.
pub(super) struct Fits<'a> {
    train: Features,
    test: Features,
    y: Buffer<f64>,
    y_test: Buffer<f64>,
    /// Numbers of training rows, test rows and outputs.
    sizes: (usize, usize, usize),
    /// Number of features.
    most: usize,
    /// The power of two by which all features are divided, so that their amplitude is of order 1 here.
    unit: f64,
    svd: Option<Ordered>,
    session: MutexGuard<'a, Session>,
}

impl<'a> Fits<'a> {
    pub fn begin(session: MutexGuard<'a, Session>, tables: &CosineTables<'_>) -> Result<Self, Error> {
        tables.check()?;
        session.device.reserve(bytes(tables))?;
        let unit = power_of_two(exponent(tables.amplitude).clamp(-1022, 1023));
        let (train, test) = {
            let made = Cosines {
                frequencies: session.device.upload(&by_rows(tables.frequencies))?,
                phases: session.device.upload(tables.phases)?,
                amplitude: tables.amplitude / unit,
            };
            (session.features(&made, tables.x)?, session.features(&made, tables.x_test)?)
        };
        let y = session.device.upload(&by_rows(tables.y.t()))?;
        let y_test = session.device.upload(&by_rows(tables.y_test.t()))?;
        let sizes = (tables.x.nrows(), tables.x_test.nrows(), tables.y.ncols());
        Ok(Self { train, test, y, y_test, sizes, most: tables.phases.len(), unit, svd: None, session })
    }
}

impl CosineFits for Fits<'_> {
    fn factorise(&mut self, p: usize) -> Result<Vec<f64>, Error> {
        if p == 0 {
            return Err(Error::Empty { what: "the list of features" });
        }
        if p > self.most {
            let what = "features requested from a device, which has at most those expected";
            return Err(Error::Shape { what, expected: self.most, found: p });
        }
        // Free the previous factorisation first.
        self.svd = None;
        let svd = Ordered::new(self.session.checked(&self.train, (self.sizes.0, p))?);
        let sigma: Vec<f64> =
            svd.places.iter().map(|&place| svd.on_device.sigma[place] * self.unit).collect();
        if sigma.iter().any(|s| s.is_infinite()) {
            return Err(Error::Overflow { what: "a singular value" });
        }
        self.svd = Some(svd);
        Ok(sigma)
    }

    fn measure(&self, gains: &[Vec<f64>]) -> Result<Vec<CosineFit>, Error> {
        let Some(Ordered { on_device: svd, places }) = &self.svd else {
            return Err(Error::Empty { what: "the list of singular values" });
        };
        let (Session { blas, kernels, device, .. }, (n, m, k)) = (&*self.session, self.sizes);
        let (p, modes) = (svd.shape.1, svd.sigma.len());
        if gains.is_empty() {
            return Ok(Vec::new());
        }
        // In the device's order. The features are divided by the unit, so the coefficients are multiplied by it.
        let mut sent = vec![0.0; modes * gains.len()];
        for (own, sent) in gains.iter().zip(sent.chunks_exact_mut(modes)) {
            Error::check_len("gains", modes, own.len())?;
            places.iter().zip(own).for_each(|(&place, gain)| sent[place] = gain * self.unit);
        }
        let products = blas.product(device, svd.u().t(), Factor::new(&self.y, (n, k)))?;
        let weighted = kernels.apply_gains(device, &products, &device.upload(&sent)?, modes)?;
        let columns = k * gains.len();
        let beta = blas.product(device, svd.v(), Factor::new(&weighted, (modes, columns)))?;
        let errors = |features: &Features, rows: usize, y: &Buffer<f64>| {
            let features = Factor::new(&features.table, (rows, p));
            let fitted = blas.product(device, features, Factor::new(&beta, (p, columns)))?;
            kernels.squared_distances(device, &fitted, Some(y), rows)
        };
        let (train, test) = (errors(&self.train, n, &self.y)?, errors(&self.test, m, &self.y_test)?);
        let squares = kernels.squared_distances(device, &beta, None, p)?;
        let fit = |index: usize| {
            let outputs = |all: &[f64], of: &dyn Fn(f64) -> f64| {
                all[index * k..][..k].iter().map(|&value| of(value)).collect()
            };
            CosineFit {
                norms: outputs(&squares, &|square| square.sqrt() / self.unit),
                train_mse: outputs(&train, &|square| square / n as f64),
                test_mse: outputs(&test, &|square| square / m as f64),
            }
        };
        Ok((0..gains.len()).map(fit).collect())
    }
}

/// Returns the device bytes needed at the largest fit, without the routines' workspace.
fn bytes(tables: &CosineTables<'_>) -> usize {
    let ((n, d), m, k) = (tables.x.dim(), tables.x_test.nrows(), tables.y.ncols());
    let (p, columns) = (tables.phases.len(), k.saturating_mul(tables.fits));
    let (tall, _) = Tall::new((n, p));
    let rows = n.saturating_add(m);
    // Features; then frequencies with phases and inputs, or (once those are freed) a fit: β, both predictions, gains
    // and products with the modes.
    let features = rows.saturating_mul(p);
    let making = p.saturating_mul(d + 1).saturating_add(rows.saturating_mul(d));
    let modes = n.min(p).saturating_mul(tables.fits.saturating_add(k).saturating_add(columns));
    let fit = rows.saturating_add(p).saturating_mul(columns).saturating_add(modes);
    let routes = tall.bytes().max(tall.bytes_of_whole()) / F64;
    // A copy of the features to factorise, counted in `routes`, and a transposed copy.
    let working = routes.saturating_add(tall.len()).saturating_add(fit);
    let targets = rows.saturating_mul(k);
    features.saturating_add(targets).saturating_add(making.max(working)).saturating_mul(F64)
}

/// Parameters of the features, on a device: the first feature's frequencies, then the second's.
struct Cosines {
    frequencies: Buffer<f64>,
    phases: Buffer<f64>,
    amplitude: f64,
}

/// A column-major table of features on a device, with the squared norms of its columns.
struct Features {
    table: Buffer<f64>,
    squares: Vec<f64>,
}

/// `X = U Σ Vᵀ` on a device, checked; the modes are in any order.
struct OnDevice {
    factors: Factors,
    sigma: Vec<f64>,
    shape: (usize, usize),
}

impl OnDevice {
    /// Returns the factor with as many rows as the matrix has rows, or columns.
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

/// A factorisation, with the indices of its modes on the device in descending order.
struct Ordered {
    on_device: OnDevice,
    places: Vec<usize>,
}

impl Ordered {
    fn new(on_device: OnDevice) -> Self {
        let mut places: Vec<usize> = (0..on_device.sigma.len()).collect();
        places.sort_by(|&i, &j| on_device.sigma[j].total_cmp(&on_device.sigma[i]));
        Self { on_device, places }
    }
}

impl Session {
    /// Computes all features of some inputs, one row per input, column-major.
    fn features(&self, cosines: &Cosines, x: ArrayView2<'_, f64>) -> Result<Features, Error> {
        let (n, d) = x.dim();
        let inputs = self.device.upload(&by_rows(x))?;
        // Row-major order is the transpose in column-major order.
        let inputs = Factor::new(&inputs, (d, n)).t();
        let frequencies = Factor::new(&cosines.frequencies, (d, cosines.phases.len()));
        let mut table = self.blas.product(&self.device, inputs, frequencies)?;
        self.kernels.cosines(&self.device, &mut table, &cosines.phases, cosines.amplitude)?;
        let squares = self.kernels.squared_distances(&self.device, &table, None, n)?;
        if squares.iter().all(|square| square.is_finite()) {
            Ok(Features { table, squares })
        } else {
            Err(Error::Overflow { what: "the phase of a Fourier feature" })
        }
    }

    /// Factorises the first `p` columns, by the second route if the first fails or does not pass its check.
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

    /// The check applied to every factorisation (`verify.rs`), by products on the device; only vectors are downloaded.
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
        // Vectors of modes with σ = 0 may be zero: no filter uses them.
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

fn by_rows(table: ArrayView2<'_, f64>) -> Vec<f64> {
    table.iter().copied().collect()
}
