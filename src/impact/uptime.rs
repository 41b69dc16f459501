//! User-uptime: the share of active time that was up, as users met it (F11; Hauer et al., "Meaningful availability", NSDI
//! 2020). Fed with probes it is probe-uptime: probes are not representative of users.

/// One attempt of one user: seconds on any clock, and whether it succeeded.
pub type Event = (f64, bool);

/// Active time of one user, up and down, in seconds: between two events within the cutoff the time is up when the first
/// one succeeded, else down; longer gaps are inactive. Events in order of time.
#[must_use]
pub fn active_time(events: &[Event], cutoff: f64) -> (f64, f64) {
    let (mut up, mut down) = (0.0, 0.0);
    for pair in events.windows(2) {
        let gap = pair[1].0 - pair[0].0;
        if gap <= cutoff {
            *(if pair[0].1 { &mut up } else { &mut down }) += gap;
        }
    }
    (up, down)
}

/// The sum over users of up / (up + down). `None` when nobody was active.
#[must_use]
pub fn user_uptime<'a>(users: impl IntoIterator<Item = &'a [Event]>, cutoff: f64) -> Option<f64> {
    let times = users.into_iter().map(|events| active_time(events, cutoff));
    let (up, down) = times.fold((0.0, 0.0), |sum, time| (sum.0 + time.0, sum.1 + time.1));
    (up + down > 0.0).then(|| up / (up + down))
}

/// The cutoff that the paper takes: the 99th percentile of the gaps between a user's events. `None` without a gap.
#[must_use]
pub fn usual_cutoff<'a>(users: impl IntoIterator<Item = &'a [Event]>) -> Option<f64> {
    let mut gaps: Vec<f64> =
        users.into_iter().flat_map(|events| events.windows(2).map(|pair| pair[1].0 - pair[0].0)).collect();
    gaps.sort_by(f64::total_cmp);
    let rank = (0.99 * gaps.len() as f64).ceil() as usize;
    gaps.get(rank.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_active_has_no_uptime() {
        assert_eq!(user_uptime([], 10.0), None);
        assert_eq!(user_uptime([&[(0.0, true), (99.0, true)][..]], 10.0), None);
        assert_eq!(usual_cutoff([&[(0.0, true)][..]]), None);
        assert_eq!(usual_cutoff([&[(0.0, true), (5.0, true), (7.0, false)][..]]), Some(5.0));
    }
}
