//! To be written.

pub mod json_path;
pub mod json_text;
