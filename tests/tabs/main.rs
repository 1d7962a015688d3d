//! Certify, Mixing and Trajectories by themselves, on a real project, runner and session.

mod certify;
mod desk;
mod mixing;
#[path = "../support/mod.rs"]
mod support;
mod trajectories;
