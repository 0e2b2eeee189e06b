//! Sample-wise ridge.

use super::Rows;
use crate::Error;
use crate::nested::block::{Block, step};
use crate::nested::excess::Excess;
use crate::nested::fit::{Fit, Measure, combine, negligible};
use crate::nested::kept::{Curve, Direct, Kept, Verdict, Wanted};
use crate::nested::penalty::{Penalty, check_combination};
use crate::nested::scale::Unit;
use crate::nested::triangle::square;
use crate::nested::{Engine, Point};
use crate::svd::product;
use ndarray::{Array2, ArrayRef1};

impl Rows<'_> {
    /// Makes every fit that of [`Ridge`](crate::filter::Ridge) with penalty `lambda`, `‖X β − Y‖² + λ ‖β‖²`. A row then
    /// costs about twice as much. Nothing is cut off: for the points handed over to the SVD, with a weak penalty on
    /// features of very different sizes, see [`nested`](crate::nested#ridge).
    ///
    /// # Errors
    /// [`Error::Domain`] unless `lambda` is positive and finite; [`Error::Domain`] after the first row;
    /// [`Error::Unsupported`] together with the leave-one-out error.
    ///
    /// # Examples
    /// ```
    /// use double_descent::nested::{Rows, Test};
    /// use ndarray::array;
    ///
    /// let mut fit = Rows::new(1, 1, Test::None)?.with_ridge(3.0)?;
    /// let point = fit.push(&array![1.0], &array![8.0])?;
    /// assert!((point.norm - 2.0).abs() < 1e-14); // 8 / (1 + 3)
    /// assert!((point.train_mse - 36.0).abs() < 1e-13); // (2 − 8)², no penalty in it
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn with_ridge(mut self, lambda: f64) -> Result<Self, Error> {
        if self.n > 0 {
            let must_be = "0 when the penalty is set";
            return Err(Error::Domain { what: "the number of rows so far", value: self.n as f64, must_be });
        }
        check_combination(self.left_out.is_some())?;
        self.unit = Unit::default();
        self.excess = self.held_out.population().map(|(teacher, _)| Excess::new(teacher));
        let carried = if self.excess.is_some() { 2 * self.c.len() } else { self.c.len() };
        let none = vec![Vec::new(); carried];
        self.ridge = Some((Penalty::new(lambda, &mut self.unit)?, none));
        self.kept = Some(Kept::new(lambda));
        Ok(self)
    }

    /// Returns the size below which part of a row counts as rounding. With ridge it is relative to the row's own
    /// length, as ridge does not cut off what is small compared to other rows.
    pub(super) fn negligible(&self, x: &ArrayRef1<f64>) -> f64 {
        let length = if self.ridge.is_some() { x.dot(x).sqrt() } else { self.longest };
        negligible(self.n, self.p) * length
    }

    /// Returns the targets of [`Excess`].
    pub(super) fn more_targets(&mut self, x: &ArrayRef1<f64>, y: &ArrayRef1<f64>) -> Vec<f64> {
        let more = self.excess.as_ref().map(|excess| excess.targets(x, y));
        if let Some(targets) = more.flatten() {
            return targets;
        }
        // One is out of range: from here on, the error is computed as a difference.
        if self.excess.take().is_some() {
            self.ridge.iter_mut().for_each(|(_, c)| c.truncate(self.c.len()));
        }
        Vec::new()
    }

    /// Whether the point needs an SVD of all rows.
    fn is_handed_over(&mut self) -> bool {
        let (Some(kept), Some((penalty, _))) = (&mut self.kept, &mut self.ridge) else { return false };
        let curve = Curve {
            shape: (self.n, self.p),
            longest: self.longest,
            rank: self.triangle.len(),
            was_inside: self.was_inside,
            is_complete: self.basis.is_complete(),
        };
        let verdict = kept.judge(penalty, &curve);
        if verdict == Verdict::Forget {
            self.kept = None;
        }
        verdict == Verdict::Svd
    }

    fn measure_directly(&mut self) -> Result<Point, Error> {
        let Some(kept) = &mut self.kept else { return Err(Error::Empty { what: "the rows" }) };
        let wanted = Wanted {
            held_out: &self.held_out,
            features: self.unit,
            targets: &self.target_units,
            noise: self.noise.as_ref(),
            smallest: self.smallest.is_some(),
        };
        let Direct { fit, predictions, squares, excess } = kept.fit_rows(&wanted)?;
        (self.fit, self.predictions) = (fit, predictions);
        let measure = Measure {
            held_out: &self.held_out,
            features: self.unit,
            targets: &self.target_units,
            n: self.n,
            p: self.p,
        };
        let unit = self.noise.as_ref().map_or(0, |noise| noise.exponent);
        let mut point = measure.point(&self.fit, &self.predictions, &squares, unit, Engine::Svd)?;
        point.test_mse = excess.or(point.test_mse);
        Ok(point)
    }

    pub(super) fn measure_ridge(&mut self) -> Result<Point, Error> {
        if self.is_handed_over() {
            return self.measure_directly();
        }
        let Some((penalty, c)) = &self.ridge else { return Err(Error::Empty { what: "the penalty" }) };
        let outputs = self.c.len();
        let excess = self.excess.as_ref().map(|excess| {
            let basis = (self.basis.vectors(), &self.images[..]);
            let units = (self.unit, &self.target_units[..]);
            excess.of((&penalty.triangle, penalty.pad()), &c[outputs..], basis, &self.held_out, units)
        });
        let solutions = c.iter().take(outputs).map(|c| penalty.triangle.forward(c));
        // As a linear map of the targets, the fit is (Rᵀ R)⁻¹ Lᵀ.
        let squared = |row: Vec<f64>| {
            square(&self.triangle.times(&penalty.triangle.forward(&penalty.triangle.backward(&row))))
        };
        let noise = self.noise.as_ref().map(|noise| {
            noise.coordinates().columns().into_iter().map(|column| squared(column.to_vec())).sum()
        });
        let smallest = match &mut self.smallest {
            Some(smallest) => smallest.of(&self.triangle)?,
            None => None,
        };
        let rank = self.triangle.len();
        self.fit = Fit { z: solutions.collect(), rank, noise, smallest, ..Fit::default() };
        self.predictions = self.fit.z.iter().map(|z| combine(&self.images, z)).collect();
        let (triangle, pad) = (&mut self.triangle, penalty.pad());
        let condition = triangle.norm() * triangle.inverse();
        let errors = self.fit.z.iter().zip(&self.c).zip(&self.squares).map(|((z, c), squares)| {
            // c − L z, and the same vector as λ L⁻ᵀ z: the first loses digits as it gets small. The second loses as
            // many digits as the condition number of L has, and all of them if z underflows.
            let difference: Vec<f64> = triangle.times(z).iter().zip(c).map(|(a, c)| a - c).collect();
            let padded: Vec<f64> = triangle.backward(z).iter().map(|v| pad * (pad * v)).collect();
            let is_small = square(&difference) < 0.25 * square(c);
            let solved = is_small && condition * square(&padded).sqrt() < square(c).sqrt();
            squares + square(if solved { &padded } else { &difference })
        });
        let squares: Vec<f64> = errors.collect();
        let (n, p) = (self.n, self.p);
        let measure =
            Measure { held_out: &self.held_out, features: self.unit, targets: &self.target_units, n, p };
        let unit = self.noise.as_ref().map_or(0, |noise| noise.exponent);
        let mut point = measure.point(&self.fit, &self.predictions, &squares, unit, Engine::Nested)?;
        if let Some(excess) = excess.filter(|excess| excess.is_finite()) {
            point.test_mse = Some(excess);
        }
        Ok(point)
    }

    /// Returns the sums of squared training errors, without the penalty, after each row of a block (`b × k`) that
    /// starts at `z`: those of the earlier rows, `‖L z − c‖²`, and those of the block.
    pub(super) fn squares_in_block(
        &self,
        block: &Block,
        rows: &Array2<f64>,
        targets: &Array2<f64>,
        z: Vec<Vec<f64>>,
    ) -> Array2<f64> {
        let mut squares = Array2::zeros(targets.dim());
        let lower = self.triangle.to_array();
        for (output, mut z) in z.into_iter().enumerate() {
            let mut solutions = Array2::zeros(rows.dim());
            for (i, mut solution) in solutions.columns_mut().into_iter().enumerate() {
                step(&mut z, block.innovations[[i, output]], block.steps.row(i));
                solution.iter_mut().zip(&z).for_each(|(to, &from)| *to = from);
            }
            let before = product(lower.view(), solutions.view());
            let own = product(rows.t(), solutions.view());
            for i in 0..targets.nrows() {
                let error = |sum: f64, (a, c): (&f64, &f64)| sum + (a - c) * (a - c);
                let sum = before.column(i).iter().zip(&self.c[output]).fold(self.squares[output], error);
                squares[[i, output]] =
                    own.column(i).iter().zip(targets.column(output)).take(i + 1).fold(sum, error);
            }
        }
        squares
    }
}
