//! The population: who the users are, as shares, which vantages stand for them, and what is known of their habits.

use serde_json::json;

use super::demand::{Demand, Habits};
use super::id::{FlowName, Revision, VantageName};

/// A part of the users.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Segment {
    /// What it is called in the report.
    pub name: String,
    /// Its share of all sign-ins; the shares of a population add up to 1.
    pub share: f64,
    /// The vantages that stand for it; none: nobody probes for these users, and the report says so.
    pub vantages: Vec<VantageName>,
    /// The flows that they log in by; none: any.
    pub flows: Vec<FlowName>,
    /// How many users it has; `None`: its share of all users.
    pub users: Option<u64>,
    /// When its users want to sign in; `None`: its share of all demand.
    pub demand: Option<Demand>,
}

/// All users, in parts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Population {
    segments: Vec<Segment>,
    habits: Habits,
}

/// Why segments are no population.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PopulationError {
    /// Shares do not add up.
    #[error("the shares add up to {0:.4}, not to 1")]
    Sum(f64),
    /// A share is negative or not a number.
    #[error("segment '{0}' has a share below 0")]
    Negative(String),
}

impl Population {
    /// A population of segments whose shares add up to 1 (within 0.0005, then normalised). No segments at all is
    /// the population that nobody described.
    ///
    /// # Errors
    /// [`PopulationError`] otherwise.
    pub fn new(mut segments: Vec<Segment>) -> Result<Self, PopulationError> {
        if let Some(bad) = segments.iter().find(|segment| segment.share.is_nan() || segment.share < 0.0) {
            return Err(PopulationError::Negative(bad.name.clone()));
        }
        let sum: f64 = segments.iter().map(|segment| segment.share).sum();
        if !segments.is_empty() && (sum - 1.0).abs() > 0.0005 {
            return Err(PopulationError::Sum(sum));
        }
        for segment in &mut segments {
            segment.share /= sum;
        }
        Ok(Self { segments, habits: Habits::default() })
    }

    /// The same population with what is known of its habits.
    #[must_use]
    pub fn with_habits(mut self, habits: Habits) -> Self {
        self.habits = habits;
        self
    }

    /// What is known of the users' habits.
    #[must_use]
    pub fn habits(&self) -> &Habits {
        &self.habits
    }

    /// The hash of everything that figures are weighted by: segments, demand and habits, over their canonical JSON.
    #[must_use]
    pub fn revision(&self) -> Revision {
        let segment = |segment: &Segment| {
            json!([
                segment.name,
                segment.share,
                segment.vantages,
                segment.flows,
                segment.users,
                segment.demand.as_ref().map(Demand::canonical)
            ])
        };
        let Habits { users, demand, retries, session, activity } = &self.habits;
        let activity: Vec<(f64, f64)> = activity.iter().map(|class| (class.users, class.sign_ins)).collect();
        let all = json!({
            "segments": self.segments.iter().map(segment).collect::<Vec<_>>(),
            "users": users,
            "demand": demand.as_ref().map(Demand::canonical),
            "retries": retries,
            "session": session,
            "activity": activity,
        });
        Revision::of(all.to_string().as_bytes())
    }

    /// The segments; empty when nobody described the users.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(name: &str, share: f64) -> Segment {
        Segment { name: name.to_owned(), share, ..Segment::default() }
    }

    #[test]
    fn whatever_weighs_otherwise_has_another_hash() {
        let shares = |a, b| Population::new(vec![segment("a", a), segment("b", b)]).unwrap();
        assert_eq!(shares(0.6, 0.4).revision(), shares(0.6, 0.4).revision());
        assert_ne!(shares(0.6, 0.4).revision(), shares(0.5, 0.5).revision());
        let habits = |users| Habits { users: Some(users), ..Habits::default() };
        let of = |users| shares(0.6, 0.4).with_habits(habits(users)).revision();
        assert_ne!(of(1), of(2));
        assert_ne!(of(1), shares(0.6, 0.4).revision());
    }

    #[test]
    fn shares_must_add_up() {
        assert!(Population::new(vec![segment("a", 0.6), segment("b", 0.4)]).is_ok());
        assert!(matches!(Population::new(vec![segment("a", 0.6)]), Err(PopulationError::Sum(_))));
        assert!(matches!(Population::new(vec![segment("a", -1.0)]), Err(PopulationError::Negative(_))));
        assert!(Population::new(Vec::new()).is_ok());
    }
}
