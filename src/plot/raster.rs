//! From SVG to PNG, with the embedded font alone.

use crate::Error;
use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use super::font;

/// More pixels than this are refused: 400 MB of memory.
const MOST_PIXELS: f64 = 1e8;

/// `svg`, which is `width` by `height`, as a PNG `scale` times that large.
pub(super) fn png(svg: &str, width: f64, height: f64, scale: f64) -> Result<Vec<u8>, Error> {
    let (columns, rows) = pixels(width, height, scale)?;
    let tree = Tree::from_str(svg, &options()).map_err(raster)?;
    let mut pixmap = Pixmap::new(columns, rows)
        .ok_or_else(|| raster(format!("no image of {columns} by {rows} pixels")))?;
    let scale = scale as f32;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    pixmap.encode_png().map_err(raster)
}

fn raster(error: impl std::fmt::Display) -> Error {
    Error::Resource { reason: format!("cannot rasterise the figure: {error}") }
}

/// The system's fonts are left out so that every machine draws the same.
fn options() -> Options<'static> {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(font::BYTES.to_vec());
    fonts.set_sans_serif_family(font::FAMILY);
    Options { font_family: font::FAMILY.to_owned(), fontdb: Arc::new(fonts), ..Options::default() }
}

fn pixels(width: f64, height: f64, scale: f64) -> Result<(u32, u32), Error> {
    if !(scale.is_finite() && scale > 0.0) {
        return Err(Error::Domain { what: "the scale of a PNG", value: scale, must_be: "finite and > 0" });
    }
    let (columns, rows) = ((width * scale).round().max(1.0), (height * scale).round().max(1.0));
    if columns * rows > MOST_PIXELS {
        let reason =
            format!("a figure of {columns} by {rows} pixels is too large for a PNG; the most is 10⁸");
        return Err(Error::Resource { reason });
    }
    Ok((columns as u32, rows as u32))
}
