//! The controls of a form: who owns them, what they hold, and how they are filled.

use std::collections::HashMap;

use scraper::{ElementRef, Html};

use super::FormError;

/// What a control is, as far as submitting goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text of one line, hidden values, and everything else that sends its value.
    Text,
    /// `<textarea>`.
    Area,
    /// Sends its value when checked.
    Checkbox,
    /// As a checkbox, but one of a group.
    Radio,
    /// `<select>`.
    Select { multiple: bool },
    /// A file field; nothing is ever chosen.
    File,
    /// A submit button.
    Submit,
    /// A submit button that sends where it was clicked.
    Image,
    /// A button that submits nothing.
    Idle,
}

impl Kind {
    /// Whether pressing it submits the form.
    pub(super) fn submits(self) -> bool {
        matches!(self, Self::Submit | Self::Image)
    }

    /// Whether it is a button of any sort.
    pub(super) fn is_button(self) -> bool {
        matches!(self, Self::Submit | Self::Image | Self::Idle)
    }
}

/// An option of a `<select>`.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    /// What is sent.
    pub(super) value: String,
    label: String,
    /// It is selected.
    pub(super) selected: bool,
    /// It cannot be sent.
    pub(super) disabled: bool,
}

/// A control and its state.
#[derive(Debug, Clone)]
pub(super) struct Control<'d> {
    /// The element.
    pub(super) element: ElementRef<'d>,
    /// Name; may be empty.
    pub(super) name: String,
    /// What it is.
    pub(super) kind: Kind,
    /// Its value now.
    pub(super) value: String,
    /// A box or radio button is checked.
    pub(super) checked: bool,
    /// It is not sent.
    pub(super) disabled: bool,
    /// The options of a list.
    pub(super) choices: Vec<Choice>,
    filled: bool,
}

/// The forms of a page and the controls that each owns, found in one pass.
pub(super) struct Forms<'d> {
    /// The page's forms in order.
    pub(super) all: Vec<ElementRef<'d>>,
    owned: Vec<(ElementRef<'d>, ElementRef<'d>)>,
}

impl<'d> Forms<'d> {
    /// Finds who owns what: a control belongs to the form that its `form` attribute names, else to the one around it,
    /// else to the one that the parser had open (a form that opens between table tags closes at once, yet owns what
    /// follows).
    pub(super) fn read(document: &'d Html) -> Self {
        let elements = || document.tree.root().descendants().filter_map(ElementRef::wrap);
        let mut by_id = HashMap::new();
        for element in elements().filter(|element| element.value().id().is_some()) {
            by_id.entry(element.value().id().unwrap_or_default()).or_insert(element);
        }
        let (mut all, mut owned, mut last) = (Vec::new(), Vec::new(), None);
        for element in elements().filter(|element| element.value().name() == "form" || is_listed(*element)) {
            if in_template(element) {
                continue;
            }
            if element.value().name() == "form" {
                all.push(element);
                last = Some(element);
                continue;
            }
            let owner = match element.attr("form") {
                Some(id) => by_id.get(id).copied().filter(|named| named.value().name() == "form"),
                None => around(element).or_else(|| last.filter(|form| opened_in_table(*form, element))),
            };
            owned.extend(owner.map(|owner| (element, owner)));
        }
        Self { all, owned }
    }

    /// The controls that `form` owns, in the order of the page.
    pub(super) fn controls(&self, form: ElementRef<'d>) -> Vec<Control<'d>> {
        self.owned.iter().filter(|(_, owner)| *owner == form).map(|(control, _)| read(*control)).collect()
    }

    /// The form that an element is, owns it, or is around it.
    pub(super) fn form_of(&self, element: ElementRef<'d>) -> Option<ElementRef<'d>> {
        if element.value().name() == "form" {
            return Some(element);
        }
        let owner = self.owned.iter().find(|(control, _)| *control == element).map(|(_, owner)| *owner);
        owner.or_else(|| around(element))
    }
}

fn around(element: ElementRef<'_>) -> Option<ElementRef<'_>> {
    ancestors(element).find(|above| above.value().name() == "form")
}

fn opened_in_table(form: ElementRef<'_>, control: ElementRef<'_>) -> bool {
    let between_table_tags = form
        .parent()
        .and_then(ElementRef::wrap)
        .is_some_and(|above| matches!(above.value().name(), "table" | "tbody" | "thead" | "tfoot" | "tr"));
    between_table_tags
        && form.child_elements().next().is_none()
        && ancestors(control).any(|above| above.value().name() == "table")
}

fn is_listed(element: ElementRef<'_>) -> bool {
    matches!(element.value().name(), "input" | "button" | "select" | "textarea")
}

/// Content of a `<template>` is no part of the page.
fn in_template(element: ElementRef<'_>) -> bool {
    ancestors(element).any(|above| above.value().name() == "template")
}

fn ancestors(element: ElementRef<'_>) -> impl Iterator<Item = ElementRef<'_>> {
    element.ancestors().filter_map(ElementRef::wrap)
}

fn read(element: ElementRef<'_>) -> Control<'_> {
    let attribute = |name: &str| element.attr(name);
    let kind = kind(element);
    let (mut value, mut choices) = (attribute("value").unwrap_or_default().to_owned(), Vec::new());
    match kind {
        Kind::Area => value = element.text().collect(),
        Kind::Select { multiple } => choices = read_choices(element, multiple),
        Kind::Checkbox | Kind::Radio if attribute("value").is_none() => "on".clone_into(&mut value),
        Kind::Text if element.value().name() == "input" => value = sanitize(element, &value),
        _ => {}
    }
    Control {
        element,
        name: attribute("name").unwrap_or_default().to_owned(),
        kind,
        value,
        checked: attribute("checked").is_some(),
        disabled: is_disabled(element),
        choices,
        filled: false,
    }
}

fn kind(element: ElementRef<'_>) -> Kind {
    let declared = element.attr("type").unwrap_or_default().trim().to_ascii_lowercase();
    match (element.value().name(), declared.as_str()) {
        ("textarea", _) => Kind::Area,
        ("select", _) => Kind::Select { multiple: element.attr("multiple").is_some() },
        (_, "button" | "reset") => Kind::Idle,
        ("button", _) | (_, "submit") => Kind::Submit,
        (_, "image") => Kind::Image,
        (_, "checkbox") => Kind::Checkbox,
        (_, "radio") => Kind::Radio,
        (_, "file") => Kind::File,
        _ => Kind::Text,
    }
}

/// Line breaks never get into a field of one line.
fn sanitize(element: ElementRef<'_>, value: &str) -> String {
    match element.attr("type").unwrap_or_default().to_ascii_lowercase().as_str() {
        "hidden" => value.to_owned(),
        "email" | "url" => value.replace(['\r', '\n'], "").trim().to_owned(),
        _ => value.replace(['\r', '\n'], ""),
    }
}

fn read_choices(select: ElementRef<'_>, multiple: bool) -> Vec<Choice> {
    let options = select.descendent_elements().filter(|element| element.value().name() == "option");
    let mut choices: Vec<Choice> = options
        .map(|option| {
            let label = crate::login::page::collapse(&option.text().collect::<String>());
            let in_disabled_group = option
                .parent()
                .and_then(ElementRef::wrap)
                .is_some_and(|group| group.value().name() == "optgroup" && group.attr("disabled").is_some());
            Choice {
                value: option.attr("value").map_or_else(|| label.clone(), str::to_owned),
                label,
                selected: option.attr("selected").is_some(),
                disabled: option.attr("disabled").is_some() || in_disabled_group,
            }
        })
        .collect();
    if multiple {
        return choices;
    }
    // Of several the last one counts; of none the first that is not disabled, in a list of one visible line.
    let last = choices.iter().rposition(|choice| choice.selected);
    for (index, choice) in choices.iter_mut().enumerate() {
        choice.selected = Some(index) == last;
    }
    let one_line = select.attr("size").and_then(|size| size.trim().parse::<u32>().ok()).is_none_or(|size| size <= 1);
    if last.is_none()
        && one_line
        && let Some(first) = choices.iter_mut().find(|choice| !choice.disabled)
    {
        first.selected = true;
    }
    choices
}

/// By its own attribute, or by a `<fieldset disabled>` around it (whose first legend stays enabled).
fn is_disabled(element: ElementRef<'_>) -> bool {
    if element.attr("disabled").is_some() || ancestors(element).any(|above| above.value().name() == "datalist") {
        return true;
    }
    ancestors(element).filter(|above| above.value().name() == "fieldset" && above.attr("disabled").is_some()).any(
        |fieldset| {
            let legend = fieldset.child_elements().find(|child| child.value().name() == "legend");
            !legend.is_some_and(|legend| ancestors(element).any(|above| above == legend))
        },
    )
}

/// Whether a field of this name can be filled.
pub(super) fn can_fill(controls: &[Control<'_>], name: &str) -> bool {
    controls.iter().any(|control| control.name == name && !control.kind.is_button())
}

/// Fills the named fields in order. A field that is named twice fills the next control of that name. Naming a disabled
/// field enables it, as the page's own script would.
///
/// # Errors
/// [`FormError::Missing`] for a field or a value that the form does not have.
pub(super) fn fill(controls: &mut [Control<'_>], fields: &[(String, String)]) -> Result<(), FormError> {
    for (name, value) in fields {
        fill_one(controls, name, value)?;
    }
    Ok(())
}

fn fill_one(controls: &mut [Control<'_>], name: &str, value: &str) -> Result<(), FormError> {
    let named: Vec<usize> = (0..controls.len())
        .filter(|&index| controls[index].name == name && !controls[index].kind.is_button())
        .collect();
    let Some(&first) = named.first() else { return Err(no_field(controls, name)) };
    match controls[first].kind {
        Kind::File => Err(FormError::Missing(format!("the field '{name}' takes a file, which cannot be typed"))),
        Kind::Checkbox | Kind::Radio => check(controls, &named, name, value),
        Kind::Select { multiple } => {
            let index = next_unfilled(controls, &named, multiple);
            select(&mut controls[index], value)
        }
        Kind::Text | Kind::Area | Kind::Submit | Kind::Image | Kind::Idle => {
            let index = next_unfilled(controls, &named, false);
            let control = &mut controls[index];
            value.clone_into(&mut control.value);
            (control.disabled, control.filled) = (false, true);
            Ok(())
        }
    }
}

fn next_unfilled(controls: &[Control<'_>], named: &[usize], again: bool) -> usize {
    let last = named[named.len() - 1];
    named.iter().copied().find(|&index| again || !controls[index].filled).unwrap_or(last)
}

fn no_field(controls: &[Control<'_>], name: &str) -> FormError {
    if controls.iter().any(|control| control.name == name) {
        return FormError::Missing(format!("'{name}' is a button of the form, not a field: press it with 'button'"));
    }
    let mut there: Vec<&str> = controls.iter().map(|c| c.name.as_str()).filter(|name| !name.is_empty()).collect();
    there.dedup();
    FormError::Missing(format!("the form has no field '{name}'; it has {}", there.join(", ")))
}

/// Checks the box or radio button with this value; an empty value that none has unchecks them all.
fn check(controls: &mut [Control<'_>], named: &[usize], name: &str, value: &str) -> Result<(), FormError> {
    let found = named.iter().copied().find(|&index| controls[index].value == value);
    match found {
        Some(index) => {
            if controls[index].kind == Kind::Radio {
                named.iter().for_each(|&other| controls[other].checked = false);
            }
            (controls[index].checked, controls[index].disabled) = (true, false);
            Ok(())
        }
        None if value.is_empty() => {
            named.iter().for_each(|&other| controls[other].checked = false);
            Ok(())
        }
        None => {
            let there: Vec<_> = named.iter().map(|&index| format!("'{}'", controls[index].value)).collect();
            Err(FormError::Missing(format!("'{name}' has no box with the value given; it has {}", there.join(", "))))
        }
    }
}

/// Selects the option with this value, or else with this label.
fn select(control: &mut Control<'_>, value: &str) -> Result<(), FormError> {
    let by_value = control.choices.iter().position(|choice| choice.value == value);
    let label = crate::login::page::collapse(value);
    let Some(index) = by_value.or_else(|| control.choices.iter().position(|choice| choice.label == label)) else {
        let there: Vec<_> = control.choices.iter().take(20).map(|choice| format!("'{}'", choice.value)).collect();
        let message = format!("'{}' has no option with the value given; it has {}", control.name, there.join(", "));
        return Err(FormError::Missing(message));
    };
    let adds = control.filled && control.kind == Kind::Select { multiple: true };
    if !adds {
        control.choices.iter_mut().for_each(|choice| choice.selected = false);
    }
    (control.choices[index].selected, control.choices[index].disabled) = (true, false);
    (control.disabled, control.filled) = (false, true);
    Ok(())
}
