//! The same points in numpy.

use crate::curves::{Axis, Curve, check};
use double_descent::nested::Point;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A Python with numpy, and the core type that makes `OpenBLAS` fastest.
pub struct Numpy {
    python: String,
    core_type: Option<&'static str>,
}

impl Numpy {
    /// The interpreter in `PYTHON`; the core type is chosen on a curve of that size. `None` (and a line that says
    /// so) without numpy.
    pub fn find(size: usize) -> Option<Self> {
        let python = crate::python::with_numpy()?;
        let curve = Curve::new(Axis::Samples, size, 4 * size);
        let sides = [None, Some("Haswell"), Some("SkylakeX"), Some("Zen")];
        let timed = sides.into_iter().filter_map(|core_type| {
            let numpy = Self { python: python.clone(), core_type };
            // A core type that this machine cannot run ends the process.
            let rows = numpy.run(&curve, &[size, 4 * size])?;
            Some((rows.iter().map(|row| row.1).sum::<f64>(), numpy))
        });
        let (_, numpy) = timed.min_by(|a, b| a.0.total_cmp(&b.0)).expect("numpy runs");
        let chosen = numpy.core_type.unwrap_or("as it chooses");
        println!("peer: {python}, OPENBLAS_NUM_THREADS=1, OPENBLAS_CORETYPE {chosen} (the fastest)");
        Some(numpy)
    }

    /// `(size, seconds)` of the points at `places`, their test errors checked, and which method was the faster.
    pub fn points(&self, curve: &Curve, places: &[usize], points: &[Point]) -> (Vec<(usize, f64)>, String) {
        let rows = self.run(curve, places).expect("the peer runs");
        for row in &rows {
            check(&points[row.0 - 1], row.2);
        }
        let lstsq = rows.iter().filter(|row| row.3 == "lstsq").count();
        let ways = format!("lstsq at {lstsq}, svd at {}", rows.len() - lstsq);
        (rows.iter().map(|row| (row.0, row.1)).collect(), ways)
    }

    /// `(size, seconds, test error, method)`.
    fn run(&self, curve: &Curve, places: &[usize]) -> Option<Vec<(usize, f64, f64, String)>> {
        let folder = Folder::new(curve);
        let places: Vec<String> = places.iter().map(ToString::to_string).collect();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/whole_curve.py");
        let mut command = Command::new(&self.python);
        command.env("OPENBLAS_NUM_THREADS", "1").env_remove("OPENBLAS_CORETYPE");
        if let Some(core_type) = self.core_type {
            command.env("OPENBLAS_CORETYPE", core_type);
        }
        command.arg(script).args([curve.axis.name(), &places.join(",")]).arg(&folder.0);
        let output = command.stderr(Stdio::inherit()).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let row = |line: &str| {
            let cells: Vec<&str> = line.split(' ').collect();
            let [size, seconds, mse, way] = cells[..] else { return None };
            Some((size.parse().ok()?, seconds.parse().ok()?, mse.parse().ok()?, way.into()))
        };
        output.status.success().then(|| text.lines().map(row).collect()).flatten()
    }
}

/// The tables of a curve as raw numbers in a folder of their own, gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(curve: &Curve) -> Self {
        let path = env::temp_dir().join(format!("double-descent-curve-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        for (name, table) in [("x", &curve.x), ("y", &curve.y), ("tx", &curve.tx), ("ty", &curve.ty)] {
            let bytes: Vec<u8> = table.iter().flat_map(|v| v.to_ne_bytes()).collect();
            std::fs::write(path.join(name), bytes).expect("a temporary file");
        }
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
