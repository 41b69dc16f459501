//! Logs and the worker's own metrics.
