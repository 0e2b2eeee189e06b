//! Every point of a curve, exactly, from one factorisation that grows a row or a column at a time.
//!
//! A curve of `N` separate fits costs `N` factorisations. But its problems are nested: each has one more row, or
//! column, than the one before. Both engines here grow a complete orthogonal decomposition with a triangle `L` (`r ×
//! r`, where `r` is the rank) in its middle,
//!
//! ```text
//! rows appended      X (n × p) = W L Q       β̂ = Qᵀ L⁻¹ c       c = Wᵀ Y     predictions  (A Qᵀ)(L⁻¹ c)
//! columns appended   X (n × p) = Q Lᵀ Wᵀ     β̂ = W L⁻ᵀ c        c = Q Y      predictions  (A W)(L⁻ᵀ c)
//! ```
//!
//! with orthonormal rows in `Q` and orthonormal columns in `W`. `W` is never formed: the quantities that need it (`c`
//! in [`Rows`], the test features `A W` in [`Columns`]) are carried along.
//!
//! - A new row (column) that is independent of those before it appends a row to `L` and a vector to `Q`:
//!   the LQ (QR) factorisation, nested by itself. Cost O(r p) (O(r n)).
//! - A new row (column) in the span of those before it, because no direction is left (`n > p`, or `p > n`) or because
//!   it is a duplicate, a multiple or all zeros, is rotated into `L` by `r` Givens rotations (Golub and Van Loan,
//!   *Matrix Computations*, section 6.5). Cost O(r²). The remainder of its target is the training error.
//!
//! So every point is the minimum-norm fit, `β̂ = X⁺ Y`, on both sides of the interpolation threshold `n = p` and with
//! dependent rows and columns anywhere. Every step is orthogonal: no Gram matrix, no updated inverse. A point is the
//! exact fit to features and targets perturbed by a few `ε` of their norms, whatever the curve passed through before:
//! the badly conditioned matrix at the threshold does not spoil later points.
//!
//! # Accuracy
//! With singular values `σ₁ ≥ … ≥ σᵣ`, `κ = σ₁ / σᵣ` and the residual `‖X β̂ − Y‖² = n k ·` [`Point::train_mse`], the
//! errors of coefficients and root mean squared errors are at most
//!
//! ```text
//! β̂, ‖β̂‖            c κ ε (‖β̂‖ + ‖Y‖/σ₁ + κ ‖X β̂ − Y‖/σ₁)
//! √test_mse         ‖A‖/√(m k) of that, A the m test rows, and c κ ε (√mean (A β̂)² + √mean Y_A²)
//! √train_mse        c κ ε ‖Y‖/√(n k)
//! ```
//!
//! with c = 10; up to 3 is observed. With zero residual, as for `n ≤ p` independent rows, that is `κ ε`: about `log₁₀
//! κ` digits are lost, and each point agrees with [`Svd::solve`] within that. Large residuals with `n > p` bring in
//! `κ²`, for any stable solver: this is how far the fit itself moves when `X` is rounded (Wedin, *Perturbation theory
//! for pseudo-inverses*, BIT 1973; Higham, *Accuracy and Stability of Numerical Algorithms*, section 20.1).
//!
//! # Blocks
//! [`Rows::extend`] and [`Columns::extend`] process whole blocks of rows or columns as matrix–matrix work. Up to the
//! threshold they use Householder reflections; only vectors in the span of those before are processed one by one. Past
//! it, reflections replace rotations, and the points of a block are sums of steps. Past the threshold no basis is
//! needed: rows are taken in as they are, with the triangle in the coordinates of the features themselves. At p = 1000
//! every n from 1 to 4000, or at n = 1000 every p, then costs about one SVD of the largest matrix with a thousand test
//! rows, and two to three with ridge. Just after the threshold, where the norm of the fit falls fast, blocks have one,
//! two, four rows or columns. The next block is taken in while the fits of the current one are measured, by another
//! thread of the pool if there is one.
//!
//! # Ridge
//! [`Rows::with_ridge`] and [`Columns::with_ridge`] make every fit that of [`Ridge`] with one penalty. A second
//! triangle `R`, `Rᵀ R = Lᵀ L + λ I`, grows next to `L` by the same rotations, with a row of `√λ I` for each direction
//! that the data add. A point loses `log₁₀ κ` digits, `κ² = (σ₁² + λ) / (σᵣ² + λ)` with `r` the rank, whether λ is
//! large or small; training errors of rows taken in whole blocks past the threshold are accurate to `κ ε` of the
//! targets. If rows are dependent and their targets differ, the fit's own sensitivity to the rounding of `X` is `ε ‖X
//! β̂ − Y‖ / λ`.
//!
//! Nothing is cut off. If features (rows, for [`Columns`]) differ so much in size that a whole direction lies below the
//! rounding error of the others, and λ is so small that this direction counts, that point and all later ones use an SVD
//! of their whole matrix; [`Point::engine`] says so. Only for such weak penalties (`√λ` under 1e8 times that rounding)
//! are rows or columns kept, O(N p), until they span all directions.
//!
//! # What else a point can say
//! If requested at the start: the expected noise term ([`Rows::with_noise_covariance`]), the leave-one-out error
//! ([`Rows::with_leave_one_out`]), the smallest singular value ([`Rows::with_smallest_singular_value`]). With
//! [`Compressed::population`] in place of a test table, bias and noise term together are the risk of every point given
//! the training features, with neither noise nor test rows drawn.
//!
//! # Where a point is handed over to the SVD
//! Whether a row is dependent is clear-cut only up to rounding: a row that leaves the span of the earlier rows by less
//! than `max(n, p, 16) ε` of the longest row counts as inside. Beyond that, the crate's rank cutoff
//! ([`Cutoff::MachinePrecision`], `max(n, p) ε σ₁`) decides, based on singular values. So if an estimate of the
//! condition number of `L` exceeds `1 / (8 max(n, p) ε)`, that point is computed by the checked SVD of `L`, whose
//! singular values are those of `X`; [`Point::engine`] says so. The next well-conditioned point no longer needs the
//! SVD.
//!
//! # Grids of n and p
//! [`Plane`] computes the fits for all pairs from two lists of n and p, with two factorisations in total.
//!
//! # Many repeats
//! [`noise`] computes only the noise term, for many small problems at once, eight per SIMD register.
//!
//! # A curve of every n in a few lines
//! ```
//! use double_descent::nested::{Test, sample_curve};
//! use double_descent::{dataset::StudentTeacher, risk::Compressed};
//! use ndarray::s;
//!
//! let data = StudentTeacher::new(0).generate()?;
//! let (x, y) = (data.features(), data.targets());
//! let test = Compressed::new(&x.slice(s![500.., ..]), &y.slice(s![500.., ..]))?;
//! let curve = sample_curve(&x.slice(s![..500, ..]), &y.slice(s![..500, ..]), Test::Rows(&test))?;
//!
//! assert_eq!(curve.len(), 500);
//! let peak = curve.iter().max_by(|a, b| a.test_mse.unwrap().total_cmp(&b.test_mse.unwrap())).unwrap();
//! assert!(peak.n.abs_diff(20) <= 2); // p = 20
//! # Ok::<(), double_descent::Error>(())
//! ```
//!
//! # References
//! Hastie, Montanari, Rosset and Tibshirani, *Surprises in high-dimensional ridgeless least squares
//! interpolation*, Annals of Statistics 2022 (minimum norm on both sides of the threshold); Nakkiran, *More
//! data can hurt for linear regression*, arXiv:1912.07242 (the sample-wise curve); Stewart, *Updating a
//! rank-revealing ULV decomposition*, SIAM J. Matrix Anal. Appl. 1993 (the decomposition).
//!
//! [`Compressed::population`]: crate::risk::Compressed::population
//! [`Ridge`]: crate::filter::Ridge
//! [`Svd::solve`]: crate::svd::Svd::solve
//! [`Cutoff::MachinePrecision`]: crate::svd::Cutoff::MachinePrecision

mod basis;
mod block;
mod carried;
mod column_block;
mod columns;
mod curves;
mod excess;
mod fit;
mod fold;
mod graded;
mod held_out;
mod kept;
mod leave_one_out;
pub mod noise;
mod noise_term;
mod parts;
mod penalty;
mod plane;
mod refits;
mod room;
mod rows;
mod scale;
mod smallest;
mod triangle;
mod upper;

pub use crate::curve::point::{Engine, LeftOut, Point};
pub use columns::Columns;
pub(crate) use curves::{columns_bytes, rows_bytes};
pub use curves::{feature_curve, sample_curve};
pub use held_out::Test;
pub use plane::{Plane, PlaneFit, Request};
pub use rows::Rows;
