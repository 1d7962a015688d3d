//! A figure is a value: what is drawn, with words and units. It becomes SVG, PNG and CSV the same way everywhere.

pub mod colour;
pub mod csv;
pub mod figure;
pub mod fonts;
pub mod lettering;
pub mod number;
pub mod png;
pub mod scale;
pub mod svg;
