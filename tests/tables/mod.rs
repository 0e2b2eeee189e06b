//! Data tables: reading files, preparation, labels.

mod bad_tables;
mod csv_tables;
mod damaged_arrays;
mod idx;
mod image_files;
mod label_data;
mod labelled;
mod npy;
mod npy_arrays;
mod npy_spellings;
mod npz;
mod prepare;
