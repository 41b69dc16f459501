//! Which times are believed, and which are wanted. A number in the wrong unit is still a time, only not that of a run.

use jiff::{SignedDuration, Timestamp};

/// The year 2000: no prober's history reaches back behind it, and a small number read as seconds does.
const EARLIEST: Timestamp = Timestamp::constant(946_684_800, 0);
/// Clocks differ, and zones are mistaken, by less than this.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// The times that an import is about.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// The first one that is wanted; without it, earlier than the year 2000 is a mistake.
    pub from: Option<Timestamp>,
    /// The first one after it; without it, the future is a mistake.
    pub to: Option<Timestamp>,
    /// The time of the import.
    pub now: Timestamp,
}

impl Times {
    /// Whether a run that began then is wanted.
    #[must_use]
    pub fn want(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }

    /// Refuses what no prober can have seen.
    ///
    /// # Errors
    /// Why it is not believed, and how to say that it is right.
    pub fn believe(&self, at: Timestamp) -> Result<(), String> {
        if self.from.is_none() && at < EARLIEST {
            return Err(format!(
                "a run at {at} is hard to believe: numbers are seconds, milliseconds, microseconds or nanoseconds since \
                 1970, told apart by their size; say --from when it is right"
            ));
        }
        if self.to.is_none() && at > self.now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX) {
            return Err(format!("a run at {at} lies ahead: is it the right column? Say --to when it is right"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_refused_until_it_is_said() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let plain = Times { from: None, to: None, now: at("2026-11-20T12:00:00Z") };
        for (text, part) in [
            ("1970-01-01T00:00:01Z", Some("told apart by their size; say --from")),
            ("1999-12-31T23:59:59Z", Some("hard to believe")),
            ("2000-01-01T00:00:00Z", None),
            ("2026-11-21T11:59:00Z", None),
            ("2026-11-21T12:00:01Z", Some("lies ahead")),
            ("2999-01-01T00:00:00Z", Some("Say --to")),
        ] {
            let said = plain.believe(at(text)).err();
            assert!(said.as_deref().map_or(part.is_none(), |said| said.contains(part.unwrap_or("-"))), "{said:?}");
        }
        let told = Times { from: Some(at("1969-01-01T00:00:00Z")), to: Some(at("3000-01-01T00:00:00Z")), ..plain };
        assert_eq!(told.believe(at("1970-01-01T00:00:01Z")), Ok(()));
        assert_eq!(told.believe(at("2999-01-01T00:00:00Z")), Ok(()));
        assert!(told.want(at("1970-01-01T00:00:01Z")) && !told.want(at("3000-01-01T00:00:00Z")));
        assert!(plain.want(at("1970-01-01T00:00:01Z")), "what is not believed is told, not left out");
    }
}
