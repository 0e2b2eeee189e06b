//! Ensembles of ridge fits on subsamples.

use super::check;
use super::ridge::SpectralPopulation;
use crate::Error;

impl SpectralPopulation {
    /// Returns the excess of an ensemble mean of ridge fits, each on a random subsample.
    ///
    /// Each of the `members` subsamples has `size` of the `n` samples, drawn without replacement. The excess is
    /// `R_∞ + (R₁ − R_∞)/M`; `None` members is `R_∞`. With `κ` and `df₂` for `size` samples, and
    /// `c = κ/(ℓ+κ)`,
    /// ```text
    /// R₁ = (Σ b ℓ c² + σ² df₂/size) / (1 − df₂/size),   R_∞ = (Σ b ℓ c² + σ² df₂/n) / (1 − df₂/n)
    /// ```
    /// The penalty is `size · λ ‖b‖²`, added to the sum of squares of a subsample.
    ///
    /// # Errors
    /// As [`SpectralPopulation::at`], at `size` samples; [`Error::Domain`] for `n` that is not positive and finite,
    /// `size` above `n`, or no members.
    ///
    /// # References
    /// Du, Patil and Kuchibhotla, *Subsample ridge ensembles: equivalences and generalized cross-validation*, 2023,
    /// arXiv:2304.13016.
    pub fn subsampled(&self, n: f64, size: f64, lambda: f64, members: Option<usize>) -> Result<f64, Error> {
        check::positive("samples", n)?;
        if size > n {
            return Err(Error::Domain { what: "subsample", value: size, must_be: "at most the samples" });
        }
        check::members(members)?;
        let one = self.at(size, lambda)?;
        // n − df₂ = (n − size) + (size − df₂), and size/(size − df₂) is the cost.
        let pole = (n - size) / n + (size / n) / one.cost;
        let target = self.spectrum.target_sums(&self.signal, one.kappa);
        let all = check::ratio(target.cc * target.unit + self.noise * one.df2 / n, pole);
        Ok(check::of_members(one.excess, all, members))
    }
}
