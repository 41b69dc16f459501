//! Several promises as one (F21; OpenSLO v1; Treynor, Dahlin, Rau and Beyer, "The Calculus of Service Availability", ACM
//! Queue 15, 2017).

/// The availability of parts that are all needed, one after the other, and fail independently: the product.
#[must_use]
pub fn serial(parts: &[f64]) -> f64 {
    parts.iter().product()
}

/// OpenSLO's ratio of time slices: 1 - sum of weight x (1 - ratio). Parts as (weight, ratio); weights are given as they
/// are written, so that two parts of weight 1 lose both their errors. Never below 0.
#[must_use]
pub fn weighted_errors(parts: &[(f64, f64)]) -> f64 {
    (1.0 - parts.iter().map(|(weight, ratio)| weight * (1.0 - ratio)).sum::<f64>()).max(0.0)
}

/// OpenSLO's time slices: a slice is good when every part of it is. The share of good slices; `None` without slices, or
/// when the parts have different numbers of them.
#[must_use]
pub fn all_good_slices(parts: &[&[bool]]) -> Option<f64> {
    let slices = parts.first()?.len();
    if slices == 0 || parts.iter().any(|part| part.len() != slices) {
        return None;
    }
    let good = (0..slices).filter(|&slice| parts.iter().all(|part| part[slice])).count();
    Some(good as f64 / slices as f64)
}
