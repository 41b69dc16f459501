//! OpenSLO v1 (github.com/OpenSLO/OpenSLO), out and in. Both say what the other side cannot express; nothing is left out
//! in silence.

mod export;
mod import;
mod indicator;
mod ours;
mod reading;
mod window;

pub use export::export;
pub use import::{Imported, ReadError, import};
pub use ours::objectives_yaml;

/// Annotations under which an exported objective keeps what OpenSLO has no word for.
const NAME: &str = "doorstep/name";
const FLOW: &str = "doorstep/flow";
const UNDER: &str = "doorstep/under";

/// The only version that is read and written.
const VERSION: &str = "openslo/v1";

/// A name as OpenSLO's validators want it: lowercase letters, digits and dashes, at most 63.
fn plain_name(ours: &str) -> String {
    let plain: String =
        ours.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    plain.chars().take(60).collect::<String>().trim_matches('-').to_owned()
}

/// The service that a flow is.
fn service_name(flow: &str) -> String {
    plain_name(flow)
}

/// What it is described as.
fn service_description(flow: &str) -> String {
    format!("Logins by the flow {flow}, probed by Doorstep.")
}
