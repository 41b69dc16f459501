//! The whole read path: store to report model.
