//! Hue families and their colour ramps, computed in the OKLCH colour space.

/// A hue family. The strong colours are those of Okabe and Ito's palette,
/// which readers with the common colour-vision deficiencies can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Hue {
    /// From sky blue to indigo.
    #[default]
    Blue,
    /// From amber through vermillion to dark red.
    Vermillion,
    /// From leaf green to dark teal.
    Green,
    /// From pink to dark violet.
    Purple,
    /// From mid grey to near black.
    Grey,
    /// From dark grey to black: theory, drawn over everything else.
    Black,
}

/// An sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rgb(pub(super) [u8; 3]);

impl Rgb {
    pub(super) const BLACK: Self = Self::grey(0);
    pub(super) const WHITE: Self = Self::grey(0xff);

    /// Equal parts of red, green and blue.
    pub(super) const fn grey(level: u8) -> Self {
        Self([level; 3])
    }

    /// `#rrggbb`.
    pub(super) fn hex(self) -> String {
        let [r, g, b] = self.0;
        format!("#{r:02x}{g:02x}{b:02x}")
    }
}

/// Lightness of the first and last colour of a ramp. The first still has a
/// contrast of more than 2 : 1 against white, enough for a 1.5 px line; thin lines darker than
/// the last all look black.
const LIGHTNESS: (f64, f64) = (0.76, 0.32);

/// The lightness range of [`Hue::Black`].
const BLACKS: (f64, f64) = (0.52, 0.12);

/// The desired chroma; it is reduced if the display cannot show it.
const CHROMA: f64 = 0.20;

impl Hue {
    /// The colour of a group's only series.
    fn strong(self) -> Rgb {
        Rgb(match self {
            Self::Blue => [0x00, 0x72, 0xb2],
            Self::Vermillion => [0xd5, 0x5e, 0x00],
            Self::Green => [0x00, 0x9e, 0x73],
            Self::Purple => [0xb0, 0x4f, 0x8e],
            Self::Grey => [0x55, 0x55, 0x55],
            Self::Black => [0x11, 0x11, 0x11],
        })
    }

    /// Hue angle in degrees at the light and the dark end. A drifting hue separates neighbours on the ramp better than
    /// lightness alone.
    fn angles(self) -> (f64, f64) {
        match self {
            Self::Blue => (215.0, 265.0),
            Self::Vermillion => (82.0, 14.0),
            Self::Green => (126.0, 176.0),
            Self::Purple => (352.0, 312.0),
            Self::Grey | Self::Black => (0.0, 0.0),
        }
    }

    /// The `count` colours of a group, from light to dark.
    pub(super) fn ramp(self, count: usize) -> Vec<Rgb> {
        match count {
            0 => Vec::new(),
            1 => vec![self.strong()],
            // Two curves can be told apart without the extremes.
            2 => vec![self.at(0.1), self.at(0.85)],
            n => (0..n).map(|i| self.at(i as f64 / (n - 1) as f64)).collect(),
        }
    }

    /// The ramp's colour at `t` between 0 (light) and 1 (dark).
    fn at(self, t: f64) -> Rgb {
        let (first, last) = if self == Self::Black { BLACKS } else { LIGHTNESS };
        let lightness = first + t * (last - first);
        let (from, to) = self.angles();
        let chroma = if matches!(self, Self::Grey | Self::Black) { 0.0 } else { CHROMA };
        fit_gamut(lightness, chroma, (from + t * (to - from)).to_radians())
    }
}

/// The colour of a value at `t` between 0 and 1, from pale yellow through green to dark blue. Lightness falls evenly,
/// so that the order is visible without colour too.
pub(super) fn sequential(t: f64) -> Rgb {
    let (lightness, chroma, hue) = sequence(t.clamp(0.0, 1.0));
    fit_gamut(lightness, chroma, hue)
}

/// Lightness, chroma and hue of [`sequential`]. The chroma is low enough for sRGB everywhere, on dark paper too: where
/// it had to be reduced, the colours would turn abruptly and show an edge that the values do not have.
fn sequence(t: f64) -> (f64, f64, f64) {
    let chroma = 0.084 - 0.040 * (1.0 - t).powi(4);
    (0.97 - 0.70 * t, chroma, (105.0 + 165.0 * t).to_radians())
}

/// The most colourful sRGB colour of this lightness and hue, up to `chroma`.
fn fit_gamut(lightness: f64, chroma: f64, hue: f64) -> Rgb {
    let (mut low, mut high) = (0.0, chroma);
    if in_gamut(oklch_to_linear(lightness, high, hue)) {
        low = high;
    }
    for _ in 0..24 {
        let middle = f64::midpoint(low, high);
        if in_gamut(oklch_to_linear(lightness, middle, hue)) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Rgb(oklch_to_linear(lightness, low, hue).map(encode))
}

/// Lightness to which black and white are mapped on dark paper.
const DARK_PAPER: (f64, f64) = (0.19, 0.97);

/// The same pair for curves and text: the darkest colour of a ramp becomes the lightest, and none is close to the
/// paper's.
const DARK_STROKES: (f64, f64) = (0.42, 0.97);

impl Rgb {
    /// Converts the colour for dark paper: light and dark are exchanged, the hue is kept. Strokes stay visible; large
    /// areas (`is_area`) keep their order down to the paper's own lightness.
    pub(super) fn on_dark(self, is_area: bool) -> Self {
        let (lightness, chroma, hue) = linear_to_oklch(self.0.map(decode));
        // The grid is grey and lighter than any curve, so it may stay faint.
        let is_curve = chroma > 0.02 || lightness < 0.85;
        let (white, black) = if is_curve && !is_area { DARK_STROKES } else { DARK_PAPER };
        fit_gamut(exchanged(lightness, (white, black)), chroma, hue)
    }
}

/// The lightness on dark paper, where white and black have the given lightness.
fn exchanged(lightness: f64, (white, black): (f64, f64)) -> f64 {
    black + lightness * (white - black)
}

/// Converts an 8-bit sRGB channel to linear light.
fn decode(channel: u8) -> f64 {
    let c = f64::from(channel) / 255.0;
    if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
}

/// Converts linear sRGB to OKLCH; the inverse of [`oklch_to_linear`].
fn linear_to_oklch([r, g, b]: [f64; 3]) -> (f64, f64, f64) {
    let long = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
    let medium = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
    let short = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
    let lightness = 0.210_454_255_3 * long + 0.793_617_785_0 * medium - 0.004_072_046_8 * short;
    let a = 1.977_998_495_1 * long - 2.428_592_205_0 * medium + 0.450_593_709_9 * short;
    let b = 0.025_904_037_1 * long + 0.782_771_766_2 * medium - 0.808_675_766_0 * short;
    (lightness, a.hypot(b), b.atan2(a))
}

/// Converts OKLCH to linear sRGB, with the coefficients of Ottosson's definition.
fn oklch_to_linear(lightness: f64, chroma: f64, hue: f64) -> [f64; 3] {
    let (a, b) = (chroma * hue.cos(), chroma * hue.sin());
    let long = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let medium = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let short = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    [
        4.076_741_662_1 * long - 3.307_711_591_3 * medium + 0.230_969_929_2 * short,
        -1.268_438_004_6 * long + 2.609_757_401_1 * medium - 0.341_319_396_5 * short,
        -0.004_196_086_3 * long - 0.703_418_614_7 * medium + 1.707_614_701_0 * short,
    ]
}

fn in_gamut(linear: [f64; 3]) -> bool {
    linear.iter().all(|c| (-1e-6..=1.0 + 1e-6).contains(c))
}

/// Converts linear light to an 8-bit sRGB channel.
fn encode(linear: f64) -> u8 {
    let c = linear.clamp(0.0, 1.0);
    let gamma = if c <= 0.003_130_8 { 12.92 * c } else { 1.055 * c.powf(1.0 / 2.4) - 0.055 };
    (gamma * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Hue; 6] = [Hue::Blue, Hue::Vermillion, Hue::Green, Hue::Purple, Hue::Grey, Hue::Black];

    fn luminance(colour: Rgb) -> f64 {
        let linear = colour.0.map(decode);
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }

    #[test]
    fn ramps_darken_and_stay_visible() {
        for hue in ALL {
            for count in [2, 3, 8, 20] {
                let lum: Vec<f64> = hue.ramp(count).into_iter().map(luminance).collect();
                assert_eq!(lum.len(), count);
                assert!(lum.windows(2).all(|w| w[1] < w[0]), "{hue:?} {count}: {lum:?}");
                assert!(1.05 / (lum[0] + 0.05) > 2.0, "{hue:?}: {}", lum[0]);
            }
        }
    }

    #[test]
    fn one_series_takes_the_strong_colour() {
        assert_eq!(Hue::Blue.ramp(1)[0].hex(), "#0072b2");
        assert!(Hue::Green.ramp(0).is_empty());
    }

    /// CIELAB's lightness L*, from 0 for black to 100 for white.
    fn perceived(colour: Rgb) -> f64 {
        let y = luminance(colour);
        if y > 216.0 / 24_389.0 { 116.0 * y.cbrt() - 16.0 } else { 24_389.0 / 27.0 * y }
    }

    #[test]
    fn the_lightness_of_the_sequence_changes_evenly() {
        const STEPS: usize = 16;
        let at = |i: usize| sequential(i as f64 / STEPS as f64);
        // Rounding to 8 bits moves a colour by at most half a level, 0.2 of the 100 units of L*; on dark paper the
        // colour is rounded twice. The two scales of lightness, OKLCH's and CIELAB's, differ by 6 % over these hues.
        let light = |i: usize| perceived(at(i));
        let dark = |i: usize| -perceived(at(i).on_dark(true));
        for (lightness, rounding) in [(&light as &dyn Fn(usize) -> f64, 0.2), (&dark, 0.4)] {
            let mean = (lightness(0) - lightness(STEPS)) / STEPS as f64;
            for i in 0..STEPS {
                let step = lightness(i) - lightness(i + 1);
                assert!(
                    step > 0.0 && (step - mean).abs() < 0.06 * mean + 2.0 * rounding,
                    "{i}: {step}, mean {mean}"
                );
            }
        }
    }

    #[test]
    fn no_colour_of_the_sequence_is_outside_the_display() {
        for i in 0..=1000 {
            let (lightness, chroma, hue) = sequence(f64::from(i) / 1000.0);
            for lightness in [lightness, exchanged(lightness, DARK_PAPER)] {
                assert!(in_gamut(oklch_to_linear(lightness, chroma, hue)), "{i}: {lightness} {chroma}");
            }
        }
    }

    #[test]
    fn colours_come_back_and_every_stroke_stands_out_on_dark_paper() {
        let paper = Rgb::WHITE.on_dark(true);
        assert!(luminance(paper) < 0.02, "{paper:?}");
        for hue in ALL {
            for count in [1, 2, 5, 12] {
                for colour in hue.ramp(count) {
                    let (lightness, chroma, angle) = linear_to_oklch(colour.0.map(decode));
                    let again = fit_gamut(lightness, chroma, angle);
                    assert!(
                        again.0.iter().zip(colour.0).all(|(a, b)| a.abs_diff(b) <= 1),
                        "{colour:?} {again:?}"
                    );
                    let contrast = (luminance(colour.on_dark(false)) + 0.05) / (luminance(paper) + 0.05);
                    assert!(contrast > 3.0, "{hue:?} {count}: {contrast}");
                }
            }
        }
    }

    #[test]
    fn grey_is_neutral() {
        for Rgb([r, g, b]) in Hue::Grey.ramp(5) {
            assert!(r.abs_diff(g) <= 1 && g.abs_diff(b) <= 1);
        }
    }
}
