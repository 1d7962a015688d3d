//! B1: snapshots grouped by the attractor that zero-temperature sweeps lead to. Exact, without an embedding.

use super::{chains_visiting, occupancy};
use crate::glauber::conditionals::{Conditionals, ConditionalsError};
use crate::glauber::quench::{QuenchSettings, quench};
use crate::glauber::space::Space;
use crate::glauber::trajectories::Snapshots;
use crate::progress::Progress;
use crate::statistics::markov_state_model::BootstrapShare;

/// Basins that get a bootstrap interval, the largest ones: of thousands seen once each none would say anything.
const MOST_WITH_INTERVAL: usize = 50;

/// One attractor and what leads to it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AttractorBasin {
    /// States after successive sweeps: one for a fixed point, more for a cycle of incompatible conditionals.
    pub cycle: Vec<Vec<u32>>,
    /// The same as token texts joined by spaces.
    pub text: Vec<String>,
    /// Snapshots that lead here.
    pub members: usize,
    /// Different chains with such a snapshot.
    pub chains: usize,
    /// Share of all snapshots, conditional on start; without interval beyond the 50 largest basins.
    pub occupancy: BootstrapShare,
}

/// All attractors.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AttractorBasins {
    pub settings: QuenchSettings,
    /// Most members first.
    pub basins: Vec<AttractorBasin>,
    /// `[chain][snapshot]`; `None` where the cap on sweeps was hit.
    pub labels: Vec<Vec<Option<usize>>>,
    /// `[chain][snapshot]`: free sites at which the snapshot differs from its attractor (the nearest state of a cycle).
    pub hamming: Vec<Vec<Option<usize>>>,
    /// Snapshots without a label.
    pub unresolved: usize,
    /// Rows the model evaluated.
    pub rows: u64,
    /// Updates with an exact tie, given to the lowest id.
    pub ties: u64,
    /// Updates that other arithmetic might have decided otherwise.
    pub near_ties: u64,
}

/// Quenches every snapshot and groups by attractor.
pub fn attractor_basins(
    model: &dyn Conditionals,
    space: &Space,
    snapshots: &Snapshots,
    settings: &QuenchSettings,
    resamples: usize,
    seed: u64,
    progress: &dyn Progress,
) -> Result<AttractorBasins, ConditionalsError> {
    let states = snapshots.pooled();
    let quenched = quench(model, space, &states, settings, progress)?;
    let labels = snapshots.by_chain(&quenched.labels);
    let nearest = |(state, label): (&&[u32], &Option<usize>)| {
        label.and_then(|k| quenched.attractors[k].cycle.iter().map(|x| space.hamming(state, x)).min())
    };
    let hamming: Vec<Option<usize>> = states.iter().zip(&quenched.labels).map(nearest).collect();
    let mut basins = Vec::with_capacity(quenched.attractors.len());
    let mut chains = vec![0usize; quenched.attractors.len()];
    for path in &labels {
        let mut seen: Vec<usize> = path.iter().flatten().copied().collect();
        seen.sort_unstable();
        seen.dedup();
        seen.into_iter().for_each(|basin| chains[basin] += 1);
    }
    for (basin, attractor) in quenched.attractors.into_iter().enumerate() {
        let text = |state: &Vec<u32>| state.iter().map(|&t| model.text(t)).collect::<Vec<_>>().join(" ");
        let occupancy = if basin < MOST_WITH_INTERVAL {
            progress.checkpoint()?;
            occupancy(&labels, basin, resamples, seed)
        } else {
            BootstrapShare { share: attractor.members as f64 / states.len() as f64, interval: None }
        };
        basins.push(AttractorBasin {
            text: attractor.cycle.iter().map(text).collect(),
            cycle: attractor.cycle,
            members: attractor.members,
            chains: chains[basin],
            occupancy,
        });
    }
    Ok(AttractorBasins {
        settings: *settings,
        basins,
        labels,
        hamming: snapshots.by_chain(&hamming),
        unresolved: quenched.unresolved,
        rows: quenched.rows,
        ties: quenched.ties,
        near_ties: quenched.near_ties,
    })
}

impl AttractorBasins {
    /// `[chain][snapshot]`: the basin of a snapshot within `radius` sites of its attractor; without a radius of any.
    pub fn cores(&self, radius: Option<usize>) -> Vec<Vec<Option<usize>>> {
        let core = |(label, hamming): (&Option<usize>, &Option<usize>)| {
            label.filter(|_| radius.is_none_or(|radius| hamming.is_some_and(|h| h <= radius)))
        };
        self.labels.iter().zip(&self.hamming).map(|(l, h)| l.iter().zip(h).map(core).collect()).collect()
    }

    /// Number of chains that visit `basin` at any snapshot.
    pub fn chains_visiting(&self, basin: usize) -> usize {
        chains_visiting(&self.labels, basin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glauber::conditionals::Precision;
    use crate::glauber::toys;
    use crate::progress::Silent;

    #[test]
    fn ising_snapshots_fall_to_two_ground_states() {
        let toy = toys::parse("ising:n=4,beta=1,field=0.1").unwrap();
        let space = Space::whole(toy.as_ref(), 4).unwrap();
        let chain = |states: [[u32; 4]; 3]| states.map(|s| s.to_vec()).to_vec();
        let snapshots = Snapshots {
            first_sweep: 0,
            every: 1,
            chains: vec![
                chain([[0, 0, 0, 0], [0, 0, 1, 0], [1, 1, 1, 0]]),
                chain([[1, 1, 1, 1], [1, 0, 1, 1], [1, 1, 1, 1]]),
            ],
        };
        let settings = QuenchSettings { precision: Precision::F64, ..QuenchSettings::default() };
        let found = attractor_basins(toy.as_ref(), &space, &snapshots, &settings, 100, 1, &Silent).unwrap();
        assert_eq!(found.basins[0].cycle, [vec![1; 4]]);
        assert_eq!(found.basins[0].text, ["+ + + +"]);
        // In --+- the field breaks the tie beside the lone plus upwards, and the sweep carries it round the ring.
        assert_eq!((found.basins[0].members, found.basins[0].chains), (5, 2));
        assert_eq!((found.basins[1].members, found.basins[1].chains), (1, 1));
        assert_eq!(found.labels, [[Some(1), Some(0), Some(0)], [Some(0); 3]]);
        assert_eq!(found.hamming[0], [Some(0), Some(3), Some(1)]);
        assert_eq!(found.cores(Some(0))[0], [Some(1), None, None]);
        assert_eq!(found.cores(None), found.labels);
        assert!((0..2).all(|basin| found.chains_visiting(basin) == found.basins[basin].chains));
        assert!((found.basins[0].occupancy.share - 5.0 / 6.0).abs() < 1e-15);
    }
}
