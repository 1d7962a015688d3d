//! How long chains stay in basins and how often they come back: core sets (milestoning) and right-censored times.
//!
//! A chain belongs to the basin whose core it visited last; leaving the core without entering another one is no exit.
//! That keeps recrossings of a border from counting as many short visits. Times are multiples of the sweeps between
//! snapshots: what happens between two snapshots is not seen.

use super::Snapshots;
use crate::statistics::{Cluster, cluster_bootstrap_means};

/// One stay in a basin: from the first snapshot in its core to the first in another core.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct DwellObservation {
    pub basin: usize,
    pub chain: usize,
    /// Sweep of entry.
    pub entered: u64,
    /// Length in sweeps; where `ended` is false the true length is this or more.
    pub sweeps: u64,
    /// Whether the stay was seen to end (event) or the chain ended first (right-censored).
    pub ended: bool,
    /// Whether the chain was in the basin at its first snapshot, so that the stay may have begun earlier.
    pub from_start: bool,
}

/// One absence from a basin: from the entry into another core to the return.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ReturnObservation {
    pub basin: usize,
    pub chain: usize,
    /// Sweep of leaving.
    pub left: u64,
    /// Length in sweeps; where `returned` is false the true length is this or more.
    pub sweeps: u64,
    /// Whether the return was seen (event) or the chain ended first (right-censored).
    pub returned: bool,
}

/// When a basin counts as recurrent (glauber.md section 6).
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RecurrenceRule {
    /// Least share of the chains that visit it.
    pub share_of_chains: f64,
    /// Least number of re-entries by one chain.
    pub reentries: usize,
    /// A re-entry counts after an absence of this many integrated autocorrelation times.
    pub absence_iat: f64,
}

impl Default for RecurrenceRule {
    fn default() -> Self {
        Self { share_of_chains: 0.25, reentries: 2, absence_iat: 5.0 }
    }
}

/// What is known of one basin.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct BasinDwell {
    pub basin: usize,
    /// Stays, ended and censored.
    pub visits: usize,
    /// Different chains that visited.
    pub chains: usize,
    /// Stays seen to end.
    pub ended: usize,
    /// Sweeps spent inside, all stays together.
    pub exposure: u64,
    /// `exposure / ended`: the mean stay if stays are exponential; `None` where none ended.
    pub exponential_mean: Option<f64>,
    /// 95 % bootstrap interval of that mean over chains; `None` with one chain or no end.
    pub exponential_interval: Option<[f64; 2]>,
    /// Longest stay, sweeps.
    pub longest: u64,
    /// Whether that stay was cut off by the end of its chain: the true length is `longest` or more.
    pub longest_censored: bool,
    /// Re-entries after a long enough absence, all chains; `None` where the autocorrelation time is not known.
    pub reentries: Option<usize>,
    /// Most such re-entries by one chain.
    pub most_reentries_by_one_chain: Option<usize>,
    /// Whether the rule holds; `None` where the autocorrelation time is not known.
    pub recurrent: Option<bool>,
    /// Mean stay (or, where none ended, the exposure: a lower bound) times visits. Ranks the traps.
    pub rank_value: f64,
    /// Whether `rank_value` is only a lower bound.
    pub rank_value_is_lower_bound: bool,
}

/// Stays, absences and a summary of each basin visited.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Dwell {
    pub rule: RecurrenceRule,
    /// Integrated autocorrelation time the caller measured, sweeps.
    pub iat_sweeps: Option<f64>,
    /// Stays of length 0 (entered at the last snapshot) are left out: they hold no information.
    pub dwells: Vec<DwellObservation>,
    pub returns: Vec<ReturnObservation>,
    /// Largest `rank_value` first, of equals the lowest basin.
    pub basins: Vec<BasinDwell>,
}

impl Dwell {
    /// `(sweeps, ended)` of every stay in `basin`: the input of a Kaplan-Meier curve.
    pub fn dwell_times(&self, basin: usize) -> Vec<(f64, bool)> {
        self.dwells.iter().filter(|d| d.basin == basin).map(|d| (d.sweeps as f64, d.ended)).collect()
    }

    /// `(sweeps, returned)` of every absence from `basin`: the input of a Kaplan-Meier curve.
    pub fn return_times(&self, basin: usize) -> Vec<(f64, bool)> {
        self.returns.iter().filter(|r| r.basin == basin).map(|r| (r.sweeps as f64, r.returned)).collect()
    }
}

/// A stay by snapshot numbers: in the basin from `first` until another core is entered at `end`, if it is.
#[derive(Clone, Copy)]
struct Visit {
    basin: usize,
    first: usize,
    end: Option<usize>,
}

fn visits(cores: &[Option<usize>]) -> Vec<Visit> {
    let mut visits: Vec<Visit> = Vec::new();
    for (at, core) in cores.iter().enumerate() {
        let Some(basin) = *core else { continue };
        match visits.last_mut() {
            Some(last) if last.basin == basin => continue,
            Some(last) => last.end = Some(at),
            None => {}
        }
        visits.push(Visit { basin, first: at, end: None });
    }
    visits
}

/// Reads stays and absences off `cores`: `[chain][snapshot]`, the basin whose core holds the snapshot, if any does.
///
/// `iat_sweeps` is the integrated autocorrelation time of the chain; without it no re-entry is called long enough.
/// Intervals come from `resamples` resamples of the chains drawn from `seed`.
pub fn dwell(
    snapshots: &Snapshots,
    cores: &[Vec<Option<usize>>],
    rule: RecurrenceRule,
    iat_sweeps: Option<f64>,
    resamples: usize,
    seed: u64,
) -> Dwell {
    let every = snapshots.every;
    let (mut dwells, mut returns) = (Vec::new(), Vec::new());
    let basins = cores.iter().flatten().flatten().max().map_or(0, |&basin| basin + 1);
    let mut visited = vec![0usize; basins];
    let mut chains = vec![0usize; basins];
    let mut reentries = vec![0usize; basins];
    let mut most = vec![0usize; basins];
    for (chain, path) in cores.iter().enumerate() {
        let last = path.len().saturating_sub(1);
        let visits = visits(path);
        let mut left: Vec<Option<usize>> = vec![None; basins];
        let mut here = vec![0usize; basins];
        let mut again = vec![0usize; basins];
        for visit in &visits {
            here[visit.basin] += 1;
            let sweeps = (visit.end.unwrap_or(last) - visit.first) as u64 * every;
            if sweeps > 0 {
                dwells.push(DwellObservation {
                    basin: visit.basin,
                    chain,
                    entered: snapshots.sweep(visit.first),
                    sweeps,
                    ended: visit.end.is_some(),
                    from_start: visit.first == 0,
                });
            }
            if let Some(gone) = left[visit.basin].take() {
                let sweeps = (visit.first - gone) as u64 * every;
                let left = snapshots.sweep(gone);
                returns.push(ReturnObservation { basin: visit.basin, chain, left, sweeps, returned: true });
                if iat_sweeps.is_some_and(|iat| sweeps as f64 >= rule.absence_iat * iat) {
                    again[visit.basin] += 1;
                }
            }
            left[visit.basin] = visit.end;
        }
        for (basin, gone) in left.into_iter().enumerate() {
            if let Some(gone) = gone.filter(|&gone| gone < last) {
                let sweeps = (last - gone) as u64 * every;
                let left = snapshots.sweep(gone);
                returns.push(ReturnObservation { basin, chain, left, sweeps, returned: false });
            }
        }
        for basin in 0..basins {
            visited[basin] += here[basin];
            chains[basin] += usize::from(here[basin] > 0);
            reentries[basin] += again[basin];
            most[basin] = most[basin].max(again[basin]);
        }
    }
    let mut of_basin: Vec<Vec<DwellObservation>> = vec![Vec::new(); basins];
    dwells.iter().for_each(|stay: &DwellObservation| of_basin[stay.basin].push(*stay));
    let mut summaries: Vec<BasinDwell> = (0..basins)
        .filter(|&basin| visited[basin] > 0)
        .map(|basin| {
            let stays = &of_basin[basin];
            let ended = stays.iter().filter(|d| d.ended).count();
            let exposure: u64 = stays.iter().map(|d| d.sweeps).sum();
            // Of equal lengths the censored one says more.
            let longest = stays.iter().max_by_key(|d| (d.sweeps, !d.ended));
            let exponential_mean = (ended > 0).then(|| exposure as f64 / ended as f64);
            let common = chains[basin] as f64 >= rule.share_of_chains * cores.len() as f64;
            BasinDwell {
                basin,
                visits: visited[basin],
                chains: chains[basin],
                ended,
                exposure,
                exponential_mean,
                exponential_interval: mean_interval(stays, resamples, seed.wrapping_add(basin as u64)),
                longest: longest.map_or(0, |d| d.sweeps),
                longest_censored: longest.is_some_and(|d| !d.ended),
                reentries: iat_sweeps.map(|_| reentries[basin]),
                most_reentries_by_one_chain: iat_sweeps.map(|_| most[basin]),
                recurrent: iat_sweeps.map(|_| common && most[basin] >= rule.reentries),
                rank_value: exponential_mean.unwrap_or(exposure as f64) * visited[basin] as f64,
                rank_value_is_lower_bound: ended == 0,
            }
        })
        .collect();
    summaries.sort_by(|a, b| b.rank_value.total_cmp(&a.rank_value).then(a.basin.cmp(&b.basin)));
    Dwell { rule, iat_sweeps, dwells, returns, basins: summaries }
}

/// 95 % interval of exposure over ends, whole chains drawn anew.
fn mean_interval(stays: &[DwellObservation], resamples: usize, seed: u64) -> Option<[f64; 2]> {
    if !stays.iter().any(|d| d.ended) {
        return None;
    }
    let mut clusters: Vec<Cluster<1>> = Vec::new();
    let mut chain = None;
    for stay in stays {
        if chain != Some(stay.chain) {
            clusters.push(Cluster { sums: [0.0], count: 0.0 });
            chain = Some(stay.chain);
        }
        if let Some(cluster) = clusters.last_mut() {
            cluster.sums[0] += stay.sweeps as f64;
            cluster.count += f64::from(u8::from(stay.ended));
        }
    }
    let [interval] = cluster_bootstrap_means(&clusters, resamples, seed)?;
    interval.iter().all(|x| x.is_finite()).then_some(interval)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Stream;

    fn snapshots(cores: &[Vec<Option<usize>>], every: u64) -> Snapshots {
        let chains = cores.iter().map(|path| vec![vec![0]; path.len()]).collect();
        Snapshots { first_sweep: 0, every, chains }
    }

    #[test]
    fn stays_and_absences_by_hand() {
        // Basin 0 from snapshot 0; at 2 outside all cores, at 3 still 0; basin 1 from 4 to 6; 0 again from 6 to the end.
        let path = [Some(0), Some(0), None, Some(0), Some(1), None, Some(0), Some(0), None];
        let cores = vec![path.to_vec()];
        let found = dwell(&snapshots(&cores, 10), &cores, RecurrenceRule::default(), Some(4.0), 0, 1);
        assert_eq!(found.dwell_times(0), [(40.0, true), (20.0, false)]);
        assert_eq!(found.dwell_times(1), [(20.0, true)]);
        assert_eq!(found.return_times(0), [(20.0, true)]);
        assert_eq!(found.return_times(1), [(20.0, false)]);
        let zero = found.basins.iter().find(|b| b.basin == 0).unwrap();
        assert_eq!((zero.visits, zero.ended, zero.exposure, zero.exponential_mean), (2, 1, 60, Some(60.0)));
        assert_eq!((zero.longest, zero.longest_censored, zero.reentries), (40, false, Some(1)));
        assert_eq!(zero.recurrent, Some(false), "one re-entry is not two");
        assert_eq!((found.basins[0].basin, found.basins[0].rank_value), (0, 120.0));
        assert!(found.dwells[0].from_start && !found.dwells[1].from_start);
    }

    #[test]
    fn recurrence_needs_long_absences_and_a_known_autocorrelation_time() {
        let path: Vec<Option<usize>> = (0..60).map(|t| Some(t / 10 % 2)).collect();
        let cores = vec![path.clone(), path];
        let rule = RecurrenceRule::default();
        let of = |iat| dwell(&snapshots(&cores, 1), &cores, rule, iat, 0, 1);
        // Six stays of 10: basin 0 is re-entered twice by each chain, after absences of 10 sweeps.
        let close = of(Some(2.0));
        let zero = close.basins.iter().find(|b| b.basin == 0).unwrap();
        assert_eq!((zero.reentries, zero.most_reentries_by_one_chain, zero.recurrent), (Some(4), Some(2), Some(true)));
        let far = of(Some(2.1));
        assert!(far.basins.iter().all(|b| b.recurrent == Some(false) && b.reentries == Some(0)));
        assert!(of(None).basins.iter().all(|b| b.recurrent.is_none() && b.reentries.is_none()));
    }

    #[test]
    fn a_basin_never_left_has_a_lower_bound_and_no_mean() {
        let cores = vec![vec![Some(3); 5], vec![None; 5], vec![None, None, None, None, Some(3)]];
        let found = dwell(&snapshots(&cores, 2), &cores, RecurrenceRule::default(), None, 10, 1);
        assert_eq!(found.dwell_times(3), [(8.0, false)], "the entry at the last snapshot has no length");
        let [basin] = &found.basins[..] else { panic!("one basin") };
        assert_eq!((basin.chains, basin.visits, basin.exponential_mean), (2, 2, None));
        assert!(basin.rank_value_is_lower_bound && basin.longest_censored && basin.exponential_interval.is_none());
    }

    #[test]
    fn the_two_state_chain_stays_50_sweeps() {
        let cores: Vec<Vec<Option<usize>>> = (0..60)
            .map(|chain| {
                let mut stream = Stream::new(6, chain);
                let mut state = (chain % 2) as usize;
                (0..2000)
                    .map(|_| {
                        let now = state;
                        if stream.unit() < 0.02 {
                            state = 1 - state;
                        }
                        Some(now)
                    })
                    .collect()
            })
            .collect();
        let found = dwell(&snapshots(&cores, 1), &cores, RecurrenceRule::default(), None, 300, 2);
        for basin in &found.basins {
            let [lower, upper] = basin.exponential_interval.unwrap();
            assert!(lower < 50.0 && 50.0 < upper && upper - lower < 12.0, "{basin:?}");
        }
        let again = dwell(&snapshots(&cores, 1), &cores, RecurrenceRule::default(), None, 300, 2);
        assert_eq!(found, again);
    }
}
