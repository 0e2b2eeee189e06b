//! The fits of the study and their errors.

use crate::common::regression::{self, equally_spaced, min_norm};
use double_descent::Error;
use double_descent::curve::{ArmLabel, Axis, Cell, Curve, Provenance};
use double_descent::features::{FeatureMap, Polynomial, PolynomialBasis};
use double_descent::filter::{MinNorm, SpectralFilter};
use double_descent::sweep::{Grid, Observer, add_cells};
use ndarray::{Array2, ArrayRef2, Axis as Along, s};

/// Where inputs come from.
pub const ENDS: (f64, f64) = (-1.0, 1.0);

/// The test inputs: this many equally spaced points, ends included.
pub const TEST_POINTS: usize = 1000;

/// Rows of the test features that are made at once: 100,000 columns of them take 40 MB.
const ROWS: usize = 50;

/// Runge's function.
pub fn truth(x: f64) -> f64 {
    1.0 / (1.0 + 25.0 * x * x)
}

/// The bases, each with its constant.
pub fn maps() -> [Polynomial; 3] {
    [PolynomialBasis::Legendre, PolynomialBasis::Chebyshev, PolynomialBasis::Monomial]
        .map(|basis| Polynomial::new(basis).with_constant())
}

/// Every number of features to 2n, then twelve in each power of ten, to `largest`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // positive, and under 2³² by the comparison
pub fn sizes(n: usize, largest: u32) -> Vec<usize> {
    let (dense, largest) = ((2 * n) as f64, f64::from(largest));
    let mut sizes: Vec<usize> = (1..=2 * n).filter(|&p| p as f64 <= largest).collect();
    let more = (1..).map(|i| dense * 10_f64.powf(f64::from(i) / 12.0)).take_while(|p| *p < largest);
    sizes.extend(more.map(|p| p.round() as usize));
    sizes.push(largest as usize);
    sizes.sort_unstable();
    sizes.dedup();
    sizes.retain(|p| *p > 0);
    sizes
}

/// The fits of one training set at every size.
struct Fits {
    cells: Vec<Cell>,
    /// One for each size, `p × 1`.
    coefficients: Vec<Array2<f64>>,
}

/// A regression study in these features.
pub struct Study(pub regression::Study);

impl std::ops::Deref for Study {
    type Target = regression::Study;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Study {
    /// The largest number of features.
    pub fn largest(&self) -> usize {
        self.sizes.last().copied().unwrap_or(1)
    }

    /// Inputs and noisy targets of a repeat, both `n × 1`: the same for every basis and every p.
    pub fn training(&self, repeat: usize) -> (Array2<f64>, Array2<f64>) {
        self.points(repeat, ENDS, truth)
    }

    /// All fits of all bases. Maps are nested, so features of the largest p are made once for a training set.
    pub fn run(&self, observer: &dyn Observer) -> Result<Curve, Error> {
        let mut curve = self.empty_curve();
        for (arm, map) in maps().into_iter().enumerate() {
            let grid = self.grid(vec![self.largest()], self.repeats);
            let mut visited = grid.run(observer, |places| {
                places.iter().map(|place| self.fits(map, arm, place.repeat)).collect()
            })?;
            let mut done: Vec<&mut Fits> =
                visited.iter_mut().filter_map(|(_, fits)| fits.as_mut()?.as_mut().ok()).collect();
            self.add_test_errors(map, &mut done)?;
            let cells = visited.into_iter().map(|(place, fits)| (place, fits.map(|fits| Ok(fits?.cells))));
            add_cells(&mut curve, cells, |place| (self.samples, place.axis_value));
        }
        // By repeat, then p, then basis: the order of every curve.
        curve.cells.sort_by_key(|cell| (cell.repeat, cell.p, cell.arm));
        Ok(curve)
    }

    fn grid(&self, axis: Vec<usize>, repeats: usize) -> Grid {
        Grid { axis, repeats, threads: self.threads, batch: 1 }
    }

    fn fits(&self, map: Polynomial, arm: usize, repeat: usize) -> Result<Fits, Error> {
        let (x, y) = self.training(repeat);
        let design = map.design(&x, self.largest())?;
        let mut fits = Fits { cells: Vec::new(), coefficients: Vec::new() };
        for &p in &self.sizes {
            let (beta, mut cell) = min_norm(&design.slice(s![.., ..p]), &y)?;
            (cell.repeat, cell.arm) = (repeat, arm);
            fits.cells.push(cell);
            fits.coefficients.push(beta);
        }
        Ok(fits)
    }

    /// Test features are made once for all repeats, some rows at a time.
    fn add_test_errors(&self, map: Polynomial, fits: &mut [&mut Fits]) -> Result<(), Error> {
        if fits.is_empty() {
            return Ok(());
        }
        let joined: Vec<Array2<f64>> = (0..self.sizes.len()).map(|size| joined(fits, size)).collect();
        let test = equally_spaced(TEST_POINTS, ENDS);
        let pieces: Vec<_> = test.axis_chunks_iter(Along(0), ROWS).collect();
        let grid = self.grid((0..pieces.len()).collect(), 1);
        let squares = grid.run(&(), |places| {
            places.iter().map(|place| sums_of_squares(map, &pieces[place.axis_value], &joined)).collect()
        })?;
        let mut sums = vec![vec![0.0; fits.len()]; self.sizes.len()];
        for squares in squares.into_iter().filter_map(|(_, squares)| squares) {
            for (sums, squares) in sums.iter_mut().zip(squares?) {
                sums.iter_mut().zip(squares).for_each(|(sum, square)| *sum += square);
            }
        }
        for (repeat, fits) in fits.iter_mut().enumerate() {
            for (cell, sums) in fits.cells.iter_mut().zip(&sums) {
                cell.test_mse = Some(sums[repeat] / TEST_POINTS as f64);
            }
        }
        Ok(())
    }

    /// The fits of one training set at some sizes, on `inputs`.
    pub fn predictions(
        &self,
        map: Polynomial,
        repeat: usize,
        sizes: &[usize],
        inputs: &ArrayRef2<f64>,
    ) -> Result<Vec<Vec<f64>>, Error> {
        let study = Self(regression::Study { sizes: sizes.to_vec(), ..self.0 });
        let fits = study.fits(map, 0, repeat)?;
        let mut predictions = vec![Vec::new(); sizes.len()];
        for inputs in inputs.axis_chunks_iter(Along(0), ROWS) {
            let design = map.design(&inputs, study.largest())?;
            for (predictions, beta) in predictions.iter_mut().zip(&fits.coefficients) {
                predictions.extend(design.slice(s![.., ..beta.nrows()]).dot(beta));
            }
        }
        Ok(predictions)
    }

    fn empty_curve(&self) -> Curve {
        let label = |map: Polynomial| ArmLabel::new(map.basis().name(), None);
        let bases: Vec<String> = maps().iter().map(FeatureMap::describe).collect();
        let data = format!("y = 1 / (1 + 25x²) with noise of deviation {}", self.noise);
        let mut provenance = Provenance::new(data, MinNorm::default().describe());
        provenance.preparation = bases.join("; ");
        provenance.sampling = "drawn uniformly from [−1, 1], the same for every basis and p".into();
        provenance.seed = Some(self.seed);
        Curve::new(Axis::Features, maps().map(label).to_vec(), provenance)
    }
}

/// The coefficients of all repeats at one size, `p × repeats`.
fn joined(fits: &[&mut Fits], size: usize) -> Array2<f64> {
    let p = fits.first().map_or(0, |fits| fits.coefficients[size].nrows());
    Array2::from_shape_fn((p, fits.len()), |(j, repeat)| fits[repeat].coefficients[size][[j, 0]])
}

/// At some test inputs: the sum of squared errors for each size and repeat.
fn sums_of_squares(
    map: Polynomial,
    inputs: &ArrayRef2<f64>,
    coefficients: &[Array2<f64>],
) -> Result<Vec<Vec<f64>>, Error> {
    let largest = coefficients.iter().map(Array2::nrows).max().unwrap_or(0);
    let design = map.design(inputs, largest)?;
    let truth = inputs.mapv(truth);
    let of_size = |beta: &Array2<f64>| {
        let errors = design.slice(s![.., ..beta.nrows()]).dot(beta) - &truth;
        errors.mapv(|e| e * e).sum_axis(Along(0)).to_vec()
    };
    Ok(coefficients.iter().map(of_size).collect())
}
