//! Spin models: each has a joint distribution, so every rectangle statistic is zero.

use super::settings::Settings;
use super::{answer, collect};
use crate::glauber::conditionals::{Conditionals, ConditionalsError, Logits, Precision, Row};

/// Largest number of spins: one state fits a cache, one sweep a second.
const MOST_SITES: usize = 4096;

/// Which neighbours a site has.
#[derive(Clone, Copy)]
struct Neighbours {
    sites: usize,
    ring: bool,
}

impl Neighbours {
    fn new(settings: &mut Settings) -> Result<Self, String> {
        let sites = settings.count("n", 6, 1, MOST_SITES)?;
        let shape = settings.value("shape", "ring".to_owned(), "ring or chain", |s| s == "ring" || s == "chain")?;
        Ok(Self { sites, ring: shape == "ring" })
    }
    /// Neighbours of `site`, each once: two sites share one bond on a ring too.
    fn of(self, site: usize) -> impl Iterator<Item = usize> {
        let n = self.sites;
        let closed = self.ring && n > 2;
        let left = if site > 0 { Some(site - 1) } else { closed.then(|| n - 1) };
        let right = if site + 1 < n { Some(site + 1) } else { closed.then_some(0) };
        left.into_iter().chain(right)
    }
}

/// The value of a spin token: `-` is 0 and `+` is 1.
fn spin(token: u32) -> f64 {
    if token == 0 { -1.0 } else { 1.0 }
}

fn spin_text(token: u32) -> String {
    (if token == 0 { "-" } else { "+" }).to_owned()
}

fn spin_token(text: &str) -> Option<u32> {
    match text.trim() {
        "-" | "0" => Some(0),
        "+" | "1" => Some(1),
        _ => None,
    }
}

/// Ising model, joint proportional to `exp(beta sum_bonds s_i s_j + field sum_i s_i)`.
pub(super) struct Ising {
    neighbours: Neighbours,
    beta: f64,
    field: f64,
}

impl Ising {
    pub(super) fn new(settings: &mut Settings) -> Result<Self, String> {
        let neighbours = Neighbours::new(settings)?;
        Ok(Self { neighbours, beta: settings.real("beta", 0.5)?, field: settings.real("field", 0.0)? })
    }
}

impl Conditionals for Ising {
    fn sites(&self) -> (usize, usize) {
        (self.neighbours.sites, self.neighbours.sites)
    }
    fn vocabulary(&self) -> usize {
        2
    }
    fn logits(&self, rows: &[Row<'_>], precision: Precision) -> Result<Logits, ConditionalsError> {
        collect(self, rows, precision)
    }
    fn logits_into(&self, rows: &[Row<'_>], precision: Precision, out: &mut Vec<f64>) -> Result<(), ConditionalsError> {
        answer(self.neighbours.sites, 2, rows, precision, out, |row, out| {
            let sum: f64 = self.neighbours.of(row.position).map(|site| spin(row.state[site])).sum();
            let local = self.beta * sum + self.field;
            out.copy_from_slice(&[-local, local]);
        })
    }
    fn text(&self, token: u32) -> String {
        spin_text(token)
    }
    fn token(&self, text: &str) -> Option<u32> {
        spin_token(text)
    }
}

/// Curie-Weiss heat bath: `p(+) = 1 / (1 + e^{-2 beta S / n})`, S the sum of the other spins (glauber.md A7).
pub(super) struct CurieWeiss {
    sites: usize,
    beta: f64,
}

impl CurieWeiss {
    pub(super) fn new(settings: &mut Settings) -> Result<Self, String> {
        Ok(Self { sites: settings.count("n", 8, 1, MOST_SITES)?, beta: settings.real("beta", 0.5)? })
    }
}

impl Conditionals for CurieWeiss {
    fn sites(&self) -> (usize, usize) {
        (self.sites, self.sites)
    }
    fn vocabulary(&self) -> usize {
        2
    }
    fn logits(&self, rows: &[Row<'_>], precision: Precision) -> Result<Logits, ConditionalsError> {
        collect(self, rows, precision)
    }
    fn logits_into(&self, rows: &[Row<'_>], precision: Precision, out: &mut Vec<f64>) -> Result<(), ConditionalsError> {
        answer(self.sites, 2, rows, precision, out, |row, out| {
            // Counted in whole numbers, which is exact and fast.
            let up = |tokens: &[u32]| tokens.iter().filter(|&&token| token != 0).count();
            let others = up(row.state) - up(&row.state[row.position..=row.position]);
            let sum = 2.0 * others as f64 - (self.sites as f64 - 1.0);
            let local = self.beta * sum / self.sites as f64;
            out.copy_from_slice(&[-local, local]);
        })
    }
    fn text(&self, token: u32) -> String {
        spin_text(token)
    }
    fn token(&self, text: &str) -> Option<u32> {
        spin_token(text)
    }
}

/// Potts model, joint proportional to `exp(beta sum_bonds [x_i = x_j])`.
pub(super) struct Potts {
    neighbours: Neighbours,
    colours: usize,
    beta: f64,
}

impl Potts {
    pub(super) fn new(settings: &mut Settings) -> Result<Self, String> {
        let neighbours = Neighbours::new(settings)?;
        Ok(Self { neighbours, colours: settings.count("q", 3, 2, 1024)?, beta: settings.real("beta", 0.5)? })
    }
}

impl Conditionals for Potts {
    fn sites(&self) -> (usize, usize) {
        (self.neighbours.sites, self.neighbours.sites)
    }
    fn vocabulary(&self) -> usize {
        self.colours
    }
    fn logits(&self, rows: &[Row<'_>], precision: Precision) -> Result<Logits, ConditionalsError> {
        collect(self, rows, precision)
    }
    fn logits_into(&self, rows: &[Row<'_>], precision: Precision, out: &mut Vec<f64>) -> Result<(), ConditionalsError> {
        answer(self.neighbours.sites, self.colours, rows, precision, out, |row, out| {
            out.fill(0.0);
            for site in self.neighbours.of(row.position) {
                out[row.state[site] as usize] += self.beta;
            }
        })
    }
}
