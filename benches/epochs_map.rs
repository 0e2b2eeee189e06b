//! The p × t map: gradient descent at 50 widths × 400 step counts × 20 training sets of n = 500 rows, against numpy
//! taking the steps, and against numpy with one SVD per point.
//!
//! First comes the wall time of the whole map on two threads, then CPU seconds with one thread on both sides. The peers
//! run one training set at a few widths, and only the first thousands of the 100,000 steps. Their seconds per step and
//! per point are interpolated between widths by power laws and multiplied by the number of steps or points. Test errors
//! are compared wherever both sides have them. The peer's start-up does not count.
//!
//! Run: `PYTHON=<python with numpy> cargo bench --bench epochs_map`; add `-- --quick` for small sizes only.

#[cfg(not(unix))]
fn main() {
    println!("SKIPPED: CPU times are read on Unix only");
}

#[cfg(unix)]
#[path = "whole_curve/python.rs"]
mod python;
#[cfg(unix)]
#[path = "whole_curve/timing.rs"]
#[allow(dead_code)] // shared by several benches
mod timing;

#[cfg(unix)]
fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let map = if quick {
        epochs_map::Map {
            n: 50,
            widths: (10..=100).step_by(10).collect(),
            points: 40,
            last: 1000,
            repeats: 3,
        }
    } else {
        epochs_map::Map {
            n: 500,
            widths: (20..=1000).step_by(20).collect(),
            points: 400,
            last: 100_000,
            repeats: 20,
        }
    };
    epochs_map::compare(&map);
}

#[cfg(unix)]
mod epochs_map {
    use super::python::{self, Folder};
    use super::timing::time;
    use double_descent::curve::{Axis, Metric, Surface};
    use double_descent::filter::{GradientDescent, Loss, Schedule};
    use double_descent::rng::stream;
    use double_descent::sweep::{Draw, Parameter, Source, Splits, Sweep, TestOn};
    use ndarray::{Array1, Array2};
    use rand::RngExt;
    use rand_distr::StandardNormal;
    use std::sync::Arc;
    use std::time::Instant;

    const STEP: f64 = 0.3;
    const DEVIATION: f64 = 1.0;

    #[derive(Clone)]
    pub struct Map {
        pub n: usize,
        pub widths: Vec<usize>,
        pub points: usize,
        /// The largest number of steps.
        pub last: usize,
        pub repeats: usize,
    }

    impl Map {
        fn most(&self) -> usize {
            self.widths.iter().copied().max().unwrap_or(0)
        }

        /// The step counts: starting at 1, growing by roughly the same factor, and by at least one step, each time.
        fn steps(&self) -> Vec<usize> {
            let mut steps = Vec::with_capacity(self.points);
            for i in 0..self.points {
                let left = (self.points - 1 - i) as f64;
                let before = steps.last().copied().unwrap_or(0);
                // The rest is spread evenly on a logarithmic scale.
                let factor = (self.last as f64 / f64::max(before as f64, 1.0)).powf(1.0 / (left + 1.0));
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounded and positive
                let next = (before as f64 * factor).round() as usize;
                steps.push(next.max(before + 1));
            }
            steps
        }

        /// Variances of the features: a tenth of the features is learned at once, the others ever more slowly.
        fn variances(&self) -> Array1<f64> {
            Array1::from_shape_fn(self.most(), |j| (1.0 + 10.0 * j as f64 / self.most() as f64).powi(-3))
        }

        fn draw(&self, repeat: usize) -> Draw {
            let (p, variances) = (self.most(), self.variances());
            let mut rng = stream(0, 0, repeat);
            let mut normal =
                |shape| Array2::from_shape_simple_fn(shape, || rng.sample::<f64, _>(StandardNormal));
            let inputs = normal((self.n, p)) * &variances.mapv(f64::sqrt);
            let teacher = Array2::from_elem((p, 1), (20.0 / p as f64).sqrt());
            let targets = inputs.dot(&teacher) + DEVIATION * normal((self.n, 1));
            let covariance = Array2::from_diag(&variances);
            Draw { inputs, targets, test: TestOn::Population { covariance, teacher, deviation: DEVIATION } }
        }

        fn sweep(&self, threads: usize) -> Sweep {
            let map = self.clone();
            let steps = self.steps().into_iter().map(|step| step as f64);
            let descent = |steps: f64| {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // whole numbers
                let steps = steps as usize;
                Ok(Arc::new(GradientDescent::new(Schedule::Constant(STEP), steps, Loss::HalfMean)?) as _)
            };
            Sweep {
                samples: vec![self.n],
                features: self.widths.clone(),
                parameter: Some(Parameter::estimators(Axis::Time, steps, descent)),
                metrics: vec![Metric::TrainMse, Metric::TestMse],
                threads: Some(threads),
                ..Sweep::of(
                    Source::drawn("features of falling variance", move |repeat| Ok(map.draw(repeat))),
                    Splits::Drawn { repeats: self.repeats, seed: 0 },
                )
            }
        }
    }

    pub fn compare(map: &Map) {
        let start = Instant::now();
        let surface = map.sweep(2).surface().expect("a map");
        let wall = start.elapsed().as_secs_f64();
        let (widths, points, repeats) = (map.widths.len(), map.points, map.repeats);
        println!(
            "{widths} widths × {points} numbers of steps × {repeats} training sets, n = {}: {wall:.1} s on two threads",
            map.n
        );
        let (_, ours) = time(|| map.sweep(1).surface().expect("a map"));
        println!("  CPU seconds on one: {:.2}, median of {}", ours.median, ours.runs);
        let Some(python) = python::with_numpy() else { return };
        let core_type = python::fastest_core_type(&python, |core_type| {
            python::run(&python, core_type, "core_type.py", &[])?.trim().parse().ok()
        });
        let Some(peer) = Peer::run(map, (&python, core_type), &surface) else {
            println!("SKIPPED numpy: see benches/peers/README.md");
            return;
        };
        let share = format!(
            "peer at {} widths of one training set, {} of {} steps, scaled by the count",
            peer.widths, peer.steps, map.last
        );
        for (name, peer) in [("steps", peer.by_steps), ("svd", peer.by_svd)] {
            println!(
                "RATIO epochs_map_vs_numpy_{name} {:.0} (ours {:.2}, peer {peer:.0}, {share}, median of {})",
                peer / ours.median,
                ours.median,
                ours.runs
            );
        }
    }

    /// CPU seconds that the peers would take for the whole map.
    struct Peer {
        by_steps: f64,
        by_svd: f64,
        widths: usize,
        steps: usize,
    }

    impl Peer {
        fn run(
            map: &Map,
            (python, core_type): (&str, Option<&'static str>),
            surface: &Surface,
        ) -> Option<Self> {
            const PLACES: [f64; 5] = [0.0, 0.1, 0.3, 0.5, 1.0];
            let steps = (map.last / 50).max(100);
            let folder = Folder::new("epochs-map");
            let draw = map.draw(0);
            let TestOn::Population { teacher, .. } = &draw.test else { return None };
            folder.write("x", draw.inputs.iter());
            folder.write("y", draw.targets.iter());
            folder.write("teacher", teacher.iter());
            folder.write("variances", map.variances().iter());
            folder.write("steps", map.steps().iter().map(|&step| step as f64).collect::<Vec<_>>().iter());
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // an index
            let index = |place: &f64| (place * (map.widths.len() - 1) as f64).round() as usize;
            let widths: Vec<usize> = PLACES.iter().map(|place| map.widths[index(place)]).collect();
            let mut arguments =
                vec![folder.path().to_owned(), STEP.to_string(), (DEVIATION * DEVIATION).to_string()];
            arguments.push(steps.to_string());
            arguments.extend(widths.iter().map(ToString::to_string));
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let text = python::run(python, core_type, "epochs_map.py", &arguments)?;
            let (mut of_step, mut of_point) = (Vec::new(), Vec::new());
            let mut far: f64 = 0.0;
            for line in text.lines() {
                let numbers: Vec<f64> = line.split(' ').map(|n| n.parse().expect("a number")).collect();
                let [p, of_steps, of_svd, apart, ref errors @ ..] = numbers[..] else { return None };
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a width
                let width = p as usize;
                of_step.push((width, of_steps / steps as f64));
                of_point.push((width, of_svd));
                let curve = surface.at_column(p).expect("a width of the map");
                let cells = curve.cells.iter().filter(|cell| cell.repeat == 0);
                for (cell, theirs) in cells.zip(errors) {
                    far = far.max((cell.test_mse.expect("an error") / theirs - 1.0).abs());
                }
                far = far.max(apart);
            }
            assert!(far < 1e-9, "test errors differ by {far:e}");
            println!("  the test errors of all three agree to {far:.1e}");
            let sum = |timed: &[(usize, f64)]| {
                map.widths.iter().map(|&width| between(timed, width)).sum::<f64>() * map.repeats as f64
            };
            Some(Self {
                by_steps: sum(&of_step) * map.last as f64,
                by_svd: sum(&of_point) * map.points as f64,
                widths: of_step.len(),
                steps,
            })
        }
    }

    /// Interpolates by power laws between the timed widths.
    fn between(timed: &[(usize, f64)], width: usize) -> f64 {
        let after = timed.partition_point(|place| place.0 < width).clamp(1, timed.len() - 1);
        let ((a, first), (b, last)) = (timed[after - 1], timed[after]);
        let exponent = (last / first).ln() / (b as f64 / a as f64).ln();
        first * (width as f64 / a as f64).powf(exponent)
    }
}
