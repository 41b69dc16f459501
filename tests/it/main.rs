//! The one integration binary.

mod bad_config;
mod config;
mod login;
mod metrics;
mod net_dns;
mod net_exchange;
mod net_hostile;
mod net_hostile_http2;
mod net_phases;
mod net_proxy;
mod net_tls;
mod report_build;
mod report_query;
mod report_render;
mod report_synthetic;
mod report_vectors;
mod sandbox;
mod store;
mod support;
mod targets;
mod targets_sixteen;
mod tidy;
mod worker_process;
mod worker_store;
