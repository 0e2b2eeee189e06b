//! The cells of the study: Gaussian rows, smallest non-zero singular values.

use double_descent::Error;
use double_descent::curve::{ArmLabel, Axis, Cell, Curve, Metric, Provenance};
use double_descent::rng::stream;
use double_descent::svd::Svd;
use double_descent::sweep::{Grid, Observer, Place, add_cells};
use ndarray::{Array2, arr2};
use rand::RngExt;
use rand_distr::StandardNormal;

/// The covariance of the three-dimensional example.
pub const COVARIANCE: [[f64; 3]; 3] = [[23.0, 9.0, 4.0], [9.0, 6.0, 2.0], [4.0, 2.0, 5.0]];

/// Repeats, seed and threads of a study.
#[derive(Clone, Copy)]
pub struct Plan {
    pub repeats: usize,
    pub seed: u64,
    pub threads: Option<usize>,
}

/// Rows from the Gaussian with covariance [`COVARIANCE`], for each number of rows `n`.
pub fn correlated(plan: Plan, sizes: &[usize], observer: &dyn Observer) -> Result<Curve, Error> {
    let mixing = cholesky(&arr2(&COVARIANCE)).reversed_axes();
    let name = ArmLabel::new("covariance", None);
    sweep(plan, sizes, name, 3, observer, |rows| rows.dot(&mixing))
}

/// Rows of `p` independent standard normals, for `n` from `p/10` to `4p`.
pub fn isotropic(plan: Plan, p: usize, observer: &dyn Observer) -> Result<Curve, Error> {
    let name = ArmLabel::new("isotropic", Some(p as f64));
    sweep(plan, &around(p), name, p, observer, |rows| rows)
}

/// Log-spaced numbers of rows from `p/10` to `4p`, closer around `p`, which is among them.
fn around(p: usize) -> Vec<usize> {
    let ratios = (-10..=6).map(|i| 10.0_f64.powf(f64::from(i) / 10.0)).chain([4.0]);
    let close = [0.85, 0.9, 0.94, 0.97, 0.99, 1.01, 1.03, 1.06, 1.1, 1.15];
    let rows = |ratio: f64| ((ratio * p as f64).round() as usize).max(1);
    let mut sizes: Vec<usize> = ratios.chain(close).map(rows).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// The smallest singular value of `n × p` matrices `shape(Z)`, `Z` of independent standard normals.
fn sweep(
    plan: Plan,
    sizes: &[usize],
    arm: ArmLabel,
    p: usize,
    observer: &dyn Observer,
    shape: impl Fn(Array2<f64>) -> Array2<f64> + Sync,
) -> Result<Curve, Error> {
    let grid = Grid { axis: sizes.to_vec(), repeats: plan.repeats, threads: plan.threads, batch: 1 };
    let cell = |&Place { axis_value: n, repeat }: &Place| {
        let mut rng = stream(plan.seed, n, repeat);
        let z = Array2::from_shape_simple_fn((n, p), || rng.sample(StandardNormal));
        let svd = Svd::new(&shape(z))?;
        let cell = Cell::new(repeat, n, p, 0).with_rank(svd.rank());
        Ok([cell.with(Metric::SmallestSingularValue, svd.smallest_nonzero())])
    };
    let results = grid.run(observer, |places| places.iter().map(cell).collect())?;
    let mut provenance = Provenance::new("Gaussian rows", "");
    provenance.sampling = format!("{} draws for each n", plan.repeats);
    provenance.seed = Some(plan.seed);
    let mut curve = Curve::new(Axis::Samples, vec![arm], provenance);
    add_cells(&mut curve, results, |place| (place.axis_value, p));
    Ok(curve)
}

/// The lower triangle `L` of `L Lᵀ = C`, for a positive definite `C`.
fn cholesky(c: &Array2<f64>) -> Array2<f64> {
    let mut l = Array2::zeros(c.dim());
    for i in 0..c.nrows() {
        for j in 0..=i {
            let rest: f64 = c[[i, j]] - (0..j).map(|k| l[[i, k]] * l[[j, k]]).sum::<f64>();
            l[[i, j]] = if i == j { rest.sqrt() } else { rest / l[[j, j]] };
        }
    }
    l
}

/// What `σ_min / √n` of an `n × p` matrix of independent standard normals tends to as both grow with `n/p`
/// fixed: `|1 − √(p/n)|`.
///
/// # References
/// Bai and Yin, *Limit of the smallest eigenvalue of a large dimensional sample covariance matrix*, Annals of
/// Probability 21 (1993).
pub fn limit(rows_per_column: f64) -> f64 {
    (1.0 - rows_per_column.recip().sqrt()).abs()
}
