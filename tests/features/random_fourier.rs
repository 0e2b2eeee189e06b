//! Random Fourier features: their limiting kernels, bitwise equal blocks, published tables replayed, complex features.

use dashu_float::FBig;
use dashu_float::round::mode::HalfEven;
use double_descent::Error;
use double_descent::features::{FeatureMap, PairOrder, RandomFourier, StationaryKernel};
use double_descent::filter::MinNorm;
use double_descent::rng::stream;
use double_descent::svd::Svd;
use ndarray::{Array2, array, s};
use rand::RngExt;
use rand_distr::StandardNormal;

fn normal(n: usize, p: usize, seed: u64) -> Array2<f64> {
    let mut rng = stream(seed, n, p);
    Array2::from_shape_simple_fn((n, p), || rng.sample(StandardNormal))
}

/// The map as cosines, as interleaved pairs, and as pairs in blocks.
fn forms(map: &RandomFourier) -> [RandomFourier; 3] {
    let pairs = |order| map.clone().into_pairs(order);
    [map.clone(), pairs(PairOrder::Interleaved), pairs(PairOrder::Blocks)]
}

/// `k` at a difference of inputs; for Matérn, half-integer smoothness only.
fn value(kernel: StationaryKernel, difference: &[f64]) -> f64 {
    let square: f64 = difference.iter().map(|v| v * v).sum();
    let sum: f64 = difference.iter().map(|v| v.abs()).sum();
    match kernel {
        StationaryKernel::Gaussian { gamma } => (-gamma * square).exp(),
        StationaryKernel::Laplacian { gamma } => (-gamma * sum).exp(),
        StationaryKernel::Matern { nu, length_scale } => {
            let r = (2.0 * nu * square).sqrt() / length_scale;
            let polynomial = match nu {
                0.5 => 1.0,
                1.5 => 1.0 + r,
                2.5 => 1.0 + r + r * r / 3.0,
                _ => unreachable!(),
            };
            polynomial * (-r).exp()
        }
        _ => unreachable!(),
    }
}

/// Over seeds, `φ(x)·φ(x')/p` has mean `k` and the documented variance at every `p`: the error falls as `p^(−1/2)`.
#[test]
fn the_gram_matrix_tends_to_the_kernel_at_the_stated_rate() {
    const SEEDS: u32 = 400;
    const LARGEST: usize = 1024;
    let inputs = array![[0.0, 0.0, 0.0], [0.3, -0.2, 0.5], [1.1, 0.4, -0.7]];
    let kernels = [
        StationaryKernel::Gaussian { gamma: 0.4 },
        StationaryKernel::gaussian_of_bandwidth(0.8).unwrap(),
        StationaryKernel::Laplacian { gamma: 0.5 },
        StationaryKernel::Matern { nu: 0.5, length_scale: 1.3 },
        StationaryKernel::Matern { nu: 1.5, length_scale: 0.9 },
        StationaryKernel::Matern { nu: 2.5, length_scale: 1.0 },
    ];
    let mut largest = 0.0_f64;
    for kernel in kernels {
        for pairs in [false, true] {
            let sizes = [16, 64, 256, LARGEST];
            let places = [(0, 1), (0, 2), (1, 2)];
            let mut sums = [[[0.0; 2]; 3]; 4];
            let difference = |(i, j): (usize, usize), times: f64| -> Vec<f64> {
                (0..3).map(|c| times * (inputs[[i, c]] - inputs[[j, c]])).collect()
            };
            for seed in 0..SEEDS {
                let map = RandomFourier::new(3, LARGEST, kernel, u64::from(seed)).unwrap();
                let map = if pairs { map.into_pairs(PairOrder::Interleaved) } else { map };
                let z = map.design(&inputs, LARGEST).unwrap();
                for (p, sums) in sizes.into_iter().zip(&mut sums) {
                    for (place, sums) in places.into_iter().zip(sums) {
                        let (a, b) = (z.slice(s![place.0, ..p]), z.slice(s![place.1, ..p]));
                        let k = value(kernel, &difference(place, 1.0));
                        let twice = value(kernel, &difference(place, 2.0));
                        let times_p =
                            if pairs { 1.0 + twice - 2.0 * k * k } else { 1.0 + 0.5 * twice - k * k };
                        let score = (a.dot(&b) / p as f64 - k) / (times_p / p as f64).sqrt();
                        sums[0] += score;
                        sums[1] += score * score;
                    }
                }
            }
            let seeds = f64::from(SEEDS);
            for (p, sums) in sizes.into_iter().zip(sums) {
                for (place, [first, second]) in places.into_iter().zip(sums) {
                    // Normal except for an excess kurtosis: at small phases a cosine is 1 minus half the square of a
                    // normal variable, whose excess is 12, and there are p/2 of them.
                    let mean = first / seeds.sqrt();
                    let variance = (second - seeds) / (seeds * (2.0 + 24.0 / p as f64)).sqrt();
                    assert!(mean.abs() < 4.5, "{kernel:?}, pairs {pairs}, p = {p}, {place:?}: mean {mean}");
                    assert!(
                        variance.abs() < 4.5,
                        "{kernel:?}, pairs {pairs}, p = {p}, {place:?}: variance {variance}"
                    );
                    largest = largest.max(mean.abs()).max(variance.abs());
                }
            }
        }
    }
    println!("largest of {} z-scores: {largest:.2}", 6 * 2 * 4 * 3 * 2);
}

/// Sets more entries to zero in each successive row; the last row is all zeros.
fn with_zeros(mut inputs: Array2<f64>) -> Array2<f64> {
    let most = (inputs.nrows() - 1).max(1);
    for (i, mut row) in inputs.rows_mut().into_iter().enumerate() {
        // 7 and 31 are coprime, so all remainders occur.
        row.indexed_iter_mut().filter(|(j, _)| (7 * j + i) % 31 * most < 31 * i).for_each(|(_, v)| *v = 0.0);
    }
    inputs
}

/// A feature has the same bits in every block of rows or columns, on every path through the matrix product.
#[test]
fn a_feature_has_the_same_bits_in_every_block() {
    let depths = [1, 2, 3, 4, 5, 16, 17, 63, 64, 100, 600, 1100];
    for (d, zeros) in depths.into_iter().flat_map(|d| [(d, false), (d, true)]) {
        let inputs = normal(70, d, 1) / (d as f64).sqrt();
        let inputs = if zeros { with_zeros(inputs) } else { inputs };
        for map in forms(&RandomFourier::gaussian(d, 90, 0.5, 7).unwrap()) {
            let p = map.outputs();
            let all = map.design(&inputs, p).unwrap();
            for columns in
                [0..1, 0..2, 3..4, 31..33, 5..70, 63..90, 64..65, 89..90, p - 1..p, p / 2 - 1..p, 1..p]
            {
                let some = map.columns(&inputs, columns.clone()).unwrap();
                assert!(
                    some == all.slice(s![.., columns.clone()]),
                    "d = {d}, {columns:?}, {}",
                    map.describe()
                );
            }
            for rows in [0..1, 1..3, 69..70, 7..40, 0..64, 1..70] {
                let some = map.columns(&inputs.slice(s![rows.clone(), ..]), 2..50).unwrap();
                assert!(some == all.slice(s![rows.clone(), 2..50]), "d = {d}, {rows:?}, {}", map.describe());
            }
            // Column-major.
            let turned = inputs.t().as_standard_layout().into_owned();
            assert!(map.design(&turned.t(), p).unwrap() == all);
        }
    }
    // More rows than a tile.
    let map = RandomFourier::gaussian(20, 200, 0.02, 3).unwrap();
    let inputs = normal(2100, 20, 2);
    let all = map.design(&inputs, 200).unwrap();
    for rows in [0..5, 1000..1030, 1023..1025, 2090..2100] {
        assert!(
            map.design(&inputs.slice(s![rows.clone(), ..]), 200).unwrap() == all.slice(s![rows.clone(), ..])
        );
    }
}

#[test]
fn a_feature_is_a_function_of_the_seed_and_its_place() {
    let inputs = normal(9, 4, 5);
    for kernel in [
        StationaryKernel::Gaussian { gamma: 0.3 },
        StationaryKernel::Laplacian { gamma: 0.3 },
        StationaryKernel::Matern { nu: 2.2, length_scale: 3.0 },
    ] {
        let map = |p, seed| RandomFourier::new(4, p, kernel, seed).unwrap();
        let (wide, narrow) = (map(150, 8), map(40, 8));
        assert_eq!(wide.frequencies().slice(s![..40, ..]), narrow.frequencies());
        assert_eq!(wide.phases()[..40], *narrow.phases());
        assert_ne!(wide.frequencies(), map(150, 9).frequencies());
        for order in [PairOrder::Interleaved, PairOrder::Blocks] {
            let design = |map: RandomFourier, p| map.into_pairs(order).design(&inputs, p).unwrap();
            let same = design(wide.clone(), 80) == design(narrow.clone(), 80);
            assert_eq!(same, order == PairOrder::Interleaved, "{order:?}");
        }
        assert!(wide.design(&inputs, 40).unwrap() == narrow.design(&inputs, 40).unwrap());
    }
}

/// Compares features with 300-bit arithmetic. The bound covers rounding of the phase (a sum of `d + 1` terms), 2 units
/// for the cosine and half a unit for the amplitude.
#[test]
fn features_agree_with_many_digits() {
    type Number = FBig<HalfEven, 2>;
    let number = |v: f64| Number::try_from(v).unwrap().with_precision(300).value();
    for (d, scale, zeros) in [(3, 1.0, false), (40, 10.0, false), (784, 1.0, false), (784, 1.0, true)] {
        let (n, features) = (4, 12);
        let w = normal(d, features, 11) * scale; // one column per feature, as in scikit-learn
        let b: Vec<f64> = (0..features).map(|k| 0.4 * k as f64).collect();
        let inputs = normal(n, d, 12);
        let inputs = if zeros { with_zeros(inputs) } else { inputs };
        let amplitude = (2.0 / features as f64).sqrt();
        let map = RandomFourier::from_weights(&w.t(), &b).unwrap().with_kernel_amplitude(features).unwrap();
        assert_eq!(map.amplitude(), amplitude);
        let frequencies = RandomFourier::from_frequencies(&w.t(), PairOrder::Blocks);
        let pairs = frequencies.unwrap().with_amplitude(1.0).unwrap();
        let (z, pairs) =
            (map.design(&inputs, features).unwrap(), pairs.design(&inputs, 2 * features).unwrap());
        let mut worst = 0.0_f64;
        for i in 0..n {
            for k in 0..features {
                let terms = || (0..d).map(|j| (inputs[[i, j]], w[[j, k]]));
                let product = terms().fold(number(0.0), |sum, (x, w)| sum + number(x) * number(w));
                let size: f64 = terms().map(|(x, w)| (x * w).abs()).sum();
                let u = f64::EPSILON / 2.0;
                let sum = (d + 1) as f64 * u * (1.0 + 1e-10);
                let expected = [
                    (z[[i, k]] / amplitude, (product.clone() + number(b[k])).cos(), size + b[k], 7.0 * u),
                    (pairs[[i, k]], product.cos(), size, 4.0 * u),
                    (pairs[[i, features + k]], product.sin(), size, 4.0 * u),
                ];
                for (found, exact, size, units) in expected {
                    let off = (found - exact.to_f64().value()).abs();
                    let bound = sum * size + units;
                    assert!(off <= bound, "d = {d}, {i} {k}: {off:e} over {bound:e}");
                    worst = worst.max(off / bound);
                }
            }
        }
        println!("d = {d}: {worst:.3} of the bound");
    }
}

/// Complex numbers as pairs `a + ib`, with a solver that shares no code with the crate.
mod complex {
    use ndarray::Array2;

    pub type Number = (f64, f64);

    pub fn times(a: Number, b: Number) -> Number {
        (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
    }

    fn over(a: Number, b: Number) -> Number {
        let square = b.0 * b.0 + b.1 * b.1;
        (times(a, (b.0, -b.1)).0 / square, times(a, (b.0, -b.1)).1 / square)
    }

    fn less(a: Number, b: Number) -> Number {
        (a.0 - b.0, a.1 - b.1)
    }

    /// `A Bᴴ`.
    pub fn times_adjoint(a: &Array2<Number>, b: &Array2<Number>) -> Array2<Number> {
        Array2::from_shape_fn((a.nrows(), b.nrows()), |(i, j)| {
            a.row(i).iter().zip(b.row(j)).fold((0.0, 0.0), |sum, (a, b)| {
                let product = times(*a, (b.0, -b.1));
                (sum.0 + product.0, sum.1 + product.1)
            })
        })
    }

    /// Solves `A x = b` by elimination with pivoting.
    pub fn solve(mut a: Array2<Number>, mut b: Vec<Number>) -> Vec<Number> {
        let n = b.len();
        let size = |v: Number| v.0.hypot(v.1);
        for i in 0..n {
            let pivot = (i..n).max_by(|&j, &k| size(a[[j, i]]).total_cmp(&size(a[[k, i]]))).unwrap();
            for j in 0..n {
                a.swap([i, j], [pivot, j]);
            }
            b.swap(i, pivot);
            for k in i + 1..n {
                let factor = over(a[[k, i]], a[[i, i]]);
                for j in i..n {
                    a[[k, j]] = less(a[[k, j]], times(factor, a[[i, j]]));
                }
                b[k] = less(b[k], times(factor, b[i]));
            }
        }
        for i in (0..n).rev() {
            for j in i + 1..n {
                b[i] = less(b[i], times(a[[i, j]], b[j]));
            }
            b[i] = over(b[i], a[[i, i]]);
        }
        b
    }
}

/// Compares with minimum-norm complex coefficients from the complex normal equations, on both sides of the threshold.
#[test]
fn complex_systems_are_complex_least_squares() {
    let (n, d) = (12, 3);
    let (x, y, test) = (normal(n, d, 20), normal(n, 1, 21), normal(30, d, 22));
    for features in [1, 4, 8, 11, 12, 13, 20, 50] {
        let drawn = RandomFourier::gaussian(d, features, 0.5, 23).unwrap().with_amplitude(1.0).unwrap();
        let w = drawn.frequencies().to_owned();
        let design = |x: &Array2<f64>| {
            x.dot(&w.t()).mapv(|t| (t.cos(), t.sin())) // exp(i w·x)
        };
        let z = design(&x);
        let adjoint = z.t().mapv(|v| (v.0, -v.1));
        let coefficients: Vec<complex::Number> = if features <= n {
            // (Zᴴ Z)⁻¹ Zᴴ y
            let gram = complex::times_adjoint(&adjoint, &adjoint);
            let right = (0..features)
                .map(|k| {
                    let row = adjoint.row(k);
                    let sum = |part: fn(&complex::Number) -> f64| {
                        row.iter().zip(y.column(0)).map(|(a, y)| part(a) * y).sum::<f64>()
                    };
                    (sum(|v| v.0), sum(|v| v.1))
                })
                .collect();
            complex::solve(gram, right)
        } else {
            // Zᴴ (Z Zᴴ)⁻¹ y
            let gram = complex::times_adjoint(&z, &z);
            let weights = complex::solve(gram, y.column(0).iter().map(|y| (*y, 0.0)).collect());
            (0..features)
                .map(|k| {
                    adjoint.row(k).iter().zip(&weights).fold((0.0, 0.0), |sum, (a, w)| {
                        let product = complex::times(*a, *w);
                        (sum.0 + product.0, sum.1 + product.1)
                    })
                })
                .collect()
        };
        let norm: f64 = coefficients.iter().map(|c| c.0 * c.0 + c.1 * c.1).sum();
        let expected: Vec<f64> = design(&test)
            .rows()
            .into_iter()
            .map(|row| row.iter().zip(&coefficients).map(|(z, c)| complex::times(*z, *c).0).sum())
            .collect();
        for order in [PairOrder::Interleaved, PairOrder::Blocks] {
            let map = drawn.clone().into_pairs(order);
            let (system, targets) = map.complex_system(&x, &y, 2 * features).unwrap();
            assert_eq!((system.dim(), targets.dim()), ((2 * n, 2 * features), (2 * n, 1)));
            let svd = Svd::new(&system).unwrap();
            assert_eq!(svd.rank(), 2 * n.min(features), "the threshold is at P = n");
            let beta = svd.solve(&targets, &MinNorm::default()).unwrap();
            let found = map.design(&test, 2 * features).unwrap().dot(&beta);
            // The normal equations square the condition number.
            let condition = svd.singular_values()[0] / svd.smallest_nonzero().unwrap();
            let tolerance = 100.0 * condition * condition * f64::EPSILON;
            assert!(tolerance < 1e-4, "P = {features}: κ = {condition:e}");
            let scale = expected.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() <= tolerance * scale, "P = {features}: {found} {expected}");
            }
            let squares: f64 = beta.iter().map(|v| v * v).sum();
            assert!((squares / norm - 1.0).abs() <= tolerance, "P = {features}: {squares} {norm}");
        }
    }
}

/// Where the norm of a fit to noise peaks, as a median over seeds: `P = n` for cosines, `2P = n` for pairs, `P = n` for
/// complex features.
#[test]
fn each_form_has_its_peak_where_it_says() {
    let n = 24;
    let median_norm = |form: usize, frequencies: usize| {
        let mut norms: Vec<f64> = (0..31)
            .map(|seed| {
                let map = RandomFourier::gaussian(10, frequencies, 0.1, seed).unwrap();
                let (x, y) = (normal(n, 10, 100 + seed), normal(n, 1, 200 + seed));
                let map = if form == 0 { map } else { map.into_pairs(PairOrder::Interleaved) };
                let (z, y) = match form {
                    2 => map.complex_system(&x, &y, map.outputs()).unwrap(),
                    _ => (map.design(&x, map.outputs()).unwrap(), y),
                };
                let beta = Svd::new(&z).unwrap().solve(&y, &MinNorm::default()).unwrap();
                beta.iter().map(|v| v * v).sum()
            })
            .collect();
        norms.sort_by(f64::total_cmp);
        norms[norms.len() / 2]
    };
    for (form, peak) in [(0, n), (1, n / 2), (2, n)] {
        let norms: Vec<f64> =
            [1, 2, 3, 4, 5, 6, 8, 12].iter().map(|quarter| median_norm(form, peak * quarter / 4)).collect();
        let highest = (0..norms.len()).max_by(|&a, &b| norms[a].total_cmp(&norms[b])).unwrap();
        assert_eq!(highest, 3, "form {form}: {norms:?}");
    }
}

#[test]
fn predictions_do_not_depend_on_the_amplitude_and_ridge_does_as_documented() {
    use double_descent::filter::Ridge;
    let (x, y, test) = (normal(15, 2, 30), normal(15, 1, 31), normal(10, 2, 32));
    let map = RandomFourier::gaussian(2, 40, 0.7, 4).unwrap();
    let fit = |map: &RandomFourier, filter: &dyn double_descent::filter::SpectralFilter| {
        let beta = Svd::new(&map.design(&x, 40).unwrap()).unwrap().solve(&y, filter).unwrap();
        (map.design(&test, 40).unwrap().dot(&beta), beta.mapv(|v| v * v).sum().sqrt())
    };
    let scaled = map.clone().with_kernel_amplitude(40).unwrap();
    let factor = scaled.amplitude() / map.amplitude();
    assert!((factor - 40f64.powf(-0.5)).abs() < 1e-15);
    let close = |a: &Array2<f64>, b: &Array2<f64>| (a - b).iter().all(|e| e.abs() < 1e-8);
    let ((a, norm), (b, other)) = (fit(&map, &MinNorm::default()), fit(&scaled, &MinNorm::default()));
    assert!(close(&a, &b) && (other * factor / norm - 1.0).abs() < 1e-8);
    let (a, _) = fit(&map, &Ridge::new(0.8).unwrap());
    let (b, _) = fit(&scaled, &Ridge::new(0.8 / 40.0).unwrap());
    assert!(close(&a, &b));
}

#[test]
fn captions_name_what_is_drawn() {
    let map = RandomFourier::gaussian(784, 3, 0.02, 5).unwrap();
    let expected =
        "random Fourier features cos(w·x + b) of the Gaussian kernel, γ = 0.02 (bandwidth 5), 784 inputs";
    assert_eq!((map.describe().as_str(), map.seed()), (expected, Some(5)));
    let pairs = RandomFourier::laplacian(2, 3, 0.1, 1).unwrap().into_pairs(PairOrder::Blocks);
    let expected = "random Fourier features [cos w·x, sin w·x] of the Laplacian kernel, γ = 0.1, 2 inputs";
    assert_eq!(pairs.describe(), expected);
    let given = RandomFourier::from_weights(&array![[1.0, 2.0]], &[0.0]).unwrap();
    assert_eq!(given.describe(), "Fourier features cos(w·x + b) of given frequencies, 2 inputs");
    assert_eq!(given.seed(), None);
}

#[test]
fn what_is_refused() {
    for bad in [0.0, -1.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let kernels = [
            StationaryKernel::Gaussian { gamma: bad },
            StationaryKernel::Laplacian { gamma: bad },
            StationaryKernel::Matern { nu: bad, length_scale: 1.0 },
            StationaryKernel::Matern { nu: 1.0, length_scale: bad },
        ];
        for kernel in kernels {
            let map = RandomFourier::new(2, 3, kernel, 0);
            assert!(matches!(map, Err(Error::Domain { must_be: "finite and > 0", .. })), "{kernel:?}");
        }
        assert!(matches!(StationaryKernel::gaussian_of_bandwidth(bad), Err(Error::Domain { .. })), "{bad}");
        let map = RandomFourier::gaussian(2, 3, 1.0, 0).unwrap();
        assert!(matches!(map.with_amplitude(bad), Err(Error::Domain { .. })), "{bad}");
    }
    // γ = 1/(2ℓ²) overflows or vanishes.
    for bandwidth in [1e-200, 1e200] {
        assert!(matches!(StationaryKernel::gaussian_of_bandwidth(bandwidth), Err(Error::Domain { .. })));
    }
    // Frequencies above 1.8e308.
    assert!(matches!(RandomFourier::laplacian(50, 50, 1e308, 0), Err(Error::Overflow { .. })));
    assert!(matches!(RandomFourier::matern(2, 50, 1e-4, 1.0, 0), Err(Error::Overflow { .. })));
    for kernel in [
        StationaryKernel::Gaussian { gamma: 1e308 },
        StationaryKernel::Gaussian { gamma: 5e-324 },
        StationaryKernel::Laplacian { gamma: 5e-324 },
        StationaryKernel::Matern { nu: 1e308, length_scale: 1e-5 },
    ] {
        let z = RandomFourier::new(2, 50, kernel, 0).unwrap().design(&array![[1.0, 2.0]], 50).unwrap();
        assert!(z.iter().all(|v| v.abs() <= 1.5), "{kernel:?}");
    }
    assert!(matches!(RandomFourier::gaussian(0, 3, 1.0, 0), Err(Error::Empty { .. })));
    assert!(matches!(RandomFourier::gaussian(3, 0, 1.0, 0), Err(Error::Empty { .. })));
    for (inputs, features) in [(usize::MAX, 2), (2, usize::MAX), (1, usize::MAX), (1 << 40, 1 << 40)] {
        let map = RandomFourier::gaussian(inputs, features, 1.0, 0);
        assert!(matches!(map, Err(Error::Memory { .. })), "{inputs} {features}");
    }
    let weights = array![[1.0, 2.0], [3.0, 4.0]];
    let phases = RandomFourier::from_weights(&weights, &[0.0]);
    assert!(matches!(phases, Err(Error::Shape { expected: 2, found: 1, .. })));
    let nan = RandomFourier::from_weights(&array![[1.0, 2.0], [3.0, f64::NAN]], &[0.0, 1.0]);
    assert!(matches!(nan, Err(Error::NonFinite { row: 1, column: 1, .. })));
    let nan = RandomFourier::from_weights(&weights, &[0.0, f64::INFINITY]);
    assert!(matches!(nan, Err(Error::NonFinite { column: 1, .. })));
    assert!(matches!(RandomFourier::from_weights(&normal(0, 2, 0), &[]), Err(Error::Empty { .. })));
    assert!(matches!(RandomFourier::from_weights(&normal(2, 0, 0), &[0.0; 2]), Err(Error::Empty { .. })));

    let cosines = RandomFourier::from_weights(&weights, &[0.0, 1.0]).unwrap();
    let (x, y) = (array![[1.0, 2.0]], array![[1.0]]);
    assert!(matches!(cosines.design(&array![[1e308, 1e308]], 2), Err(Error::Overflow { .. })));
    assert!(matches!(cosines.design(&array![[-1.0, 1e308]], 1), Err(Error::Overflow { .. })));
    // Overflow is reported only for the requested columns.
    let apart = RandomFourier::from_weights(&array![[1.0, 0.0], [0.0, 10.0]], &[0.0; 2]).unwrap();
    let far = array![[1.0, 1e308]];
    assert!(apart.design(&far, 1).is_ok());
    assert!(matches!(apart.columns(&far, 1..2), Err(Error::Overflow { .. })));
    // A huge but finite phase is valid.
    let z = cosines.design(&array![[1e300, 0.0]], 1).unwrap();
    assert!((z[[0, 0]] - 2f64.sqrt() * 1e300_f64.cos()).abs() < 1e-15);
    assert!(matches!(cosines.clone().with_kernel_amplitude(0), Err(Error::Empty { .. })));
    assert!(matches!(cosines.complex_system(&x, &y, 2), Err(Error::Unsupported { .. })));
    let pairs = cosines.into_pairs(PairOrder::Interleaved);
    assert!(matches!(pairs.complex_system(&x, &normal(2, 1, 0), 2), Err(Error::Shape { .. })));
    assert!(matches!(pairs.complex_system(&x, &array![[f64::NAN]], 2), Err(Error::NonFinite { .. })));
    assert!(matches!(pairs.complex_system(&x, &y, 5), Err(Error::Shape { .. })));
    assert!(matches!(pairs.complex_system(&x, &y, 0), Err(Error::Empty { .. })));
    assert!(matches!(pairs.complex_system(&normal(0, 2, 0), &normal(0, 1, 0), 2), Err(Error::Empty { .. })));
}

/// Threads split the rows of a design, dense or with zeros. There are 331 rows, a prime number.
#[test]
fn features_have_the_same_bits_on_any_number_of_threads() {
    let mut rng = stream(8, 0, 0);
    let inputs = Array2::from_shape_simple_fn((331, 70), || rng.sample::<f64, _>(StandardNormal));
    let mixed =
        Array2::from_shape_fn((331, 70), |(i, j)| inputs[[i, j]].max(if i % 3 == 0 { 0.0 } else { -9.0 }));
    for inputs in [inputs, mixed] {
        let map = RandomFourier::gaussian(70, 100, 0.01, 1).unwrap().into_pairs(PairOrder::Interleaved);
        let alone = map.columns(&inputs, 3..190).unwrap();
        for threads in [1, 2, 3, 7] {
            // A fresh map, with nothing cached.
            let map = RandomFourier::gaussian(70, 100, 0.01, 1).unwrap().into_pairs(PairOrder::Interleaved);
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert!(pool.install(|| map.columns(&inputs, 3..190)).unwrap() == alone, "{threads} threads");
        }
    }
}
