//! Kernels against 60-digit values, and kernel regression.

use crate::common::recorded::{recorded, value};
use double_descent::Error;
use double_descent::features::{Activation, StationaryKernel};
use double_descent::filter::{MinNorm, Ridge};
use double_descent::kernel::{ArcCosine, Kernel, KernelRegression, ReluNetwork, WideLayer};
use double_descent::rng::stream;
use double_descent::svd::Svd;
use ndarray::{Array2, ArrayRef2, array};
use rand::RngExt;
use rand_distr::StandardNormal;

/// x, x' and the values of the kernels of `all()`, computed by `tests/reference/kernels.py`.
#[rustfmt::skip]
#[allow(clippy::unreadable_literal, clippy::approx_constant, clippy::type_complexity)]
const VALUES: [([f64; 3], [f64; 3], [f64; 17]); 12] = [
    ([0.3, -1.1, 2.7], [1.4, 0.2, -0.6], [0.39786763194602, 0.7950719062555769, 3.8764651681577833, 0.20445580725643628, -0.20426473610796003, -0.17205780383320424, 3.0101438125111537, 0.9908419339349023, 6.423257995860626e-05, 0.01849971411981925, 0.15618025425888768, 0.1691288061556663, 0.17148481337398372, 2.4829459391795776, 0.23009986889222842, 3.74103803875578, 7.140463827095155]),
    ([0.3, -1.1, 2.7], [0.3, -1.1, 2.7], [1.0, 8.590000000000002, 221.36430000000007, 0.5, 1.0, 0.8576259835844496, 8.590000000000002, 9.788750000000002, 1.0, 1.0, 1.0, 1.0, 1.0, 8.590000000000002, 17.180000000000003, 34.36000000000001, 51.540000000000006]),
    ([0.3, -1.1, 2.7], [0.8999999999999999, -3.3000000000000003, 8.100000000000001], [1.0, 25.770000000000007, 1992.278700000001, 0.4880072310816923, 1.0, 0.8833424317110561, 25.770000000000007, 29.117574798536836, 3.5838441990998945e-11, 0.0032147682753068687, 0.05335059343049144, 0.03793045223495896, 0.031163872668386595, 25.770000000000007, 51.54000000000001, 103.08000000000003, 154.62000000000003]),
    ([0.3, -1.1, 2.7], [-0.3, 1.1, -2.7], [0.0, 3.1225327277393475e-61, -8.0467668393843e-60, 0.03604708743931991, -1.0, -0.7982286181111095, 8.590000000000002, 0.012005403948558336, 3.5838441990999184e-11, 0.003214768275306871, 0.053350593430491464, 0.03793045223495898, 0.031163872668386616, 4.241150064821192, 3.1225327277393475e-61, 5.890237185670477, 12.287054371037058]),
    ([0.3, -1.1, 2.7], [0.300000001, -1.1, 2.7], [0.9999999998919645, 8.590000000300002, 221.36430001546205, 0.49999999994632466, 0.9999999997839291, 0.8576259835868529, 8.590000000300002, 9.788750000337501, 1.0, 0.9999999992999999, 0.9999999995, 1.0, 1.0, 8.590000000300002, 17.179999999671978, 34.35999999563185, 51.53999998787963]),
    ([0.3, -1.1, 2.7], [-0.3, 1.1000001000000001, -2.7], [1.0066653937518491e-08, 2.8828833990798653e-23, 1.9814369487875354e-37, 0.036047087210486405, -0.9999999798666921, -0.798228619365266, 8.590000110000002, 0.012005403872476977, 3.583843095276049e-11, 0.0032147680502730993, 0.05335059242932714, 0.03793045120498924, 0.031163871681735286, 4.241150119131614, -8.647255843061576e-08, 5.890237235021971, 12.287054516135912]),
    ([1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.5, 0.6366197723675814, 2.0, 0.25827780310130494, 0.0, 0.029438249448785814, 1.2732395447351628, 0.8288861059895468, 0.030197383422318508, 0.12245642825298193, 0.3269218953517579, 0.42346851483873416, 0.45830790898343493, 1.209651440225889, 0.6366197723675814, 2.120776213605166, 3.5843919336891856]),
    ([1.0, 1e-05, 0.0], [1.0, 0.0, 0.0], [0.9999968169011383, 1.0, 3.0000000001, 0.4999984901236369, 0.9999936338022766, 0.6271410026093351, 1.0000000000000002, 1.2500000000000002, 0.99999999993, 0.9999930000245, 0.9999950000125, 0.9999999999625002, 0.9999999999791667, 1.0000000000000002, 1.9999968169011384, 3.9999809014743777, 5.999952253854811]),
    ([-1.0, 0.01, 0.0], [1.0, 0.0, 0.0], [0.003182992764908255, 1.0609692965156627e-07, 8.487536126738929e-12, 0.10242593061973904, -0.9936340144701835, -0.4645377030425052, 1.0000002121938594, 0.03391039308533078, 0.06080580606981539, 0.24487681274714085, 0.367874842735908, 0.48335109012309097, 0.5239869033965531, 0.49375580813208814, -0.0031828866679786036, 0.6847831666812747, 1.4300114105598636]),
    ([1000.0, 2000.0, -1000.0], [1000.0, 2000.0, -999.5], [0.9999406815121945, 5999500.000004119, 107982002000000.0, 0.499970340756317, 0.999881363024389, 0.9997900039930336, 5999500.000008239, 6749437.625004634, 0.8394570207692074, 0.7046880897187134, 0.7788007830714049, 0.9293836176964801, 0.950959921678633, 5999500.000012359, 11998644.118736532, 23995864.853149485, 35991662.484657735]),
    ([0.001, 0.002, 0.0005], [-0.004, 0.001, 0.002], [0.46963875666718957, 2.8574229068619677e-06, 4.2735765445304563e-11, 0.49746238767776346, -0.06072248666562089, 0.21633600826276395, 6.714845813723935e-06, 0.12499892876437114, 0.999980225195524, 0.9947637571644331, 0.9973459916707517, 0.999989438702559, 0.9999941146351262, 6.160331185380729e-06, 2.387784150194778e-06, 1.0282262018950945e-05, 1.8043556403720027e-05]),
    ([0.25, -0.5, 0.75], [0.5, 0.5, 0.5], [0.5998626878322716, 0.39523991191742047, 0.6525984048384766, 0.31408683638232887, 0.19972537566454326, 0.20442589183464713, 0.5404798238348409, 0.5587884321372927, 0.4549808267181735, 0.3499377491111554, 0.5884107115458311, 0.765684977237742, 0.8109421287000292, 0.5494213898267997, 0.5452055838754883, 1.1473592436236848, 1.7264514729360394]),
];

type Bound = fn(f64) -> f64;

/// Every kernel with its documented error bound in ε, as a function of distance. The bound is relative to `√(k(x, x)
/// k(x', x'))`, or to `k` for the stationary kernels.
fn all() -> Vec<(Box<dyn Kernel>, Bound)> {
    let wide = |activation, s, t| -> Box<dyn Kernel> { Box::new(WideLayer::new(activation, s, t).unwrap()) };
    let matern = |nu| -> Box<dyn Kernel> { Box::new(StationaryKernel::Matern { nu, length_scale: 2.0 }) };
    let relu = |depth| -> Box<dyn Kernel> { Box::new(ReluNetwork::tangent(depth).unwrap()) };
    vec![
        (Box::new(ArcCosine::Zero), |_| 10.0),
        (Box::new(ArcCosine::One), |_| 10.0),
        (Box::new(ArcCosine::Two), |_| 10.0),
        (wide(Activation::Step, 1.5, 0.5), |_| 10.0),
        (wide(Activation::Sign, 1.0, 0.0), |_| 10.0),
        (wide(Activation::Erf, 1.5, 0.5), |_| 10.0),
        (wide(Activation::Abs, 1.0, 0.0), |_| 10.0),
        (wide(Activation::Relu, 1.5, 0.5), |_| 10.0),
        (Box::new(StationaryKernel::Gaussian { gamma: 0.7 }), |r| 1.0 + 8.0 * 0.7 * r * r),
        // ‖·‖₁ ≤ √3 ‖·‖₂ in three dimensions.
        (Box::new(StationaryKernel::Laplacian { gamma: 0.7 }), |r| 1.0 + 8.0 * 0.7 * 3.0_f64.sqrt() * r),
        (matern(0.5), |r| 10.0 + 6.0 * r / 2.0),
        (matern(1.5), |r| 10.0 + 6.0 * 3.0_f64.sqrt() * r / 2.0),
        (matern(2.5), |r| 10.0 + 6.0 * 5.0_f64.sqrt() * r / 2.0),
        (Box::new(ReluNetwork::gaussian_process(3).unwrap()), |_| 10.0),
        (relu(1), |_| 10.0),
        (relu(3), |_| 10.0),
        (relu(5), |_| 10.0),
    ]
}

fn row(x: [f64; 3]) -> Array2<f64> {
    Array2::from_shape_fn((1, 3), |(_, j)| x[j])
}

#[test]
fn values_of_many_digits() {
    for (index, (kernel, bound)) in all().into_iter().enumerate() {
        let mut worst = 0.0_f64;
        for (x, y, values) in VALUES {
            let (x, y) = (row(x), row(y));
            let at = |a: &Array2<f64>, b: &Array2<f64>| kernel.gram(a, b).unwrap()[[0, 0]];
            let distance = (&x - &y).mapv(|v| v * v).sum().sqrt();
            // Kernels 8 to 12 decay with the distance, and so do their errors.
            let size =
                if (8..13).contains(&index) { values[index] } else { (at(&x, &x) * at(&y, &y)).sqrt() };
            let off = (at(&x, &y) - values[index]).abs() / (size * f64::EPSILON);
            let name = kernel.describe();
            assert!(off <= bound(distance), "{name} at {x} {y}: {:e} for {:e}", at(&x, &y), values[index]);
            assert_eq!(at(&x, &y), at(&y, &x), "{name}");
            worst = worst.max(off);
        }
        println!("{}: largest error {worst:.1} ε", kernel.describe());
    }
}

/// Two vectors of given lengths with a given inner product.
fn pair(lengths: (f64, f64), dot: f64) -> (Array2<f64>, Array2<f64>) {
    let along = dot / lengths.0;
    (array![[lengths.0, 0.0]], array![[along, ((lengths.1 - along) * (lengths.1 + along)).sqrt()]])
}

#[test]
fn recorded_kernels() {
    let close = |found: f64, expected: f64, what: &str| {
        assert!(
            (found - expected).abs() <= 1e-14 * expected.abs().max(0.1),
            "{what}: {found} for {expected}"
        );
    };
    for case in recorded("kernel.arc_cosine").unwrap_or_default() {
        let (x, y) = pair((1.0, 1.0), value(&case, "inputs", "u"));
        for (kernel, name, times) in
            [(ArcCosine::Zero, "k0", 1.0), (ArcCosine::One, "k1", 1.0), (ArcCosine::Two, "k2", 3.0)]
        {
            close(kernel.gram(&x, &y).unwrap()[[0, 0]], times * value(&case, "outputs", name), name);
        }
    }
    for case in recorded("kernel.relu_nngp_ntk").unwrap_or_default() {
        let input = |name| value(&case, "inputs", name);
        let (x, y) = pair((input("nx"), input("ny")), input("dot"));
        let depth = usize::try_from(case["inputs"]["depth"].as_u64().unwrap()).unwrap();
        let process = ReluNetwork::gaussian_process(depth).unwrap().gram(&x, &y).unwrap()[[0, 0]];
        close(process, value(&case, "outputs", "nngp"), "nngp");
        let tangent = ReluNetwork::tangent(depth).unwrap().gram(&x, &y).unwrap()[[0, 0]];
        close(tangent, value(&case, "outputs", "ntk"), "ntk");
    }
    for case in recorded("kernel.erf").unwrap_or_default() {
        let input = |name| value(&case, "inputs", name);
        let (x, y) = pair((input("nx2").sqrt(), input("ny2").sqrt()), input("dot"));
        let found = WideLayer::new(Activation::Erf, 1.0, 0.0).unwrap().gram(&x, &y).unwrap()[[0, 0]];
        close(found, value(&case, "outputs", "value"), "erf");
    }
    for case in recorded("kernel.rff").unwrap_or_default() {
        let kernel = StationaryKernel::Gaussian { gamma: value(&case, "inputs", "gamma") };
        let found = kernel.gram(&array![[0.0]], &array![[value(&case, "inputs", "dist2").sqrt()]]).unwrap();
        close(found[[0, 0]], value(&case, "outputs", "k"), "Gaussian");
    }
}

fn normal(n: usize, p: usize, seed: u64) -> Array2<f64> {
    let mut rng = stream(seed, n, p);
    Array2::from_shape_simple_fn((n, p), || rng.sample(StandardNormal))
}

/// Uses more rows than a tile and more columns than a lane: an entry does not depend on its neighbours.
#[test]
fn an_entry_is_a_function_of_its_two_inputs() {
    let (a, b) = (normal(40, 19, 1), normal(70, 19, 2));
    for (kernel, _) in all() {
        let whole = kernel.gram(&a, &b).unwrap();
        for (i, j) in [(0, 0), (39, 69), (17, 33), (5, 64)] {
            let one =
                kernel.gram(&a.row(i).insert_axis(ndarray::Axis(0)), &b.row(j).insert_axis(ndarray::Axis(0)));
            assert_eq!(one.unwrap()[[0, 0]], whole[[i, j]], "{}", kernel.describe());
        }
        assert_eq!(kernel.gram(&b, &a).unwrap(), whole.t(), "{}", kernel.describe());
    }
}

#[test]
fn extreme_lengths() {
    let x = array![[3e200, 4e200], [3e-200, 4e-200], [0.0, 0.0], [-6e200, -8e200]];
    let angles = ArcCosine::Zero.gram(&x, &x).unwrap();
    assert_eq!([angles[[0, 0]], angles[[0, 2]], angles[[0, 3]]], [1.0, 0.0, 0.0]);
    assert!((angles[[0, 1]] - 1.0).abs() < 1e-15);
    assert_eq!(angles.row(2).to_vec(), [0.0; 4]);
    assert!(matches!(ArcCosine::One.gram(&x, &x), Err(Error::Overflow { .. })));
    let small = array![[3e-200, 4e-200]];
    assert_eq!(ArcCosine::One.gram(&small, &small).unwrap()[[0, 0]], 0.0); // 2.5e-399
    let erf = WideLayer::new(Activation::Erf, 1.0, 0.0).unwrap().gram(&x, &x).unwrap();
    assert!((erf[[0, 0]] - 1.0).abs() < 1e-15 && (erf[[0, 3]] + 1.0).abs() < 1e-15, "{erf}");
    assert_eq!(erf.row(2).to_vec(), [0.0; 4]);
    let laplacian = |gamma| StationaryKernel::Laplacian { gamma };
    let exponential = |length_scale| StationaryKernel::Matern { nu: 0.5, length_scale };
    for kernel in [StationaryKernel::Gaussian { gamma: 1e-300 }, laplacian(1e-200), exponential(1e200)] {
        let k = kernel.gram(&x, &x).unwrap();
        assert!(k.iter().all(|v| (0.0..=1.0).contains(v)), "{k}");
        assert_eq!([k[[0, 0]], k[[1, 2]]], [1.0, 1.0]);
    }
    for (kernel, expected) in [(laplacian(1e-200), -7.0_f64), (exponential(1e200), -5.0)] {
        let found = kernel.gram(&x, &x).unwrap()[[0, 2]];
        assert!((found / expected.exp() - 1.0).abs() < 1e-14, "{found}");
    }
    for nu in [0.5, 1.5, 2.5] {
        let narrow = StationaryKernel::Matern { nu, length_scale: 5e-324 };
        assert_eq!(narrow.gram(&array![[0.0]], &array![[1.0]]).unwrap()[[0, 0]], 0.0);
    }
}

#[test]
fn what_is_refused() {
    let (x, wide) = (array![[1.0, 2.0]], array![[1.0, 2.0, 3.0]]);
    let nan = array![[0.0, 1.0], [f64::NAN, 1.0]];
    for (kernel, _) in all() {
        assert!(matches!(kernel.gram(&x, &wide), Err(Error::Shape { expected: 2, found: 3, .. })));
        assert!(matches!(kernel.gram(&nan, &x), Err(Error::NonFinite { row: 1, column: 0, .. })));
        assert!(matches!(kernel.gram(&x, &nan), Err(Error::NonFinite { .. })));
        for empty in [Array2::zeros((0, 2)), Array2::zeros((3, 0))] {
            assert!(matches!(kernel.gram(&empty, &empty), Err(Error::Empty { .. })));
        }
    }
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let gamma = bad;
        for kernel in [StationaryKernel::Gaussian { gamma }, StationaryKernel::Laplacian { gamma }] {
            assert!(matches!(kernel.gram(&x, &x), Err(Error::Domain { .. })));
        }
        assert!(matches!(WideLayer::new(Activation::Relu, bad, 0.0), Err(Error::Domain { .. })));
        assert!(matches!(
            KernelRegression::fit_ridge(ArcCosine::One, &x, &x, bad),
            Err(Error::Domain { .. })
        ));
    }
    assert!(matches!(WideLayer::new(Activation::Relu, 1.0, -1.0), Err(Error::Domain { .. })));
    assert!(matches!(WideLayer::new(Activation::Tanh, 1.0, 0.0), Err(Error::Unsupported { .. })));
    assert!(matches!(
        WideLayer::new(Activation::Relu, 1e300, 0.0).unwrap().gram(&array![[1e300]], &array![[1.0]]),
        Err(Error::Overflow { .. })
    ));
    assert!(matches!(ReluNetwork::tangent(0), Err(Error::Domain { .. })));
    assert!(matches!(ReluNetwork::tangent(usize::MAX), Err(Error::Domain { .. })));
    let rough = StationaryKernel::Matern { nu: 1.0, length_scale: 1.0 };
    assert!(matches!(rough.gram(&x, &x), Err(Error::Unsupported { .. })));
    assert!(matches!(
        KernelRegression::fit(ArcCosine::One, &x, &array![[1.0], [2.0]]),
        Err(Error::Shape { .. })
    ));
    assert!(matches!(
        KernelRegression::fit(ArcCosine::One, &x, &array![[f64::NAN]]),
        Err(Error::NonFinite { .. })
    ));
    assert!(matches!(
        KernelRegression::fit(ArcCosine::One, &x, &Array2::zeros((1, 0))),
        Err(Error::Empty { .. })
    ));
    let fit = KernelRegression::fit(ArcCosine::One, &x, &array![[1.0]]).unwrap();
    assert!(matches!(fit.predict(&wide), Err(Error::Shape { .. })));
    assert!(matches!(fit.predict(&array![[1e308, 1e308]]), Err(Error::Overflow { .. })));
    assert!(matches!(fit.mean_squared_error(&x, &array![[1.0, 2.0]]), Err(Error::Shape { .. })));
    assert!(matches!(fit.mean_squared_error(&x, &array![[f64::INFINITY]]), Err(Error::NonFinite { .. })));
}

/// With the kernel `x·x'`, kernel regression is the linear fit on the inputs.
#[test]
fn the_linear_kernel_gives_the_fit_on_the_inputs() {
    let linear = WideLayer::new(Activation::Identity, 1.0, 0.0).unwrap();
    for (n, d) in [(8, 30), (30, 8), (12, 12)] {
        let (x, y, test) = (normal(n, d, 3), normal(n, 2, 4), normal(9, d, 5));
        let svd = Svd::new(&x).unwrap();
        // κ(K) = κ² for independent rows, so the kernel fit loses twice as many digits. Products of d terms and the
        // factorisations have errors of at most max(n, d) ε.
        let values = svd.singular_values();
        let condition = (values[0] / values[values.len() - 1]).powi(2);
        let unit = n.max(d) as f64 * f64::EPSILON;
        let fits = [
            (KernelRegression::fit(linear, &x, &y).unwrap(), svd.solve(&y, &MinNorm::default()).unwrap()),
            (
                KernelRegression::fit_ridge(linear, &x, &y, 0.5).unwrap(),
                svd.solve(&y, &Ridge::new(0.5).unwrap()).unwrap(),
            ),
        ];
        for (kernel, beta) in fits {
            let expected = test.dot(&beta);
            let size = expected.mapv(|v| v * v).sum().sqrt();
            let off = (kernel.predict(&test).unwrap() - expected).mapv(|v| v * v).sum().sqrt();
            assert!(off <= unit * condition * size, "{n} × {d}: {off:e}");
            let train = (x.dot(&beta) - &y).mapv(|e| e * e).mean().unwrap();
            assert!((kernel.train_mse() - train).abs() <= unit * condition, "{n} × {d}");
            // The square norm is tr αᵀ K α. For ridge, α = (Y − X β̂)/λ has a large part that K maps to
            // almost nothing, but whose rounding errors count.
            let reach = values[0].powi(2) * kernel.dual().mapv(|a| a * a).sum();
            let square = beta.mapv(|b| b * b).sum();
            let off = (kernel.norm().powi(2) - square).abs();
            assert!(off <= unit * (condition * square + reach), "{n} × {d}: {off:e}");
        }
        assert_eq!(KernelRegression::fit(linear, &x, &y).unwrap().rank(), n.min(d));
    }
}

/// Ridgeless fits interpolate: `f(xᵢ) = yᵢ` to `κ(K) ε`. The test error is also checked.
#[test]
fn ridgeless_fits_interpolate() {
    let (x, y, test, targets) = (normal(60, 4, 6), normal(60, 1, 7), normal(20, 4, 8), normal(20, 1, 9));
    for (kernel, _) in all() {
        let name = kernel.describe();
        let fit = KernelRegression::fit(std::sync::Arc::<dyn Kernel>::from(kernel), &x, &y).unwrap();
        let bound = 10.0 * fit.condition_number() * f64::EPSILON * y.mapv(|v| v * v).sum().sqrt();
        assert_eq!(fit.rank(), 60, "{name}");
        let off = (fit.predict(&x).unwrap() - &y).mapv(|v| v * v).sum().sqrt();
        assert!(off <= bound, "{name}: {off:e}, bound {bound:e}");
        let error = (fit.predict(&test).unwrap() - &targets).mapv(|e| e * e).mean().unwrap();
        let reported = fit.mean_squared_error(&test, &targets).unwrap();
        assert!((reported / error - 1.0).abs() < 1e-14);
        let cells = fit.cells((&test, &targets), &[3, 300], 2, 5).unwrap();
        let places: Vec<_> = cells.iter().map(|c| (c.repeat, c.n, c.p, c.arm, c.rank)).collect();
        assert_eq!(places, [(2, 60, 3, 5, 60), (2, 60, 300, 5, 60)]);
        assert!(cells.iter().all(|cell| cell.test_mse == Some(reported) && cell.test_error_rate.is_none()));
        assert_eq!(cells[1].coefficient_norm, Some(fit.norm() / 300.0_f64.sqrt()));
    }
}

/// Two classes, each around one training point. The test points near each are labelled as the other class.
#[test]
fn classes_have_an_error_rate() {
    let (x, y) = (array![[0.0], [1.0]], array![[1.0, 0.0], [0.0, 1.0]]);
    let fit = KernelRegression::fit(StationaryKernel::Laplacian { gamma: 1.0 }, &x, &y).unwrap();
    let (test, targets) =
        (array![[0.1], [0.9], [1.2], [-0.2]], array![[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]);
    let cells = fit.cells((&test, &targets), &[0, 7], 0, 0).unwrap();
    assert_eq!(cells[1].test_error_rate, Some(0.25));
    assert_eq!(cells[0].coefficient_norm, None);
}

/// Repeated inputs with different targets get their least squares value, also at any penalty near 0.
#[test]
fn repeated_inputs_are_averaged() {
    let x = array![[0.0], [1.0], [1.0]];
    let y = array![[0.0], [2.0], [4.0]];
    let kernel = StationaryKernel::Laplacian { gamma: 1.0 };
    let ridgeless = KernelRegression::fit(kernel, &x, &y).unwrap();
    assert_eq!(ridgeless.rank(), 2);
    let ridge = KernelRegression::fit_ridge(kernel, &x, &y, 1e-10).unwrap();
    for fit in [ridgeless, ridge] {
        let at = |x: &ArrayRef2<f64>| fit.predict(x).unwrap()[[0, 0]];
        assert!((at(&array![[1.0]]) - 3.0).abs() < 1e-5, "{}", at(&array![[1.0]]));
        assert!((fit.train_mse() - 2.0 / 3.0).abs() < 1e-5);
    }
}

/// `K = s I`: `α = y/s` and `‖f‖² = ‖y‖²/s`.
#[derive(Clone, Copy, Debug)]
struct Scaled(f64);

impl Kernel for Scaled {
    fn gram(&self, a: &ArrayRef2<f64>, b: &ArrayRef2<f64>) -> Result<Array2<f64>, Error> {
        Ok(Array2::from_shape_fn((a.nrows(), b.nrows()), |(i, j)| if i == j { self.0 } else { 0.0 }))
    }

    fn describe(&self) -> String {
        "scaled".into()
    }
}

/// A kernel that is not positive semidefinite has no norm, and squares out of range do not matter.
#[test]
fn norms_of_kernel_fits_at_the_ends_of_the_range() {
    let x = array![[0.0], [1.0], [2.0]];
    let y = array![[3.0], [-4.0], [12.0]];
    let norm = |scale: f64, y: &Array2<f64>| KernelRegression::fit(Scaled(scale), &x, y).unwrap().norm();
    assert!(norm(-1.0, &y).is_nan());
    let fit = KernelRegression::fit(Scaled(-1.0), &x, &y).unwrap();
    assert!(fit.cells((&x, &y), &[4], 0, 0).unwrap()[0].coefficient_norm.is_none());
    assert_eq!(norm(1.0, &Array2::zeros((3, 1))), 0.0);
    for (scale, unit) in [(1.0, 1.0), (1.0, 1e300), (1.0, 1e-300), (4.0, 1e150), (1e100, 1e-120)] {
        let (found, right) = (norm(scale, &(&y * unit)) / unit, 13.0 / scale.sqrt());
        // One division, three squares, their sum and a root.
        assert!(
            (found / right - 1.0).abs() < 8.0 * f64::EPSILON,
            "{scale:e}, {unit:e}: {found:e}, not {right:e}"
        );
    }
}
