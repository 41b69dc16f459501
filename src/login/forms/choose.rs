//! Which form of a page is meant, and which of its buttons is pressed. Ambiguity is an error, never a guess.

use scraper::{ElementRef, Html, Selector};

use super::FormError;
use super::controls::{self, Control, Forms};
use crate::login::page::collapse;
use crate::model::{Button, FormChoice};

/// Finds the form; `names` are the fields to fill, `pressed` is the button that the flow names.
pub(super) fn form<'d>(
    document: &'d Html,
    forms: &Forms<'d>,
    choice: &FormChoice,
    (names, pressed): (&[&str], Option<&Button>),
) -> Result<ElementRef<'d>, FormError> {
    match choice {
        FormChoice::Css(css) => {
            let selector = Selector::parse(css).map_err(|_| FormError::Selector(css.clone()))?;
            let found = document.select(&selector).find_map(|element| forms.form_of(element));
            found.ok_or_else(|| missing(&format!("no form matches '{css}'"), forms))
        }
        FormChoice::Holding(name) => {
            let holds = |form: &ElementRef<'d>| forms.controls(*form).iter().any(|c| c.name == *name);
            only_one(forms.all.iter().copied().filter(holds).collect(), &format!("holds a field '{name}'"), forms)
        }
        FormChoice::Fitting => {
            let fits = |form: &ElementRef<'d>| {
                let controls = forms.controls(*form);
                names.iter().all(|name| controls::can_fill(&controls, name))
                    && (pressed.is_none() || button(&controls, pressed).is_ok())
            };
            let mut wanted = Vec::new();
            if !names.is_empty() {
                wanted.push(format!("holds {}", quoted(names)));
            }
            wanted.extend(pressed.map(|choice| format!("has a button {}", describe_button(choice))));
            let wanted = if wanted.is_empty() { "is on the page".to_owned() } else { wanted.join(" and ") };
            only_one(forms.all.iter().copied().filter(fits).collect(), &wanted, forms)
        }
    }
}

fn only_one<'d>(mut found: Vec<ElementRef<'d>>, wanted: &str, forms: &Forms<'d>) -> Result<ElementRef<'d>, FormError> {
    match found.len() {
        0 => Err(missing(&format!("no form {wanted}"), forms)),
        1 => Ok(found.remove(0)),
        count => {
            let labels: Vec<_> = found.iter().map(|form| describe(forms, *form)).collect();
            Err(FormError::Missing(format!(
                "{count} forms fit where one {wanted}: {}; choose one by 'css'",
                labels.join(", ")
            )))
        }
    }
}

fn missing(what: &str, forms: &Forms<'_>) -> FormError {
    if forms.all.is_empty() {
        return FormError::Missing(format!("{what}: the page has no form at all"));
    }
    let labels: Vec<_> = forms.all.iter().take(5).map(|form| describe(forms, *form)).collect();
    FormError::Missing(format!("{what}; the page has {}", labels.join(", ")))
}

/// `form#login [user, password]`.
fn describe<'d>(forms: &Forms<'d>, form: ElementRef<'d>) -> String {
    let mut names: Vec<String> = Vec::new();
    for control in forms.controls(form) {
        if !control.name.is_empty() && !names.contains(&control.name) {
            names.push(control.name);
        }
    }
    format!("{} [{}]", label(form), names.join(", "))
}

/// How a form is called: by its id, name, or action.
pub(super) fn label(form: ElementRef<'_>) -> String {
    let attribute = |name: &str| form.attr(name).filter(|value| !value.trim().is_empty());
    match (attribute("id"), attribute("name")) {
        (Some(id), _) => format!("form#{id}"),
        (None, Some(name)) => format!("form[name={name}]"),
        (None, None) => "form".to_owned(),
    }
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}

/// The index of the pressed button among the controls. Without a choice: the default button, which is the first in
/// the order of the page; a form without buttons is submitted without one. A disabled button counts as enabled by the
/// page's script once the fields are filled.
pub(super) fn button(controls: &[Control<'_>], choice: Option<&Button>) -> Result<Option<usize>, FormError> {
    let mut buttons = controls.iter().enumerate().filter(|(_, control)| control.kind.submits());
    let Some(choice) = choice else { return Ok(buttons.next().map(|(index, _)| index)) };
    let found = match choice {
        Button::Css(css) => {
            let selector = Selector::parse(css).map_err(|_| FormError::Selector(css.clone()))?;
            buttons.find(|(_, control)| selector.matches(&control.element))
        }
        Button::Labelled(text) => {
            let text = collapse(text);
            buttons.find(|(_, control)| button_text(control) == text || collapse(&control.value) == text)
        }
        Button::Named { name, value } => buttons
            .find(|(_, control)| control.name == *name && value.as_ref().is_none_or(|value| control.value == *value)),
    };
    if let Some((index, _)) = found {
        return Ok(Some(index));
    }
    let shown: Vec<String> = controls
        .iter()
        .filter(|control| control.kind.submits())
        .map(|control| format!("'{}' ({}={})", button_text(control), control.name, control.value))
        .collect();
    let there = if shown.is_empty() { "no button".to_owned() } else { shown.join(", ") };
    Err(FormError::Missing(format!("the form has no button {}; it has {there}", describe_button(choice))))
}

fn describe_button(choice: &Button) -> String {
    match choice {
        Button::Css(css) => format!("matching '{css}'"),
        Button::Labelled(text) => format!("labelled '{text}'"),
        Button::Named { name, value: Some(value) } => format!("named '{name}' with the value '{value}'"),
        Button::Named { name, value: None } => format!("named '{name}'"),
    }
}

fn button_text(control: &Control<'_>) -> String {
    if control.element.value().name() == "button" {
        return collapse(&control.element.text().collect::<String>());
    }
    match (control.element.attr("value"), control.element.attr("alt")) {
        (Some(value), _) => collapse(value),
        (None, Some(alt)) => collapse(alt),
        (None, None) => "Submit".to_owned(),
    }
}
