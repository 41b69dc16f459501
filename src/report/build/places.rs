//! Where logins fail: region by flow.

use std::collections::BTreeMap;

use crate::history::{Kind, by_verdict};
use crate::model::{FlowName, RunKind};
use crate::report::model::PlaceCell;
use crate::slo::{Tally, wilson};

use super::Data;

/// One cell per region from which a flow was probed or declared. A vantage without a region stands for itself.
pub(super) fn cells(data: &Data<'_>, flow: &FlowName) -> Vec<PlaceCell> {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for (series, outcomes) in data.series(flow, RunKind::Login) {
        let region = data.builder.history.label(&series.vantage, "region");
        let region = region.map_or_else(|| series.vantage.to_string(), str::to_owned);
        let tally = tallies.entry(region).or_default();
        for outcome in outcomes {
            match by_verdict(outcome) {
                Kind::Good => tally.good += 1,
                Kind::Bad => tally.bad += 1,
                Kind::Lost => {}
            }
        }
    }
    let cell = |(region, tally): (String, Tally)| PlaceCell {
        region,
        flow: flow.clone(),
        n: tally.total(),
        bad: tally.bad,
        failing: (tally.total() > 0).then(|| tally.bad as f64 / tally.total() as f64),
        interval: wilson(tally.total(), tally.bad, data.confidence()),
    };
    tallies.into_iter().map(cell).collect()
}
