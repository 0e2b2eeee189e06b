//! The limit of random features at infinite width, and what is known about them before they are drawn.

use super::axes::{draw, normal, sweep, tests};
use double_descent::curve::Axis;
use double_descent::features::StationaryKernel;
use double_descent::filter::{MinNorm, SpectralFilter};
use double_descent::sweep::{Parameter, Sweep};
use double_descent::theory::drawn_features::DrawnFeatures;
use ndarray::s;

/// The infinite-width limit is one kernel regression for each repeat, the same at every p.
#[test]
fn infinite_width_is_kernel_regression() {
    let kernel = StationaryKernel::Gaussian { gamma: 0.2 };
    let sweep = sweep(&[4, 14]);
    let limit = sweep.infinite_width(kernel, &()).unwrap();
    for repeat in 0..3 {
        let draw = draw(repeat);
        let (tests, truth) = tests(&draw);
        let fit = double_descent::kernel::KernelRegression::fit(
            kernel,
            &draw.inputs.slice(s![..10, ..]),
            &draw.targets.slice(s![..10, ..]),
        );
        let expected = fit.unwrap().mean_squared_error(tests, truth).unwrap();
        for p in [4, 14] {
            assert_eq!(limit.cell(repeat, p, 0).unwrap().test_mse, Some(expected));
        }
    }
    let both = sweep.run().unwrap().beside(limit).unwrap();
    assert_eq!((both.arms.len(), both.cells.len()), (2, 3 * 2 * 2));
    assert_eq!(both.only(&["infinite_width"]).cells.len(), 3 * 2);
    let description = MinNorm::default().describe();
    assert_eq!(both.provenance.estimator, description);
}

/// Drawn features with training targets that a parameter supplies. One value is supported; two values are two
/// experiments and give an error.
#[test]
fn drawn_features_of_targets_at_one_value() {
    let kernel = StationaryKernel::Gaussian { gamma: 0.2 };
    let given = |repeat: usize, value: f64| normal(12, repeat, 12, 1) * value;
    let at = |values: &[f64]| {
        let targets = move |repeat, value| Ok(given(repeat, value));
        let parameter = Some(Parameter::targets(Axis::LabelNoise, values.to_vec(), targets));
        Sweep { parameter, ..sweep(&[4, 14]) }.drawn_features(&kernel, 10, &())
    };
    for value in [0.5, 2.0] {
        let found = at(&[value]).unwrap();
        assert_eq!(found.len(), 3);
        for (repeat, found) in found.iter().enumerate() {
            let draw = draw(repeat);
            let y = given(repeat, value).slice(s![..10, ..]).to_owned();
            let (inputs, truth) = tests(&draw);
            let rows = draw.inputs.slice(s![..10, ..]);
            let expected = DrawnFeatures::new(&kernel, (&rows, &y), (inputs, truth)).unwrap();
            for p in [4.0, 14.0] {
                assert_eq!(found.at(p, 0.0).unwrap(), expected.at(p, 0.0).unwrap());
            }
        }
    }
    assert!(at(&[0.5, 2.0]).is_err());
}
