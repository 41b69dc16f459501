//! Filling and submitting a form as a browser does (HTML standard, "form submission"): which form, which controls,
//! which button, and what is sent where. Pure: reads a page, sends nothing.

mod choose;
mod controls;
mod encode;
mod entries;

use http::Method;
use url::Url;

use super::page::Reading;
use crate::model::{Button, FormChoice};

use controls::Forms;
pub(super) use entries::{Entry, hidden_values};

/// What a form step asks for, its templates filled.
#[derive(Debug, Clone)]
pub(super) struct Filling<'a> {
    /// Which form.
    pub(super) form: &'a FormChoice,
    /// Names and values.
    pub(super) fields: Vec<(String, String)>,
    /// Which button.
    pub(super) button: Option<&'a Button>,
}

/// What pressing the button sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Submission {
    /// Method.
    pub(super) method: Method,
    /// Address.
    pub(super) url: Url,
    /// Content type of the body; `None` for GET.
    pub(super) content_type: Option<String>,
    /// The body.
    pub(super) body: Vec<u8>,
    /// What was sent, for the evidence.
    pub(super) entries: Vec<Entry>,
    /// How the form is called on the page.
    pub(super) label: String,
}

/// Why a form cannot be submitted: what the page lacks, for people. All of it is `page_changed`, but a selector that
/// is none, which is our own mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum FormError {
    /// The page is not as the flow says.
    #[error("{0}")]
    Missing(String),
    /// The flow's selector is none.
    #[error("'{0}' is not a CSS selector")]
    Selector(String),
}

/// Builds what the browser would send.
///
/// # Errors
/// [`FormError`] names what is missing and what the page has instead.
pub(super) fn submit(reading: &Reading<'_>, filling: &Filling<'_>) -> Result<Submission, FormError> {
    let names: Vec<&str> = filling.fields.iter().map(|(name, _)| name.as_str()).collect();
    let forms = Forms::read(reading.document());
    let form = choose::form(reading.document(), &forms, filling.form, (&names, filling.button))?;
    let mut controls = forms.controls(form);
    let pressed = choose::button(&controls, filling.button)?;
    controls::fill(&mut controls, &filling.fields)?;
    let sent = entries::entries(&controls, pressed);
    encode::submission(reading, form, pressed.map(|index| controls[index].element), sent)
}

/// Whether the page shows a form that these fields would fit.
pub(super) fn fits(reading: &Reading<'_>, form: &FormChoice, names: &[&str]) -> bool {
    let forms = Forms::read(reading.document());
    choose::form(reading.document(), &forms, form, (names, None)).is_ok_and(|found| {
        let controls = forms.controls(found);
        names.iter().all(|name| controls::can_fill(&controls, name))
    })
}

#[cfg(test)]
mod tests;
