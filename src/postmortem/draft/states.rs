//! What the databases said in an incident's minutes, as a picture on the time axis of the incident: the failing share's
//! minutes above, each rule that held below, and where something changed.

use jiff::{SignedDuration, Timestamp};

use super::Inputs;
use super::picture::ends;
use crate::diagnosis::{DatabaseEvidence, Stretch};
use crate::incident::{Incident, Minute};
use crate::report::chart::{Cell, StateRow, standalone};
use crate::report::states::Course;

/// The picture, and what is to be said with it.
pub(super) struct Picture {
    /// The file's text.
    pub(super) svg: String,
    /// What it shows.
    pub(super) title: String,
    /// Its numbered changes.
    pub(super) changes: Vec<String>,
}

/// The picture of one database: rather one that names a cause. `None` when nothing held, or none was watched.
pub(super) fn picture(inputs: &Inputs<'_>) -> Option<Picture> {
    let mut databases: Vec<&DatabaseEvidence> = inputs.evidence.diagnosis.as_ref()?.databases.iter().collect();
    databases.sort_by_key(|one| !one.names_cause());
    databases.into_iter().find_map(|one| of_database(inputs, one))
}

fn of_database(inputs: &Inputs<'_>, one: &DatabaseEvidence) -> Option<Picture> {
    let incident = &inputs.evidence.incident;
    let title = format!("What the database {} said, incident {}", one.database, incident.id);
    let course = Course {
        title: &title,
        axis: ends(incident),
        zone: inputs.zone,
        episodes: &one.episodes,
        answered: &one.answered,
        changes: &one.changes,
    };
    let chart = course.chart(vec![logins(&course, incident)])?;
    let changes = course.changes_in_words();
    Some(Picture { svg: standalone(&chart.svg()), title, changes })
}

/// The failing share, minute by minute, between the incident's outer bounds: its minutes know of no login beyond.
fn logins(course: &Course<'_>, incident: &Incident) -> StateRow {
    let (earliest, latest) = (incident.start.earliest, incident.end.latest);
    let minute = |it: &Minute| {
        let end = it.start.checked_add(SignedDuration::from_mins(1)).unwrap_or(Timestamp::MAX);
        let mark = match it.failing {
            0 => Cell::Ok,
            failing => Cell::Failing(failing as f64 / it.n as f64),
        };
        let (from, to) = (it.start.max(earliest), end.min(latest));
        (from < to).then(|| course.place(Stretch { from, to }, mark)).flatten()
    };
    let stretches = incident.minutes.iter().filter(|it| it.n > 0).filter_map(minute).collect();
    StateRow { label: "logins".to_owned(), below: "in the incident".to_owned(), stretches }
}
