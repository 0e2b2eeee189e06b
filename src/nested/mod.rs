//! Every point of a curve, exactly, from one factorisation that grows a row or a column at a time.
//!
//! A curve of `N` separate fits costs `N` factorisations. But its problems are nested: the next one has one
//! row, or one column, more. Both engines here keep a complete orthogonal decomposition with a triangle
//! `L` (`r × r`, `r` the rank) in its middle and let it grow,
//!
//! ```text
//! rows appended      X (n × p) = W L Q       β̂ = Qᵀ L⁻¹ c       c = Wᵀ Y     predictions  (A Qᵀ)(L⁻¹ c)
//! columns appended   X (n × p) = Q Lᵀ Wᵀ     β̂ = W L⁻ᵀ c        c = Q Y      predictions  (A W)(L⁻ᵀ c)
//! ```
//!
//! with orthonormal rows in `Q` and orthonormal columns in `W`, which is never formed: what it is needed
//! for (`c` in [`Rows`], the test features `A W` in [`Columns`]) is carried along.
//!
//! - A new row (column) that is independent of those before it appends a row to `L` and a vector to `Q`:
//!   the LQ (QR) factorisation, nested by itself. Cost O(r p) (O(r n)).
//! - A new row (column) in the span of those before it, be it for want of room (`n > p`, or `p > n`) or a
//!   duplicate, a multiple, all zeros, is taken into `L` by `r` Givens rotations (Golub and Van Loan,
//!   *Matrix Computations*, section 6.5). Cost O(r²). What is left of its target is the training error.
//!
//! So every point is the minimum-norm fit, `β̂ = X⁺ Y`, on both sides of the interpolation threshold `n = p`
//! and with dependent rows and columns anywhere. Every step is orthogonal: no Gram matrix, no updated
//! inverse. A point is the exact fit to features and targets that are off by a few `ε` of their norms, whatever the
//! curve went through before: the badly conditioned matrix at the threshold does not spoil the points after it.
//!
//! # Accuracy
//! With singular values `σ₁ ≥ … ≥ σᵣ`, `κ = σ₁ / σᵣ` and what the fit leaves of the targets, `‖X β̂ − Y‖² = n k ·`
//! [`Point::train_mse`], coefficients and root mean squared errors are off by at most
//!
//! ```text
//! β̂, ‖β̂‖            c κ ε (‖β̂‖ + ‖Y‖/σ₁ + κ ‖X β̂ − Y‖/σ₁)
//! √test_mse         ‖A‖/√(m k) of that, A the m test rows, and c κ ε (√mean (A β̂)² + √mean Y_A²)
//! √train_mse        c κ ε ‖Y‖/√(n k)
//! ```
//!
//! with c = 10; up to 3 is seen. Where nothing is left over, as with `n ≤ p` independent rows, that is `κ ε`: about
//! `log₁₀ κ` digits are lost, and each point agrees with [`Svd::solve`] within that. Large residuals with `n > p`
//! bring in `κ²`, for any stable solver: it is how far the fit itself moves when `X` is rounded (Wedin, *Perturbation
//! theory for pseudo-inverses*, BIT 1973; Higham, *Accuracy and Stability of Numerical Algorithms*, section 20.1).
//!
//! # Blocks
//! [`Rows::extend`] and [`Columns::extend`] turn whole blocks of rows or columns into matrix–matrix work: Householder
//! reflections up to the threshold, where only what lies in the span of those before goes alone, and from there on
//! reflections in place of rotations, and the points of a block as sums of steps. Past the threshold no basis is needed:
//! rows are taken in as they are, by the triangle in the coordinates of the features themselves. At p = 1000 every n from
//! 1 to 4000, or at n = 1000 every p, then costs about one SVD of the largest matrix with a thousand test rows, and two to
//! three with ridge. Just after the threshold, where the norm of the fit falls fast, blocks are of one, two, four rows or
//! columns. The next block is taken in while the fits of one are measured, by another thread of the pool if there is one.
//!
//! # Ridge
//! [`Rows::with_ridge`] and [`Columns::with_ridge`] make every fit that of [`Ridge`] with one penalty. A second
//! triangle `R`, `Rᵀ R = Lᵀ L + λ I`, grows beside `L` by the same rotations, a row of `√λ I` for each
//! direction that the data add. A point loses `log₁₀ κ` digits, `κ² = (σ₁² + λ) / (σᵣ² + λ)` with `r` the
//! rank, be λ large or small; training errors of rows that are taken in whole blocks past the threshold are
//! good to `κ ε` of the targets. Where rows are dependent and their targets differ, the fit itself is as
//! sensitive as `ε ‖X β̂ − Y‖ / λ` to the rounding of `X`.
//!
//! Nothing is cut off. Where features (rows, for [`Columns`]) differ in size by so much that a whole direction lies
//! under the rounding of the others, and λ is so small that it counts, that point and all after it have an SVD of
//! their whole matrix; [`Point::engine`] says so. Only for penalties so weak (`√λ` under 1e8 times that rounding) are
//! rows or columns kept, O(N p), until they span all directions.
//!
//! # What else a point can say
//! Where asked for at the start: the expected noise term ([`Rows::with_noise_covariance`]), the
//! leave-one-out error ([`Rows::with_leave_one_out`]), the smallest singular value
//! ([`Rows::with_smallest_singular_value`]). With [`Compressed::population`] in place of a test table, bias
//! and noise term together are the risk of every point given the training features, with neither noise nor
//! test rows drawn.
//!
//! # Where a point is handed over to the SVD
//! Whether a row is dependent is a clear-cut question only up to rounding: what leaves the span of the rows
//! before by less than `max(n, p, 16) ε` of the longest row counts as inside. Beyond that, the crate's
//! rank cutoff ([`Cutoff::MachinePrecision`], `max(n, p) ε σ₁`) decides, on singular values. So
//! where an estimate of the condition number of `L` is over `1 / (8 max(n, p) ε)`, that one point is computed
//! by the checked SVD of `L`, whose singular values are those of `X`; [`Point::engine`] says so. The next
//! point that is well conditioned goes on without.
//!
//! # Grids of n and p
//! [`Plane`] gives the fits of all pairs from two lists of n and p, by two factorisations in all.
//!
//! # Many repeats
//! [`noise`] does the noise term alone, for many small problems at once, eight to a SIMD register.
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
