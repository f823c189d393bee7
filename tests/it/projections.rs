//! What the log means, kept ready for reading.

mod read_models;
