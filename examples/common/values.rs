//! Types of flag values: widths on paper, numbers of rows and columns.

use super::flags::Value;

/// Numbers of rows or columns, at least 1: `1..39`, `5,10..40:10`, numbers and inclusive ranges with an optional step,
/// ascending.
#[derive(Clone, Debug)]
pub struct Sizes {
    text: String,
    pub list: Vec<usize>,
}

impl Sizes {
    /// The default of a flag.
    pub fn of(text: &str) -> Self {
        Self::parse(text).unwrap_or(Self { text: String::new(), list: Vec::new() })
    }
}

impl Value for Sizes {
    fn parse(text: &str) -> Result<Self, String> {
        let mut list = Vec::new();
        for part in text.split(',') {
            let bad = || {
                let wanted = "neither a number nor an ascending range like 1..39 or 10..40:10";
                if part == text { wanted.into() } else { format!("{wanted} in `{}`", part.escape_debug()) }
            };
            let number = |text: &str| text.trim().parse::<usize>().map_err(|_| bad());
            let (range, step) = part.split_once(':').unwrap_or((part, "1"));
            match range.split_once("..") {
                Some((first, last)) => {
                    let (first, last) = (number(first)?, number(last.trim_start_matches('='))?);
                    let step = number(step)?;
                    if step == 0 || last < first {
                        return Err(bad());
                    }
                    list.extend((first..=last).step_by(step));
                }
                None => list.push(number(range)?),
            }
        }
        if list.contains(&0) {
            return Err("a list with 0, but counts start at 1".into());
        }
        list.sort_unstable();
        list.dedup();
        Ok(Self { text: text.into(), list })
    }

    fn show(&self) -> String {
        self.text.clone()
    }
}

/// A width on paper: `88mm`, `8.8cm`, `3.5in`; a number without a unit is in millimetres.
#[derive(Clone, Copy, Debug)]
pub struct Millimetres(pub f64);

impl Value for Millimetres {
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let units = [("mm", 1.0), ("cm", 10.0), ("in", 25.4)];
        let unit = units.iter().find_map(|(name, size)| Some((text.strip_suffix(name)?, *size)));
        let (number, size) = unit.unwrap_or((text, 1.0));
        let width =
            number.trim().parse::<f64>().map_err(|_| "not a length like 88mm, 8.8cm or 3.5in".to_owned())?
                * size;
        if (57.0..=940.0).contains(&width) {
            return Ok(Self(width));
        }
        Err("out of range: it must be between 57 mm and 940 mm".into())
    }

    fn show(&self) -> String {
        format!("{}mm", self.0)
    }
}
