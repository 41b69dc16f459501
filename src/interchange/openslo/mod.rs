//! OpenSLO v1 (github.com/OpenSLO/OpenSLO), out and in. Both say what the other side cannot express; nothing is left out
//! in silence.

mod export;
mod import;
mod ours;
mod reading;

pub use export::export;
pub use import::{Imported, ReadError, import};
pub use ours::objectives_yaml;

/// Annotations under which an exported objective keeps what OpenSLO has no word for.
const NAME: &str = "doorstep/name";
const FLOW: &str = "doorstep/flow";
const UNDER: &str = "doorstep/under";
const OURS: &str = "doorstep/";

/// The only version that is read and written.
const VERSION: &str = "openslo/v1";
