//! The size of a figure: in pixels on screen, in millimetres on paper.

/// Of SVG pixels, as CSS defines them.
pub(super) const PIXELS_PER_INCH: f64 = 96.0;

const MM_PER_INCH: f64 = 25.4;

/// Size of letters on paper relative to the screen: 10.5 and 12 pixels become 7 and 8 points.
const ON_PAPER: f64 = 8.0 / 9.0;

/// The size of a laid-out figure: its extent in drawing units, and the size of a unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Size {
    pub(super) width: f64,
    pub(super) height: f64,
    /// Pixels of 1/96 inch per unit.
    pub(super) scale: f64,
    /// Whether the SVG's size is stated in millimetres.
    is_in_mm: bool,
}

impl Size {
    /// The size on screen, where a unit is a pixel.
    pub(super) fn on_screen(width: f64, height: f64) -> Self {
        Self { width, height, scale: 1.0, is_in_mm: false }
    }

    /// The size on paper.
    pub(super) fn on_paper(width: f64, height: f64) -> Self {
        Self { width, height, scale: ON_PAPER, is_in_mm: true }
    }

    /// The height on paper in millimetres; `None` on screen.
    pub(super) fn height_mm(self) -> Option<f64> {
        self.is_in_mm.then(|| self.mm(self.height))
    }

    /// The width on paper in millimetres; `None` on screen.
    pub(super) fn width_mm(self) -> Option<f64> {
        self.is_in_mm.then(|| self.mm(self.width))
    }

    fn mm(self, units: f64) -> f64 {
        units * self.scale / PIXELS_PER_INCH * MM_PER_INCH
    }

    /// The attributes `width` and `height` of an SVG.
    pub(super) fn svg(self) -> (String, String) {
        let text = |units: f64| {
            if self.is_in_mm { format!("{}mm", num(self.mm(units))) } else { num(units) }
        };
        (text(self.width), text(self.height))
    }
}

/// Returns the width in drawing units of a figure `mm` millimetres wide on paper.
pub(super) fn units_of_mm(mm: f64) -> f64 {
    mm / MM_PER_INCH * PIXELS_PER_INCH / ON_PAPER
}

/// Formats a coordinate with at most two decimals; one that is not finite becomes 0.
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
