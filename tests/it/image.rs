//! The image, its neighbours in compose.yaml, and the program in the ways in which a container uses it.
//!
//! No engine is needed here; scripts/check-image builds and runs the image itself.

mod files;
mod process;
