//! Which controls are successful, that is: what a form sends (HTML standard, "constructing the entry list").

use scraper::{ElementRef, Html};

use super::controls::{Control, Kind};

/// A name and value that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::login) struct Entry {
    /// Name.
    pub(in crate::login) name: String,
    /// Value.
    pub(in crate::login) value: String,
    /// Of a file field: sent as an empty file.
    pub(in crate::login) file: bool,
    /// The page gave this value and hid the field.
    pub(in crate::login) hidden: bool,
}

/// The successful controls in the order of the page.
pub(super) fn entries(controls: &[Control<'_>], pressed: Option<usize>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (index, control) in controls.iter().enumerate() {
        let is_pressed = pressed == Some(index);
        if !is_pressed && (control.disabled || control.kind.is_button()) {
            continue;
        }
        if control.kind == Kind::Image {
            let prefix = if control.name.is_empty() { String::new() } else { format!("{}.", control.name) };
            entries.push(entry(&format!("{prefix}x"), "0"));
            entries.push(entry(&format!("{prefix}y"), "0"));
            continue;
        }
        if control.name.is_empty() {
            continue;
        }
        match control.kind {
            Kind::Checkbox if !control.checked => {}
            Kind::Radio if !control.checked || checked_later(controls, index) => {}
            Kind::Select { .. } => {
                let selected = control.choices.iter().filter(|choice| choice.selected && !choice.disabled);
                entries.extend(selected.map(|choice| entry(&control.name, &choice.value)));
            }
            Kind::File => entries.push(Entry { file: true, ..entry(&control.name, "") }),
            Kind::Text if is_hidden(control) => {
                let charset = control.name.eq_ignore_ascii_case("_charset_") && control.element.attr("value").is_none();
                let value = if charset { "UTF-8" } else { &control.value };
                entries.push(Entry { hidden: true, ..entry(&control.name, value) });
            }
            Kind::Text | Kind::Area => {
                entries.push(entry(&control.name, &control.value));
                if let Some(direction) = control.element.attr("dirname").filter(|name| !name.is_empty()) {
                    entries.push(entry(direction, "ltr"));
                }
            }
            _ => entries.push(entry(&control.name, &control.value)),
        }
    }
    entries
}

/// Only one radio button of a group can be checked: the last that the page checks.
fn checked_later(controls: &[Control<'_>], index: usize) -> bool {
    let name = &controls[index].name;
    controls[index + 1..].iter().any(|c| c.kind == Kind::Radio && c.name == *name && c.checked)
}

fn is_hidden(control: &Control<'_>) -> bool {
    control.element.attr("type").is_some_and(|declared| declared.eq_ignore_ascii_case("hidden"))
}

fn entry(name: &str, value: &str) -> Entry {
    Entry { name: name.to_owned(), value: value.to_owned(), file: false, hidden: false }
}

/// Names and values of all hidden fields of a page, whatever form they belong to.
pub(in crate::login) fn hidden_values(document: &Html) -> Vec<(String, String)> {
    let elements = document.tree.root().descendants().filter_map(ElementRef::wrap);
    elements
        .filter(|e| e.value().name() == "input" && e.attr("type").is_some_and(|t| t.eq_ignore_ascii_case("hidden")))
        .filter_map(|e| Some((e.attr("name")?.to_owned(), e.attr("value")?.to_owned())))
        .collect()
}
