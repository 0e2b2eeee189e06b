//! Completion of an orthonormal basis.

/// Completes the rows of a matrix (no more rows than `columns`), of which the first `rank` are orthonormal and the
/// others zero, to an orthonormal set: a basis if there are as many rows as columns.
///
/// Each new row is a coordinate axis minus its projection on the rows so far, for the axis with the largest remainder.
pub(super) fn complete(rows: &mut [f64], columns: usize, rank: usize) {
    for place in rank..rows.len() / columns.max(1) {
        let (done, rest) = rows.split_at_mut(place * columns);
        let row = &mut rest[..columns];
        let done = || done.chunks_exact(columns);
        let explained = |j: usize| done().map(|row| row[j] * row[j]).sum::<f64>();
        let axis = (0..columns).min_by(|&i, &j| explained(i).total_cmp(&explained(j)));
        if let Some(axis) = axis {
            row[axis] = 1.0;
        }
        // Twice is enough (Kahan): the second pass removes the rounding errors of the first.
        for other in done().chain(done()) {
            let inner: f64 = row.iter().zip(other).map(|(a, b)| a * b).sum();
            for (entry, value) in row.iter_mut().zip(other) {
                *entry -= inner * value;
            }
        }
        let length = row.iter().map(|v| v * v).sum::<f64>().sqrt();
        for entry in row {
            *entry /= length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::complete;

    #[test]
    fn a_completed_basis_is_orthonormal() {
        for columns in 1..=32 {
            for rank in 0..=columns {
                // The first axes, reflected by I − 2 v vᵀ / vᵀv.
                let v: Vec<f64> = (0..columns).map(|j| ((j * j + 3 * j + 1) % 7) as f64 - 2.5).collect();
                let square: f64 = v.iter().map(|v| v * v).sum();
                let mut rows = vec![0.0; columns * columns];
                for (i, row) in rows.chunks_exact_mut(columns).take(rank).enumerate() {
                    for (j, entry) in row.iter_mut().enumerate() {
                        *entry = f64::from(u8::from(i == j)) - 2.0 * v[i] * v[j] / square;
                    }
                }
                // The first rows of a basis do not depend on how many there are.
                let mut first = rows[..rank.midpoint(columns) * columns].to_vec();
                complete(&mut first, columns, rank);
                complete(&mut rows, columns, rank);
                assert_eq!(first, rows[..first.len()]);
                for (i, a) in rows.chunks_exact(columns).enumerate() {
                    for (j, b) in rows.chunks_exact(columns).enumerate() {
                        let inner: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                        let off = (inner - f64::from(u8::from(i == j))).abs();
                        // A sum of that many products, whose entries carry errors too.
                        assert!(off <= 4.0 * columns as f64 * f64::EPSILON, "{columns}, {rank}: {off:e}");
                    }
                }
            }
        }
    }
}
