//! Model-wise ridge.

use super::Columns;
use crate::Error;
use crate::nested::block::{as_columns, step, steps};
use crate::nested::column_block::ColumnBlock;
use crate::nested::fit::{Fit, combine, negligible};
use crate::nested::kept::{Curve, Direct, Kept, Verdict, Wanted};
use crate::nested::penalty::{Penalty, check_combination};
use crate::nested::scale::{Unit, scaled};
use crate::nested::triangle::{norm, square};
use crate::nested::{Engine, Point};
use crate::svd::product;
use ndarray::{Array2, ArrayRef1, s};

/// With `√λ` below this multiple of the features' size, a fit leaves less than 1e-3 of what is largest in its targets.
const WEAK: f64 = 0.03;

impl Columns<'_> {
    /// Makes every fit that of [`Ridge`](crate::filter::Ridge) with penalty `lambda`, `‖X β − Y‖² + λ ‖β‖²`. Up to `p =
    /// n`, columns then go one by one. Nothing is cut off: for the points handed over to the SVD, with a weak penalty
    /// on rows of very different sizes, see [`nested`](crate::nested#ridge).
    ///
    /// # Errors
    /// [`Error::Domain`] unless `lambda` is positive and finite; [`Error::Domain`] after the first column;
    /// [`Error::Unsupported`] together with the leave-one-out error.
    ///
    /// # Examples
    /// ```
    /// use double_descent::nested::{Columns, Test};
    /// use ndarray::array;
    ///
    /// let mut fit = Columns::new(&array![[8.0]], Test::None)?.with_ridge(3.0)?;
    /// let point = fit.push(&array![1.0])?;
    /// assert!((point.norm - 2.0).abs() < 1e-14); // 8 / (1 + 3)
    /// assert!((point.train_mse - 36.0).abs() < 1e-13); // (2 − 8)², no penalty in it
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn with_ridge(mut self, lambda: f64) -> Result<Self, Error> {
        if self.p > 0 {
            let must_be = "0 when the penalty is set";
            return Err(Error::Domain {
                what: "the number of columns so far",
                value: self.p as f64,
                must_be,
            });
        }
        check_combination(self.left_out.is_some())?;
        self.unit = Unit::default();
        self.ridge = Some(Penalty::new(lambda, &mut self.unit)?);
        // No column is taken in yet, so these are the targets.
        self.kept = Some((Kept::new(lambda), as_columns(&self.rest, self.n)));
        Ok(self)
    }

    /// Returns the size below which part of a column counts as rounding. With ridge it is relative to the column's own
    /// length, as ridge does not cut off what is small compared to other columns.
    pub(super) fn negligible(&self, x: &ArrayRef1<f64>) -> f64 {
        let length = if self.ridge.is_some() { x.dot(x).sqrt() } else { self.longest };
        negligible(self.n, self.p) * length
    }

    /// Whether the point needs an SVD of all columns.
    fn is_handed_over(&mut self) -> bool {
        let (Some((kept, _)), Some(penalty)) = (&mut self.kept, &mut self.ridge) else { return false };
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
        let Some((kept, y)) = &self.kept else { return Err(Error::Empty { what: "the columns" }) };
        let wanted = Wanted {
            held_out: &self.held_out,
            features: self.unit,
            targets: &self.target_units,
            noise: self.noise.as_ref(),
            smallest: self.smallest.is_some(),
        };
        let mut y = y.to_owned();
        for (mut column, unit) in y.columns_mut().into_iter().zip(&self.target_units) {
            column.mapv_inplace(|v| scaled(v, unit.exponent()));
        }
        let Direct { fit, predictions, squares, excess } = kept.fit_columns(y.view(), &wanted)?;
        let unit = self.noise.as_ref().map_or(0, |noise| noise.exponent);
        let mut point = self.measured(self.p).point(&fit, &predictions, &squares, unit, Engine::Svd)?;
        point.test_mse = excess.or(point.test_mse);
        Ok(point)
    }

    /// Whether the fit has all features of a population's teacher, and a penalty so weak that it may come close to it.
    fn may_find_teacher(&self) -> bool {
        let Some(((teacher, _), penalty)) = self.held_out.population().zip(self.ridge.as_ref()) else {
            return false;
        };
        let is_all = teacher.rows().into_iter().skip(self.p).flatten().all(|&b| b == 0.0);
        is_all && self.p <= self.n && penalty.pad() < WEAK * self.triangle.norm()
    }

    /// Measures the point. `Rᵀ v = c` gives the minimum-norm solution of `[X √λ I] [β; e] = Y`, with `e = √λ R⁻¹ v` in
    /// the coordinates of the basis; `√λ e` is the residual.
    pub(super) fn measure_ridge(&mut self) -> Result<Point, Error> {
        if self.kept.is_some() && self.may_find_teacher() || self.is_handed_over() {
            return self.measure_directly();
        }
        let Some(penalty) = &self.ridge else { return Err(Error::Empty { what: "the penalty" }) };
        let pad = penalty.pad();
        let (mut fit, mut predictions) = (Fit { rank: self.triangle.len(), ..Fit::default() }, Vec::new());
        let mut squares: Vec<f64> = self.rest.iter().map(|rest| square(rest)).collect();
        for (c, squares) in self.c.iter().zip(&mut squares) {
            let v = penalty.triangle.backward(c);
            predictions.push(combine(&self.images, &v));
            let padded: Vec<f64> = v.iter().map(|v| pad * v).collect();
            let e = penalty.triangle.forward(&padded);
            let (all, left) = (norm(&v), norm(&e));
            let norm = penalty.norm(all, left, || norm(&self.triangle.times(&e)));
            fit.z.push(vec![norm]);
            *squares += (pad * left) * (pad * left);
        }
        let squared = |row: Vec<f64>| square(&penalty.triangle.forward(&row));
        fit.noise = self.noise.as_ref().map(|noise| {
            noise.coordinates().columns().into_iter().map(|column| squared(column.to_vec())).sum()
        });
        fit.smallest = match &mut self.smallest {
            Some(smallest) => smallest.of(&self.triangle)?,
            None => None,
        };
        let unit = self.noise.as_ref().map_or(0, |noise| noise.exponent);
        self.measured(self.p).point(&fit, &predictions, &squares, unit, Engine::Nested)
    }

    /// Returns `‖β̂‖` and the squared residual after each column of a block, `b × k`, given the state at its start.
    ///
    /// `e` of [`Columns::measure_ridge`] solves `Rᵀ R e = √λ c`: least squares with targets `√λ v` for the rows
    /// of `R` and 0 for those of the block, a [`Block`](crate::nested::block::Block) of rows.
    pub(super) fn ridge_in_block(
        &self,
        penalty: &Penalty,
        block: &ColumnBlock,
        rows: &Array2<f64>,
    ) -> Option<(Array2<f64>, Array2<f64>)> {
        let ((b, n), pad) = (rows.dim(), penalty.pad());
        let shape = block.innovations.dim();
        let (mut norms, mut errors) = (Array2::zeros(shape), Array2::zeros(shape));
        let v: Vec<_> = self.c.iter().map(|c| penalty.triangle.backward(c)).collect();
        let start = as_columns(&v, n) * pad;
        let (directions, lengths) =
            steps(&penalty.triangle, &start, &rows.t().to_owned(), &Array2::zeros(shape))?;
        let lower = self.triangle.to_array();
        for (output, start) in start.columns().into_iter().enumerate() {
            let mut e = penalty.triangle.forward(&start.to_vec());
            let mut all_e = Array2::zeros((n, b));
            for (j, mut column) in all_e.columns_mut().into_iter().enumerate() {
                step(&mut e, lengths[[j, output]], directions.row(j));
                column.iter_mut().zip(&e).for_each(|(to, &from)| *to = from);
            }
            // Xᵀ e, for the columns before the block and for its own.
            let (before, own) = (product(lower.view(), all_e.view()), product(rows.view(), all_e.view()));
            let mut all = square(&block.z[output]);
            for j in (0..b).rev() {
                let e = all_e.column(j);
                let left = e.dot(&e).sqrt();
                norms[[j, output]] = penalty.norm(all.sqrt(), left, || {
                    let (before, own) = (before.column(j), own.slice(s![..=j, j]));
                    (before.dot(&before) + own.dot(&own)).sqrt()
                });
                errors[[j, output]] = (pad * left) * (pad * left);
                let t = block.innovations[[j, output]];
                all += t * t;
            }
        }
        Some((norms, errors))
    }
}
