//! The same points computed in numpy.

use crate::curves::{Axis, Curve, check};
use crate::python::{self, Folder};
use double_descent::nested::Point;

/// A Python with numpy, and the core type that makes `OpenBLAS` fastest.
pub struct Numpy {
    python: String,
    core_type: Option<&'static str>,
}

impl Numpy {
    /// Finds the interpreter in `PYTHON` and its best core type for a curve of this size. Returns `None`, and prints a
    /// line saying so, without numpy.
    pub fn find(size: usize) -> Option<Self> {
        let python = python::with_numpy()?;
        let curve = Curve::new(Axis::Samples, size, 4 * size);
        let core_type = python::fastest_core_type(&python, |core_type| {
            let rows = Self { python: python.clone(), core_type }.run(&curve, &[size, 4 * size])?;
            Some(rows.iter().map(|row| row.1).sum())
        });
        Some(Self { python, core_type })
    }

    /// Returns `(size, seconds)` of the points at `places`, and how often each method was faster, after checking the
    /// test errors.
    pub fn points(&self, curve: &Curve, places: &[usize], points: &[Point]) -> (Vec<(usize, f64)>, String) {
        let rows = self.run(curve, places).expect("the peer runs");
        for row in &rows {
            check(&points[row.0 - 1], row.2);
        }
        let lstsq = rows.iter().filter(|row| row.3 == "lstsq").count();
        let ways = format!("lstsq at {lstsq}, svd at {}", rows.len() - lstsq);
        (rows.iter().map(|row| (row.0, row.1)).collect(), ways)
    }

    /// Returns the best seconds for the whole curve and for its half up to the threshold, after checking the test
    /// errors at `places`. `None` without `SciPy`.
    pub fn whole(&self, curve: &Curve, places: &[usize], points: &[Point]) -> Option<[f64; 2]> {
        let text = self.output("strong_curve.py", curve, places)?;
        let mut lines =
            text.lines().map(|line| line.split(' ').map(str::parse::<f64>).collect::<Result<Vec<_>, _>>());
        let [whole, half] = lines.next()?.ok()?[..] else { return None };
        for (&at, line) in places.iter().zip(lines) {
            check(&points[at - 1], *line.ok()?.get(1)?);
        }
        Some([whole, half])
    }

    /// Runs the per-point script: `(size, seconds, test error, method)` for each place.
    fn run(&self, curve: &Curve, places: &[usize]) -> Option<Vec<(usize, f64, f64, String)>> {
        let text = self.output("whole_curve.py", curve, places)?;
        let row = |line: &str| {
            let cells: Vec<&str> = line.split(' ').collect();
            let [size, seconds, mse, way] = cells[..] else { return None };
            Some((size.parse().ok()?, seconds.parse().ok()?, mse.parse().ok()?, way.into()))
        };
        text.lines().map(row).collect()
    }

    /// Runs a script on the curve and returns its output.
    fn output(&self, script: &str, curve: &Curve, places: &[usize]) -> Option<String> {
        let folder = Folder::new("curve");
        for (name, table) in [("x", &curve.x), ("y", &curve.y), ("tx", &curve.tx), ("ty", &curve.ty)] {
            folder.write(name, table.iter());
        }
        let places: Vec<String> = places.iter().map(ToString::to_string).collect();
        let arguments = [curve.axis.name(), &places.join(","), folder.path()];
        python::run(&self.python, self.core_type, script, &arguments)
    }
}
