//! Formats that come with a feature: JSON (`serde`) and Parquet (`parquet`).

#[path = "../common/mod.rs"]
mod common;

mod json;
mod parquet_cells;
