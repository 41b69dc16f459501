//! What is written against what is known of the incident: every figure is confirmed, contradicted, or left with the
//! reason. Without an incident, the claims that only data could judge are named.

mod about;
mod bounds;
mod causes;
mod counts;
mod moments;
mod shares;

use super::amount::{counts as numbers, shares as percentages};
use super::document::Shape;
use super::finding::{Place, Rule, Verdict};
use super::heading::Part;
use super::reading::{Read, Reading};
use crate::postmortem::evidence::{Evidence, Fact};

/// What is known, and the figures in it.
pub(super) struct Known<'a> {
    pub(super) evidence: &'a Evidence,
    pub(super) facts: Vec<Fact>,
}

/// Holds what is written against what is known.
pub(super) fn check(reading: &Reading, evidence: &Evidence, verdict: &mut Verdict) {
    let known = Known { evidence, facts: evidence.facts() };
    bounds::check(reading, &known, verdict);
    moments::check(reading, &known, verdict);
    causes::check(reading, evidence.diagnosis.as_ref(), verdict);
    for read in reading.blocks.iter().filter(|read| speaks_of_the_incident(read)) {
        shares::check(&read.block, &known, verdict);
        counts::check(&read.block, &known, verdict);
    }
}

/// Names the claims that only data could judge.
pub(super) fn none_given(reading: &Reading, verdict: &mut Verdict) {
    const BECAUSE: &str = "no incident was given to hold it against: add --incident ID";
    let stated = &reading.stated;
    let window = stated.window.iter().chain(stated.durations.iter().map(|duration| &duration.place));
    for place in window {
        verdict.leave(place.clone(), BECAUSE);
    }
    for read in reading.blocks.iter().filter(|read| speaks_of_the_incident(read)) {
        let shares = percentages(&read.block.text).into_iter().map(|share| share.range);
        let counts = numbers(&read.block.text).into_iter().map(|count| count.range);
        let wholes = super::claim::wholes(&read.block.text);
        for range in shares.chain(counts).chain(wholes) {
            verdict.leave(read.block.place(&range), BECAUSE);
        }
    }
}

/// Figures in action items, lessons and the noted entries of a timeline are no claims about what was measured.
fn speaks_of_the_incident(read: &Read) -> bool {
    let apart = [Part::Actions, Part::Lessons, Part::Timeline];
    let head = read.block.is_heading() || read.block.shape == Shape::TableHead;
    !head && !apart.iter().any(|part| read.block.is(*part))
}

/// A figure that the data contradicts.
fn contradicted(verdict: &mut Verdict, place: Place, message: String) {
    let way_out = "take the measured figure, or say of what else it is and where it comes from";
    verdict.find(super::finding::Severity::Error, Rule::AgainstData, place, message, way_out);
}
