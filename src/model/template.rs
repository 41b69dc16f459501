//! Text with `{{ name }}` holes, filled from variables when a step is executed.

use std::collections::BTreeMap;
use std::fmt;

use super::Secret;

/// Text with holes. Printing it shows the holes, never what fills them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Hole(String),
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `{{` without `}}`.
    #[error("'{{{{' without the closing '}}}}'")]
    Unclosed,
    /// Something between the braces that is no variable name.
    #[error("'{0}' is not a variable name: use letters, digits, '_' and '.'")]
    BadName(String),
}

/// A hole that nothing fills: the step that should have captured it did not run or found nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nothing has set the variable '{0}'")]
pub struct Unbound(pub String);

/// What fills holes: plain values and secret ones, by name.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    values: BTreeMap<String, Secret>,
}

impl Variables {
    /// Sets `name`, replacing an older value. Every value is held as a secret, since a captured one may be a token.
    pub fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), Secret::new(value));
    }

    /// Removes `name`, so that a template that needs it fails rather than using a stale value.
    pub fn unset(&mut self, name: &str) {
        self.values.remove(name);
    }

    /// The value of `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(Secret::expose)
    }
}

impl Template {
    /// Parses `{{ name }}` holes.
    ///
    /// # Errors
    /// [`TemplateError`] for an unclosed hole or a name that is none.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find("{{") {
            if open > 0 {
                parts.push(Part::Literal(rest[..open].to_owned()));
            }
            let inside = &rest[open + 2..];
            let close = inside.find("}}").ok_or(TemplateError::Unclosed)?;
            let name = inside[..close].trim();
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
            if name.is_empty() || !name.chars().all(allowed) {
                return Err(TemplateError::BadName(name.to_owned()));
            }
            parts.push(Part::Hole(name.to_owned()));
            rest = &inside[close + 2..];
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// A template without holes.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self { parts: vec![Part::Literal(text.to_owned())] }
    }

    /// The names of all holes, in order, with repetitions.
    pub fn holes(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Hole(name) => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }

    /// Fills the holes.
    ///
    /// # Errors
    /// [`Unbound`] names the first hole that has no value.
    pub fn fill(&self, variables: &Variables) -> Result<String, Unbound> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Hole(name) => text.push_str(variables.get(name).ok_or_else(|| Unbound(name.clone()))?),
            }
        }
        Ok(text)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Literal(literal) => f.write_str(literal)?,
                Part::Hole(name) => write!(f, "{{{{ {name} }}}}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_filled() {
        let template = Template::parse("hello {{ user }}, {{user}}!").unwrap();
        let mut variables = Variables::default();
        assert_eq!(template.fill(&variables), Err(Unbound("user".to_owned())));
        variables.set("user", "probe");
        assert_eq!(template.fill(&variables).unwrap(), "hello probe, probe!");
        assert_eq!(template.to_string(), "hello {{ user }}, {{ user }}!");
        assert_eq!(template.holes().collect::<Vec<_>>(), ["user", "user"]);
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(Template::parse("a {{ b"), Err(TemplateError::Unclosed));
        assert_eq!(Template::parse("{{ a b }}"), Err(TemplateError::BadName("a b".to_owned())));
        assert_eq!(Template::parse("{{}}"), Err(TemplateError::BadName(String::new())));
    }
}
