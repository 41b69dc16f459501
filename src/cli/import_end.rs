//! What all imports of runs have in common: bad lines are told, and what was taken is kept.

use crate::app::import;
use crate::clock::Clock;
use crate::config::Site;
use crate::interchange::counted;
use crate::interchange::runs::{LineError, Observation, Taken, Wanted, place};
use crate::model::{FlowName, chain};

use super::{CommandError, Exit, print};

/// Nobody reads more mistakes than this.
const MOST_TOLD: usize = 20;

/// What cannot be read, and whether it may be left out.
pub(super) struct Bad {
    /// What one of them is called: a line or a sample.
    pub(super) what: &'static str,
    /// All of them.
    pub(super) wrong: Vec<LineError>,
    /// They may be left out.
    pub(super) skip: bool,
}

impl Bad {
    /// All or nothing, unless they may be skipped.
    ///
    /// # Errors
    /// All of them, with their places.
    pub(super) fn tell(mut self, place: &str) -> Result<(), CommandError> {
        if self.wrong.is_empty() {
            return Ok(());
        }
        self.wrong.sort_by_key(|error| error.line);
        let mut lines: Vec<String> =
            self.wrong.iter().take(MOST_TOLD).map(|error| format!("{place}:{error}")).collect();
        if self.wrong.len() > MOST_TOLD {
            lines.push(format!("and {} more", self.wrong.len() - MOST_TOLD));
        }
        let Self { what, wrong, skip } = self;
        if skip {
            lines.push(format!("left out {}", counted(wrong.len(), what, &format!("{what}s"))));
            print::note(&lines.join("\n"));
            return Ok(());
        }
        let these = if wrong.len() == 1 {
            format!("this {what}, or leave it")
        } else {
            format!("these {what}s, or leave them")
        };
        lines.push(format!("nothing was imported: correct {these} out with --skip-bad"));
        Err(CommandError::new(Exit::Usage, lines.join("\n")))
    }
}

/// Makes runs of observations, beside those that the store has.
///
/// # Errors
/// A store that cannot be read; observations that cannot be placed.
pub(super) async fn place_beside(site: &Site, seen: Vec<Observation>, wanted: &Wanted) -> Result<Taken, CommandError> {
    let recorded = import::recorded(site, &wanted.flow, &wanted.vantage, &seen).await.map_err(failed)?;
    place(seen, wanted, &recorded).map_err(|why| CommandError::new(Exit::Usage, why))
}

/// An import that did not come to its end.
fn failed(error: import::Error) -> CommandError {
    match error {
        import::Error::Conflict(conflict) => {
            CommandError::new(Exit::Usage, format!("nothing was imported: {conflict}"))
        }
        import::Error::Store(error) => CommandError::new(Exit::Store, chain(&error)),
    }
}

/// Keeps what was taken, and says what became of it.
///
/// # Errors
/// Runs that do not go with those that the store has; a store that fails.
pub(super) async fn finish(site: &Site, taken: &Taken, dry_run: bool) -> Result<Exit, CommandError> {
    for remark in taken.remarks.iter().chain(&strangers(site, taken)) {
        print::note(&format!("note: {remark}"));
    }
    let slots = taken.runs.iter().map(|run| run.started);
    let span = match (slots.clone().min(), slots.max()) {
        (Some(first), Some(last)) => format!(", from {first} to {last}"),
        _ => String::new(),
    };
    let (done, kept) = if dry_run {
        ("would import", import::check(site, taken).await.map_err(failed)?)
    } else {
        ("imported", import::keep(site, &Clock::system(), taken).await.map_err(failed)?)
    };
    let runs = counted(kept.new, "run", "runs");
    print::out(&format!("{done} {runs} ({} known already){span}\n", kept.known));
    Ok(Exit::Good)
}

/// Flows that nobody configured: no objective counts their runs, whether that is meant or a slip of the pen.
fn strangers(site: &Site, taken: &Taken) -> Vec<String> {
    let known = |name: &FlowName| site.flows.iter().any(|flow| flow.name == *name);
    let mut strange: Vec<&FlowName> = taken.runs.iter().map(|run| &run.flow).filter(|name| !known(name)).collect();
    strange.sort();
    strange.dedup();
    let there: Vec<&str> = site.flows.iter().map(|flow| flow.name.as_str()).collect();
    let told = |name: &&FlowName| {
        format!(
            "the configuration has no flow '{name}' (there are: {}): no objective counts these runs until it has",
            there.join(", ")
        )
    };
    strange.iter().map(told).collect()
}
