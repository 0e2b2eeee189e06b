//! The ablation and adversarial studies on recorded splits, compared with tables computed at 400 bits.

#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the tables hold counts as floating-point numbers

use crate::common::{Table, data_folder, deviation, reference_folder, skipped};
use double_descent::curve::{Cell, Curve};
use double_descent::dataset::{CsvOptions, Dataset, StudentTeacher};
use double_descent::sweep::{Arm, Splits, Sweep};
use std::path::Path;

/// Below this, values are rounding noise in the tables too.
const FLOOR: f64 = 1e-8;

/// Replays both studies on one data set; `prefix` names its recorded tables.
fn replay(data: &Dataset, splits: &Path, exact: &Path, prefix: &str, tolerance: f64) {
    let splits = Splits::read(splits).unwrap();
    let p = data.features().ncols();
    let sweep = |arms| Sweep { splits: splits.clone(), arms, ..Sweep::new(data.clone(), 1..=39, 1, 0) };
    // The recorded tables also have projections onto more than p modes, which change nothing.
    let (mut arms, beyond) = (Arm::ablation_study(p), if p < 20 { p + 1..=10 } else { p + 1..=25 });
    arms.extend(beyond.map(Arm::test_features_projected));
    let ablations = sweep(arms).run().unwrap();
    let adversarial = sweep(Arm::adversarial_study()).run().unwrap();
    let mut worst = Worst { tolerance, ..Worst::default() };
    for (arm, study, curve) in [
        ("unablated", "unablated", &ablations),
        ("no_small_singular_values", "singular_value_cutoff", &ablations),
        ("test_features_projected", "test_features_projected", &ablations),
        ("no_residuals", "no_residuals", &ablations),
        ("adversarial_test", "adversarial_test_datum", &adversarial),
        ("adversarial_train", "adversarial_train_data", &adversarial),
    ] {
        let table = Table::read(&exact.join(format!("{prefix}_{study}.csv")));
        assert!(!table.rows.is_empty());
        for row in &table.rows {
            worst.compare(arm, &table, row, curve);
        }
    }
    println!("{prefix}: {} values, worst deviation {:.1e} ({})", worst.count, worst.value, worst.place);
    worst.report();
}

#[derive(Default)]
struct Worst {
    tolerance: f64,
    value: f64,
    place: String,
    count: usize,
    over: Vec<String>,
}

impl Worst {
    fn compare(&mut self, arm: &str, table: &Table, row: &[f64], curve: &Curve) {
        let setting = table.get(row, "setting");
        let has_setting = curve.family(arm).iter().any(|&a| curve.arms[a].setting.is_some());
        let index = curve.arm(arm, has_setting.then_some(setting));
        let index = index.unwrap_or_else(|| panic!("no arm {arm} {setting}"));
        let (repeat, n) = (table.get(row, "repeat"), table.get(row, "subset_size"));
        let cell = cell(curve, index, repeat as usize, n as usize);
        let columns = [
            ("train_mse", cell.train_mse),
            ("test_mse", cell.test_mse),
            ("test_mse_minus", cell.test_mse_opposite),
            ("bias_squared", cell.bias_squared),
            ("smallest_nonzero_sv", cell.smallest_singular_value),
            ("rank", Some(cell.rank as f64)),
        ];
        for (column, found) in columns {
            if !table.has(column) {
                continue;
            }
            let (found, expected) = (found.unwrap(), table.get(row, column));
            let off = deviation(found, expected, FLOOR);
            self.count += 1;
            let place = format!("{arm} {setting} repeat {repeat} n {n} {column}: {found:e} for {expected:e}");
            if off > self.tolerance || off.is_nan() {
                self.over.push(place.clone());
            }
            if off > self.value {
                (self.value, self.place) = (off, place);
            }
        }
    }

    fn report(&self) {
        let first: Vec<_> = self.over.iter().take(10).collect();
        assert!(self.over.is_empty(), "{} over {:e}: {first:#?}", self.over.len(), self.tolerance);
    }
}

/// Returns a cell of a curve. Cells are ordered by repeat, size (1 to 39) and arm.
fn cell(curve: &Curve, arm: usize, repeat: usize, n: usize) -> &Cell {
    let cell = &curve.cells[(repeat * 39 + n - 1) * curve.arms.len() + arm];
    assert_eq!((cell.repeat, cell.n, cell.arm), (repeat, n, arm));
    cell
}

#[test]
fn diabetes() {
    let Some(folder) = data_folder("diabetes replay") else {
        return;
    };
    let reference = reference_folder(&folder);
    let splits = reference.join("splits/diabetes.csv");
    replay(&Dataset::diabetes(), &splits, &reference.join("exact"), "diabetes", 1e-9);
}

#[test]
fn student_teacher() {
    let Some(folder) = data_folder("student-teacher replay") else {
        return;
    };
    let reference = reference_folder(&folder);
    let table = folder.join("student_teacher_seed0.csv");
    let data = Dataset::read_csv(&table, &CsvOptions::default()).unwrap();
    let splits = reference.join("splits/student_teacher_seed0.csv");
    let exact = reference.join("exact");
    replay(&data, &splits, &exact, "student_teacher_seed0", 1e-9);
    // The generator draws the same table, up to the rounding of one dot product per row.
    let drawn = StudentTeacher::new(0).generate().unwrap();
    assert_eq!(drawn.features(), data.features());
    replay(&drawn, &splits, &exact, "student_teacher_seed0", 1e-9);
}

/// Data sets without recorded tables. `tests/reference/exact_study.py` computes their tables, and
/// `DOUBLE_DESCENT_EXACT` names the folder.
#[test]
fn more_data_sets() {
    let Some(folder) = data_folder("replay of more data sets") else {
        return;
    };
    let Some(exact) = std::env::var_os("DOUBLE_DESCENT_EXACT") else {
        skipped("replay of more data sets: DOUBLE_DESCENT_EXACT is not set");
        return;
    };
    let exact = Path::new(&exact);
    let who = Dataset::who_life_expectancy(&folder).unwrap();
    assert_eq!(who.features().dim(), (1649, 17));
    replay(&who, &exact.join("splits/who.csv"), exact, "who", 1e-6);
    let california = Dataset::california_housing(&folder).unwrap();
    assert_eq!(california.features().dim(), (20_640, 8));
    replay(&california, &exact.join("splits/california.csv"), exact, "california", 1e-9);
}
