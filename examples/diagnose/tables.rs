//! A diagnosis as tables in JSON, under the names of the library's fields; modes count from 1, as in its words.

use crate::common::table::{Item, JSON, Table, row};
use double_descent::diagnosis::{Diagnosis, Estimate, Method, Side};
use std::sync::atomic::Ordering;

/// Prints the diagnosis in three tables if `--json` is set; its words then go to standard error.
pub fn print_json(data: &str, found: &Diagnosis) {
    if JSON.load(Ordering::Relaxed) {
        quantities(data, found).print();
        modes(data, found).print();
        fits(data, found).print();
    }
}

fn quantities(data: &str, found: &Diagnosis) -> Table {
    let mut table = Table::new(format!("{data}: the table and the fit"), ["quantity", "value"]);
    row!(table, "rows", found.rows);
    row!(table, "features", found.features);
    row!(table, "outputs", found.outputs);
    row!(table, "copied_rows", found.copied_rows);
    row!(table, "rank", found.rank);
    row!(table, "side", side(found.side));
    row!(table, "spare_rows", found.spare_rows);
    row!(table, "spare_features", found.spare_features);
    row!(table, "largest_singular_value", found.largest_singular_value);
    row!(table, "smallest_singular_value", found.smallest_singular_value);
    row!(table, "condition_number", found.condition_number);
    row!(table, "far_from_origin", found.far_from_origin);
    row!(table, "train_mse", found.train_mse);
    row!(table, "target_mse", found.target_mse);
    row!(table, "degrees_of_freedom", found.degrees_of_freedom);
    row!(table, "noise_factor", found.noise_factor);
    row!(table, "left_out", found.left_out);
    row!(table, "reference_penalty", found.reference_penalty);
    row!(table, "more_rows.rows", found.more_rows.map(|more| more.rows));
    row!(table, "more_rows.noise_variance", found.more_rows.map(|more| more.noise_variance));
    row!(table, "more_rows.mse_now", found.more_rows.map(|more| more.mse_now));
    row!(table, "more_rows.mse", found.more_rows.map(|more| more.mse));
    table
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Under => "under",
        Side::At => "at",
        Side::Over => "over",
        _ => "unknown",
    }
}

fn modes(data: &str, found: &Diagnosis) -> Table {
    let columns =
        ["at", "mode", "singular_value", "gain", "test_projection", "residual_projection", "product"];
    let mut table = Table::new(format!("{data}: the worst modes"), columns);
    for (rows, modes) in [("left-out rows", &found.worst_modes), ("test rows", &found.worst_test_modes)] {
        for mode in modes {
            let [gain, test, residual] = [mode.gain, mode.test_projection, mode.residual_projection];
            row!(table, rows, mode.mode + 1, mode.singular_value, gain, test, residual, mode.product);
        }
    }
    table
}

fn fits(data: &str, found: &Diagnosis) -> Table {
    let gain = ["gain.mean", "gain.standard_error", "gain.share"];
    let columns = ["method", "setting", "mse", "standard_error", "median", "rows"].into_iter().chain(gain);
    let mut table = Table::new(format!("{data}: what would help"), columns.chain(["test_mse"]));
    for fit in [&found.fit].into_iter().chain(&found.remedies) {
        let (method, setting) = method(fit);
        let gain = fit.gain.map(|gain| [gain.mean, gain.standard_error, gain.share]);
        let errors = [Some(fit.mse), Some(fit.standard_error), Some(fit.median)];
        let mut row = vec![method.into(), setting];
        row.extend(errors.map(Item::from));
        row.push(fit.rows.into());
        row.extend([0, 1, 2].map(|i| Item::from(gain.map(|gain| gain[i]))));
        row.push(fit.test_mse.into());
        table.push(row);
    }
    table
}

/// The name of a fit, and its penalty, time or number of directions.
fn method(fit: &Estimate) -> (String, Item) {
    match fit.method {
        Method::AsItIs => ("as it is".into(), Item::Nothing),
        Method::Ridge { lambda } => ("ridge".into(), lambda.into()),
        Method::Stopping { time } => ("early stopping".into(), time.into()),
        Method::LeadingModes { modes } => ("leading modes".into(), modes.into()),
        Method::HalfTheRows => ("half the rows".into(), Item::Nothing),
        other => (other.to_string(), Item::Nothing),
    }
}
