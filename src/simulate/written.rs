//! A script as it is written, before anything is checked. Unknown keys are mistakes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) seed: Option<u64>,
    pub(super) from: Option<Spanned<String>>,
    pub(super) to: Option<Spanned<String>>,
    pub(super) vantages: Option<Spanned<Vec<WrittenVantage>>>,
    pub(super) flows: Option<Spanned<Vec<WrittenFlow>>>,
    #[serde(default)]
    pub(super) outages: Vec<Spanned<WrittenOutage>>,
    #[serde(default)]
    pub(super) slow: Vec<Spanned<WrittenSlow>>,
    #[serde(default)]
    pub(super) prober: Vec<Spanned<WrittenProberFault>>,
    pub(super) reprobe: Option<WrittenReprobe>,
    pub(super) demand: Option<Spanned<WrittenDemand>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenVantage {
    pub(super) name: Spanned<String>,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    pub(super) pace: Option<Spanned<f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenFlow {
    pub(super) name: Spanned<String>,
    pub(super) interval: Spanned<String>,
    pub(super) timeout: Option<Spanned<String>>,
    pub(super) background: Option<Spanned<f64>>,
    pub(super) lost: Option<Spanned<f64>>,
    pub(super) accounts: Option<Spanned<usize>>,
    pub(super) spread: Option<Spanned<f64>>,
    #[serde(default)]
    pub(super) network: WrittenNetwork,
    pub(super) steps: Option<Spanned<Vec<WrittenStep>>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenNetwork {
    pub(super) dns: Option<Spanned<String>>,
    pub(super) connect: Option<Spanned<String>>,
    pub(super) tls: Option<Spanned<String>>,
    pub(super) receive: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenStep {
    pub(super) name: Spanned<String>,
    #[serde(default)]
    pub(super) role: WrittenRole,
    pub(super) wait: Spanned<String>,
    pub(super) hops: Option<Spanned<u16>>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(super) enum WrittenRole {
    #[default]
    Login,
    Identity,
    Logout,
}

/// Keys that say where: all vantages and flows when left out.
pub(super) struct WrittenReach<'a> {
    pub(super) at: &'a [Spanned<String>],
    pub(super) labels: &'a BTreeMap<String, Spanned<String>>,
    pub(super) flows: &'a [Spanned<String>],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenOutage {
    pub(super) name: Option<String>,
    pub(super) from: Spanned<String>,
    pub(super) to: Spanned<String>,
    pub(super) share: Option<Spanned<f64>>,
    pub(super) rises: Option<Spanned<String>>,
    pub(super) falls: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) users: WrittenUsers,
    #[serde(default)]
    pub(super) at: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub(super) flows: Vec<Spanned<String>>,
    pub(super) step: Option<Spanned<String>>,
    pub(super) class: Option<Spanned<String>>,
    pub(super) status: Option<Spanned<u16>>,
    pub(super) phase: Option<Spanned<String>>,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum WrittenUsers {
    #[default]
    Any,
    Same,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenSlow {
    pub(super) from: Spanned<String>,
    pub(super) to: Spanned<String>,
    pub(super) factor: Spanned<f64>,
    pub(super) rises: Option<Spanned<String>>,
    pub(super) falls: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) at: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub(super) flows: Vec<Spanned<String>>,
    pub(super) step: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenProberFault {
    pub(super) from: Spanned<String>,
    pub(super) to: Spanned<String>,
    pub(super) share: Option<Spanned<f64>>,
    pub(super) trouble: Spanned<String>,
    #[serde(default)]
    pub(super) at: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub(super) flows: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenReprobe {
    pub(super) every: Option<Spanned<String>>,
    pub(super) until_good: Option<u16>,
    pub(super) per_hour: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenDemand {
    pub(super) zone: Option<Spanned<String>>,
    pub(super) per_hour: Option<Spanned<f64>>,
    pub(super) day: Option<Spanned<Vec<f64>>>,
    pub(super) weekend: Option<Spanned<f64>>,
    pub(super) week: Option<Spanned<Vec<f64>>>,
    pub(super) users: Spanned<u64>,
    #[serde(default)]
    pub(super) retries: u32,
    pub(super) segments: Option<Spanned<Vec<WrittenSegment>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenSegment {
    pub(super) name: String,
    pub(super) share: Spanned<f64>,
    pub(super) vantages: Vec<Spanned<String>>,
}
