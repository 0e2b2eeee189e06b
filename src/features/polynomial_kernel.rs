//! The features of the polynomial kernel.

use super::{FeatureMap, check_outputs, checked_zeros, finite};
use crate::{Error, machine::memory};
use ndarray::{Array2, ArrayRef2};

/// The largest number of monomials allowed.
const LARGEST: usize = 1 << 24;

/// The largest number of multiplications allowed for making them: ten seconds.
const MOST_WORK: f64 = 4_294_967_296.0;

/// Overhead of one heap allocation, in bytes.
const HEAP: usize = 16;

/// The features of the polynomial kernel: all monomials up to degree `m` of `d` variables, weighted so that
/// `φ(x)·φ(x') = (x·x' + c)ᵐ`:
///
/// ```text
/// φ_a(x) = √(m! / (a₁! ⋯ a_d! (m − |a|)!) · c^{m−|a|}) · x₁^{a₁} ⋯ x_d^{a_d},    |a| ≤ m:  C(m + d, d) features
/// ```
/// ordered by degree; within a degree, higher powers of the first variable come first.
///
/// # Examples
/// ```
/// use double_descent::features::{FeatureMap, PolynomialKernel};
/// use ndarray::array;
///
/// let map = PolynomialKernel::new(3, 4, 1.0)?;
/// assert_eq!(map.outputs(), 35);
/// let (x, y) = (array![[0.5, -1.0, 2.0]], array![[1.0, 0.3, 0.7]]);
/// let kernel = map.design(&x, 35)?.row(0).dot(&map.design(&y, 35)?.row(0));
/// assert!((kernel - (0.5 - 0.3 + 1.4 + 1.0_f64).powi(4)).abs() < 1e-12);
/// # Ok::<(), double_descent::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PolynomialKernel {
    inputs: usize,
    degree: usize,
    constant: f64,
    monomials: Vec<Monomial>,
}

#[derive(Clone, Debug, PartialEq)]
struct Monomial {
    exponents: Vec<i32>,
    weight: f64,
}

impl PolynomialKernel {
    /// Makes the features of `(x·x' + c)ᵐ` on `inputs` (`d`) variables, of degree `degree` (`m`) with constant
    /// `constant` (`c`).
    ///
    /// # Errors
    /// [`Error::Empty`] for no inputs, [`Error::Domain`] unless the constant is finite and > 0,
    /// [`Error::Resource`] for more than 2²⁴ features, or more than 2³² multiplications to make them;
    /// [`Error::Memory`]; [`Error::Overflow`] for a weight whose square is over 1.8e308.
    pub fn new(inputs: usize, degree: usize, constant: f64) -> Result<Self, Error> {
        if inputs == 0 {
            return Err(Error::Empty { what: "the list of inputs" });
        }
        if !(constant > 0.0 && constant.is_finite()) {
            let must_be = "finite and > 0";
            return Err(Error::Domain { what: "the constant of the kernel", value: constant, must_be });
        }
        let too_many = || Error::Resource {
            reason: format!("more than 2^24 monomials of degree {degree} in {inputs} variables"),
        };
        let count = binomial(inputs, degree).ok_or_else(too_many)?;
        let each = [size_of::<Monomial>(), HEAP, memory::list::<i32>(inputs)];
        memory::reserve("the monomials of a polynomial kernel", memory::sum(each).saturating_mul(count))?;
        if (count as f64) * (inputs as f64 + degree as f64) > MOST_WORK {
            return Err(Error::Resource {
                reason: format!(
                    "{count} monomials of degree {degree} in {inputs} variables: more than 2^32 multiplications"
                ),
            });
        }
        let mut monomials = Vec::with_capacity(count);
        for total in 0..=degree {
            let mut next = Some(first_composition(inputs, total));
            while let Some(exponents) = next {
                // c^{m−|a|} m! / (a! (m − |a|)!), as a product of binomial coefficients.
                let mut square = constant.powi(i32::try_from(degree - total).map_err(|_| too_many())?);
                let mut rest = degree;
                for &a in &exponents {
                    for i in 0..a {
                        square *= (rest - i) as f64 / (i + 1) as f64;
                    }
                    rest -= a;
                }
                // Checked for each monomial: at a degree of a million, computing all weights first would take too long.
                if !square.is_finite() {
                    return Err(Error::Overflow { what: "a weight of the polynomial kernel's features" });
                }
                let powers = exponents.iter().map(|&a| i32::try_from(a).unwrap_or(i32::MAX)).collect();
                monomials.push(Monomial { exponents: powers, weight: square.sqrt() });
                next = next_composition(exponents);
            }
        }
        Ok(Self { inputs, degree, constant, monomials })
    }

    /// The number of features, `C(m + d, d)`: the largest `p`.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.monomials.len()
    }

    /// The exact second moments `E φ(x) φ(x)ᵀ` (`p × p`, not centred) of all features for standard normal inputs, from
    /// `E xᵏ = (k − 1)!!` for even `k` and 0 for odd `k`.
    ///
    /// # Errors
    /// [`Error::Memory`] if the matrix does not fit into memory, [`Error::Overflow`] if a moment does not fit
    /// into `f64`.
    pub fn gaussian_covariance(&self) -> Result<Array2<f64>, Error> {
        let p = self.outputs();
        let mut sigma = crate::machine::memory::zeros("the covariance", p, p)?;
        for ((j, k), entry) in sigma.indexed_iter_mut() {
            let (a, b) = (&self.monomials[j], &self.monomials[k]);
            let powers = a.exponents.iter().zip(&b.exponents).map(|(a, b)| a + b);
            *entry = a.weight * b.weight * powers.map(normal_moment).product::<f64>();
        }
        match Error::check_finite("the covariance", sigma.view()) {
            Ok(()) => Ok(sigma),
            Err(_) => Err(Error::Overflow { what: "a moment of the polynomial kernel's features" }),
        }
    }
}

/// `E xᵏ` of a standard normal `x`.
fn normal_moment(k: i32) -> f64 {
    match k {
        _ if k % 2 == 1 => 0.0,
        400.. => f64::INFINITY, // already from k = 302 on; saves multiplying up to a million factors
        _ => (1..k).step_by(2).map(f64::from).product(),
    }
}

/// Computes `C(d + m, d)`; `None` if it exceeds [`LARGEST`].
fn binomial(d: usize, m: usize) -> Option<usize> {
    let (few, many) = (d.min(m), d.max(m));
    let mut count = 1_usize;
    for i in 1..=few {
        count = count.checked_mul(many.checked_add(i)?)? / i;
        if count > LARGEST {
            return None;
        }
    }
    Some(count)
}

/// The first composition of `total` into `parts ≥ 1` numbers: all of it in the first number.
fn first_composition(parts: usize, total: usize) -> Vec<usize> {
    let mut composition = vec![0; parts];
    composition[0] = total;
    composition
}

/// The next composition, with the first numbers falling first; `None` after the last, which has all of it in the last
/// number.
fn next_composition(mut composition: Vec<usize>) -> Option<Vec<usize>> {
    let last = composition.len() - 1;
    let from = composition[..last].iter().rposition(|&a| a > 0)?;
    let tail = std::mem::take(&mut composition[last]);
    composition[from] -= 1;
    composition[from + 1] = tail + 1;
    Some(composition)
}

impl FeatureMap for PolynomialKernel {
    fn input_dimension(&self) -> usize {
        self.inputs
    }

    fn most_features(&self) -> usize {
        self.outputs()
    }

    /// `inputs` `(n, d)` → `(n, p)`. [`Error::Shape`] for more features than there are monomials.
    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
        check_outputs(self.outputs(), p)?;
        let mut design = checked_zeros(self, inputs, p)?;
        for (x, mut row) in inputs.rows().into_iter().zip(design.rows_mut()) {
            for (feature, monomial) in row.iter_mut().zip(&self.monomials) {
                let powers = x.iter().zip(&monomial.exponents).map(|(x, &a)| x.powi(a));
                *feature = monomial.weight * powers.product::<f64>();
            }
        }
        finite(design, "a feature of the polynomial kernel")
    }

    fn describe(&self) -> String {
        format!(
            "features of the polynomial kernel (x·x' + {})^{}, {} inputs",
            self.constant, self.degree, self.inputs
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monomials_are_counted_and_ordered() {
        let compositions = |parts, total| {
            std::iter::successors(Some(first_composition(parts, total)), |c| next_composition(c.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(compositions(2, 2), [[2, 0], [1, 1], [0, 2]]);
        assert_eq!(compositions(3, 2), [[2, 0, 0], [1, 1, 0], [1, 0, 1], [0, 2, 0], [0, 1, 1], [0, 0, 2]]);
        assert_eq!(compositions(1, 5), [[5]]);
        assert_eq!(compositions(4, 0), [[0; 4]]);
        assert_eq!(normal_moment(300), (1..300).step_by(2).map(f64::from).product::<f64>());
        assert!([302, 398].into_iter().all(|k| normal_moment(k).is_infinite()));
        assert_eq!([binomial(3, 4), binomial(1, 9), binomial(5, 0)], [Some(35), Some(10), Some(1)]);
        assert_eq!(binomial(100, 100), None);
        assert_eq!(binomial(usize::MAX, 2), None);
        assert_eq!([0, 1, 2, 3, 4, 6].map(normal_moment), [1.0, 0.0, 1.0, 0.0, 3.0, 15.0]);
    }
}
