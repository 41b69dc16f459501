//! The figures with exclusions applied, beside the raw ones (F20).

use crate::model::Exclusion;

use super::estimate::{Asked, People, Question};
use super::model::Adjusted;
use super::surroundings::{self, Logins};

/// What becomes of the figures with the exclusions that touch it; `None` when none does.
pub(super) fn of(question: &Question<'_>, asked: &Asked<'_>, logins: &Logins) -> Option<Adjusted> {
    let touching = touching(question.exclusions, asked, logins);
    if touching.is_empty() {
        return None;
    }
    let people = People::of(question, asked, logins, &touching, true);
    Some(Adjusted {
        late: touching.iter().filter(|exclusion| exclusion.is_late()).count() as u64,
        exclusions: touching.iter().map(|exclusion| (*exclusion).clone()).collect(),
        budget: surroundings::budget(question, logins, &asked.flows, &asked.stretches, &touching),
        failing: people.failing,
        intents: people.intents,
        affected: people.affected,
        locked_out: people.locked_out,
        delayed: people.delayed,
        distinct_users: people.distinct_users,
        failed_sign_ins: people.failed_sign_ins,
        availability: people.availability,
        not_covered: people.not_covered,
    })
}

/// Exclusions that cover any time of it at any of its series, by time.
fn touching<'e>(exclusions: &'e [Exclusion], asked: &Asked<'_>, logins: &Logins) -> Vec<&'e Exclusion> {
    let touches = |exclusion: &&Exclusion| {
        let of_series = logins.keys().any(|series| exclusion.covers(&series.flow, &series.vantage, exclusion.from));
        let span = [(exclusion.from, exclusion.to)];
        of_series && asked.stretches.iter().any(|stretch| !stretch.runs_within(&span).is_empty())
    };
    let mut touching: Vec<&Exclusion> = exclusions.iter().filter(touches).collect();
    touching.sort_by_key(|exclusion| (exclusion.from, exclusion.entered));
    touching
}
