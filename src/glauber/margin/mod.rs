//! Local margins around an anchor and the escape times that they predict (glauber.md section 4).
//!
//! An anchor is a fixed point of argmax dynamics. Its margin at site i in state x is
//! `m_i(x) = l_i(anchor_i | x_-i) - max over other allowed v of l_i(v | x_-i)`, nats.

mod escape;
mod shells;

pub use escape::{
    Escape, arrhenius_slope, asymptotic_log_escape, deviation_bound, expected_escape, log_expected_escape, predict,
    rate, temperature_low,
};
pub use shells::{MarginProfile, MarginSpec, Shell, ShellReplacements, margins, profile, shell};
