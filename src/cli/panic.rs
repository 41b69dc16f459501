//! What a panic tells: where, never what. The words of a panic may quote the text that it tripped over (a slice of a
//! page, of a cookie, of a password), and no filter knows the secrets of a run there.

use super::print;

/// From now on a panic of this process writes the place in the source to standard error, and nothing else.
pub fn tell_the_place_only() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        print::note(&format!(
            "error: a defect of Doorstep at {place}; its words are withheld, since they may hold secrets"
        ));
    }));
}
