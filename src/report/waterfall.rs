//! One run as text: verdict first, then a waterfall of steps, hops and phases with what was sent, found and matched.
//!
//! Everything shown is in the [`Run`], which holds no secrets, so a stored run is explained exactly as a fresh one.

use std::fmt::Write as _;

use crate::model::{Blame, Hop, Micros, Phase, Run, StepRecord, Verdict};

/// How the text is laid out.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Columns to fill, at least 60.
    pub width: usize,
    /// Whether verdicts are coloured; the words say the same without.
    pub color: bool,
}

/// Columns left of the bars: indentation, method and address, status.
const LABEL: usize = 44;

/// Renders a run.
#[must_use]
pub fn render(run: &Run, layout: Layout) -> String {
    let mut text = String::new();
    head(&mut text, run, layout);
    let axis = Axis { end: end_of_hops(run), columns: layout.width.max(60) - LABEL.min(layout.width / 2) };
    if !run.hops.is_empty() {
        let _ = writeln!(text, "\n{:LABEL$}0{:>width$}", "", axis.end.to_string(), width = axis.columns - 1);
    }
    for (index, step) in run.steps.iter().enumerate() {
        step_lines(&mut text, index, step);
        for hop in run.hops.iter().filter(|hop| usize::from(hop.step) == index) {
            hop_lines(&mut text, hop, &axis);
        }
        for line in &step.evidence {
            let _ = writeln!(text, "      {line}");
        }
    }
    if !run.hops.is_empty() {
        let legend: Vec<String> = Phase::ALL.iter().map(|&phase| format!("{} {phase}", glyph(phase))).collect();
        let _ = writeln!(text, "\nbars: {}; ≥ the phase was cut off and took at least this long", legend.join("  "));
    }
    text
}

fn head(text: &mut String, run: &Run, layout: Layout) {
    let verdict = paint(run.verdict, layout.color);
    let cut = run.hops.iter().any(|hop| hop.phases.iter().any(|(_, time)| time.cut));
    let bound = if cut { "≥ " } else { "" };
    let time =
        run.login_time().map_or_else(|| "no step was begun".to_owned(), |time| format!("login time {bound}{time}"));
    let _ = writeln!(text, "{} at {}: {verdict}, {time}", run.flow, run.vantage);
    if let Some(failure) = &run.failure {
        let place = match (&failure.step, failure.phase) {
            (Some(step), Some(phase)) => format!("step {step}, phase {phase}: "),
            (Some(step), None) => format!("step {step}: "),
            (None, Some(phase)) => format!("phase {phase}: "),
            (None, None) => String::new(),
        };
        let _ = writeln!(text, "  {place}{}", failure.message);
    }
    if let Some(blame) = run.verdict.blame() {
        let _ = writeln!(text, "  blame: {}", who(blame));
    }
    let account = run.account.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
    let _ = writeln!(text, "  run {}  kind {}  attempt {}  account {account}", run.id, run.kind, run.attempt);
    let _ = writeln!(
        text,
        "  slot {}  started {}  late {}  elapsed {}  prober's own lag {}  flow revision {}",
        run.slot,
        run.started,
        run.lateness(),
        run.elapsed,
        run.lag,
        run.revision
    );
}

fn who(blame: Blame) -> &'static str {
    match blame {
        Blame::Service => "the service, or what it depends on",
        Blame::Security => "the service: a security incident",
        Blame::Prober => "the prober, not the service: this run says nothing about the service",
    }
}

fn paint(verdict: Verdict, color: bool) -> String {
    let code = match verdict {
        Verdict::Good => "32",
        Verdict::Bad(_) => "31",
        Verdict::Lost(_) => "33",
    };
    if color { format!("\u{1b}[1;{code}m{verdict}\u{1b}[0m") } else { verdict.to_string() }
}

fn step_lines(text: &mut String, index: usize, step: &StepRecord) {
    let mark = if step.done { "ok" } else { "FAILED" };
    let _ = writeln!(text, "{:>2} {}  {mark}  {}  ({})", index + 1, step.name, step.micros, step.role);
}

fn hop_lines(text: &mut String, hop: &Hop, axis: &Axis) {
    let status = hop.status.map_or_else(|| "---".to_owned(), |status| status.to_string());
    let call = format!("   {:<4} {status}  {}", hop.method, hop.phases.total());
    let _ = writeln!(text, "{call:<LABEL$}{}", axis.bar(hop));
    let version = hop.version.map_or_else(String::new, |version| format!("  HTTP/{version}"));
    let address = hop.address.map_or_else(String::new, |address| format!("  {address}"));
    let reused = if hop.reused { "  kept connection" } else { "" };
    let _ = writeln!(text, "      {}{version}{address}{reused}  {} bytes", hop.url, hop.body_bytes);
    let phases: Vec<String> = hop
        .phases
        .iter()
        .map(|(phase, time)| format!("{phase} {}{}", if time.cut { "≥ " } else { "" }, time.micros))
        .collect();
    if !phases.is_empty() {
        let _ = writeln!(text, "      {}", phases.join(", "));
    }
}

fn end_of_hops(run: &Run) -> Micros {
    let ends = run.hops.iter().map(|hop| hop.offset + hop.phases.total());
    Micros(ends.map(|end| end.0).max().unwrap_or(0).max(1))
}

fn glyph(phase: Phase) -> char {
    match phase {
        Phase::Dns => '?',
        Phase::Connect => '-',
        Phase::Tls => '=',
        Phase::Send => '>',
        Phase::Wait => '░',
        Phase::Receive => '█',
    }
}

/// The time axis of the bars.
struct Axis {
    end: Micros,
    columns: usize,
}

impl Axis {
    fn column(&self, at: Micros) -> usize {
        let column = u128::from(at.0) * self.columns as u128 / u128::from(self.end.0);
        usize::try_from(column).unwrap_or(self.columns).min(self.columns)
    }

    /// Each phase takes the columns from its start to its end; a phase shorter than a column shows as one where
    /// nothing else stands yet.
    fn bar(&self, hop: &Hop) -> String {
        let mut cells = vec![' '; self.columns];
        let mut at = hop.offset;
        for (phase, time) in hop.phases.iter() {
            let first = self.column(at).min(self.columns - 1);
            at = at + time.micros;
            let last = self.column(at).max(first + 1).min(self.columns);
            for cell in cells[first..last].iter_mut().filter(|cell| **cell == ' ') {
                *cell = glyph(phase);
            }
            if time.cut {
                cells[last - 1] = '≥';
            }
        }
        cells.into_iter().collect::<String>().trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        BadClass, Failure, FlowName, HttpVersion, Phases, Revision, RunId, RunKind, StepName, StepRole, VantageName,
    };

    fn run() -> Run {
        let flow = FlowName::new("shop").unwrap();
        let vantage = VantageName::new("berlin").unwrap();
        let slot = "2026-11-23T10:00:00Z".parse().unwrap();
        let mut first = Phases::default();
        first.finish(Phase::Connect, Micros(20_000));
        first.finish(Phase::Send, Micros(100));
        first.finish(Phase::Wait, Micros(60_000));
        first.finish(Phase::Receive, Micros(20_000));
        let mut second = Phases::default();
        second.finish(Phase::Send, Micros(100));
        second.cut(Phase::Wait, Micros(899_900));
        let hop = |step, offset, phases, status| Hop {
            step,
            method: "POST".to_owned(),
            url: "https://shop.example/login".to_owned(),
            status,
            version: Some(HttpVersion::Http11),
            address: None,
            reused: step > 0,
            offset: Micros(offset),
            phases,
            body_bytes: 120,
        };
        let step = |name: &str, micros, done, evidence: &[&str]| StepRecord {
            name: StepName::new(name).unwrap(),
            role: StepRole::Login,
            offset: Micros(0),
            micros: Micros(micros),
            done,
            evidence: evidence.iter().map(|&line| line.to_owned()).collect(),
        };
        Run {
            id: RunId::new(RunKind::Login, &flow, &vantage, slot, 0),
            kind: RunKind::Login,
            flow,
            revision: Revision::of(b"x"),
            vantage,
            slot,
            attempt: 0,
            started: slot,
            elapsed: Micros(1_002_000),
            lag: Micros(300),
            verdict: Verdict::Bad(BadClass::Timeout),
            failure: Some(Failure {
                step: Some(StepName::new("submit").unwrap()),
                phase: Some(Phase::Wait),
                message: "no answer within 1 s".to_owned(),
            }),
            account: None,
            steps: vec![step("open", 100_100, true, &["found the form '#login'"]), step("submit", 900_000, false, &[])],
            hops: vec![hop(0, 0, first, Some(200)), hop(1, 100_100, second, None)],
        }
    }

    #[test]
    fn a_waterfall_reads_from_verdict_to_phase() {
        insta::assert_snapshot!(render(&run(), Layout { width: 84, color: false }));
    }

    #[test]
    fn a_run_that_never_began_says_so() {
        let run = run();
        let lost = Run::never_began(
            (run.kind, run.flow, run.revision, run.vantage, run.slot),
            run.started,
            crate::model::LostClass::MissedSlot,
            "the worker was not running".to_owned(),
        );
        insta::assert_snapshot!(render(&lost, Layout { width: 80, color: false }));
    }
}
