//! `detection:` to its rules.

use crate::model::{DetectionRules, Micros};

use super::diagnostic::{Findings, Problem};
use super::tables_site::DETECTION;
use super::values;
use super::view::View;

pub(super) fn rules(site: View<'_>, findings: &mut Findings) -> Option<DetectionRules> {
    let view = site.object("detection", &DETECTION);
    let false_alarms_per_year = view.read("false_alarms_per_year", values::rate, findings);
    let notices_per_year = view.read("notices_per_year", values::rate, findings);
    let failing_share = view.read("failing_share", share, findings);
    let background = view.read("background", share, findings);
    let background_floor = view.read("background_floor", share, findings);
    let slow = view.read("slow", values::duration, findings).map(Micros::from);
    let (failing_share, background, background_floor) = (failing_share?, background?, background_floor?);
    // A default cannot be wrong by itself: the key that was written is.
    let place = |name| view.node(name).map(|node| &node.place);
    if background < background_floor {
        let floor = values::show_share(background_floor);
        let problem = Problem::new(format!("the background is below its floor of {floor}"))
            .help("raise background, or lower background_floor");
        findings.error(place("background").or_else(|| place("background_floor"))?, problem);
        return None;
    }
    if failing_share < 2.0 * background {
        let background = values::show_share(background);
        let problem = Problem::new(format!("no chart tells this failing share from a background of {background}"))
            .help("let it be at least twice the background");
        findings.error(place("failing_share").or_else(|| place("background"))?, problem);
        return None;
    }
    Some(DetectionRules {
        false_alarms_per_year: false_alarms_per_year?,
        notices_per_year: notices_per_year?,
        failing_share,
        background,
        background_floor,
        slow,
    })
}

/// A share that leaves room on both sides.
fn share(text: &str) -> Result<f64, Problem> {
    match values::share(text)? {
        share if (0.000_001..=0.5).contains(&share) => Ok(share),
        _ => Err(Problem::new("is out of range").help("write a percentage from 0.0001% to 50%")),
    }
}
