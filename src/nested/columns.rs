//! Model-wise: columns appended.

mod blocks;
mod ridge;

use self::blocks::SMALLEST_BLOCK;
use super::basis::{Basis, Split};
use super::fit::{Fit, Measure, Noise, combine, is_clear, negligible};
use super::held_out::HeldOut;
use super::penalty::{Angle, Penalty};
use super::scale::{Unit, largest_exponent, scaled};
use super::triangle::{Triangle, axpy, dot, rotate, square};
use super::{Engine, Point, Test};
use crate::Error;
use ndarray::{ArrayRef1, ArrayRef2};

/// Minimum-norm fits on features that come one column at a time, one [`Point`] per column.
///
/// ```text
/// X (n × p) = Q Lᵀ Wᵀ      β̂ = W L⁻ᵀ c      c = Q Y      predictions  (A W)(L⁻ᵀ c)
/// ```
///
/// The columns of the test table, `A W`, are carried through the rotations. `L⁻ᵀ c` is solved for afresh at
/// every point, or at the end of every block of [`Columns::extend`]: carried on it would remember the worst
/// matrix of the curve. Memory is O(n² + n m), a column costs O(n² + n m), `m` the rows of the compressed test
/// table, at most one more than features and targets together.
///
/// # Examples
/// ```
/// use double_descent::nested::{Columns, Test};
/// use double_descent::risk::Compressed;
/// use ndarray::array;
///
/// let (x, y) = (array![[1.0, 1.0]], array![[4.0]]); // one sample
/// let test = Compressed::new(&x, &array![[1.0]])?;
/// let mut fit = Columns::new(&y, Test::Rows(&test))?;
/// for column in x.columns() {
///     let point = fit.push(&column)?;
///     assert!((point.test_mse.unwrap() - 9.0).abs() < 1e-13); // it interpolates: (4 − 1)²
/// }
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Columns<'a> {
    held_out: HeldOut<'a>,
    n: usize,
    p: usize,
    unit: Unit,
    target_units: Vec<Unit>,
    /// The norm of the longest column so far.
    longest: f64,
    triangle: Triangle,
    basis: Basis,
    /// The columns of `A W`; with a penalty, those that go with its triangle.
    images: Vec<Vec<f64>>,
    noise: Option<Noise>,
    ridge: Option<Penalty>,
    /// `Q Y`, one vector per output.
    c: Vec<Vec<f64>>,
    /// `Y − Qᵀ Q Y`, one vector per output.
    rest: Vec<Vec<f64>>,
    /// How many columns to take next at once.
    block: usize,
}

impl<'a> Columns<'a> {
    /// A fit of targets `y` (`n × k`) on no features yet.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::NonFinite`], [`Error::Shape`] if the test table has another number of
    /// targets.
    pub fn new(y: &ArrayRef2<f64>, test: Test<'a>) -> Result<Self, Error> {
        if y.is_empty() {
            return Err(Error::Empty { what: "the targets" });
        }
        Error::check_finite("the targets", y.view())?;
        let (n, k) = y.dim();
        let mut target_units = vec![Unit::default(); k];
        let mut rest = Vec::with_capacity(k);
        for (column, unit) in y.columns().into_iter().zip(&mut target_units) {
            let _ = unit.admit(largest_exponent(column));
            rest.push(column.iter().map(|&v| scaled(v, -unit.exponent())).collect());
        }
        Ok(Self {
            held_out: HeldOut::new(test, None, k)?,
            n,
            p: 0,
            unit: Unit::default(),
            target_units,
            longest: 0.0,
            triangle: Triangle::default(),
            basis: Basis::new(n),
            images: Vec::new(),
            noise: None,
            ridge: None,
            c: vec![Vec::new(); k],
            rest,
            block: SMALLEST_BLOCK,
        })
    }

    /// Asks for the expected noise term of every point, [`Point::noise`], for test features of second moments
    /// `covariance` (Σ, `P × P`, for `P` columns to come). O(P n²) more a point.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NonFinite`], [`Error::Empty`], [`Error::Domain`] unless Σ is symmetric and
    /// positive semidefinite; [`Error::Domain`] after the first column.
    pub fn with_noise_covariance(mut self, covariance: &ArrayRef2<f64>) -> Result<Self, Error> {
        if self.p > 0 {
            let must_be = "0 when the noise term is asked for";
            return Err(Error::Domain {
                what: "the number of columns so far",
                value: self.p as f64,
                must_be,
            });
        }
        self.noise = Some(Noise::new(covariance)?);
        Ok(self)
    }

    /// Appends a column of features (`n`), to which the next column of the test table belongs, and measures
    /// the fit on all columns so far.
    ///
    /// # Errors
    /// [`Error::Shape`] (the test table's columns may be used up) and [`Error::NonFinite`], which leave the
    /// fit as it was; [`Error::Overflow`] and [`Error::Backend`], which leave the column appended.
    pub fn push(&mut self, x: &ArrayRef1<f64>) -> Result<Point, Error> {
        Error::check_len("rows of the features", self.n, x.len())?;
        if let Some((row, &value)) = x.iter().enumerate().find(|(_, v)| !v.is_finite()) {
            return Err(Error::NonFinite { what: "the features", row, column: self.p, value });
        }
        if let Some(width) = self.held_out.features().filter(|&width| width <= self.p) {
            Error::check_len("columns of the test features", self.p + 1, width)?;
        }
        if let Some(width) = self.noise.as_ref().map(Noise::features).filter(|&width| width <= self.p) {
            Error::check_len("columns of the covariance", self.p + 1, width)?;
        }
        if let Some(factor) = self.unit.admit(largest_exponent(x)) {
            self.triangle.scale(factor);
            if let Some(penalty) = &mut self.ridge {
                penalty.scale(factor, self.unit);
            }
            self.longest *= factor;
        }
        self.p += 1;
        let x: Vec<f64> = x.iter().map(|&v| scaled(v, -self.unit.exponent())).collect();
        self.longest = self.longest.max(square(&x).sqrt());
        let split = self.basis.split(x, negligible(self.n, self.p) * self.longest);
        self.append(split);
        self.measure()
    }

    /// Columns so far.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.p
    }

    /// Takes in the last column.
    fn append(&mut self, split: Split) {
        let mut image = self.held_out.column(self.p - 1);
        let mut noise = self.noise.as_ref().map_or_else(Vec::new, |noise| noise.column(self.p - 1));
        let Split { mut inside, outside } = split;
        let (images, mut noises) = (&mut self.images, self.noise.as_mut());
        if let Some((q, rho)) = outside {
            if let Some(penalty) = &mut self.ridge {
                let Angle { cos, sin } = penalty.angle(rho);
                let times = |factor: f64, x: &[f64]| -> Vec<f64> { x.iter().map(|v| factor * v).collect() };
                let (mut rest, mut noise_rest) = (times(-sin, &image), times(-sin, &noise));
                penalty.append(&inside, rho, |i, cos, sin| {
                    turn(images, i, &mut rest, cos, sin);
                    if let Some(all) = &mut noises {
                        turn(&mut all.images, i, &mut noise_rest, cos, sin);
                    }
                });
                (image, noise) = (times(cos, &image), times(cos, &noise));
            }
            self.triangle.append(inside, rho);
            for (c, rest) in self.c.iter_mut().zip(&mut self.rest) {
                let along = dot(&q, rest);
                axpy(rest, -along, &q);
                c.push(along);
            }
            images.push(image);
            if let Some(all) = noises {
                all.images.push(noise);
            }
            self.basis.push(q);
            if self.basis.is_complete() {
                // All of the space is spanned: what is left of the targets is rounding.
                self.rest.iter_mut().for_each(|rest| rest.fill(0.0));
            }
        } else {
            let triangle = match &mut self.ridge {
                Some(penalty) => {
                    self.triangle.rotate_in(&mut inside.clone(), |_, _, _| ());
                    &mut penalty.triangle
                }
                None => &mut self.triangle,
            };
            triangle.rotate_in(&mut inside, |i, cos, sin| {
                turn(images, i, &mut image, cos, sin);
                if let Some(all) = &mut noises {
                    turn(&mut all.images, i, &mut noise, cos, sin);
                }
            });
        }
    }

    fn measure(&mut self) -> Result<Point, Error> {
        if let Some(penalty) = &self.ridge {
            return self.measure_ridge(penalty);
        }
        let squares: Vec<f64> = self.rest.iter().map(|rest| square(rest)).collect();
        self.measure_leading(self.p, self.triangle.len(), &squares)
    }

    /// The fit to the first `p` columns, of rank `rank`, from the leading part of the triangle.
    fn measure_leading(&mut self, p: usize, rank: usize, squares: &[f64]) -> Result<Point, Error> {
        let n = self.n;
        let mut leading = (rank < self.triangle.len()).then(|| self.triangle.leading(rank));
        let triangle = leading.as_mut().unwrap_or(&mut self.triangle);
        let (fit, engine) = if is_clear(triangle, n, p) {
            let z = self.c.iter().map(|c| triangle.backward(&c[..rank])).collect();
            let noise = self
                .noise
                .as_ref()
                .map(|noise| noise.coordinates().map(|row| square(&triangle.forward(&row))).sum());
            (Fit { z, lost: Vec::new(), rank, noise }, Engine::Nested)
        } else {
            let transposed = triangle.to_array().reversed_axes();
            (Fit::by_svd(transposed, &self.c, self.noise.as_ref(), (n, p))?, Engine::Svd)
        };
        let predictions: Vec<_> = fit.z.iter().map(|z| combine(&self.images, z)).collect();
        let unit = self.noise.as_ref().map_or(0, |noise| noise.exponent);
        self.measured(p).point(&fit, &predictions, squares, unit, engine)
    }

    fn measured(&self, p: usize) -> Measure<'_, 'a> {
        Measure { held_out: &self.held_out, features: self.unit, targets: &self.target_units, n: self.n, p }
    }
}

/// Rotates image `i` and that of a new column.
fn turn(images: &mut [Vec<f64>], i: usize, new: &mut Vec<f64>, cos: f64, sin: f64) {
    let length = images[i].len().max(new.len());
    images[i].resize(length, 0.0);
    new.resize(length, 0.0);
    rotate(&mut images[i], new, cos, sin);
}
