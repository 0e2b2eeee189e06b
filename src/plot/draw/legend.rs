//! The legend: one block per group, next to the plotting area.

use super::colour::{Hue, Rgb};
use super::curves::{Bands, Key};
use super::drawing::{Anchor, Drawing, TextStyle};
use super::font;
use super::heat::Bar;
use super::model::{Group, Panel};

const SIZE: f64 = 10.5;
const LEADING: f64 = 13.0;
/// Distance from one entry to the next; more than the leading, so that the lines of a
/// wrapped label stay visibly together.
const PITCH: f64 = 15.0;
const KEY: f64 = 22.0;
const KEY_GAP: f64 = 6.0;
const GROUP_GAP: f64 = 9.0;
const COLUMN_GAP: f64 = 12.0;
/// Groups with fewer entries are not split into two columns.
const FEWEST_TO_SPLIT: usize = 4;
const MOST_LINES: usize = 5;
/// Gap between groups that stand side by side.
const BLOCK_GAP: f64 = 20.0;
/// Greatest height of a colour bar.
const BAR: f64 = 190.0;

/// A legend laid out relative to its upper left corner.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Legend {
    keys: Vec<((f64, f64), Key)>,
    texts: Vec<((f64, f64), String, bool)>,
    bar: Option<(f64, Bar)>,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Legend {
    /// The legend of a panel at most `width` wide. Groups are split into two
    /// columns if it would otherwise be higher than `height`.
    pub(super) fn new(panel: &Panel, bands: &Bands, width: f64, height: f64) -> Self {
        let one = Self::lay_out(panel, bands, (width, height), false);
        if one.height <= height { one } else { Self::lay_out(panel, bands, (width, height), true) }
    }

    /// Whether the legend is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.bar.is_none()
    }

    /// Lays out the legend of a panel in rows, at most `width` wide: groups side by side, each in as many columns as it
    /// needs. Colour bars are left out.
    pub(super) fn in_rows(panel: &Panel, bands: &Bands, width: f64) -> Self {
        let mut legend = Self::default();
        let (mut at, mut row_height) = ((0.0, 0.0), 0.0_f64);
        for (group, shown) in panel.groups.iter().zip(&bands.shown) {
            let keys = keys(group, shown);
            if keys.is_empty() {
                continue;
            }
            let mut block = Self::default();
            block.push_group(group, &keys, width, usize::MAX);
            if at.0 > 0.0 && at.0 + block.width > width {
                at = (0.0, at.1 + row_height + GROUP_GAP / 2.0);
                row_height = 0.0;
            }
            row_height = row_height.max(block.height);
            let next = at.0 + block.width + BLOCK_GAP;
            legend.place(block, at);
            at.0 = next;
        }
        legend
    }

    /// Adds the parts of another legend, moved by `by`.
    fn place(&mut self, other: Self, by: (f64, f64)) {
        let moved = |(x, y): (f64, f64)| (x + by.0, y + by.1);
        self.keys.extend(other.keys.into_iter().map(|(at, key)| (moved(at), key)));
        self.texts.extend(other.texts.into_iter().map(|(at, text, strong)| (moved(at), text, strong)));
        self.width = self.width.max(by.0 + other.width);
        self.height = self.height.max(by.1 + other.height);
    }

    fn lay_out(panel: &Panel, bands: &Bands, (width, height): (f64, f64), split: bool) -> Self {
        let mut legend = Self::default();
        if let Some(heat) = &panel.heat {
            legend.push_heading(&heat.label, width);
            let bar = Bar::new(heat, (0.7 * height).min(BAR));
            let (bar_width, bar_height) = bar.size(font::width);
            legend.bar = Some((legend.height + 4.0, bar));
            legend.width = legend.width.max(bar_width);
            legend.height += 4.0 + bar_height;
        }
        for (group, shown) in panel.groups.iter().zip(&bands.shown) {
            let keys = keys(group, shown);
            if keys.is_empty() {
                continue;
            }
            if legend.height > 0.0 {
                legend.height += GROUP_GAP;
            }
            legend.push_group(group, &keys, width, if split { 2 } else { 1 });
        }
        legend
    }

    /// Adds a group in at most `columns` columns, if they fit; two columns need at least [`FEWEST_TO_SPLIT`] entries.
    fn push_group(&mut self, group: &Group, keys: &[Key], width: f64, columns: usize) {
        if let ([series], [key]) = (&group.series[..], keys)
            && series.label.trim().is_empty()
        {
            self.push_entry(0.0, &group.heading, *key, width, true);
            return;
        }
        self.push_heading(&group.heading, width);
        self.height += 2.0;
        let label_room = |s: &str| font::width(s, SIZE) + KEY + KEY_GAP;
        let widest = group.series.iter().map(|s| label_room(&s.label)).fold(0.0, f64::max);
        let offset = widest + COLUMN_GAP;
        let wanted = if columns == 2 && keys.len() < FEWEST_TO_SPLIT { 1 } else { columns.min(keys.len()) };
        let fitting = ((width + COLUMN_GAP) / offset).floor().max(1.0) as usize;
        let per_column = keys.len().div_ceil(wanted.min(fitting).max(1)).max(1);
        let top = self.height;
        let mut lowest = top;
        for (i, (series, key)) in group.series.iter().zip(keys).enumerate() {
            if i % per_column == 0 {
                self.height = top;
            }
            let x = (i / per_column) as f64 * offset;
            self.push_entry(x, &series.label, *key, width - x, false);
            lowest = lowest.max(self.height);
        }
        self.height = lowest;
    }

    fn push_heading(&mut self, heading: &str, width: f64) {
        for line in font::wrap_at_most(heading, SIZE, width, MOST_LINES) {
            self.push_text((0.0, self.height + LEADING - 3.5), line, true);
            self.height += LEADING;
        }
    }

    fn push_entry(&mut self, x: f64, label: &str, key: Key, width: f64, strong: bool) {
        self.keys.push(((x, self.height + PITCH / 2.0), key));
        let lines = font::wrap_at_most(label, SIZE, width - KEY - KEY_GAP, MOST_LINES);
        let more = lines.len().saturating_sub(1) as f64;
        for (i, line) in lines.into_iter().enumerate() {
            let baseline = self.height + PITCH / 2.0 + 3.8 + i as f64 * LEADING;
            self.push_text((x + KEY + KEY_GAP, baseline), line, strong);
        }
        self.width = self.width.max(x + KEY);
        self.height += PITCH + more * LEADING;
    }

    fn push_text(&mut self, at: (f64, f64), text: String, strong: bool) {
        self.width = self.width.max(at.0 + font::width(&text, SIZE));
        self.texts.push((at, text, strong));
    }

    /// Draws the legend with its upper left corner at `at`.
    pub(super) fn draw(&self, drawing: &mut Drawing, at: (f64, f64)) {
        if let Some((y, bar)) = &self.bar {
            bar.draw(drawing, (at.0, at.1 + y));
        }
        for ((x, y), key) in &self.keys {
            key.draw(drawing, (at.0 + x, at.1 + y), KEY);
        }
        for ((x, y), text, strong) in &self.texts {
            let fill = if *strong { Rgb::BLACK } else { Rgb::grey(0x33) };
            drawing.text((at.0 + x, at.1 + y), text, TextStyle::new(SIZE, Anchor::Start, fill));
        }
    }
}

/// A legend entry of a panel: heading, label, key.
pub(super) type Entry<'a> = (&'a str, &'a str, Key);

/// The entries of a panel's theories, or of everything else in it.
pub(super) fn entries<'a>(panel: &'a Panel, bands: &Bands, of_theory: bool) -> Vec<Entry<'a>> {
    let of_group = |(group, shown): (&'a Group, &Vec<bool>)| {
        let keys = keys(group, shown).into_iter();
        group.series.iter().zip(keys).map(|(series, key)| (&*group.heading, &*series.label, key))
    };
    let groups = panel.groups.iter().zip(&bands.shown);
    groups.filter(|(group, _)| (group.hue == Hue::Black) == of_theory).flat_map(of_group).collect()
}

fn keys(group: &Group, shown: &[bool]) -> Vec<Key> {
    let colours = group.hue.ramp(group.series.len());
    let series = group.series.iter().zip(colours).zip(shown);
    let key = |((series, colour), &shown): ((&super::Series, _), &bool)| Key {
        colour,
        dash: series.dash,
        points: series.points,
        band: shown,
        bars: series.dash == super::Dash::None && series.band.is_some(),
    };
    series.map(key).collect()
}
