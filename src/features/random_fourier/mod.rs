//! Cosines of random frequencies and phases.

mod complex;
mod frequencies;
mod moments;
mod sparse_rows;
mod stationary_kernel;

pub use stationary_kernel::StationaryKernel;

use super::trigonometric::{GROUP, Wave};
use super::{Cosines, FeatureMap, check_design, check_inputs, check_outputs, checked_zeros, copy_columns};
use crate::Error;
use crate::error::words::counted;
use crate::machine::threads::for_one_problem;
use crate::rng::{FREQUENCIES, stream};
use frequencies::Frequencies;
use ndarray::{Array2, ArrayRef2, ArrayView2, Axis, aview1, s};
use rand::RngExt;
use rayon::prelude::*;
use std::ops::Range;

/// The fewest rows worth a thread: half a millisecond of work for images.
const FEWEST_ROWS: usize = 64;

/// Draws the frequency of feature `k` into `frequency` and returns its phase.
fn draw(kernel: StationaryKernel, seed: u64, k: usize, frequency: &mut [f64]) -> Result<f64, Error> {
    let mut rng = stream(seed, k, FREQUENCIES);
    kernel.draw(frequency, &mut rng)?;
    Ok(2.0 * std::f64::consts::PI * rng.random::<f64>())
}

/// Random Fourier features: cosines, or cosines and sines, of random frequencies `w_k`.
///
/// | form | columns | number for `P` frequencies | peak |
/// |---|---|---|---|
/// | cosines | `a cos(w_k·x + b_k)`, `b_k` uniform on `[0, 2π)` | `P` | `n = P` |
/// | pairs, [`Self::into_pairs`] | `a cos(w_k·x)`, `a sin(w_k·x)` | `2P` | `n = 2P` |
/// | complex, [`Self::complex_system`] | `a exp(i w_k·x)` | `P`, with complex coefficients | `n = P` |
///
/// where `n` is the number of training rows: a fit interpolates from `p = n` columns on. Pairs and complex features
/// span the same functions. A pair has two real coefficients for `n` real equations. Complex coefficients must also
/// make the imaginary part of the fit vanish at the training inputs, so interpolation takes twice as many of them.
///
/// The frequencies are drawn from the distribution whose characteristic function is a [`StationaryKernel`] `k`. At
/// `a = √2`, the default amplitude ([`Self::with_amplitude`] changes it), `φ(x)·φ(x')/p` tends to `k(x, x')` as the
/// number of real columns `p` grows. Over the draws it has mean `k(x, x')` and variance
/// ```text
/// cosines  (2 + k₂ − 2k²) / (2p)        pairs  (1 + k₂ − 2k²) / p,  p even
/// ```
/// with `k₂` the kernel at twice the difference: `k⁴` for the Gaussian, `k²` for the Laplacian kernel. Pairs are the
/// better estimate where `k₂ < 2k²`, which is everywhere for these two kernels.
///
/// # Amplitude
/// `a` is the same for all columns and does not depend on `p`, because maps are nested. Predictions of minimum-norm
/// fits do not depend on `a`. Replacing `a` by `c a` divides the norm of a minimum-norm fit by `c`, and a ridge penalty
/// `λ` then gives the fit that `λ/c²` gave at `a`. So at `a = √2` a ridge penalty `λ` on `p` features is a kernel ridge
/// penalty `λ/p` with the estimated kernel. [`Self::with_kernel_amplitude`] puts the `1/p` into the features, for one
/// value of `p`.
///
/// # Draws
/// Feature `k` depends on the seed and on `k` alone: the first `p` features do not depend on how many follow, and
/// [`FeatureMap::columns`] computes any block of them on its own.
///
/// # Memory
/// One copy of the frequencies, and a second one from the first input with many zeros on: these zeros are skipped.
///
/// # Accuracy
/// At the computed phase, each cosine and sine is within 2 units in the last place. The phase `w·x + b`, summed from
/// first to last, is within `(d + 1) ε/2 (Σ|w_j x_j| + |b|)`. Both bounds are tested against values of many digits.
///
/// # Examples
/// ```
/// use double_descent::features::{FeatureMap, PairOrder, RandomFourier};
/// use ndarray::array;
///
/// let map = RandomFourier::gaussian(2, 5000, 0.125, 0)?;
/// let inputs = array![[1.0, 0.0], [0.0, 0.5]];
/// let kernel = (-0.125 * 1.25_f64).exp();
///
/// let z = map.design(&inputs, 5000)?;
/// assert!((z.row(0).dot(&z.row(1)) / 5000.0 - kernel).abs() < 0.05);
/// let z = map.into_pairs(PairOrder::Interleaved).design(&inputs, 10_000)?;
/// assert!((z.row(0).dot(&z.row(1)) / 10_000.0 - kernel).abs() < 0.01);
/// # Ok::<(), double_descent::Error>(())
/// ```
///
/// # References
/// Rahimi and Recht, *Random features for large-scale kernel machines*, NIPS 2007; Sutherland and Schneider, *On the
/// error of random Fourier features*, UAI 2015, arXiv:1506.02785: the variances.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomFourier {
    frequencies: Frequencies,
    form: Form,
    amplitude: f64,
    /// The kernel and the seed that the frequencies were drawn from.
    drawn: Option<(StationaryKernel, u64)>,
}

/// The order of cosines and sines of frequencies `0, 1, …, P − 1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum PairOrder {
    /// `cos₀, sin₀, cos₁, sin₁, …`: the first `2q` columns are the map of `q` frequencies.
    #[default]
    Interleaved,
    /// `cos₀, …, cos_{P−1}, sin₀, …, sin_{P−1}`, the order in published tables, for `p = 2P`. With fewer columns some
    /// sines are missing, and the columns of a map with more frequencies do not begin with these.
    Blocks,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Cosines,
    Pairs(PairOrder),
}

/// The columns of one kind, cosines or sines: `column = offset + step · frequency`.
#[derive(Clone, Copy)]
struct Part {
    wave: Wave,
    amplitude: f64,
    offset: usize,
    step: usize,
}

impl RandomFourier {
    /// Draws `features` (`P`) frequencies in `inputs` (`d`) dimensions for a kernel, and makes cosines of them.
    ///
    /// # Examples
    /// ```
    /// use double_descent::features::{FeatureMap, RandomFourier, StationaryKernel};
    ///
    /// let kernel = StationaryKernel::Matern { nu: 1.5, length_scale: 2.0 };
    /// let map = RandomFourier::new(784, 1000, kernel, 3)?;
    /// assert_eq!(
    ///     map.describe(),
    ///     "random Fourier features cos(w·x + b) of the Matérn kernel, ν = 1.5, length scale 2, 784 inputs"
    /// );
    /// assert_eq!(map.seed(), Some(3));
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Empty`] for no inputs or features, [`Error::Domain`] unless the kernel's parameters are finite and
    /// positive, [`Error::Overflow`] for a frequency over 1.8e308, [`Error::Memory`] if the frequencies do not fit
    /// into memory.
    pub fn new(inputs: usize, features: usize, kernel: StationaryKernel, seed: u64) -> Result<Self, Error> {
        kernel.check()?;
        let mut frequencies = Frequencies::zeros(inputs, features)?;
        for (k, (frequency, phase)) in frequencies.iter_mut().enumerate() {
            *phase = draw(kernel, seed, k, frequency)?;
        }
        let drawn = Some((kernel, seed));
        Ok(Self { frequencies, form: Form::Cosines, amplitude: std::f64::consts::SQRT_2, drawn })
    }

    /// Makes features of the Gaussian kernel `exp(−γ ‖x − x'‖²)`, `γ` as in scikit-learn: `w ~ N(0, 2γ I)`. To give a
    /// bandwidth instead, use [`StationaryKernel::gaussian_of_bandwidth`].
    ///
    /// # Errors
    /// As [`RandomFourier::new`].
    pub fn gaussian(inputs: usize, features: usize, gamma: f64, seed: u64) -> Result<Self, Error> {
        Self::new(inputs, features, StationaryKernel::Gaussian { gamma }, seed)
    }

    /// Makes features of the Laplacian kernel `exp(−γ ‖x − x'‖₁)`.
    ///
    /// # Errors
    /// As [`RandomFourier::new`].
    pub fn laplacian(inputs: usize, features: usize, gamma: f64, seed: u64) -> Result<Self, Error> {
        Self::new(inputs, features, StationaryKernel::Laplacian { gamma }, seed)
    }

    /// Makes features of the Matérn kernel of smoothness `ν` and length scale `ℓ`.
    ///
    /// # Errors
    /// As [`RandomFourier::new`].
    pub fn matern(
        inputs: usize,
        features: usize,
        nu: f64,
        length_scale: f64,
        seed: u64,
    ) -> Result<Self, Error> {
        Self::new(inputs, features, StationaryKernel::Matern { nu, length_scale }, seed)
    }

    /// Makes cosines of given frequencies `W` (`P × d`, a row for each feature) and phases `b` (`P`), to reproduce
    /// published features. If `W` has a column for each feature, pass `&w.t()`.
    ///
    /// | published | here |
    /// |---|---|
    /// | scikit-learn's `RBFSampler`: `√(2/p) cos(X W + b)` | `from_weights(&random_weights.t(), &random_offset)`, [`with_kernel_amplitude(p)`](Self::with_kernel_amplitude) |
    /// | Rahimi and Recht 2007: `√(2/p) cos(w·x + b)`, or pairs over `√(p/2)` | the same, or [`Self::from_frequencies`] |
    /// | Liao, Couillet and Mahoney 2020, arXiv:2006.05013: `[cos(W x), sin(W x)]` | [`Self::from_frequencies`] in [`PairOrder::Blocks`], `with_amplitude(1.0)` |
    /// | Belkin et al. 2019, arXiv:1812.11118: `exp(i v·x)`, `v ~ N(0, σ⁻² I)` | [`Self::from_frequencies`] or a Gaussian kernel of bandwidth `σ`, [`Self::complex_system`], `with_amplitude(1.0)` |
    /// | Nakkiran et al. 2019, arXiv:1912.02292, appendix D: `exp(−i w·x)`, `w ~ N(0, I/d)` | the same, of bandwidth `√d`: the sign conjugates the coefficients |
    ///
    /// # Examples
    /// ```
    /// use double_descent::features::{FeatureMap, RandomFourier};
    /// use ndarray::array;
    ///
    /// let w = array![[0.5, -1.0, 2.0], [0.25, 0.0, 1.0]]; // 2 × 3: a column for each feature
    /// let b = [0.1, 0.2, 0.3];
    /// let map = RandomFourier::from_weights(&w.t(), &b)?.with_amplitude(1.0)?;
    /// let x = array![[1.0, 2.0]];
    /// assert!((map.design(&x, 3)?[[0, 0]] - (0.5 + 2.0 * 0.25 + 0.1_f64).cos()).abs() < 1e-15);
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Empty`] without frequencies, [`Error::Shape`] unless there is a phase for each,
    /// [`Error::NonFinite`] for NaN or an infinity, [`Error::Memory`] if they do not fit into memory.
    pub fn from_weights(frequencies: &ArrayRef2<f64>, phases: &[f64]) -> Result<Self, Error> {
        let (count, inputs) = frequencies.dim();
        let mut copy = Frequencies::zeros(inputs, count)?;
        Error::check_len("phases", count, phases.len())?;
        Error::check_finite("the frequencies", frequencies.view())?;
        Error::check_finite("the list of phases", aview1(phases).insert_axis(Axis(0)))?;
        for (((to, phase), from), given) in copy.iter_mut().zip(frequencies.rows()).zip(phases) {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            *phase = *given;
        }
        let amplitude = std::f64::consts::SQRT_2;
        Ok(Self { frequencies: copy, form: Form::Cosines, amplitude, drawn: None })
    }

    /// Makes pairs of given frequencies `W`, `P × d`: `2P` columns.
    ///
    /// # Errors
    /// As [`RandomFourier::from_weights`].
    pub fn from_frequencies(frequencies: &ArrayRef2<f64>, order: PairOrder) -> Result<Self, Error> {
        let phases = vec![0.0; frequencies.nrows()];
        Ok(Self::from_weights(frequencies, &phases)?.into_pairs(order))
    }

    /// Makes a cosine and a sine of each frequency. The phases become 0: a pair spans the same functions, at the same
    /// norm, whatever its phase.
    #[must_use]
    pub fn into_pairs(mut self, order: PairOrder) -> Self {
        self.frequencies.clear_phases();
        Self { form: Form::Pairs(order), ..self }
    }

    /// Sets the amplitude `a`: see [Amplitude](#amplitude).
    ///
    /// # Errors
    /// [`Error::Domain`] unless the amplitude is finite and > 0.
    pub fn with_amplitude(self, amplitude: f64) -> Result<Self, Error> {
        if !(amplitude > 0.0 && amplitude.is_finite()) {
            return Err(Error::Domain { what: "the amplitude", value: amplitude, must_be: "finite and > 0" });
        }
        Ok(Self { amplitude, ..self })
    }

    /// Sets the amplitude to `√(2/p)`, so that `φ(x)·φ(x')` over `p` columns is itself the estimate of the kernel. Use
    /// this only for designs of exactly `p` columns: the amplitude does not change with the number of columns
    /// requested.
    ///
    /// # Examples
    /// ```
    /// use double_descent::features::{FeatureMap, RandomFourier};
    /// use ndarray::array;
    ///
    /// let map = RandomFourier::gaussian(1, 1000, 1.0, 0)?.with_kernel_amplitude(1000)?;
    /// let z = map.design(&array![[0.3]], 1000)?;
    /// assert!((z.row(0).dot(&z.row(0)) - 1.0).abs() < 0.1); // k(x, x) = 1
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Empty`] for `p = 0`.
    pub fn with_kernel_amplitude(self, p: usize) -> Result<Self, Error> {
        if p == 0 {
            return Err(Error::Empty { what: "the list of features" });
        }
        self.with_amplitude((2.0 / p as f64).sqrt())
    }

    /// The largest `p`: `P` for cosines, `2P` for pairs.
    #[must_use]
    pub fn outputs(&self) -> usize {
        match self.form {
            Form::Cosines => self.frequencies.count(),
            Form::Pairs(_) => 2 * self.frequencies.count(),
        }
    }

    /// The frequencies `W`, `P × d`.
    #[must_use]
    pub fn frequencies(&self) -> ArrayView2<'_, f64> {
        self.frequencies.frequencies()
    }

    /// The phases `b`, `P`; zeros for pairs.
    #[must_use]
    pub fn phases(&self) -> &[f64] {
        self.frequencies.phases()
    }

    /// The amplitude `a`.
    #[must_use]
    pub fn amplitude(&self) -> f64 {
        self.amplitude
    }

    /// Assigns columns to `first` and, for pairs, to `second`.
    fn parts(&self, first: (Wave, f64), second: (Wave, f64)) -> Vec<Part> {
        let part = |(wave, amplitude): (Wave, f64), offset, step| Part { wave, amplitude, offset, step };
        match self.form {
            Form::Cosines => vec![part(first, 0, 1)],
            Form::Pairs(PairOrder::Interleaved) => vec![part(first, 0, 2), part(second, 1, 2)],
            Form::Pairs(PairOrder::Blocks) => {
                vec![part(first, 0, 1), part(second, self.frequencies.count(), 1)]
            }
        }
    }

    /// A range of frequencies that covers the given columns, and may hold more.
    fn frequencies_of(&self, columns: &Range<usize>) -> Range<usize> {
        let count = self.frequencies.count();
        match self.form {
            Form::Cosines => columns.clone(),
            Form::Pairs(PairOrder::Interleaved) => columns.start / 2..columns.end.div_ceil(2),
            Form::Pairs(PairOrder::Blocks) if columns.end <= count => columns.clone(),
            Form::Pairs(PairOrder::Blocks) if columns.start >= count => {
                columns.start - count..columns.end - count
            }
            Form::Pairs(PairOrder::Blocks) => 0..count,
        }
    }

    /// Computes some columns of the design matrix made of the given parts, `n × columns.len()`.
    fn table(
        &self,
        inputs: &ArrayRef2<f64>,
        columns: Range<usize>,
        parts: &[Part],
    ) -> Result<Array2<f64>, Error> {
        check_outputs(self.outputs(), columns.end)?;
        let mut design = checked_zeros(self, inputs, columns.len())?;
        self.write(inputs, columns, parts, design.as_slice_mut().unwrap_or_default())?;
        Ok(design)
    }

    /// Like [`Self::table`], but writes into an existing row-major table; uses all threads available for one problem.
    fn write(
        &self,
        inputs: &ArrayRef2<f64>,
        columns: Range<usize>,
        parts: &[Part],
        features: &mut [f64],
    ) -> Result<(), Error> {
        let (rows, width) = (inputs.nrows(), columns.len());
        let each = rows.div_ceil(for_one_problem()).max(FEWEST_ROWS);
        if each >= rows {
            return self.write_rows(inputs.view(), columns, parts, features);
        }
        // Once for all threads. The bits of a row do not depend on the other rows of its block.
        self.frequencies.prepare(inputs.view())?;
        let blocks = features.par_chunks_mut(each * width).enumerate();
        blocks.try_for_each(|(block, features)| {
            let first = block * each;
            let inputs = inputs.slice(s![first..rows.min(first + each), ..]);
            self.write_rows(inputs, columns.clone(), parts, features)
        })
    }

    fn write_rows(
        &self,
        inputs: ArrayView2<'_, f64>,
        columns: Range<usize>,
        parts: &[Part],
        features: &mut [f64],
    ) -> Result<(), Error> {
        let width = columns.len();
        self.frequencies.each_tile(inputs, self.frequencies_of(&columns), |rows, tile, products| {
            for part in parts {
                // The frequencies of this tile whose column in this part is requested.
                let bound = |column: usize| column.saturating_sub(part.offset).div_ceil(part.step);
                let last = tile.end.min(self.frequencies.count()).min(bound(columns.end));
                let first = tile.start.max(bound(columns.start));
                if first >= last {
                    continue;
                }
                let place = |frequency: usize| part.offset + part.step * frequency - columns.start;
                let phases = self.frequencies.phases_of(tile.clone());
                let finite = part.wave.apply(products, (phases, part.amplitude), |row, group, values| {
                    let group = tile.start + group;
                    let wanted = first.max(group)..last.min(group + GROUP);
                    let Some(&row) = rows.get(row).filter(|_| !wanted.is_empty()) else { return };
                    let row = &mut features[row * width..][..width];
                    if part.step == 1 && wanted.len() == GROUP {
                        let places = row[place(group)..][..GROUP].iter_mut();
                        places.zip(values).for_each(|(to, from)| *to = *from);
                        return;
                    }
                    let values = &values[wanted.start - group..wanted.end - group];
                    let places = row[place(wanted.start)..].iter_mut().step_by(part.step);
                    places.zip(values).for_each(|(to, from)| *to = *from);
                });
                let mut written = rows.iter().flat_map(|row| {
                    features[row * width..][..width][place(first)..]
                        .iter()
                        .step_by(part.step)
                        .take(last - first)
                });
                if !finite && written.any(|value| value.is_nan()) {
                    return Err(Error::Overflow { what: "the phase of a Fourier feature" });
                }
            }
            Ok(())
        })
    }
}

impl FeatureMap for RandomFourier {
    fn input_dimension(&self) -> usize {
        self.frequencies.inputs()
    }

    fn most_features(&self) -> usize {
        self.outputs()
    }

    /// `inputs` `(n, d)` → `(n, p)`. [`Error::Shape`] for `p` over [`RandomFourier::outputs`].
    fn design(&self, inputs: &ArrayRef2<f64>, p: usize) -> Result<Array2<f64>, Error> {
        self.columns(inputs, 0..p)
    }

    /// Costs `2 n d` flops per frequency; frequencies of other columns are skipped.
    fn columns(&self, inputs: &ArrayRef2<f64>, columns: Range<usize>) -> Result<Array2<f64>, Error> {
        let parts = self.parts((Wave::Cosine, self.amplitude), (Wave::Sine, self.amplitude));
        self.table(inputs, columns, &parts)
    }

    /// Writes directly into `design` if it is row-major.
    fn write_columns(
        &self,
        inputs: &ArrayRef2<f64>,
        columns: Range<usize>,
        design: &mut ArrayRef2<f64>,
    ) -> Result<(), Error> {
        check_design(inputs, &columns, design)?;
        let Some(features) = design.as_slice_mut() else {
            return copy_columns(|| self.describe(), &self.columns(inputs, columns)?, design);
        };
        check_outputs(self.outputs(), columns.end)?;
        check_inputs(self, inputs, columns.len())?;
        let parts = self.parts((Wave::Cosine, self.amplitude), (Wave::Sine, self.amplitude));
        self.write(inputs, columns, &parts, features)
    }

    fn cosines(&self) -> Option<Cosines<'_>> {
        let Self { frequencies, amplitude, .. } = self;
        (self.form == Form::Cosines).then(|| Cosines {
            frequencies: frequencies.frequencies(),
            phases: frequencies.phases(),
            amplitude: *amplitude,
        })
    }

    fn seed(&self) -> Option<u64> {
        self.drawn.map(|(_, seed)| seed)
    }

    fn describe(&self) -> String {
        let form = match self.form {
            Form::Cosines => "cos(w·x + b)",
            Form::Pairs(_) => "[cos w·x, sin w·x]",
        };
        let inputs = counted(self.input_dimension(), "input");
        match self.drawn {
            Some((kernel, _)) => {
                let kernel = kernel.describe();
                format!("random Fourier features {form} of the {kernel}, {inputs}")
            }
            None => format!("Fourier features {form} of given frequencies, {inputs}"),
        }
    }
}
