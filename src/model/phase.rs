//! The parts of a hop and their times. A phase that did not happen is absent, not zero.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::spelling::spelled;
use super::units::Micros;

spelled!(
    /// A part of a hop. The order is the order in time.
    Phase {
        /// Name resolution.
        Dns = "dns",
        /// The TCP handshake (through a proxy: to the proxy, and its CONNECT exchange).
        Connect = "connect",
        /// The TLS handshake.
        Tls = "tls",
        /// From the first to the last byte of the request handed to the socket.
        Send = "send",
        /// From the last byte of the request to the first byte of the answer.
        Wait = "wait",
        /// From the first to the last byte of the answer.
        Receive = "receive",
    }
);

/// The time one phase took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PhaseTime {
    /// Measured duration.
    pub micros: Micros,
    /// The phase did not finish: it took at least `micros`.
    pub cut: bool,
}

/// The phases of one hop. A phase that did not happen (no TLS, a reused connection) is absent, not zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    slots: [Option<PhaseTime>; 6],
}

impl Phases {
    /// The time of `phase`, if it happened.
    #[must_use]
    pub fn get(&self, phase: Phase) -> Option<PhaseTime> {
        self.slots[phase as usize]
    }

    /// Records a finished phase.
    pub fn finish(&mut self, phase: Phase, micros: Micros) {
        self.slots[phase as usize] = Some(PhaseTime { micros, cut: false });
    }

    /// Records a phase that was cut off: it took at least `micros`.
    pub fn cut(&mut self, phase: Phase, micros: Micros) {
        self.slots[phase as usize] = Some(PhaseTime { micros, cut: true });
    }

    /// All phases that happened, in order of time.
    pub fn iter(&self) -> impl Iterator<Item = (Phase, PhaseTime)> + '_ {
        Phase::ALL.iter().filter_map(|&phase| self.get(phase).map(|time| (phase, time)))
    }

    /// The sum of all phases.
    #[must_use]
    pub fn total(&self) -> Micros {
        self.iter().map(|(_, time)| time.micros).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_phase_is_not_zero() {
        let mut phases = Phases::default();
        phases.finish(Phase::Connect, Micros(10));
        phases.cut(Phase::Wait, Micros(500));
        assert_eq!(phases.get(Phase::Tls), None);
        assert_eq!(phases.total(), Micros(510));
        assert!(phases.get(Phase::Wait).unwrap().cut);
        assert_eq!(phases.iter().map(|(phase, _)| phase).collect::<Vec<_>>(), [Phase::Connect, Phase::Wait]);
    }
}
