//! Wiring, one file per long-running role.
