//! Which of the matching logins a rule hits: every one, a share by a seeded coin, exactly k of each n, or
//! the first k and none after them.

use super::script::Draw;
use crate::model::SplitMix;

/// The state of one rule's draw. Tickets are drawn one after another; the same seed gives the same tickets.
#[derive(Debug)]
pub(super) struct Tickets {
    draw: Draw,
    random: SplitMix,
    /// Position in the current block of n, or since the start; hits in the block so far.
    seen: u64,
    hits: u64,
}

impl Tickets {
    pub(super) fn new(draw: Draw, seed: u64, rule: usize) -> Self {
        let mut random = SplitMix::new(seed);
        // The rule's number is mixed in by one step of the generator, so that neighbouring seeds and rules differ.
        let mixed = random.word() ^ (rule as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Self { draw, random: SplitMix::new(mixed), seen: 0, hits: 0 }
    }

    /// Draws the next ticket: true is a hit.
    pub(super) fn draw(&mut self) -> bool {
        match self.draw {
            Draw::Every => true,
            Draw::Share(share) => self.random.unit() < share,
            Draw::First(hits) => {
                self.seen = self.seen.saturating_add(1);
                self.seen <= hits
            }
            Draw::Exactly { hits, of } => self.select(hits, of),
        }
    }

    /// Selection sampling (Knuth, The Art of Computer Programming, vol. 2, section 3.4.2, algorithm S): walks over
    /// the block once, hits exactly `hits` of its `of` places, and every choice of places is equally likely.
    fn select(&mut self, hits: u64, of: u64) -> bool {
        let (places_left, hits_left) = (of - self.seen, hits - self.hits);
        let hit = self.random.below(places_left) < hits_left;
        self.seen += 1;
        self.hits += u64::from(hit);
        if self.seen == of {
            (self.seen, self.hits) = (0, 0);
        }
        hit
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hits(draw: Draw, seed: u64, count: usize) -> Vec<bool> {
        let mut tickets = Tickets::new(draw, seed, 0);
        (0..count).map(|_| tickets.draw()).collect()
    }

    #[test]
    fn the_seed_decides_and_rules_differ() {
        let draw = Draw::Exactly { hits: 37, of: 1000 };
        assert_eq!(hits(draw, 7, 1000), hits(draw, 7, 1000));
        assert_ne!(hits(draw, 7, 1000), hits(draw, 8, 1000));
        let mut other_rule = Tickets::new(draw, 7, 1);
        assert_ne!(hits(draw, 7, 1000), (0..1000).map(|_| other_rule.draw()).collect::<Vec<_>>());
    }

    #[test]
    fn the_hits_are_spread_over_the_block() {
        let all = hits(Draw::Exactly { hits: 100, of: 1000 }, 1, 1000);
        let in_tenths: Vec<usize> = all.chunks(100).map(|tenth| tenth.iter().filter(|hit| **hit).count()).collect();
        assert!(in_tenths.iter().all(|&count| (1..30).contains(&count)), "{in_tenths:?}");
    }

    #[test]
    fn a_share_is_near_its_value() {
        let count = hits(Draw::Share(0.8), 3, 10_000).into_iter().filter(|hit| *hit).count();
        assert!((7_800..8_200).contains(&count), "{count}");
    }

    #[test]
    fn the_first_are_hit_and_none_after_them() {
        assert_eq!(hits(Draw::First(2), 1, 5), [true, true, false, false, false]);
    }

    #[test]
    fn shares_of_none_and_all_are_exact() {
        assert!(hits(Draw::Share(0.0), 1, 1000).iter().all(|hit| !hit));
        assert!(hits(Draw::Share(1.0), 1, 1000).iter().all(|hit| *hit));
    }

    proptest! {
        #[test]
        fn every_block_has_exactly_its_hits(seed: u64, (k, n) in (1_u64..60).prop_flat_map(|n| (0..=n, Just(n)))) {
            let all = hits(Draw::Exactly { hits: k, of: n }, seed, 5 * n as usize);
            for block in all.chunks(n as usize) {
                prop_assert_eq!(block.iter().filter(|hit| **hit).count() as u64, k);
            }
        }
    }
}
