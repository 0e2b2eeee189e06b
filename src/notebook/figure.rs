//! Figures, on light and on dark pages.

use super::{ToHtml, thinned};
use crate::plot::{Figure, Theme};

/// Style sheet that darkens light figures on dark pages (`JupyterLab`, VS Code, mdBook): it inverts lightness and then
/// rotates the hues back.
const DARK: &str = "<style>body[data-jp-theme-light=false] .double-descent,body.vscode-dark .double-descent,\
                    html.coal .double-descent,html.navy .double-descent,html.ayu .double-descent\
                    {filter:invert(.93) hue-rotate(180deg)}\
                    .double-descent svg{max-width:100%;height:auto}</style>";

impl ToHtml for Figure {
    fn headline(&self) -> String {
        String::new()
    }

    fn body(&self) -> String {
        let svg = thinned(self).to_svg();
        match self.theme {
            Theme::Light => format!("{DARK}<div class=\"double-descent\">\n{svg}</div>\n"),
            Theme::Dark => format!("<div>\n{svg}</div>\n"),
        }
    }
}
