//! What goes beyond the counts of the period: incidents and what they cost, the past, what could not be seen. One flow
//! at a time, then put together.

use crate::incident::Incident;
use crate::model::{FlowName, RunKind};
use crate::report::model::{BudgetShare, ObjectiveReport, PlaceCell, ReportModel, Sight};

use super::{Data, Inputs, incidents, places, sight, standing};

/// What goes beyond the counts of one flow.
pub(super) struct Beyond {
    places: Vec<PlaceCell>,
    sight: Option<Sight>,
    /// What each incident of the context took, in their order.
    costs: Vec<Vec<BudgetShare>>,
}

/// Reads one flow, and says where its objectives stand.
pub(super) fn of_flow<'r>(
    data: &Data<'_>,
    flow: &FlowName,
    objectives: impl Iterator<Item = &'r mut ObjectiveReport>,
) -> Beyond {
    let incidents = &data.inputs().context.incidents;
    let mut costs = vec![Vec::new(); incidents.len()];
    for report in objectives.filter(|report| report.flow == *flow) {
        let said = data.inputs().objectives.iter().map(|(objective, _)| objective);
        let Some(objective) = said.into_iter().find(|objective| objective.name == report.name) else { continue };
        let mine: Vec<(&Incident, Option<BudgetShare>)> = incidents
            .iter()
            .filter(|incident| incidents::concerns(incident, objective))
            .map(|incident| (incident, incidents::cost(data, objective, report, incident)))
            .collect();
        report.standing = standing::of(data, objective, report, &mine);
        for (costs, incident) in costs.iter_mut().zip(incidents) {
            let cost = mine.iter().find(|(known, _)| known.id == incident.id).and_then(|(_, cost)| cost.clone());
            costs.extend(cost);
        }
    }
    let probed = data.series(flow, RunKind::Login).next().is_some();
    Beyond { places: places::cells(data, flow), sight: probed.then(|| sight::sight(data, flow)), costs }
}

/// Puts the flows together with what belongs to none.
pub(super) fn assemble(inputs: &Inputs<'_>, flows: Vec<Beyond>, model: &mut ReportModel) {
    let (context, period) = (inputs.context, inputs.period);
    let mut costs: Vec<Vec<BudgetShare>> = vec![Vec::new(); context.incidents.len()];
    for flow in flows {
        model.places.extend(flow.places);
        model.sight.extend(flow.sight);
        for (all, more) in costs.iter_mut().zip(flow.costs) {
            all.extend(more);
        }
    }
    model.places.sort_by(|a, b| (&a.region, &a.flow).cmp(&(&b.region, &b.flow)));
    model.incidents = incidents::rows(context, costs);
    model.databases.clone_from(&context.databases);
    model.audits.clone_from(&context.audits);
    model.detection = context.detection.clone();
    model.baselines = context.baselines.clone();
    model.events = context.events.iter().filter(|event| period.contains(event.at)).cloned().collect();
}
