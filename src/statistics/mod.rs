//! Intervals, bootstrap, quantiles and correlations, on plain slices.
