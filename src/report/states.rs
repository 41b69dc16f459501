//! What databases said over time, beside the logins, as a chart: from the same episodes, changes and answers that the text
//! tells. Where nobody asked, or no answer came, nothing is drawn: absence is never healthy.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::chart::{Cell, ChangeMark, StateRow, StateStretch, States};
use super::ticks;
use crate::diagnosis::{Answered, Stretch, change_in_words};
use crate::model::{Nature, Rule, ServerName, Severity};
use crate::replication::{Change, Episode};

/// Rows for rules at most: more cannot be read together.
const ROWS: usize = 12;
/// Changes that are told one by one.
const CHANGES: usize = 12;
/// Columns in letters.
const LETTERS: usize = 96;

/// What is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Course<'a> {
    /// The chart's name.
    pub title: &'a str,
    /// From and to.
    pub axis: (Timestamp, Timestamp),
    /// The IANA zone of the axis.
    pub zone: &'a str,
    /// What held.
    pub episodes: &'a [Episode],
    /// When each server answered.
    pub answered: &'a [Answered],
    /// What changed, by time.
    pub changes: &'a [Change],
}

/// A server's rule and what was seen of it.
struct Held<'a> {
    server: &'a ServerName,
    rule: Rule,
    episodes: Vec<&'a Episode>,
}

impl Course<'_> {
    /// The chart below rows of logins; `None` when nothing held that asks something of people.
    #[must_use]
    pub fn chart(&self, logins: Vec<StateRow>) -> Option<States> {
        let held = self.held();
        if held.is_empty() {
            return None;
        }
        let mut description: Vec<String> = held.iter().take(ROWS).map(|one| self.in_words(one)).collect();
        description.extend(self.more());
        let rows = held.iter().take(ROWS).map(|one| self.row(one));
        Some(States {
            title: self.title.to_owned(),
            description: description.join("; "),
            ticks: ticks::between(self.axis.0, self.axis.1, self.zone),
            rows: logins.into_iter().chain(rows).collect(),
            changes: self.marks(),
        })
    }

    /// What has no row, in words.
    #[must_use]
    pub fn more(&self) -> Option<String> {
        let more = self.held().len().checked_sub(ROWS).filter(|more| *more > 0)?;
        Some(format!("{more} more, none graver, are in the table only"))
    }

    /// The changes on the axis in words, numbered as they are marked.
    #[must_use]
    pub fn changes_in_words(&self) -> Vec<String> {
        let all: Vec<&Change> = self.changes().collect();
        let numbered = all.iter().take(CHANGES).enumerate();
        let mut lines: Vec<String> =
            numbered.map(|(index, change)| format!("{}: {}", index + 1, change_in_words(change, self.zone))).collect();
        if all.len() > CHANGES {
            lines.push(format!("and {} more changes, which are marked but not told here", all.len() - CHANGES));
        }
        lines
    }

    fn changes(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.latest >= self.axis.0 && change.latest <= self.axis.1)
    }

    /// The gravest first, causes before effects.
    fn held(&self) -> Vec<Held<'_>> {
        let asks = |it: &&Episode| it.finding.severity >= Severity::Unknown;
        let on_axis = |it: &&Episode| it.from <= self.axis.1 && it.until.unwrap_or(it.last) >= self.axis.0;
        let mut all: Vec<&Episode> = self.episodes.iter().filter(asks).filter(on_axis).collect();
        all.sort_by_key(|it| (Reverse(it.finding.severity), it.finding.nature == Nature::Effect, it.from));
        let mut held: Vec<Held<'_>> = Vec::new();
        for episode in all {
            let (server, rule) = (&episode.finding.server, episode.finding.rule);
            match held.iter_mut().find(|one| one.server == server && one.rule == rule) {
                Some(one) => one.episodes.push(episode),
                None => held.push(Held { server, rule, episodes: vec![episode] }),
            }
        }
        held
    }

    fn in_words(&self, held: &Held<'_>) -> String {
        let gravest = held.episodes.iter().map(|it| it.finding.severity).max().unwrap_or(Severity::Unknown);
        let first = held.episodes.iter().map(|it| it.from).min().unwrap_or(self.axis.0);
        let last = held.episodes.iter().map(|it| it.until.unwrap_or(it.last)).max().unwrap_or(self.axis.1);
        let times = match held.episodes.len() {
            1 => String::new(),
            several => format!("{several} times "),
        };
        let instant = |at| super::format::instant(at, self.zone);
        format!("{gravest} {} on {} {times}from {} to {}", held.rule, held.server, instant(first), instant(last))
    }

    fn row(&self, held: &Held<'_>) -> StateRow {
        let mut episodes = held.episodes.clone();
        episodes.sort_by_key(|it| it.from);
        let spans: Vec<Stretch> =
            episodes.iter().map(|it| Stretch { from: it.from, to: it.until.unwrap_or(it.last) }).collect();
        let answered = self.answered.iter().filter(|one| one.server == *held.server);
        let calm = answered.flat_map(|one| &one.stretches).flat_map(|stretch| without(*stretch, &spans));
        let calm = calm.filter_map(|stretch| self.place(stretch, Cell::Ok));
        let marked = episodes.iter().zip(&spans).filter_map(|(it, span)| self.place(*span, cell(it.finding.severity)));
        let mut stretches: Vec<StateStretch> = calm.chain(marked).collect();
        stretches.sort_by(|one, other| one.from.total_cmp(&other.from));
        StateRow { label: held.rule.to_string(), below: format!("on {}", held.server), stretches }
    }

    /// Where a stretch lies on the axis; `None` beside it.
    #[must_use]
    pub fn place(&self, stretch: Stretch, mark: Cell) -> Option<StateStretch> {
        let (from, to) = (self.share(stretch.from), self.share(stretch.to));
        (to >= 0.0 && from <= 1.0).then(|| StateStretch { from: from.max(0.0), to: to.min(1.0), mark })
    }

    fn share(&self, at: Timestamp) -> f64 {
        let length = (self.axis.1.as_microsecond() - self.axis.0.as_microsecond()).max(1);
        (at.as_microsecond() - self.axis.0.as_microsecond()) as f64 / length as f64
    }

    /// One mark for changes that stand so close that their numbers would cover each other.
    fn marks(&self) -> Vec<ChangeMark> {
        const CLOSE: f64 = 0.05;
        let mut groups: Vec<(f64, usize, usize)> = Vec::new();
        for (index, change) in self.changes().enumerate() {
            let at = self.share(change.latest);
            match groups.last_mut() {
                Some(group) if at - group.0 < CLOSE => group.2 = index + 1,
                _ => groups.push((at, index + 1, index + 1)),
            }
        }
        let label =
            |first: usize, last: usize| if first == last { first.to_string() } else { format!("{first}–{last}") };
        groups.into_iter().map(|(at, first, last)| ChangeMark { at, label: label(first, last) }).collect()
    }
}

fn cell(severity: Severity) -> Cell {
    match severity {
        Severity::Critical => Cell::Failing(1.0),
        Severity::Warning => Cell::Slow,
        Severity::Unknown | Severity::Info => Cell::NoData,
    }
}

/// What is left of a stretch without others, which are in order of time.
fn without(stretch: Stretch, others: &[Stretch]) -> Vec<Stretch> {
    let (mut left, mut from) = (Vec::new(), stretch.from);
    for other in others.iter().filter(|other| other.to >= stretch.from && other.from <= stretch.to) {
        if other.from > from {
            left.push(Stretch { from, to: other.from });
        }
        from = from.max(other.to);
    }
    let single = stretch.from == stretch.to && !others.iter().any(|other| other.from <= from && from <= other.to);
    if from < stretch.to || single {
        left.push(Stretch { from, to: stretch.to });
    }
    left
}

/// The chart in letters: the gravest of what shares a column.
#[must_use]
pub fn letters(chart: &States) -> String {
    let name = |row: &StateRow| [row.label.as_str(), row.below.as_str()].join(" ").trim_end().to_owned();
    let width = chart.rows.iter().map(|row| name(row).chars().count()).max().unwrap_or(0);
    let line = |row: &StateRow| {
        let columns: String = (0..LETTERS).map(|column| letter(row, column)).collect();
        format!("{:<width$} |{columns}|\n", name(row))
    };
    let mut text: String = chart.rows.iter().map(line).collect();
    if !chart.changes.is_empty() {
        let column = |change: &ChangeMark| ((change.at * LETTERS as f64) as usize).min(LETTERS - 1);
        let at = |index| if chart.changes.iter().any(|change| column(change) == index) { '^' } else { ' ' };
        let marks: String = (0..LETTERS).map(at).collect();
        text += &format!("{:<width$} |{marks}|\n", "changes");
    }
    format!(
        "'X' critical, or at least one login failed; '~' warning, or slow; '?' unknown; '.' asked, and nothing held; blank: \
         nobody asked, or no answer came.\n\n{text}"
    )
}

fn letter(row: &StateRow, column: usize) -> char {
    let (from, to) = (column as f64 / LETTERS as f64, (column + 1) as f64 / LETTERS as f64);
    // A stretch that ends where the column begins is none of its.
    let here = |it: &&StateStretch| it.from < to && (it.to > from || (it.from == it.to && it.from >= from));
    let grave = |it: &StateStretch| match it.mark {
        Cell::Failing(_) => (4, 'X'),
        Cell::Slow => (3, '~'),
        Cell::NoData => (2, '?'),
        Cell::Ok => (1, '.'),
        Cell::NotDue => (0, ' '),
    };
    row.stretches.iter().filter(here).map(grave).max().map_or(' ', |(_, letter)| letter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Finding;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn episode(rule: Rule, severity: Severity, server: &str, from: i64, until: Option<i64>) -> Episode {
        let finding = Finding {
            database: "auth".parse().unwrap(),
            engine: crate::model::Engine::PostgreSql,
            server: server.parse().unwrap(),
            rule,
            severity,
            nature: Nature::Cause,
            since: at(from),
            seen: "seen".to_owned(),
            logins: String::new(),
            fix: String::new(),
        };
        let last = at(until.unwrap_or(from + 5));
        Episode { finding, from: at(from), last, until: until.map(at), vantages: Vec::new(), samples: 1 }
    }

    fn course<'a>(episodes: &'a [Episode], answered: &'a [Answered]) -> Course<'a> {
        Course { title: "t", axis: (at(0), at(100)), zone: "UTC", episodes, answered, changes: &[] }
    }

    fn answered(server: &str, stretches: &[(i64, i64)]) -> Answered {
        let stretches = stretches.iter().map(|(from, to)| Stretch { from: at(*from), to: at(*to) }).collect();
        Answered { server: server.parse().unwrap(), stretches }
    }

    #[test]
    fn an_episode_stands_among_answers_and_where_nobody_asked_there_is_nothing() {
        let episodes = [episode(Rule::QuorumShort, Severity::Critical, "primary1", 25, Some(50))];
        let answers = [answered("primary1", &[(0, 60), (80, 90)]), answered("standby1", &[(0, 100)])];
        let chart = course(&episodes, &answers).chart(Vec::new()).unwrap();
        let told: Vec<(f64, f64, Cell)> = chart.rows[0].stretches.iter().map(|it| (it.from, it.to, it.mark)).collect();
        let (calm, critical) = (Cell::Ok, Cell::Failing(1.0));
        assert_eq!(told, [(0.0, 0.25, calm), (0.25, 0.5, critical), (0.5, 0.6, calm), (0.8, 0.9, calm)]);
        assert!(chart.description.starts_with("critical quorum-short on primary1 from "), "{}", chart.description);
        let columns = letters(&chart).lines().last().unwrap().to_owned();
        let columns: Vec<char> = columns.split('|').nth(1).unwrap().chars().collect();
        assert_eq!((columns[0], columns[40], columns[50], columns[70], columns[80]), ('.', 'X', '.', ' ', '.'));
        // Without one answer the row holds what was found, and nothing calm.
        let chart = course(&episodes, &[]).chart(Vec::new()).unwrap();
        assert_eq!(chart.rows[0].stretches.len(), 1);
    }

    #[test]
    fn a_quiet_time_has_no_chart() {
        let answers = [answered("primary1", &[(0, 100)])];
        assert_eq!(course(&[], &answers).chart(Vec::new()), None);
        let beside = [episode(Rule::SyncWait, Severity::Critical, "primary1", 200, None)];
        assert_eq!(course(&beside, &answers).chart(Vec::new()), None);
        let info = [episode(Rule::SyncWait, Severity::Info, "primary1", 20, None)];
        assert_eq!(course(&info, &answers).chart(Vec::new()), None);
    }

    #[test]
    fn the_gravest_come_first_and_what_has_no_row_is_said() {
        let mut episodes: Vec<Episode> =
            (1..=14).map(|n| episode(Rule::Unknown, Severity::Unknown, &format!("s{n}"), n, None)).collect();
        episodes.push(episode(Rule::SlotIdle, Severity::Warning, "s3", 60, None));
        episodes.push(episode(Rule::QuorumShort, Severity::Critical, "s3", 80, None));
        // The same again is no row of its own.
        episodes.push(episode(Rule::QuorumShort, Severity::Critical, "s3", 95, None));
        let course = course(&episodes, &[]);
        let chart = course.chart(Vec::new()).unwrap();
        assert_eq!(chart.rows.len(), ROWS);
        let first: Vec<(&str, &str)> =
            chart.rows.iter().take(3).map(|row| (row.label.as_str(), row.below.as_str())).collect();
        assert_eq!(first, [("quorum-short", "on s3"), ("slot-idle", "on s3"), ("unknown", "on s1")]);
        assert_eq!(chart.rows[0].stretches.len(), 2);
        assert_eq!(course.more().as_deref(), Some("4 more, none graver, are in the table only"));
    }

    #[test]
    fn a_single_answer_is_kept_unless_something_held_then() {
        let one = Stretch { from: at(5), to: at(5) };
        let other = Stretch { from: at(0), to: at(10) };
        assert_eq!(without(one, &[]), [one]);
        assert_eq!(without(one, &[other]), []);
        assert_eq!(without(other, &[Stretch { from: at(0), to: at(4) }]), [Stretch { from: at(4), to: at(10) }]);
    }
}
