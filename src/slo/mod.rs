//! Counts, histograms, windows, budgets and confidence: the arithmetic of honest numbers. Knows no store and no
//! rendering; the time is an argument.
