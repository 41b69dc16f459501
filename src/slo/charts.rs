//! Several Bernoulli CUSUM charts, one per vantage, with the alarm on their sum without the largest: what one place
//! alone sees never alarms (slo.md section 3).
//!
//! A chain over all charts at once is too large to solve. Charts of one flow are alike and independent while all is
//! well, so that their joint stationary distribution is the product of single ones, each exact. From it follows how
//! often the alarm is entered. Every entry is counted, those that follow one another in the same scare included: the
//! true rate of alarms is at most this.

/// The stationary distribution of one chart without an alarm, on 0..=`top` with everything above in the last place.
/// What flows up over the border between s and s + 1, p (pi_(s-m+1) + ... + pi_s), equals what flows down, (1-p)
/// pi_(s+1). Needs p m < 1 - p, which [`super::failure_step`] of any p0 < p1 fulfils.
fn stationary(step: u32, p: f64, top: usize) -> Vec<f64> {
    let step = step as usize;
    // The mean drift gives the share of the time at zero: E[S'] = E[S], and only at zero a success does not count.
    let mut weights = vec![((1.0 - p - p * step as f64) / (1.0 - p)).max(0.0)];
    let mut window = weights[0];
    let mut total = weights[0];
    while weights.len() < top {
        let next = p / (1.0 - p) * window;
        window += next;
        if weights.len() >= step {
            window -= weights[weights.len() - step];
        }
        weights.push(next);
        total += next;
    }
    weights.push((1.0 - total).max(0.0));
    weights
}

/// How all charts but one stand: the probability of each (sum without the largest, largest). Sums of `top` and more are
/// left out, since nothing can enter an alarm that is raised already; the last place of the largest holds all above it.
struct Others {
    top: usize,
    cells: Vec<f64>,
}

impl Others {
    fn of(charts: usize, single: &[f64]) -> Self {
        let top = single.len() - 1;
        let mut cells = vec![0.0; top * (top + 1)];
        cells[0] = 1.0;
        let mut all = Self { top, cells };
        for _ in 0..charts {
            all = all.with_another(single);
        }
        all
    }

    fn with_another(&self, single: &[f64]) -> Self {
        let (top, width) = (self.top, self.top + 1);
        let mut cells = vec![0.0; top * width];
        for rest in 0..top {
            for largest in 0..width {
                let weight = self.cells[rest * width + largest];
                if weight < NEGLIGIBLE {
                    continue;
                }
                // The new one is smaller: it adds itself.
                for (value, chance) in single.iter().enumerate().take(largest.min(top - rest)) {
                    cells[(rest + value) * width + largest] += weight * chance;
                }
            }
        }
        // The new one is the largest: it adds the largest so far.
        for sum in 0..top {
            let mut so_far = 0.0;
            for (value, chance) in single.iter().enumerate() {
                if value <= sum {
                    so_far += self.cells[(sum - value) * width + value];
                }
                cells[sum * width + value] += so_far * chance;
            }
        }
        Self { top, cells }
    }

    /// The chance that the sum without the largest is `rest`, and the largest at least `least`, at `[rest][least]`.
    fn with_tails(mut self) -> Self {
        let width = self.top + 1;
        for row in self.cells.chunks_mut(width) {
            for at in (0..self.top).rev() {
                row[at] += row[at + 1];
            }
        }
        self
    }
}

/// Chances below this change no threshold: at one alarm a year, a probe alarms with a chance of 1e-9 at least.
const NEGLIGIBLE: f64 = 1e-18;

/// Alarms per probe of `vantages` charts with this step while every probe fails with probability `p`: for each
/// threshold below `top`, the chance that a probe enters the alarm. Only a failure can. With the failing chart at x, the
/// others' sum without their largest at R and their largest at M, the sum without the largest of all is
/// R + min(x, M): it reaches H by this failure when M >= H - R, and H - R lies above x and not above x + m.
fn entries_per_probe(step: u32, p: f64, vantages: u32, top: usize) -> Vec<f64> {
    let single = stationary(step, p, top);
    let others = Others::of(vantages as usize - 1, &single).with_tails();
    let mut below: Vec<f64> = vec![0.0];
    below.extend(single.iter().scan(0.0, |sum, chance| {
        *sum += chance;
        Some(*sum)
    }));
    let entered = |threshold: usize| -> f64 {
        (0..threshold)
            .map(|rest| {
                let gap = threshold - rest;
                let failing = below[gap] - below[gap.saturating_sub(step as usize)];
                others.cells[rest * (top + 1) + gap] * failing
            })
            .sum()
    };
    (0..top).map(|threshold| p * entered(threshold)).collect()
}

/// The smallest threshold for the sum without the largest of `vantages` charts at which alarms are, at the background
/// `p0`, at least `wanted` probes (of all vantages together) apart on average. `None` when there is none below the
/// largest that is looked at, or for fewer than two vantages.
#[must_use]
pub fn rest_threshold(step: u32, p0: f64, vantages: u32, wanted: f64) -> Option<u32> {
    if vantages < 2 {
        return None;
    }
    // Beyond so many failures at every place but one nothing is left to wait for.
    [4, 8, 16].into_iter().find_map(|failures| {
        let entries = entries_per_probe(step, p0, vantages, failures * step as usize);
        let held = entries.iter().rposition(|rate| rate * wanted > 1.0)? + 1;
        (held < entries.len()).then_some(held as u32)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_chart_stands_as_its_balance_says() {
        let weights = stationary(50, 0.005, 400);
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        // In balance, what failures add is what successes take away: 50 p = (1 - p) P(S > 0).
        assert!((0.005 * 50.0 - 0.995 * (1.0 - weights[0])).abs() < 1e-12);
        assert!(weights[399] > 0.0 && weights[400] < 1e-4, "{}", weights[400]);
    }

    #[test]
    fn more_places_and_a_larger_rate_need_a_higher_threshold() {
        let of = |vantages, wanted| rest_threshold(50, 0.005, vantages, wanted).unwrap();
        assert!(of(2, 1e6) < of(3, 1e6) && of(3, 1e6) < of(5, 1e6));
        assert!(of(3, 1e6) < of(3, 1e7));
        assert_eq!(rest_threshold(50, 0.005, 1, 1e6), None);
    }
}
