//! What any chart needs: panels, axes, legends, and output files.

mod axes;
mod caption;
mod check;
mod colour;
pub(super) mod curves;
mod draw_axes;
mod drawing;
mod figure;
mod font;
mod heat;
pub(super) mod label;
mod layout;
mod legend;
#[cfg(feature = "plot")]
mod lettering;
mod measure;
mod model;
#[cfg(feature = "plot")]
mod pdf;
#[cfg(feature = "plot")]
mod raster;
mod render;
mod size;
mod spacing;
mod svg;
mod ticks;
pub(super) mod undrawn;
pub(super) mod unseen;
mod view;

pub use colour::Hue;
pub use figure::{Figure, LegendPlace, Theme};
pub use model::{Dash, Group, HeatMap, Marker, Panel, PanelAxis, Scale, Series};
