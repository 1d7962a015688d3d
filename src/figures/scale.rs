//! Nice ticks and mappings from data to pixels.
