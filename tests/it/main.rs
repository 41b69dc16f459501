//! The one integration binary.

mod bad_config;
mod config;
mod metrics;
mod net_exchange;
mod net_hostile;
mod net_tls;
mod report_build;
mod report_synthetic;
mod report_vectors;
mod sandbox;
mod store;
mod support;
mod tidy;
mod worker_store;
