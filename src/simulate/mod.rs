//! Runs with a known truth, and what a way of probing could detect. Seeded: the same script gives the same runs.
//! Knows no store.
