//! Natural cubic splines.

use super::{FeatureMap, check_outputs, checked_zeros, finite};
use crate::Error;
use ndarray::{Array2, ArrayRef2};

/// The natural cubic splines on `K` knots `ξ₁ < … < ξ_K`: cubic between neighbouring knots, twice continuously
/// differentiable, linear beyond the first and the last. They have `K` degrees of freedom, including the constant.
///
/// The columns are those of R's `splines::ns(x, df = K, intercept = TRUE)`: the `K + 2` cubic B-splines of the knots,
/// restricted to the null space of the two conditions `f''(ξ₁) = f''(ξ_K) = 0`,
///
/// ```text
/// φ(x) = Zᵀ B(x),    Z ((K + 2) × K) with orthonormal columns, Cᵀ Z = 0
/// ```
/// with `Z` the last `K` columns of the `Q` of a Householder factorisation of `C`. Any other `Z` is a rotation of this
/// one, so minimum-norm and ridge fits are those of R's basis, whatever its signs. Another basis of the same space
/// gives other fits: beyond `K = n` the basis decides which interpolant has the smallest norm.
///
/// # No nesting over `K`
/// Knots at quantiles move with `K`, so a curve over degrees of freedom needs a separate map for each `K`. The first
/// `p` columns of one map satisfy the contract of [`FeatureMap`], but are of little use.
///
/// # Examples
/// ```
/// use double_descent::features::{FeatureMap, NaturalSpline};
/// use double_descent::{filter::MinNorm, svd::Svd};
/// use ndarray::{Array2, array};
///
/// let x = Array2::from_shape_fn((20, 1), |(i, _)| i as f64 / 19.0);
/// let y = x.mapv(f64::sin);
/// let spline = NaturalSpline::at_quantiles(&x, 36)?; // more degrees of freedom than points
/// let design = spline.design(&x, 36)?;
/// let beta = Svd::new(&design)?.solve(&y, &MinNorm::default())?;
/// assert!((design.dot(&beta) - y).iter().all(|e| e.abs() < 1e-13)); // it interpolates
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Hastie, *Generalized additive models*, chapter 7 of Chambers and Hastie, *Statistical models in S*, 1992; James,
/// Witten, Hastie and Tibshirani, *An introduction to statistical learning*, 2nd edition, 2021, section 10.8: double
/// descent of natural splines on 20 points.
#[derive(Clone, Debug, PartialEq)]
pub struct NaturalSpline {
    knots: Vec<f64>,
    /// The two reflections whose product has `Z` in its last columns.
    reflections: [Reflection; 2],
}

impl NaturalSpline {
    /// Puts the boundary knots at the smallest and the largest of `inputs` (`n × 1`), and `degrees_of_freedom − 2`
    /// (`K − 2`) knots between them at equally spaced quantiles (R's type 7).
    ///
    /// # Errors
    /// [`Error::Shape`] unless `inputs` has one column; [`Error::Empty`] without inputs; [`Error::NonFinite`] for an
    /// input that is NaN or infinite; [`Error::Domain`] for fewer than two degrees of freedom, or if quantiles coincide
    /// because inputs do; [`Error::Memory`] if the knots do not fit into memory; and the errors of
    /// [`NaturalSpline::new`].
    pub fn at_quantiles(inputs: &ArrayRef2<f64>, degrees_of_freedom: usize) -> Result<Self, Error> {
        Self::new(quantiles(inputs, degrees_of_freedom)?)
    }

    /// Like [`NaturalSpline::at_quantiles`], with boundary knots at `low` and `high`, R's
    /// `Boundary.knots = c(low, high)`: inputs between them are not extrapolated.
    ///
    /// # Errors
    /// As [`NaturalSpline::at_quantiles`]; [`Error::Domain`] unless the other knots lie strictly between `low` and
    /// `high`.
    pub fn at_quantiles_within(
        inputs: &ArrayRef2<f64>,
        degrees_of_freedom: usize,
        (low, high): (f64, f64),
    ) -> Result<Self, Error> {
        let mut knots = quantiles(inputs, degrees_of_freedom)?;
        (knots[0], knots[degrees_of_freedom - 1]) = (low, high);
        Self::new(knots)
    }

    /// Uses the given knots; the first and the last are the boundary knots.
    ///
    /// # Errors
    /// [`Error::Domain`] for fewer than two knots, if they do not ascend strictly, or if two are so close that slopes
    /// do not fit into `f64`; [`Error::NonFinite`] for a knot that is NaN or infinite; [`Error::Overflow`] if the first
    /// and the last are further apart than 1.8e308.
    pub fn new(knots: Vec<f64>) -> Result<Self, Error> {
        check_degrees(knots.len())?;
        if let Some((column, &value)) = knots.iter().enumerate().find(|(_, v)| !v.is_finite()) {
            return Err(Error::NonFinite { what: "the list of knots", row: 0, column, value });
        }
        if let Some(pair) = knots.windows(2).find(|pair| pair[0] >= pair[1]) {
            let must_be = "above the knot before it: take distinct inputs or fewer degrees of freedom";
            return Err(Error::Domain { what: "a knot of the spline", value: pair[1], must_be });
        }
        if !(knots[knots.len() - 1] - knots[0]).is_finite() {
            return Err(Error::Overflow { what: "the range of the knots" });
        }
        let m = knots.len() + 2;
        let backwards: Vec<f64> = knots.iter().rev().copied().collect();
        let mut right = condition(&backwards, m);
        right.reverse();
        let first = Reflection::new(&condition(&knots, m), 0);
        first.apply(&mut right);
        let second = Reflection::new(&right, 1);
        if !(first.is_finite() && second.is_finite()) {
            let gap = knots.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
            let must_be = "larger relative to the range of the knots, so that slopes fit into a 64-bit float: drop \
                           knots that are too close together";
            return Err(Error::Domain {
                what: "the least distance between knots of the spline",
                value: gap,
                must_be,
            });
        }
        Ok(Self { knots, reflections: [first, second] })
    }

    /// The knots `ξ₁ < … < ξ_K`.
    #[must_use]
    pub fn knots(&self) -> &[f64] {
        &self.knots
    }

    /// The number of knots `K`: the largest `p`.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.knots.len()
    }

    /// Writes the `K + 2` B-splines at `x`; beyond a boundary knot, their tangents there.
    fn write_b_splines(&self, x: f64, values: &mut [f64]) {
        let knots = &self.knots;
        let (last, m) = (knots.len() - 1, values.len());
        values.fill(0.0);
        if x < knots[0] {
            let slope = 3.0 * ((x - knots[0]) / (knots[1] - knots[0]));
            (values[0], values[1]) = (1.0 - slope, slope);
            return;
        }
        if x > knots[last] {
            let slope = 3.0 * ((x - knots[last]) / (knots[last] - knots[last - 1]));
            (values[m - 1], values[m - 2]) = (1.0 + slope, -slope);
            return;
        }
        let span = knots[1..last].partition_point(|&knot| knot <= x);
        // Boundary knots count four times. `knot(h, right)` is the `h`-th knot from `x` to the right or to the left.
        let knot = |h: usize, right: bool| {
            knots[if right { (span + h).min(last) } else { (span + 1).saturating_sub(h) }]
        };
        let values = &mut values[span..span + 4];
        values[0] = 1.0;
        for degree in 1..=3 {
            let mut carried = 0.0;
            for (r, value) in values[..degree].iter_mut().enumerate() {
                let (above, below) = (knot(r + 1, true) - x, x - knot(degree - r, false));
                let share = *value / (above + below);
                *value = carried + above * share;
                carried = below * share;
            }
            values[degree] = carried;
        }
    }
}

/// Computes equally spaced quantiles of `inputs`, from the smallest to the largest.
fn quantiles(inputs: &ArrayRef2<f64>, count: usize) -> Result<Vec<f64>, Error> {
    Error::check_len("columns of the inputs", 1, inputs.ncols())?;
    if inputs.is_empty() {
        return Err(Error::Empty { what: "the list of inputs" });
    }
    Error::check_finite("the inputs", inputs.view())?;
    check_degrees(count)?;
    let mut sorted: Vec<f64> = inputs.iter().copied().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut quantiles = crate::machine::memory::zeros("the knots", 1, count)?.into_raw_vec_and_offset().0;
    let (last, gaps) = (sorted.len() - 1, count - 1);
    for (i, quantile) in quantiles.iter_mut().enumerate() {
        let (below, rest) = (last * i / gaps, last * i % gaps);
        let weight = rest as f64 / gaps as f64;
        *quantile = match sorted.get(below + 1) {
            // Between equal inputs the sum could differ from them by rounding.
            Some(above) if rest > 0 && *above > sorted[below] => {
                sorted[below] * (1.0 - weight) + above * weight
            }
            _ => sorted[below],
        };
    }
    Ok(quantiles)
}

fn check_degrees(degrees_of_freedom: usize) -> Result<(), Error> {
    if degrees_of_freedom >= 2 {
        return Ok(());
    }
    let value = degrees_of_freedom as f64;
    Err(Error::Domain { what: "the degrees of freedom of a natural spline", value, must_be: "≥ 2" })
}

/// The condition `f'' = 0` at the first of these knots, on `m` coefficients: from `f' ∝ (c₁ − c₀) / h₁`,
/// `(c₂ − c₁) / h₂`.
fn condition(knots: &[f64], m: usize) -> Vec<f64> {
    let ratio = (knots[2.min(knots.len() - 1)] - knots[0]) / (knots[1] - knots[0]);
    let mut condition = vec![0.0; m];
    condition[..3].copy_from_slice(&[ratio, -1.0 - ratio, 1.0]);
    condition
}

/// A reflection `I − v vᵀ`: the entries of `v` that are not 0. A condition has three, and so at most four are left.
#[derive(Clone, Debug, PartialEq)]
struct Reflection(Vec<(usize, f64)>);

impl Reflection {
    /// Zeros `x` beyond index `from`, and keeps the entries before it.
    fn new(x: &[f64], from: usize) -> Self {
        let mut v: Vec<(usize, f64)> = x.iter().copied().enumerate().skip(from).collect();
        let length = norm(&v);
        v[0].1 += length.copysign(v[0].1);
        let scale = std::f64::consts::SQRT_2 / norm(&v);
        Self(v.into_iter().filter(|(_, v)| *v != 0.0).map(|(i, v)| (i, v * scale)).collect())
    }

    fn apply(&self, x: &mut [f64]) {
        let along: f64 = self.0.iter().map(|&(i, v)| v * x[i]).sum();
        self.0.iter().for_each(|&(i, v)| x[i] -= along * v);
    }

    fn is_finite(&self) -> bool {
        self.0.iter().all(|(_, v)| v.is_finite())
    }
}

fn norm(x: &[(usize, f64)]) -> f64 {
    x.iter().map(|(_, v)| v * v).sum::<f64>().sqrt()
}

impl FeatureMap for NaturalSpline {
    /// Always 1.
    fn input_dimension(&self) -> usize {
        1
    }

    fn most_features(&self) -> usize {
        self.outputs()
    }

    /// `inputs` `(n, 1)` → `(n, p)`. [`Error::Shape`] for `p` over [`NaturalSpline::outputs`].
    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
        check_outputs(self.outputs(), p)?;
        let mut design = checked_zeros(self, inputs, p)?;
        let mut values = vec![0.0; self.outputs() + 2];
        for (&x, mut row) in inputs.iter().zip(design.rows_mut()) {
            self.write_b_splines(x, &mut values);
            self.reflections.iter().for_each(|reflection| reflection.apply(&mut values));
            row.iter_mut().zip(&values[2..]).for_each(|(to, from)| *to = *from);
        }
        finite(design, "a spline at an input far beyond its knots, relative to the two outermost,")
    }

    fn describe(&self) -> String {
        format!("natural cubic splines, {} knots", self.outputs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Axis, array, s};

    fn spline() -> NaturalSpline {
        NaturalSpline::new(vec![-2.0, -1.5, 0.1, 0.7, 2.0, 3.0]).unwrap()
    }

    fn column(values: &[f64]) -> Array2<f64> {
        Array1::from(values.to_vec()).insert_axis(Axis(1))
    }

    /// The textbook basis of the same space: 1, x and differences of truncated powers (Hastie, Tibshirani and
    /// Friedman, *Elements of statistical learning*, equation 5.4).
    fn truncated_powers(knots: &[f64], x: f64) -> Vec<f64> {
        let (last, cube) = (knots.len() - 1, |h: f64| h.max(0.0).powi(3));
        let d = |k: usize| (cube(x - knots[k]) - cube(x - knots[last])) / (knots[last] - knots[k]);
        let rest = (0..knots.len().saturating_sub(2)).map(|k| d(k) - d(last - 1));
        [1.0, x].into_iter().chain(rest).collect()
    }

    #[test]
    fn the_space_is_that_of_truncated_powers() {
        for knots in [vec![0.0, 1.0], vec![0.0, 0.3, 1.0], spline().knots().to_vec()] {
            let map = NaturalSpline::new(knots.clone()).unwrap();
            let ends = (knots[0] - 1.0, knots[knots.len() - 1] + 1.0);
            let inputs =
                Array2::from_shape_fn((201, 1), |(i, _)| ends.0 + (ends.1 - ends.0) * i as f64 / 200.0);
            let basis = map.design(&inputs, knots.len()).unwrap();
            let rows: Vec<f64> = inputs.iter().flat_map(|&x| truncated_powers(&knots, x)).collect();
            let powers = Array2::from_shape_vec((201, knots.len()), rows).unwrap();
            for (x, y) in [(&basis, &powers), (&powers, &basis)] {
                let svd = crate::svd::Svd::new(x).unwrap();
                assert_eq!(svd.rank(), knots.len());
                let rest = y - &x.dot(&svd.solve(y, &crate::filter::MinNorm::default()).unwrap());
                let size = y.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
                assert!(rest.iter().all(|v| v.abs() < 1e-12 * size), "{} knots", knots.len());
            }
        }
    }

    /// `Z` has orthonormal columns and B-splines add up to 1, so that the constant 1 is `Zᵀ (1, …, 1)`.
    #[test]
    fn the_basis_is_a_rotation_of_b_splines() {
        let map = spline();
        let mut ones = vec![1.0; map.outputs() + 2];
        map.reflections.iter().for_each(|reflection| reflection.apply(&mut ones));
        assert!(ones[..2].iter().all(|v| v.abs() < 1e-14), "constants are natural splines");
        let coefficients = Array1::from(ones[2..].to_vec());
        let inputs = column(&[-9.0, -2.0, -1.7, -1.5, 0.0, 0.1, 0.5, 1.9, 2.0, 2.9, 3.0, 40.0]);
        let sums = map.design(&inputs, 6).unwrap().dot(&coefficients);
        assert!(sums.iter().all(|v| (v - 1.0).abs() < 1e-13), "{sums}");
        let mut values = [0.0; 8];
        for &x in &[-2.0, -1.6, 0.1, 1.3, 3.0] {
            map.write_b_splines(x, &mut values);
            assert!(values.iter().all(|v| (0.0..=1.0).contains(v)));
            assert!((values.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        }
    }

    #[test]
    fn knots_are_quantiles() {
        let inputs = column(&[3.0, 0.0, 1.0, 7.0, 2.0]);
        assert_eq!(NaturalSpline::at_quantiles(&inputs, 3).unwrap().knots(), [0.0, 2.0, 7.0]);
        assert!((NaturalSpline::at_quantiles(&inputs, 4).unwrap().knots()[1] - 4.0 / 3.0).abs() < 1e-15);
        assert_eq!(NaturalSpline::at_quantiles(&inputs, 9).unwrap().knots()[..3], [0.0, 0.5, 1.0]);
    }

    #[test]
    fn what_is_refused() {
        let inputs = column(&[0.0, 1.0, 1.0, 1.0, 2.0]);
        let within = |ends| NaturalSpline::at_quantiles_within(&inputs, 3, ends);
        assert_eq!(within((-1.0, 4.0)).unwrap().knots(), [-1.0, 1.0, 4.0]);
        assert!(matches!(within((1.0, 4.0)), Err(Error::Domain { value: 1.0, .. })));
        assert!(matches!(within((-1.0, f64::NAN)), Err(Error::NonFinite { column: 2, .. })));
        assert!(matches!(NaturalSpline::at_quantiles(&inputs, 5), Err(Error::Domain { value: 1.0, .. })));
        assert!(matches!(NaturalSpline::at_quantiles(&inputs, 1), Err(Error::Domain { .. })));
        assert!(matches!(NaturalSpline::at_quantiles(&column(&[4.0]), 3), Err(Error::Domain { .. })));
        assert!(matches!(NaturalSpline::at_quantiles(&inputs, usize::MAX), Err(Error::Memory { .. })));
        assert!(matches!(NaturalSpline::at_quantiles(&array![[0.0, 1.0]], 3), Err(Error::Shape { .. })));
        assert!(matches!(NaturalSpline::at_quantiles(&column(&[]), 3), Err(Error::Empty { .. })));
        assert!(matches!(
            NaturalSpline::at_quantiles(&column(&[0.0, f64::NAN]), 3),
            Err(Error::NonFinite { row: 1, .. })
        ));
        for knots in [vec![], vec![0.0], vec![1.0, 0.0], vec![0.0, 0.0, 1.0]] {
            assert!(matches!(NaturalSpline::new(knots), Err(Error::Domain { .. })));
        }
        assert!(matches!(NaturalSpline::new(vec![0.0, f64::INFINITY]), Err(Error::NonFinite { .. })));
        let map = spline();
        assert!(matches!(map.design(&inputs, 7), Err(Error::Shape { .. })));
        let all = map.design(&inputs, 6).unwrap();
        assert_eq!(map.design(&inputs, 2).unwrap(), all.slice(s![.., ..2]));
        assert!(matches!(NaturalSpline::new(vec![-1.7e308, 0.0, 1.7e308]), Err(Error::Overflow { .. })));
        let far = NaturalSpline::new(vec![0.0, 1e-300]).unwrap();
        assert!(matches!(far.design(&array![[1e200]], 2), Err(Error::Overflow { .. })));
    }
}
