//! What holds at an instant, by the script: how large a share fails, how slow it is, what the prober suffers. Draws
//! nothing.

use std::time::Duration;

use jiff::Timestamp;

use super::script::{Outage, ProberFault, Script, Slow};

/// How far a span that rises and falls has come at an instant: 0 outside, 1 at its height.
fn height(at: Timestamp, (from, to): (Timestamp, Timestamp), rises: Duration, falls: Duration) -> f64 {
    if at < from || at >= to {
        return 0.0;
    }
    let part = |since: i64, of: Duration| {
        let whole = of.as_micros() as f64;
        if whole > 0.0 { (since as f64 / whole).min(1.0) } else { 1.0 }
    };
    let risen = part(at.as_microsecond() - from.as_microsecond(), rises);
    risen.min(part(to.as_microsecond() - at.as_microsecond(), falls))
}

impl Outage {
    /// The failing share at an instant; 0 outside.
    #[must_use]
    pub fn share_at(&self, at: Timestamp) -> f64 {
        self.share * height(at, (self.from, self.to), self.rises, self.falls)
    }
}

impl Slow {
    /// What waits are multiplied with at an instant; 1 outside.
    #[must_use]
    pub fn factor_at(&self, at: Timestamp) -> f64 {
        1.0 + (self.factor - 1.0) * height(at, (self.from, self.to), self.rises, self.falls)
    }
}

impl Script {
    /// The outages that a vantage's probes of a flow may meet at one of its steps, each with its number and share.
    pub(super) fn failing(
        &self,
        (vantage, flow): (usize, usize),
        step: usize,
        at: Timestamp,
    ) -> impl Iterator<Item = (usize, &Outage, f64)> {
        let here = move |outage: &Outage| {
            outage.reach.meets(vantage, flow) && outage.steps.get(flow).is_some_and(|failing| *failing == Some(step))
        };
        let all = self.outages.iter().enumerate().filter(move |(_, outage)| here(outage));
        all.map(move |(number, outage)| (number, outage, outage.share_at(at))).filter(|(.., share)| *share > 0.0)
    }

    /// What the waits of a step are multiplied with.
    pub(super) fn slowness(&self, (vantage, flow): (usize, usize), step: usize, at: Timestamp) -> f64 {
        let name = |slow: &Slow| slow.step.as_ref().is_none_or(|name| *name == self.flows[flow].steps[step].name);
        let here = self.slow.iter().filter(|slow| slow.reach.meets(vantage, flow) && name(slow));
        here.map(|slow| slow.factor_at(at)).product()
    }

    /// The troubles of the prober, each with its number.
    pub(super) fn troubles(
        &self,
        (vantage, flow): (usize, usize),
        at: Timestamp,
    ) -> impl Iterator<Item = (usize, &ProberFault)> {
        let here = move |fault: &ProberFault| fault.reach.meets(vantage, flow) && (fault.from..fault.to).contains(&at);
        self.prober.iter().enumerate().filter(move |(_, fault)| here(fault))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_rises_holds_and_falls() {
        let time = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
        let (rises, falls) = (Duration::from_secs(600), Duration::from_secs(1200));
        let at = |minute| height(time(minute), (time(0), time(60)), rises, falls);
        let expected = [(-1, 0.0), (0, 0.0), (5, 0.5), (10, 1.0), (39, 1.0), (50, 0.5), (60, 0.0)];
        for (minute, height) in expected {
            assert!((at(minute) - height).abs() < 1e-12, "minute {minute}: {}", at(minute));
        }
        let sudden = height(time(0), (time(0), time(60)), Duration::ZERO, Duration::ZERO);
        assert!((sudden - 1.0).abs() < 1e-12);
    }
}
