//! Polynomial features against high-precision values, and the published polynomial study against its means.

#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // counts
#![allow(clippy::float_cmp)] // exact values
#![allow(clippy::unreadable_literal)] // as printed by Python

use crate::common::{Table, data_folder, deviation, reference_folder};
use double_descent::features::{FeatureMap, Polynomial, PolynomialBasis};
use double_descent::filter::MinNorm;
use double_descent::svd::Svd;
use ndarray::{Array2, Axis, array, s};

const BASES: [PolynomialBasis; 3] =
    [PolynomialBasis::Legendre, PolynomialBasis::Chebyshev, PolynomialBasis::Monomial];

// P_k(x) and T_k(x) at `DEGREES`, rounded to f64 from 60-digit values (mpmath 1.4.1: Legendre's recurrence, and cos(k
// arccos x)). Each x is the double nearest to its literal.
const DEGREES: [usize; 7] = [2, 15, 200, 1000, 10_000, 99_999, 100_000];
#[rustfmt::skip]
const LEGENDRE: [(f64, [f64; 7]); 10] = [
    (0.0, [-0.5, 0.0, 0.05634847900925642, 0.0252250181783608, 0.007978646139382154, 0.0, 0.00252312621419674]),
    (0.001, [-0.4999985, -0.003141965208940377, 0.0552196631623709, 0.013618517934936373, -0.006692478082040051, 0.001278682591643473, 0.0021763997129991097]),
    (0.3, [-0.365, 0.20742165960138034, -0.009759672054427992, -0.025669167507936224, 0.007881731715107906, -0.00240219675206412, -0.0016271806095874294]),
    (0.5, [-0.125, -0.21001850068569183, -0.015650531003771746, -0.01916825109165028, -0.006062503808317144, -0.002618903677473764, -0.001917162720530293]),
    (0.9, [0.7150000000000001, 0.30519754212842376, -0.009267485840764369, -0.013168430869038093, -0.0005804147541129565, 0.002172568114771355, 0.0005848467022308125]),
    (0.999999, [0.9999970000014999, 0.9998800035699501, 0.9800007722300729, 0.5587491044238304, 0.15044612629625753, -0.04966905297176133, -0.0497325447142897]),
    (0.999999999999, [0.9999999999970001, 0.9999999998800027, 0.9999999799004448, 0.9999994995111345, 0.9999499967312905, 0.995006406735178, 0.995006306987171]),
    (0.9999999999999999, [0.9999999999999997, 0.9999999999999867, 0.9999999999977685, 0.9999999999444333, 0.9999999944483298, 0.9999994448941159, 0.9999994448830136]),
    (-0.7, [0.2349999999999999, -0.12320358174007653, -0.0027348850580236673, -0.029323299586989586, 0.005779642904797634, -0.002955290614650971, 0.0023723172225746008]),
    (-0.9999, [0.999700015, -0.9880356536230539, -0.1993833225743262, 0.14944165733239703, -0.0500697819249819, -0.02036790540641481, 0.020449811952687393]),
];
#[rustfmt::skip]
const CHEBYSHEV: [(f64, [f64; 7]); 10] = [
    (0.0, [-1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0]),
    (0.001, [-0.999998, -0.014999440006047972, 0.980066571218927, 0.5403021656229049, -0.8390706223730274, 0.5072133431876581, 0.8623273115990675]),
    (0.3, [-0.8200000000000001, 0.989935047180288, -0.31696326807530456, -0.9991251116426112, 0.9137670715708747, -0.9749371304167552, -0.5047140500474752]),
    (0.5, [-0.5, -1.0, -0.5, -0.5, -0.5, -1.0, -0.5]),
    (0.9, [0.6200000000000001, 0.8859690397532164, -0.6209638296732133, 0.20676368769053327, 0.4898029621254699, 0.044763484644279525, -0.39516582773711983]),
    (0.999999, [0.9999960000019998, 0.9997750083998698, 0.9602659499912568, 0.15594357833592953, -0.004969840832940857, -0.998834534850354, -0.998765278110408]),
    (0.999999999999, [0.9999999999960001, 0.999999999775005, 0.9999999600008851, 0.9999990000222884, 0.9999000038787538, 0.9900170753686918, 0.990016876040077]),
    (0.9999999999999999, [0.9999999999999996, 0.999999999999975, 0.9999999999955591, 0.9999999998889777, 0.9999999888977698, 0.9999988897993851, 0.9999988897771808]),
    (-0.7, [-0.020000000000000125, -0.8048413870981126, -0.4162680943316249, -0.8387085965371438, 0.86567605652165, -0.9701819394487302, 0.5060349769977907]),
    (-0.9999, [0.99960002, -0.9775838763354301, -0.9513703893455078, -0.005086514424190445, -0.9987066362884007, -0.8802007136427235, 0.8734009808038515]),
];

fn column(values: &[f64]) -> Array2<f64> {
    Array2::from_shape_fn((values.len(), 1), |(i, _)| values[i])
}

/// Values must be within `k ε / 2`, the bound in the documentation of `Polynomial`.
#[test]
fn values_of_high_degree() {
    let tables = [(PolynomialBasis::Legendre, &LEGENDRE), (PolynomialBasis::Chebyshev, &CHEBYSHEV)];
    for (basis, table) in tables {
        let mut worst = 0.0_f64;
        for (x, expected) in table {
            let row = Polynomial::new(basis).design(&array![[*x]], 100_000).unwrap();
            for (&k, &expected) in DEGREES.iter().zip(expected) {
                let off = (row[[0, k - 1]] - expected).abs() / (k as f64 * f64::EPSILON);
                assert!(off <= 0.5, "{basis:?}, degree {k} at {x}: {} for {expected}", row[[0, k - 1]]);
                worst = worst.max(off);
            }
        }
        println!("{basis:?}: largest error {worst:.3} k ε");
    }
}

#[test]
fn ends_parity_and_bounds() {
    let x = [0.0, 1e-300, 0.01, 0.2, 0.4999, 0.5, 0.77, 0.999, 1.0 - 1e-10, 1.0 - f64::EPSILON / 2.0, 1.0];
    let mirrored = x.map(|x| -x);
    for basis in BASES {
        let map = Polynomial::new(basis);
        let right = map.design(&column(&x), 5000).unwrap();
        let left = map.design(&column(&mirrored), 5000).unwrap();
        for ((i, k), &value) in right.indexed_iter() {
            let degree = k + 1;
            assert!(value.abs() <= 1.0 + degree as f64 * f64::EPSILON, "{basis:?} {degree} at {}", x[i]);
            assert_eq!(left[[i, k]], if degree % 2 == 0 { value } else { -value });
        }
        assert!(right.row(x.len() - 1).iter().all(|&value| value == 1.0), "{basis:?} at 1");
    }
}

/// `∫ P_j P_k dx = 2 δ_jk / (2k + 1)` by Gauss–Legendre quadrature; bisection finds the nodes, the zeros of `P_m`.
#[test]
fn legendre_polynomials_are_orthogonal() {
    let (m, map) = (40, Polynomial::default());
    let at = |x: f64| map.design(&array![[x]], m).unwrap()[[0, m - 1]];
    let grid: Vec<f64> = (0..=4000).map(|i| f64::from(i) / 2000.0 - 1.0).collect();
    let mut nodes = Vec::new();
    for ends in grid.windows(2).filter(|ends| at(ends[0]) * at(ends[1]) < 0.0) {
        let (mut low, mut high) = (ends[0], ends[1]);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            *if at(low) * at(middle) <= 0.0 { &mut high } else { &mut low } = middle;
        }
        nodes.push(low);
    }
    assert_eq!(nodes.len(), m);
    let values = map.with_constant().design(&column(&nodes), m).unwrap();
    let norms: Vec<f64> = (0..m).map(|k| 2.0 / (2 * k + 1) as f64).collect();
    // The weights are 1 / Σ_k P_k(x)² / ‖P_k‖².
    let weights = values.map_axis(Axis(1), |row| {
        row.iter().zip(&norms).map(|(value, norm)| value * value / norm).sum::<f64>().recip()
    });
    let gram = (&values * &weights.insert_axis(Axis(1))).t().dot(&values);
    for ((j, k), &product) in gram.indexed_iter() {
        let expected = if j == k { norms[k] } else { 0.0 };
        assert!((product - expected).abs() < 1e-13, "{j}, {k}: {product}");
    }
}

#[test]
fn maps_are_nested() {
    let inputs = column(&[-1.3, -0.9, -0.2, 0.4, 1.0]);
    for basis in BASES {
        for map in [Polynomial::new(basis), Polynomial::new(basis).with_constant()] {
            let map: &dyn FeatureMap = &map;
            let whole = map.design(&inputs, 60).unwrap();
            for p in [1, 2, 17, 59] {
                assert_eq!(map.design(&inputs, p).unwrap(), whole.slice(s![.., ..p]));
            }
        }
    }
    let constant = Polynomial::default().with_constant().design(&inputs, 1).unwrap();
    assert!(constant.iter().all(|&value| value == 1.0));
}

/// y = 2x + cos 25x.
fn truth(x: &Array2<f64>) -> Array2<f64> {
    x.mapv(|x| 2.0 * x + (25.0 * x).cos())
}

fn mean_square(x: &Array2<f64>) -> f64 {
    x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64
}

/// Replays Schaeffer et al.'s tutorial on its recorded training inputs: 15 per fit, 30 fits for each P, tested on 1000
/// equally spaced points of [−1, 1], endpoints included.
#[test]
fn published_means() {
    // From the threshold on, training errors are rounding noise, as in the publication.
    const FLOOR: f64 = 1e-8;
    let Some(folder) = data_folder("published polynomial means") else {
        return;
    };
    let reference = reference_folder(&folder);
    let points = Table::read(&reference.join("splits/polynomial_x_train.csv"));
    let table = Table::read(&reference.join("polynomial_num_data15.csv"));
    let test = Array2::from_shape_fn((1000, 1), |(i, _)| -1.0 + i as f64 * (2.0 / 999.0));
    let (map, truth_test) = (Polynomial::default(), truth(&test));
    let mut worst = [0.0_f64; 2];
    for row in &table.rows {
        let p = table.get(row, "P") as usize;
        let test_design = map.design(&test, p).unwrap();
        let (mut train_mse, mut test_mse) = (Vec::new(), Vec::new());
        for fit in points.rows.iter().filter(|fit| points.get(fit, "P") as usize == p) {
            let train = column(&fit[2..]);
            let (design, y) = (map.design(&train, p).unwrap(), truth(&train));
            let beta = Svd::new(&design).unwrap().solve(&y, &MinNorm::default()).unwrap();
            train_mse.push(mean_square(&(design.dot(&beta) - y)));
            test_mse.push(mean_square(&(test_design.dot(&beta) - &truth_test)));
        }
        assert_eq!(test_mse.len(), 30);
        let statistics = [("train_mse", &mut train_mse), ("test_mse", &mut test_mse)];
        for (index, (name, values)) in statistics.into_iter().enumerate() {
            values.sort_by(f64::total_cmp);
            let found = [
                ("mean", values.iter().sum::<f64>() / 30.0),
                ("median", f64::midpoint(values[14], values[15])),
                ("q25", values[7] + 0.25 * (values[8] - values[7])),
                ("q75", values[21] + 0.75 * (values[22] - values[21])),
            ];
            for (statistic, found) in found {
                for publisher in ["", "published_"] {
                    let expected = table.get(row, &format!("{statistic}_{publisher}{name}"));
                    let off = deviation(found, expected, FLOOR);
                    assert!(
                        off <= 1e-6,
                        "{statistic} {publisher}{name}, P = {p}: {found:e} for {expected:e}"
                    );
                    worst[index] = worst[index].max(off);
                }
            }
        }
    }
    println!("{} sizes; worst deviation {:.1e} (train), {:.1e} (test)", table.rows.len(), worst[0], worst[1]);
}
