//! Which site a step updates: random, systematic or permuted scan (glauber.md section 1).

use std::fmt;
use std::str::FromStr;

use super::lane;
use crate::statistics::Counter;

/// The order in which sites are updated; part of a chain's definition, since incompatible conditionals have another
/// stationary law under each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scan {
    /// Every step updates a uniform free site.
    #[default]
    Random,
    /// The free sites in ascending order, again and again.
    Systematic,
    /// Each sweep goes through all free sites in a fresh random order.
    Permutation,
}

impl Scan {
    /// All scans.
    pub const ALL: [Self; 3] = [Self::Random, Self::Systematic, Self::Permutation];

    /// The name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Systematic => "systematic",
            Self::Permutation => "permutation",
        }
    }
}

impl fmt::Display for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|scan| scan.name() == text.trim())
            .ok_or_else(|| format!("{text:?} is not a scan: type random, systematic or permutation"))
    }
}

/// The sites of one chain or coupled pair: a function of seed, scan, chain number and number of free sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    scan: Scan,
    counter: Counter,
    chain: u64,
    sites: usize,
}

impl Schedule {
    /// The schedule of chain number `chain` of `seed` over `sites` free sites (at least one).
    pub fn new(scan: Scan, seed: u64, chain: u64, sites: usize) -> Self {
        Self { scan, counter: Counter::new(seed), chain, sites }
    }

    /// Which free site (an index into [`super::super::space::Space::free`]) step `time` updates; steps count from 1.
    ///
    /// `order` is room for the order of one sweep; it is left as the sweep of `time` has it.
    pub fn site(&self, time: u64, order: &mut Vec<u32>) -> usize {
        match self.scan {
            Scan::Random => random_site(self.counter, self.chain, time, self.sites),
            Scan::Systematic => systematic_site(time, self.sites),
            Scan::Permutation => {
                order.resize(self.sites, 0);
                permute(self.counter, self.chain, time, order);
                order[systematic_site(time, self.sites)] as usize
            }
        }
    }
}

/// The site of step `time` under [`Scan::Random`].
pub(super) fn random_site(counter: Counter, chain: u64, time: u64, sites: usize) -> usize {
    counter.at(chain, time).below(lane::SITE, sites as u64) as usize
}

/// How far step `time` is in its sweep, steps counting from 1.
pub(super) fn systematic_site(time: u64, sites: usize) -> usize {
    ((time - 1) % sites as u64) as usize
}

/// Writes the order of the sweep to which step `time` belongs under [`Scan::Permutation`]. Shape `[sites]`.
pub(super) fn permute(counter: Counter, chain: u64, time: u64, order: &mut [u32]) {
    counter.at(chain, (time - 1) / order.len() as u64).shuffle(lane::ORDER, order);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_and_read() {
        for scan in Scan::ALL {
            assert_eq!(scan.to_string().parse(), Ok(scan));
            assert_eq!(serde_json::to_string(&scan).unwrap(), format!("\"{scan}\""));
        }
        assert!("sweep".parse::<Scan>().unwrap_err().contains("systematic"));
    }

    #[test]
    fn scans_visit_the_sites_they_should() {
        let sites = |scan, chain| {
            let schedule = Schedule::new(scan, 1, chain, 5);
            let mut order = Vec::new();
            (1..=10).map(|time| schedule.site(time, &mut order)).collect::<Vec<_>>()
        };
        assert_eq!(sites(Scan::Systematic, 0), [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
        let mut permuted = sites(Scan::Permutation, 0);
        assert_ne!(permuted[..5], permuted[5..], "each sweep has its own order");
        permuted[..5].sort_unstable();
        permuted[5..].sort_unstable();
        assert_eq!(permuted, sites(Scan::Systematic, 0));
        assert_ne!(sites(Scan::Random, 0), sites(Scan::Random, 1));
        assert_eq!(sites(Scan::Random, 3), sites(Scan::Random, 3));
    }
}
