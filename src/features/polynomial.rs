//! Polynomials of one variable, degree by degree.

// All must be inlined into one function per instruction set.
#![allow(clippy::inline_always)]

use super::arguments::check_finite;
use super::{FeatureMap, check_design, check_inputs, checked_zeros, copy_columns, finite};
use crate::Error;
use crate::machine::instructions::arch;
use ndarray::{Array2, ArrayRef2};
use pulp::Simd;
use std::ops::Range;

/// What overflows in a design.
const TOO_LARGE: &str = "a polynomial of high degree outside [−1, 1]";

/// The most lanes of a register on any instruction set.
const LANES: usize = 8;

/// The family of polynomials whose member of degree `k` makes column `k`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum PolynomialBasis {
    /// `P_k`, orthogonal on `[−1, 1]` under the uniform weight, `P_k(1) = 1`.
    #[default]
    Legendre,
    /// `T_k(cos θ) = cos kθ`, orthogonal on `[−1, 1]` under `1/√(1 − x²)`.
    Chebyshev,
    /// `xᵏ`. Orthogonal under no weight: neighbouring columns are nearly parallel, and the condition number
    /// of the design matrix grows exponentially with the degree.
    Monomial,
}

impl PolynomialBasis {
    /// The name used in tables and captions.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Legendre => "legendre",
            Self::Chebyshev => "chebyshev",
            Self::Monomial => "monomial",
        }
    }
}

/// Writes the rows of a design matrix: the constant if `first` is 1, then the degrees 1, 2, ….
///
/// As many rows at once as a register has lanes, because each is one long chain of operations that wait for each other.
/// Every row has the same bits on every instruction set.
struct Rows<'a> {
    basis: PolynomialBasis,
    /// One input per row.
    inputs: &'a [f64],
    /// Column of degree 1.
    first: usize,
    /// `n × p`, row-major.
    design: &'a mut [f64],
    p: usize,
}

impl pulp::WithSimd for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { basis, inputs, first, design, p } = self;
        let one = simd.splat_f64s(1.0);
        for (inputs, rows) in inputs.chunks(S::F64_LANES).zip(design.chunks_mut(S::F64_LANES * p)) {
            let mut lanes = [0.0; LANES];
            lanes[..inputs.len()].copy_from_slice(inputs);
            let x = S::as_simd_f64s(&lanes).0[0];
            let mut write = |column: usize, values: S::f64s| {
                S::as_mut_simd_f64s(&mut lanes).0[0] = values;
                for (lane, value) in lanes[..inputs.len()].iter().enumerate() {
                    rows[lane * p + column] = *value;
                }
            };
            (0..first).for_each(|column| write(column, one));
            match basis {
                PolynomialBasis::Legendre => orthogonal(simd, x, first..p, |k| k / (k + 1.0), write),
                PolynomialBasis::Chebyshev => {
                    orthogonal(simd, x, first..p, |k| if k == 0.0 { 0.0 } else { 1.0 }, write);
                }
                PolynomialBasis::Monomial => {
                    let mut power = one;
                    for column in first..p {
                        power = simd.mul_f64s(power, x);
                        write(column, power);
                    }
                }
            }
        }
    }
}

/// Writes `Q_1(x), Q_2(x), …` of the family `Q_{k+1} = (1 + a_k) x Q_k − a_k Q_{k−1}`, `Q_0 = 1`, `a_0 = 0`, to these
/// columns. Legendre polynomials have `a_k = k/(k + 1)`, Chebyshev polynomials `a_k = 1`.
///
/// In this form the recurrence loses `O(k²)` units in the last place as `x → ±1`. In terms of the differences
/// `D_k = Q_k − Q_{k−1}` it reads
/// ```text
/// D_{k+1} = a_k D_k + (1 + a_k) (x − 1) Q_k,      Q_{k+1} = Q_k + D_{k+1},
/// ```
/// and uses the small number `x − 1`, exact from `x = ½` to 2, instead of `x`: Reinsch's remedy for Goertzel's
/// recurrence (W. M. Gentleman, *Computer Journal* 12, 1969). Values at negative `x` follow from
/// `Q_k(−x) = (−1)ᵏ Q_k(x)`. For `|x| < ½` the plain form is better.
#[inline(always)]
fn orthogonal<S: Simd>(
    simd: S,
    x: S::f64s,
    columns: Range<usize>,
    a: impl Fn(f64) -> f64,
    mut write: impl FnMut(usize, S::f64s),
) {
    let (zero, one) = (simd.splat_f64s(0.0), simd.splat_f64s(1.0));
    let sign = simd.select_f64s(simd.less_than_f64s(x, zero), simd.splat_f64s(-1.0), one);
    let size = simd.abs_f64s(x);
    let (is_small, beyond) = (simd.less_than_f64s(size, simd.splat_f64s(0.5)), simd.sub_f64s(size, one));
    let (mut previous, mut current, mut difference) = (zero, one, zero);
    let mut k = 0.0;
    for column in columns {
        let (a, whole) = (simd.splat_f64s(a(k)), simd.splat_f64s(1.0 + a(k)));
        let along = simd.mul_f64s(simd.mul_f64s(whole, size), current);
        let plain = simd.sub_f64s(along, simd.mul_f64s(a, previous));
        let along = simd.mul_f64s(simd.mul_f64s(whole, beyond), current);
        difference = simd.add_f64s(simd.mul_f64s(a, difference), along);
        let next = simd.select_f64s(is_small, plain, simd.add_f64s(current, difference));
        (previous, current) = (current, next);
        // Degree k + 1.
        write(column, if k % 2.0 == 0.0 { simd.mul_f64s(next, sign) } else { next });
        k += 1.0;
    }
}

/// Polynomials of one variable: `x ↦ (Q_1(x), …, Q_p(x))`, one column per degree.
///
/// ```text
/// Legendre     (k + 1) P_{k+1} = (2k + 1) x P_k − k P_{k−1},   P_0 = 1, P_1 = x
/// Chebyshev            T_{k+1} = 2 x T_k − T_{k−1},            T_0 = 1, T_1 = x
/// Monomial             x^{k+1} = x · xᵏ
/// ```
/// The degrees are `1..=p`, without the constant, or `0..=p − 1` after [`Polynomial::with_constant`].
///
/// Inputs outside `[−1, 1]` are allowed as long as every feature fits into `f64`.
///
/// # Accuracy
/// On `[−1, 1]` the absolute error of degree `k` is at most `k ε / 2`, `ε = 2.2e-16`, in both orthogonal bases (tested
/// against values of at least 40 digits up to degree 100 000; the largest error found is 0.2 `k ε`, and at `±1` the
/// values are exact). Chebyshev polynomials are computed by recurrence, not as `cos(k arccos x)`, for three reasons:
/// the rounding error of `arccos x` would be multiplied by `k` (errors up to `k ε`), the recurrence also works outside
/// `[−1, 1]`, and multiplication and addition give the same bits on every platform, while `cos` does not.
///
/// # Examples
/// ```
/// use double_descent::features::{FeatureMap, Polynomial, PolynomialBasis};
/// use ndarray::array;
///
/// let inputs = array![[1.0], [0.5]];
/// let legendre = Polynomial::new(PolynomialBasis::Legendre);
/// assert_eq!(legendre.design(&inputs, 2)?, array![[1.0, 1.0], [0.5, -0.125]]); // x, (3x² − 1)/2
/// assert_eq!(legendre.with_constant().design(&inputs, 2)?, array![[1.0, 1.0], [1.0, 0.5]]);
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// DLMF, section 18.9, <https://dlmf.nist.gov/18.9>: the recurrences. Schaeffer et al., *Double Descent
/// Demystified*, arXiv:2303.14151: Legendre features of degrees `1..=p`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Polynomial {
    basis: PolynomialBasis,
    constant: bool,
}

impl Polynomial {
    /// Makes the map with degrees 1, 2, … of a basis.
    #[must_use]
    pub fn new(basis: PolynomialBasis) -> Self {
        Self { basis, constant: false }
    }

    /// Adds the constant 1 as the first column: degrees 0, 1, …
    #[must_use]
    pub fn with_constant(self) -> Self {
        Self { constant: true, ..self }
    }

    /// The basis.
    #[must_use]
    pub fn basis(&self) -> PolynomialBasis {
        self.basis
    }

    /// Writes the first `p` columns, row by row.
    fn write(self, inputs: &ArrayRef2<f64>, p: usize, design: &mut [f64]) {
        let inputs = inputs.as_standard_layout();
        let (basis, first) = (self.basis, usize::from(self.constant));
        arch().dispatch(Rows { basis, inputs: inputs.as_slice().unwrap_or(&[]), first, design, p });
    }
}

impl FeatureMap for Polynomial {
    /// Always 1.
    fn input_dimension(&self) -> usize {
        1
    }

    /// `inputs` `(n, 1)` → `X` `(n, p)`; row `i` is `Q_1(x_i), …, Q_p(x_i)`. Costs `O(n p)`.
    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
        let mut design = checked_zeros(self, inputs, p)?;
        self.write(inputs, p, design.as_slice_mut().unwrap_or_default());
        finite(design, TOO_LARGE)
    }

    /// Writes directly into a row-major `design` if it begins with the first column.
    fn write_columns(
        &self,
        inputs: &ArrayRef2<f64>,
        columns: Range<usize>,
        design: &mut ArrayRef2<f64>,
    ) -> Result<(), Error> {
        check_design(inputs, &columns, design)?;
        match design.as_slice_mut() {
            Some(rows) if columns.start == 0 => {
                check_inputs(self, inputs, columns.end)?;
                self.write(inputs, columns.end, rows);
                check_finite(design, TOO_LARGE)
            }
            _ => copy_columns(|| self.describe(), &self.columns(inputs, columns)?, design),
        }
    }

    fn describe(&self) -> String {
        let basis = match self.basis {
            PolynomialBasis::Legendre => "Legendre polynomials",
            PolynomialBasis::Chebyshev => "Chebyshev polynomials",
            PolynomialBasis::Monomial => "monomials",
        };
        let degrees = if self.constant { "0, …, p − 1" } else { "1, …, p" };
        format!("{basis} of degrees {degrees}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{ShapeBuilder, array, s};

    #[test]
    fn small_degrees_in_closed_form() {
        for x in [-1.0, -0.75, -0.25, 0.0, 0.3, 0.5, 0.9, 1.0, 1.5, -3.0_f64] {
            let (x2, x3, x4) = (x * x, x * x * x, x * x * x * x);
            let closed = [
                (
                    PolynomialBasis::Legendre,
                    [x, 1.5 * x2 - 0.5, 2.5 * x3 - 1.5 * x, (35.0 * x4 - 30.0 * x2 + 3.0) / 8.0],
                ),
                (
                    PolynomialBasis::Chebyshev,
                    [x, 2.0 * x2 - 1.0, 4.0 * x3 - 3.0 * x, 8.0 * x4 - 8.0 * x2 + 1.0],
                ),
                (PolynomialBasis::Monomial, [x, x2, x3, x4]),
            ];
            for (basis, expected) in closed {
                let found = Polynomial::new(basis).design(&array![[x]], 4).unwrap();
                for (found, expected) in found.iter().zip(expected) {
                    let off = (found - expected).abs();
                    assert!(
                        off <= 1e-15 * expected.abs().max(1.0),
                        "{basis:?} at {x}: {found} for {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn columns_written_in_place_are_those_of_a_design() {
        let inputs = Array2::from_shape_fn((13, 1), |(i, _)| (i as f64).sin());
        let map = Polynomial::new(PolynomialBasis::Chebyshev).with_constant();
        let design = map.design(&inputs, 9).unwrap();
        for columns in [0..9, 0..4, 3..9] {
            let mut table = Array2::from_elem((13, columns.len()), f64::NAN);
            map.write_columns(&inputs, columns.clone(), &mut table).unwrap();
            assert_eq!(table, design.slice(s![.., columns.clone()]));
            let mut by_columns = Array2::from_elem((13, columns.len()).f(), f64::NAN);
            map.write_columns(&inputs, columns, &mut by_columns).unwrap();
            assert_eq!(by_columns, table);
        }
        let mut one = Array2::zeros((1, 1000));
        assert!(matches!(
            map.write_columns(&array![[-40.0]], 0..1000, &mut one),
            Err(Error::Overflow { .. })
        ));
        assert!(matches!(
            map.write_columns(&array![[0.1, 0.2]], 0..1000, &mut one),
            Err(Error::Shape { .. })
        ));
        assert!(matches!(map.write_columns(&inputs, 0..1000, &mut one), Err(Error::Shape { .. })));
    }

    #[test]
    fn what_is_refused() {
        let map = Polynomial::default();
        let refused = |inputs: &Array2<f64>, p| map.design(inputs, p).unwrap_err();
        assert!(matches!(refused(&array![[0.1, 0.2]], 3), Error::Shape { expected: 1, found: 2, .. }));
        assert!(matches!(refused(&Array2::zeros((0, 1)), 3), Error::Empty { .. }));
        assert!(matches!(refused(&array![[0.1]], 0), Error::Empty { .. }));
        assert!(matches!(refused(&array![[0.1], [f64::NAN]], 3), Error::NonFinite { row: 1, column: 0, .. }));
        assert!(matches!(refused(&array![[f64::INFINITY]], 3), Error::NonFinite { .. }));
        assert!(matches!(refused(&array![[0.1], [0.2]], usize::MAX), Error::Memory { .. }));
        assert!(matches!(refused(&array![[0.1], [0.2]], usize::MAX / 20), Error::Memory { .. }));
        for basis in [PolynomialBasis::Legendre, PolynomialBasis::Chebyshev, PolynomialBasis::Monomial] {
            let map = Polynomial::new(basis);
            assert!(map.design(&array![[-40.0]], 100).is_ok());
            assert!(matches!(map.design(&array![[-40.0]], 1000), Err(Error::Overflow { .. })));
            assert!(matches!(map.design(&array![[f64::MAX]], 2), Err(Error::Overflow { .. })));
        }
    }
}
