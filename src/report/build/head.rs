//! The head: what is reported on, from which data, by which rules.

use std::collections::BTreeSet;

use crate::model::{Exclusion, LostRuns, Policy, Population, Retries, Segment, VantageName};
use crate::report::model::{Head, PopulationHead, SegmentWeight, SlotRow, VantageRow};

use super::verdict::LEAST_RUNS;
use super::{Builder, Data};
use crate::history::{self, History, Outcome, Series};

pub(super) fn head(builder: &Builder<'_>, slots: Vec<SlotRow>) -> Head {
    let inputs = &builder.inputs;
    Head {
        site: inputs.site.to_owned(),
        period: inputs.period.clone(),
        until: (inputs.until < inputs.period.end).then_some(inputs.until),
        slots,
        vantages: vantages(&builder.history),
        runs: builder.runs,
        data_revision: builder.data_revision.clone(),
        policy_revision: inputs.policy.revision_with(inputs.exclusions),
        policy: inputs.policy.clone(),
        policy_text: policy_text(inputs.policy, inputs.exclusions),
        population: population(inputs.population),
        publication: None,
        generated_from: inputs.generated_from.to_owned(),
    }
}

fn population(population: &Population) -> Option<PopulationHead> {
    if *population == Population::default() {
        return None;
    }
    let weight = |segment: &Segment| SegmentWeight { segment: segment.name.clone(), share: segment.share };
    let weights = population.segments().iter().map(weight).collect();
    Some(PopulationHead { revision: population.revision(), weights })
}

/// The slots of one flow.
pub(super) fn slots(data: &Data<'_>) -> Vec<SlotRow> {
    let row = |(series, outcomes): (&Series, &Vec<Outcome>)| {
        let expected = data.expected(series);
        let counts = history::count(outcomes, expected, data.span(), history::by_verdict);
        SlotRow {
            flow: series.flow.clone(),
            kind: series.kind,
            vantage: series.vantage.clone(),
            due: counts.due,
            recorded: outcomes.len() as u64,
            missing: counts.due.map(|_| counts.missing),
        }
    };
    data.outcomes.iter().map(row).collect()
}

fn vantages(history: &History) -> Vec<VantageRow> {
    let names: BTreeSet<&VantageName> = history.ledgers().map(|(series, _)| &series.vantage).collect();
    let labels = history.labels();
    let row =
        |name: &VantageName| VantageRow { name: name.clone(), labels: labels.get(name).cloned().unwrap_or_default() };
    names.into_iter().map(row).collect()
}

/// The policy in words.
fn policy_text(policy: &Policy, exclusions: &[Exclusion]) -> Vec<String> {
    let lost = match policy.lost_runs {
        LostRuns::Excluded => {
            "Lost and missing runs say nothing about the service: they lower coverage, not availability. \
             Both extremes stand in the appendix, as 'if lost were bad or good'."
        }
        LostRuns::Bad => "Lost and missing runs count as bad.",
    };
    let retries = match policy.retries {
        Retries::FirstAttempt => "Only the first attempt of each slot counts.",
        Retries::BestAttempt => "The best attempt of each slot counts.",
    };
    let share = |share: f64| crate::report::format::target(share);
    let mut text = vec![
        lost.to_owned(),
        retries.to_owned(),
        "A wrong password that was let in is an alarm at any attempt, and no part of availability.".to_owned(),
        format!("Intervals hold with {} confidence, two-sided.", share(policy.confidence)),
        format!(
            "Below {} coverage, or from fewer than {LEAST_RUNS} runs, no objective is called met; nor missed, unless it \
             would be even if every slot not seen had been good.",
            share(policy.least_coverage)
        ),
        "While a period runs an objective is on course or off course, and missed only once it will be even if all that \
         is still to come is good."
            .to_owned(),
        "Slots whose run has no record are missing; they are never counted as good.".to_owned(),
    ];
    if !exclusions.is_empty() {
        let late = exclusions.iter().filter(|exclusion| exclusion.is_late()).count();
        text.push(format!(
            "Exclusions that apply: {}; entered only after what they cover had begun: {late}. Adjusted figures stand \
             beside raw ones.",
            exclusions.len()
        ));
    }
    text
}
