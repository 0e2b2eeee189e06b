//! How large a figure is: on the screen, and in millimetres on paper.

/// Of the SVG; CSS defines it so.
pub(super) const PIXELS_PER_INCH: f64 = 96.0;

const MM_PER_INCH: f64 = 25.4;

/// How much smaller than on the screen letters are on paper: 10.5 and 12 pixels become 7 and 8 points.
const ON_PAPER: f64 = 8.0 / 9.0;

/// A figure that is laid out: its extent in the units of its marks, and how large those are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Size {
    pub(super) width: f64,
    pub(super) height: f64,
    /// Pixels of 1/96 inch for each unit.
    pub(super) scale: f64,
    /// Whether the SVG's extent is stated in millimetres.
    is_in_mm: bool,
}

impl Size {
    /// On the screen, a unit is a pixel.
    pub(super) fn on_screen(width: f64, height: f64) -> Self {
        Self { width, height, scale: 1.0, is_in_mm: false }
    }

    /// On paper.
    pub(super) fn on_paper(width: f64, height: f64) -> Self {
        Self { width, height, scale: ON_PAPER, is_in_mm: true }
    }

    /// The attributes `width` and `height` of an SVG.
    pub(super) fn svg(self) -> (String, String) {
        let text = |units: f64| {
            if self.is_in_mm {
                format!("{}mm", num(units * self.scale / PIXELS_PER_INCH * MM_PER_INCH))
            } else {
                num(units)
            }
        };
        (text(self.width), text(self.height))
    }
}

/// The units of a drawing that is so many millimetres wide on paper.
pub(super) fn units_of_mm(mm: f64) -> f64 {
    mm / MM_PER_INCH * PIXELS_PER_INCH / ON_PAPER
}

/// A coordinate: two decimals at most, and always a number.
pub(super) fn num(value: f64) -> String {
    if !value.is_finite() {
        return "0".to_owned();
    }
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_finite() {
        assert_eq!(num(1.0), "1");
        assert_eq!(num(-0.001), "0");
        assert_eq!(num(12.345), "12.35");
        assert_eq!(num(100.0), "100");
        assert_eq!(num(f64::NAN), "0");
        assert_eq!(num(f64::INFINITY), "0");
    }
}
