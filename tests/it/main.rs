//! The one integration binary.
mod config;
mod tidy;
