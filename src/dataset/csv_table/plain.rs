//! A fast reader for tables of plain numbers, which most are: a third of the record reader's time.

use super::cells::{leading_decimal, parse_number};
use super::columns::Columns;
use super::options::{BlankCells, CsvOptions};
use super::table::Table;
use crate::Error;

impl Table<'_> {
    /// Reads all rows from byte `start` on into `features` and `targets`, which must be empty. This needs every row to
    /// be a line of `width` cells whose used cells are finite numbers without blanks around them, and no quotes,
    /// comments, class, or options for missing values. Otherwise returns `false` and leaves both empty: the record
    /// reader then accepts or refuses the table.
    pub(super) fn read_plain(
        &self,
        start: usize,
        (width, columns): (usize, &Columns),
        (features, targets): (&mut Vec<f64>, &mut Vec<f64>),
    ) -> Result<bool, Error> {
        let options = &self.options;
        let is_plain = options.blank_cells == BlankCells::Refuse
            && options.comment.is_none()
            && columns.one_hot.is_empty()
            && options.class.is_none()
            && !(options.decimal_comma || !self.missing_numbers.is_empty() || is_line_end(options.delimiter));
        let text = self.text.get(start..).unwrap_or_default();
        if !is_plain || text.contains(&b'"') {
            return Ok(false);
        }
        let rows = (1 + count(text, |byte| byte == options.delimiter || is_line_end(byte))) / width.max(1);
        self.reserve(features, rows.saturating_mul(columns.features.len()))?;
        self.reserve(targets, rows.saturating_mul(columns.targets.len()))?;
        // For each column, its position in a row of features and targets.
        let mut places = vec![None; width];
        for (place, &column) in columns.features.iter().chain(&columns.targets).enumerate() {
            if let Some(of_column) = places.get_mut(column) {
                *of_column = Some(place);
            }
        }
        let mut row = vec![0.0; columns.features.len() + columns.targets.len()];
        let mut lines = Lines { text, delimiter: options.delimiter };
        while lines.skip_empty() {
            let read = places.iter().enumerate().all(|(column, place)| {
                let ends = match *place {
                    Some(place) => lines.read_number(options, &mut row[place]),
                    None => lines.skip_cell(),
                };
                ends == (column + 1 == width)
            });
            if !read || !row.iter().all(|number| number.is_finite()) {
                features.clear();
                targets.clear();
                return Ok(false);
            }
            let (of_features, of_targets) = row.split_at(columns.features.len());
            features.extend_from_slice(of_features);
            targets.extend_from_slice(of_targets);
        }
        Ok(true)
    }
}

/// Counts the bytes that satisfy `is_such`, in runs short enough for `u8` counts, which vectorise well.
fn count(text: &[u8], is_such: impl Fn(u8) -> bool) -> usize {
    let of_run = |run: &[u8]| usize::from(run.iter().map(|&byte| u8::from(is_such(byte))).sum::<u8>());
    text.chunks(usize::from(u8::MAX)).map(of_run).sum()
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Lines without quotes.
struct Lines<'a> {
    text: &'a [u8],
    delimiter: u8,
}

impl Lines<'_> {
    /// Moves to the next non-empty line; returns whether there is one.
    fn skip_empty(&mut self) -> bool {
        while let [b'\r' | b'\n', rest @ ..] = self.text {
            self.text = rest;
        }
        !self.text.is_empty()
    }

    fn is_end(&self, byte: u8) -> bool {
        byte == self.delimiter || is_line_end(byte)
    }

    /// Reads the number in the next cell, NaN if it is not one; returns whether the line ends with it.
    fn read_number(&mut self, options: &CsvOptions, number: &mut f64) -> bool {
        let short = leading_decimal(self.text);
        let whole = short.filter(|(_, length)| self.text.get(*length).is_none_or(|&byte| self.is_end(byte)));
        let length = if let Some((found, length)) = whole {
            *number = found;
            length
        } else {
            let length = self.length_of_cell();
            *number = parse_number(&self.text[..length], options).unwrap_or(f64::NAN);
            length
        };
        self.pass(length)
    }

    /// Skips the next cell; returns whether the line ends with it.
    fn skip_cell(&mut self) -> bool {
        let length = self.length_of_cell();
        self.pass(length)
    }

    fn length_of_cell(&self) -> usize {
        self.text.iter().position(|&byte| self.is_end(byte)).unwrap_or(self.text.len())
    }

    /// Moves past a cell of `length` bytes; returns whether the line ends with it.
    fn pass(&mut self, length: usize) -> bool {
        let (ends, rest) = match self.text.get(length..) {
            Some([byte, rest @ ..]) => (*byte != self.delimiter, rest),
            _ => (true, &[][..]),
        };
        self.text = rest;
        ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Dataset;
    use std::collections::HashSet;
    use std::path::Path;

    /// Columns 2 and 0 are features, 1 is the target, and 3 is not used.
    fn read(text: &str, options: &CsvOptions) -> Option<[Vec<f64>; 2]> {
        let table = Table::new(Path::new("rows"), options, text.as_bytes()).unwrap();
        let (features, targets) = (vec![2, 0], vec![1]);
        let columns = Columns { features, targets, one_hot: HashSet::new(), first_left_out: false };
        let (mut features, mut targets) = (Vec::new(), Vec::new());
        let is_read = table.read_plain(0, (4, &columns), (&mut features, &mut targets)).unwrap();
        assert!(is_read || features.is_empty() && targets.is_empty());
        is_read.then_some([features, targets])
    }

    #[test]
    fn rows_of_numbers_are_read_and_others_are_left() {
        let plain = CsvOptions::default();
        let rows = Some([vec![3.0, -1.5, 7e-3, 0.0], vec![2.0, 6.0]]);
        for text in
            ["-1.5,2,3.,a\n0,6,7e-3,\n", "\r\n-1.5,2,3,a b\r\n\r\n0,6,7e-3,1", "-1.5,2,3,\n\n\n0,6,0.007,x"]
        {
            assert_eq!(read(text, &plain), rows, "{text:?}");
        }
        assert_eq!(read("", &plain), Some([vec![], vec![]]));
        let good = "1,2,3,4\n";
        let bad = [
            "1,2,3\n",
            "1,2,3,4,\n",
            "1,2,3,4,5\n",
            "1,,3,4\n",
            "1,x,3,4\n",
            " 1,2,3,4\n",
            "1,2,inf,4\n",
            " \n",
        ];
        for bad in bad.into_iter().chain(["1,2,3,\"4\"\n", "1,2,nan,4\n"]) {
            assert_eq!(read(&[good, bad].concat(), &plain), None, "{bad:?}");
            assert_eq!(read(&[bad, good].concat(), &plain), None, "{bad:?}");
        }
        assert_eq!(read(&[good, "1"].concat(), &plain), None);
        let closer = [
            plain.clone().with_comment(b'#'),
            plain.clone().with_blank_cells(BlankCells::DropRow),
            plain.clone().with_missing(["-999"]),
            plain.clone().with_decimal_comma(true),
        ];
        for options in closer {
            assert_eq!(read(good, &options), None, "{options:?}");
        }
    }

    /// Both readers give the same table or the same error. (Allowing comments selects the record reader.)
    #[test]
    fn tables_are_those_of_the_reader_of_records() {
        let lines = [
            "1,2,3",
            "-0.5,1e-3,4.25",
            "",
            "7,8,9,",
            "7,8",
            "a,2,3",
            "1,,3",
            "1,2 ,3",
            "\"1\",2,3",
            "1,2,NaN",
        ];
        let (plain, records) = (CsvOptions::default(), CsvOptions::default().with_comment(b'#'));
        for end in ["\n", "\r\n"] {
            for a in lines {
                for b in lines {
                    let text = ["x,y,z", a, "4,5,6", b, "7,8,9"].join(end);
                    for text in [text.clone(), text.clone() + end, text + end + end] {
                        let read = |options| Dataset::parse_csv("both", text.as_bytes(), options);
                        assert_eq!(read(&plain), read(&records), "{text:?}");
                    }
                }
            }
        }
    }
}
