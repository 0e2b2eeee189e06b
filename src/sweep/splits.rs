//! Which rows train: drawn at random, recorded, or in the order of time.

use crate::Error;
use crate::error::words::counted;
use crate::machine::long_lines::{self, LongLines};
use crate::machine::memory;
use crate::rng::{shuffle_front, stream};
use std::fs::File;
use std::path::Path;

/// The order in which rows join the training set, one per repeat.
///
/// The training set of size `n` is the first `n` rows of the order, so the sets are nested. With a single table, the
/// test set is every other row, unless the rows are in the order of time. If rows are drawn afresh
/// ([`Source::Drawn`](super::Source::Drawn)), only the number of repeats counts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Splits {
    /// A uniformly random order for each repeat.
    Drawn {
        /// How many repeats.
        repeats: usize,
        /// The seed.
        seed: u64,
    },
    /// Recorded orders, for comparing results number by number with other implementations.
    Recorded(
        /// One list of row indices (from 0) per repeat, each at least as long as the largest `n`.
        Vec<Vec<usize>>,
    ),
    /// Rows in the order of time, one repeat. A training set of size `n` is the first `n` rows (an expanding window),
    /// and the rows after it are the test rows. `n` is the position in time.
    Expanding {
        /// How many rows after the training set are test rows; `None`: all of them.
        horizon: Option<usize>,
    },
    /// Rows in the order of time, one repeat for each origin. A training set of size `n` is the `n` rows before the
    /// origin (a rolling window), and the rows from the origin on are the test rows.
    Rolling {
        /// The first test row of each repeat, at least the largest `n`.
        origins: Vec<usize>,
        /// How many rows from the origin on are test rows; `None`: all of them.
        horizon: Option<usize>,
    },
}

impl Splits {
    /// Reads a file `repeat,i0,i1,…`: a header, then one line of row indices (from 0) per repeat.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::File`] with the line for a field that is not a row index, a row that joins twice, lines
    /// of different lengths, or a file without a header or repeats; [`Error::Memory`].
    ///
    /// # Examples
    /// ```
    /// # let dir = std::env::temp_dir().join(format!("double-descent-splits-{}", std::process::id()));
    /// # std::fs::create_dir_all(&dir).unwrap();
    /// # let path = dir.join("splits.csv");
    /// std::fs::write(&path, "repeat,i0,i1,i2\n0,4,1,7\n1,0,2,9\n").unwrap();
    /// let splits = double_descent::sweep::Splits::read(&path)?;
    /// assert_eq!(splits.repeats(), 2);
    /// # std::fs::remove_dir_all(&dir).unwrap();
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|e| Error::io(path, &e))?;
        let bad = |line, reason: String| Error::File { path: path.into(), line, column: None, reason };
        let mut reader = csv::Reader::from_reader(LongLines::new(file));
        let not_a = |what: &str, e: csv::Error| {
            let (line, text) = (e.position().map(csv::Position::line), e.to_string());
            match e.into_kind() {
                csv::ErrorKind::Io(e) => long_lines::failed(path, e),
                _ => bad(line, format!("not a {what}: {text}")),
            }
        };
        let header = reader.headers().map_err(|e| not_a("header", e))?;
        if header.get(0).is_some_and(|name| name.trim().parse::<f64>().is_ok()) {
            let reason = "starts with a number; the first line must be a header `repeat,i0,i1,…`";
            return Err(bad(Some(1), reason.into()));
        }
        let mut orders: Vec<Vec<usize>> = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|e| not_a("line of splits", e))?;
            let line = record.position().map(csv::Position::line);
            memory::reserve("the order of rows in a file of splits", memory::list::<usize>(record.len()))?;
            let mut order = Vec::with_capacity(record.len());
            for field in record.iter().skip(1) {
                let row = field.trim().parse::<usize>();
                order.push(row.map_err(|_| bad(line, format!("`{field}` is not a row index")))?);
            }
            if let Some(row) = repeated(&order) {
                return Err(bad(line, format!("row {row} joins the training set twice")));
            }
            orders.push(order);
        }
        if orders.is_empty() || orders[0].is_empty() {
            return Err(bad(None, "holds no splits; expected lines `repeat,i0,i1,…`".into()));
        }
        Ok(Self::Recorded(orders))
    }

    /// How many repeats there are.
    #[must_use]
    pub fn repeats(&self) -> usize {
        match self {
            Self::Drawn { repeats, .. } => *repeats,
            Self::Recorded(orders) => orders.len(),
            Self::Expanding { .. } => 1,
            Self::Rolling { origins, .. } => origins.len(),
        }
    }

    /// If rows are in the order of time: how many rows after the training set are test rows.
    #[allow(clippy::option_option)] // `None` within: all of them
    pub(super) fn horizon(&self) -> Option<Option<usize>> {
        match self {
            Self::Expanding { horizon } | Self::Rolling { horizon, .. } => Some(*horizon),
            Self::Drawn { .. } | Self::Recorded(_) => None,
        }
    }

    /// The seed, if the splits are drawn.
    #[must_use]
    pub fn seed(&self) -> Option<u64> {
        match self {
            Self::Drawn { seed, .. } => Some(*seed),
            _ => None,
        }
    }

    /// Returns one order per repeat for a table of `rows` rows: the first `n` entries are the rows of the training set
    /// of size `n`, for every `n` up to `longest`.
    ///
    /// # Errors
    /// [`Error::Domain`] for no repeats, for a recorded order that names a row outside the table, or one row twice, for
    /// a window whose horizon is 0, and for one that lacks `longest` rows before its first test row, or that row
    /// itself; [`Error::Shape`] for a recorded order that is too short; [`Error::Memory`].
    ///
    /// # Examples
    /// ```
    /// use double_descent::sweep::Splits;
    ///
    /// let splits = Splits::Drawn { repeats: 3, seed: 0 };
    /// let (short, long) = (splits.orders(442, 5)?, splits.orders(442, 40)?);
    /// assert_eq!(short[2], long[2][..5]); // nested
    /// # Ok::<(), double_descent::Error>(())
    /// ```
    pub fn orders(&self, rows: usize, longest: usize) -> Result<Vec<Vec<usize>>, Error> {
        if self.repeats() == 0 {
            return Err(Error::Domain { what: "the number of repeats", value: 0.0, must_be: "at least 1" });
        }
        // A draw shuffles a list of all rows.
        let shuffled = if self.seed().is_some() { memory::list::<usize>(rows) } else { 0 };
        let orders = orders_bytes(self.repeats(), longest.min(rows));
        memory::reserve("the orders of rows", memory::sum([orders, shuffled]))?;
        let orders = match self {
            Self::Drawn { repeats, seed } => {
                return Ok(draw(rows, longest, *repeats, *seed));
            }
            Self::Recorded(orders) => orders,
            Self::Expanding { horizon } => {
                in_time(rows, longest, (longest, *horizon))?;
                return Ok(vec![(0..longest).collect()]);
            }
            Self::Rolling { origins, horizon } => {
                let order = |&origin: &usize| {
                    in_time(rows, longest, (origin, *horizon))?;
                    Ok((origin - longest..origin).rev().collect())
                };
                return origins.iter().map(order).collect();
            }
        };
        for order in orders {
            if order.len() < longest {
                return Err(Error::Shape {
                    what: "row indices in a recorded split, for the largest training set",
                    expected: longest,
                    found: order.len(),
                });
            }
            let used = &order[..longest];
            if let Some(&row) = used.iter().find(|&&row| row >= rows) {
                return Err(Error::Domain {
                    what: "a row index in a recorded split",
                    value: row as f64,
                    must_be: "below the number of rows of the table",
                });
            }
            if let Some(row) = repeated(used) {
                let value = row as f64;
                let must_be = "there once: a row cannot join a training set twice";
                return Err(Error::Domain { what: "a row index in a recorded split", value, must_be });
            }
        }
        Ok(orders.clone())
    }

    /// The splits in words, for a caption.
    pub(crate) fn describe(&self, repeats: usize) -> String {
        match self {
            Self::Drawn { seed, .. } => format!("{}, seed {seed}", counted(repeats, "nested random split")),
            Self::Recorded(_) => counted(repeats, "recorded split"),
            Self::Expanding { horizon } => format!("an expanding window, {}", tested(*horizon)),
            Self::Rolling { horizon, .. } => {
                format!("{}, {}", counted(repeats, "rolling window"), tested(*horizon))
            }
        }
    }
}

fn tested(horizon: Option<usize>) -> String {
    horizon.map_or("all rows after it tested on".into(), |rows| format!("the {rows} rows after it tested on"))
}

/// Returns [`Error::Domain`] unless `longest` rows fit before the first test row and that row is in the table.
fn in_time(rows: usize, longest: usize, (origin, horizon): (usize, Option<usize>)) -> Result<(), Error> {
    if horizon == Some(0) {
        return Err(Error::Domain { what: "the horizon of a window", value: 0.0, must_be: "at least 1 row" });
    }
    if origin < longest || origin >= rows {
        let must_be =
            "at least the largest training set size and below the number of rows, so that a test row is left";
        return Err(Error::Domain { what: "the first test row of a window", value: origin as f64, must_be });
    }
    Ok(())
}

/// Bytes of `repeats` orders of `longest` rows.
pub(super) fn orders_bytes(repeats: usize, longest: usize) -> usize {
    memory::sum([
        memory::list::<Vec<usize>>(repeats),
        memory::list::<usize>(longest.max(2)).saturating_mul(repeats),
    ])
}

/// A row that is in the order twice, if any.
fn repeated(order: &[usize]) -> Option<usize> {
    let mut seen = std::collections::HashSet::with_capacity(order.len());
    order.iter().copied().find(|&row| !seen.insert(row))
}

/// For each repeat, the first `longest` entries of a random order of `rows` rows; a longer draw from the same seed
/// starts with the shorter one.
fn draw(rows: usize, longest: usize, repeats: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = Vec::with_capacity(rows);
    let draw = |repeat| {
        order.clear();
        order.extend(0..rows);
        shuffle_front(&mut stream(seed, 0, repeat), &mut order, longest);
        order[..longest.min(rows)].to_vec()
    };
    (0..repeats).map(draw).collect()
}
