//! What is known of an exchange while it is under way: kept outside the work itself, so that a deadline that drops
//! the work leaves the measurements behind.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::model::{HttpVersion, Micros, Phase, Phases};

use super::wire::Wire;

/// The measurements of one exchange so far.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) phases: Phases,
    pub(super) address: Option<IpAddr>,
    pub(super) version: Option<HttpVersion>,
    pub(super) reused: bool,
    pub(super) status: Option<u16>,
    pub(super) body_bytes: u64,
    /// A phase before the request, under way since then.
    current: Option<(Phase, Instant)>,
    /// The connection that carries the request, and since when.
    carried: Option<(Arc<Wire>, Instant)>,
}

impl Progress {
    /// A phase before the request begins.
    pub(super) fn begin(&mut self, phase: Phase) {
        self.current = Some((phase, Instant::now()));
    }

    /// The phase under way is done.
    pub(super) fn finish(&mut self) {
        if let Some((phase, since)) = self.current.take() {
            self.phases.finish(phase, Micros::from(since.elapsed()));
        }
    }

    /// The request goes to a connection; from here its marks tell the phases.
    pub(super) fn carry(&mut self, wire: &Arc<Wire>) {
        wire.begin();
        self.carried = Some((Arc::clone(wire), Instant::now()));
    }

    /// A kept connection turned out to be closed before anything was sent: as if it had never been there.
    pub(super) fn start_over(&mut self) {
        self.carried = None;
        self.reused = false;
        self.version = None;
        self.address = None;
    }

    /// The whole answer is there. `until_close`: its end was the end of the connection.
    pub(super) fn complete(&mut self, until_close: bool) {
        let Some((wire, since)) = self.carried.take() else { return };
        let marks = wire.marks();
        let first_write = marks.first_write.unwrap_or(since);
        let last_write = marks.last_write.unwrap_or(first_write);
        let first_read = marks.first_read().unwrap_or(last_write);
        let last_read = marks.last_read.unwrap_or(first_read);
        let end = if until_close { marks.closed.unwrap_or(last_read) } else { last_read };
        self.phases.finish(Phase::Send, between(first_write, last_write));
        self.phases.finish(Phase::Wait, between(last_write, first_read));
        self.phases.finish(Phase::Receive, between(first_read.max(last_write), end));
    }

    /// The exchange ended here, unfinished. Says which phase was cut off.
    pub(super) fn cut(&mut self) -> Option<Phase> {
        let now = Instant::now();
        if let Some((phase, since)) = self.current.take() {
            self.phases.cut(phase, between(since, now));
            return Some(phase);
        }
        let (wire, since) = self.carried.take()?;
        let marks = wire.marks();
        let first_write = marks.first_write.unwrap_or(since);
        let Some(first_read) = marks.first_read() else {
            return Some(match marks.last_write.filter(|_| marks.sent) {
                None => {
                    self.phases.cut(Phase::Send, between(first_write, now));
                    Phase::Send
                }
                Some(last_write) => {
                    self.phases.finish(Phase::Send, between(first_write, last_write));
                    self.phases.cut(Phase::Wait, between(last_write, now));
                    Phase::Wait
                }
            });
        };
        let last_write = marks.last_write.unwrap_or(first_write);
        self.phases.finish(Phase::Send, between(first_write, last_write));
        self.phases.finish(Phase::Wait, between(last_write, first_read));
        self.phases.cut(Phase::Receive, between(first_read.max(last_write), now));
        Some(Phase::Receive)
    }
}

fn between(start: Instant, end: Instant) -> Micros {
    Micros::from(end.saturating_duration_since(start))
}
