//! A number with its bounds, its formula and its inputs; or the reason why there is none.

use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

/// A lower bound, the best guess, an upper bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Not less.
    pub low: f64,
    /// Best guess.
    pub middle: f64,
    /// Not more.
    pub high: f64,
}

impl Estimate {
    /// A number without doubt.
    #[must_use]
    pub fn exact(value: f64) -> Self {
        Self { low: value, middle: value, high: value }
    }

    /// The same function of each of the three: it must never fall.
    #[must_use]
    pub fn map(self, rising: impl Fn(f64) -> f64) -> Self {
        Self { low: rising(self.low), middle: rising(self.middle), high: rising(self.high) }
    }

    /// Lower ends, middles and upper ends multiplied: the bounds of a product of factors that are not negative (F14).
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        Self { low: self.low * other.low, middle: self.middle * other.middle, high: self.high * other.high }
    }
}

impl Add for Estimate {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { low: self.low + other.low, middle: self.middle + other.middle, high: self.high + other.high }
    }
}

impl AddAssign for Estimate {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::iter::Sum for Estimate {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

/// The input that says how many people no probe stands for.
pub(super) const NOT_COVERED: &str = "intents not covered";

/// Something that a figure is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// What it is.
    pub name: String,
    /// The part of the users that it is of; `None`: of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// Its value with bounds.
    pub value: Estimate,
    /// Its unit: `s`, `share`, `people`, `attempts`.
    pub unit: String,
    /// Where it comes from.
    pub source: String,
}

impl Input {
    /// What it is and of whom, for people.
    #[must_use]
    pub fn title(&self) -> String {
        self.segment.as_ref().map_or_else(|| self.name.clone(), |segment| format!("{segment}: {}", self.name))
    }
}

/// A figure of an impact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Figure {
    /// A number.
    Estimate {
        /// The number with its bounds.
        value: Estimate,
        /// Its unit: `s`, `share`, `people`, `attempts`.
        unit: String,
        /// How it was computed, with the formula's number in the reference.
        formula: String,
        /// What it was computed from.
        inputs: Vec<Input>,
    },
    /// There is no number.
    NotQuantifiable {
        /// Why, and what would help.
        reason: String,
    },
}

impl Figure {
    /// No number, and why.
    #[must_use]
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self::NotQuantifiable { reason: reason.into() }
    }

    /// The same number with bounds so wide that these two lie within.
    pub(super) fn reaching(mut self, from: f64, to: f64) -> Self {
        if let Self::Estimate { value, .. } = &mut self {
            (value.low, value.high) = (value.low.min(from), value.high.max(to));
        }
        self
    }

    /// The same number, as another formula says.
    pub(super) fn by(mut self, other: &str) -> Self {
        if let Self::Estimate { formula, .. } = &mut self {
            other.clone_into(formula);
        }
        self
    }

    /// The same number with an upper end that holds so much more: what people of whom nothing is known may add.
    pub(super) fn adding(mut self, most: f64) -> Self {
        if let Self::Estimate { value, formula, inputs, .. } = &mut self {
            value.high += most;
            if inputs.iter().any(|input| input.name == NOT_COVERED) {
                formula.push_str("; the upper end takes all whom no probe stands for as hit, the rest leaves them out");
            }
        }
        self
    }

    /// The number; `None` when there is none.
    #[must_use]
    pub fn estimate(&self) -> Option<Estimate> {
        match self {
            Self::Estimate { value, .. } => Some(*value),
            Self::NotQuantifiable { .. } => None,
        }
    }
}
