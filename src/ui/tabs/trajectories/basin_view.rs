//! Basins of one notion, ready to draw: labels, names, a table, the map.

use super::{figures, words};
use crate::figures::figure::Figure;
use crate::figures::number;
use crate::glauber::experiments::trajectories::Reading;
use crate::glauber::trajectories::{AttractorBasins, BasinKind, ClusterBasins, MetastableBasins, Projection};
use crate::statistics::markov_state_model::BootstrapShare;
use crate::ui::command::Table;

/// Basins that have a colour of their own on the map.
pub const COLOURED: usize = 5;
/// Colour of the chain that is looked at: nearly black on light, nearly white on dark.
pub const PATH_COLOUR: usize = 5;
/// Colour of all other basins together.
pub const OTHERS_COLOUR: usize = 6;
/// Rows of a table of basins at most; attractors go into the thousands.
const TABLE_ROWS: usize = 1_000;
/// Members of a basin that are listed, spread evenly.
pub const MEMBERS_LISTED: usize = 200;

/// One basin.
pub struct Basin {
    pub members: usize,
    /// Different chains that were there.
    pub chains: usize,
    pub share: BootstrapShare,
    /// Share in the stationary law of the Markov state model.
    pub stationary: Option<BootstrapShare>,
    /// The attractor, or the sentence in the middle.
    pub text: String,
    /// Sweeps after which an attractor repeats; 1 for a fixed point.
    pub period: usize,
}

/// All basins of a notion.
pub struct BasinSet {
    pub kind: BasinKind,
    /// `[chain][snapshot]`.
    labels: Vec<Vec<Option<usize>>>,
    pub basins: Vec<Basin>,
    /// Scatter of all snapshots; empty until they are projected.
    pub map: Option<Figure>,
    pub table: Table,
    /// Row of the table -> basin.
    pub order: Vec<usize>,
}

/// Tells the sentence of a snapshot.
type Tell<'a> = &'a dyn Fn([usize; 2]) -> Option<String>;

impl BasinSet {
    /// B2.
    pub fn clusters(found: &ClusterBasins, projection: Option<&Projection>, tell: Tell<'_>) -> Self {
        let basins = found
            .basins
            .iter()
            .map(|basin| Basin {
                members: basin.members,
                chains: basin.chains,
                share: basin.occupancy,
                stationary: None,
                text: tell(basin.representative).unwrap_or_default(),
                period: 1,
            })
            .collect();
        let labels = found.labels.iter().map(|path| path.iter().map(|&label| Some(label)).collect()).collect();
        Self::new(BasinKind::Clusters, labels, basins, projection)
    }

    /// B1.
    pub fn attractors(found: &AttractorBasins, projection: Option<&Projection>, reading: Option<&Reading>) -> Self {
        let basins = found
            .basins
            .iter()
            .map(|basin| Basin {
                members: basin.members,
                chains: basin.chains,
                share: basin.occupancy,
                stationary: None,
                text: match (reading, basin.cycle.first()) {
                    (Some(reading), Some(state)) => reading.sentence(state),
                    _ => basin.text.first().cloned().unwrap_or_default(),
                },
                period: basin.cycle.len(),
            })
            .collect();
        Self::new(BasinKind::Attractors, found.labels.clone(), basins, projection)
    }

    /// B3.
    pub fn metastable(found: &MetastableBasins, projection: Option<&Projection>, tell: Tell<'_>) -> Self {
        let sets = found.relaxation.as_ref().map_or(&[][..], |relaxation| &relaxation.basins);
        let members = |set: usize| found.labels.iter().flatten().filter(|label| **label == Some(set)).count();
        let basins = sets
            .iter()
            .enumerate()
            .map(|(set, basin)| Basin {
                members: members(set),
                chains: basin.chains,
                share: basin.occupancy,
                stationary: Some(basin.stationary),
                text: projection
                    .and_then(|projection| central(projection, &found.labels, set))
                    .and_then(tell)
                    .unwrap_or_default(),
                period: 1,
            })
            .collect();
        Self::new(BasinKind::Metastable, found.labels.clone(), basins, projection)
    }

    fn new(
        kind: BasinKind,
        labels: Vec<Vec<Option<usize>>>,
        basins: Vec<Basin>,
        projection: Option<&Projection>,
    ) -> Self {
        let mut order: Vec<usize> = (0..basins.len()).collect();
        order.sort_by_key(|&basin| (std::cmp::Reverse(basins[basin].members), basin));
        let coloured: Vec<usize> = order.iter().copied().take(COLOURED).collect();
        order.truncate(TABLE_ROWS);
        let map = projection.map(|projection| figures::map(kind, projection, &labels, &coloured));
        let table = table(kind, &basins, &order);
        Self { kind, labels, basins, map, table, order }
    }

    /// Basin of a snapshot, if it has one.
    pub fn label(&self, chain: usize, snapshot: usize) -> Option<usize> {
        self.labels.get(chain)?.get(snapshot).copied().flatten()
    }

    /// Up to [`MEMBERS_LISTED`] snapshots of a basin, spread evenly over chains and time.
    pub fn members(&self, basin: usize) -> Vec<[usize; 2]> {
        let every = |path: &Vec<Option<usize>>| (0..path.len()).filter(|&k| path[k] == Some(basin)).collect::<Vec<_>>();
        let all: Vec<[usize; 2]> = self
            .labels
            .iter()
            .enumerate()
            .flat_map(|(chain, path)| every(path).into_iter().map(move |snapshot| [chain, snapshot]))
            .collect();
        let stride = all.len().div_ceil(MEMBERS_LISTED).max(1);
        all.into_iter().step_by(stride).collect()
    }
}

/// The member nearest to the middle of the members, in the coordinates of the projection.
fn central(projection: &Projection, labels: &[Vec<Option<usize>>], set: usize) -> Option<[usize; 2]> {
    let width = projection.dimensions;
    let members: Vec<([usize; 2], &[f64])> = labels
        .iter()
        .zip(&projection.coordinates)
        .enumerate()
        .flat_map(|(chain, (path, points))| {
            let points = points.chunks_exact(width);
            let inside = path.iter().zip(points).enumerate().filter(|(_, (label, _))| **label == Some(set));
            inside.map(move |(snapshot, (_, point))| ([chain, snapshot], point))
        })
        .collect();
    let mut middle = vec![0.0; width];
    for (_, point) in &members {
        middle.iter_mut().zip(*point).for_each(|(sum, x)| *sum += x / members.len() as f64);
    }
    let distance = |point: &[f64]| point.iter().zip(&middle).map(|(x, m)| (x - m).powi(2)).sum::<f64>();
    let nearest = members.iter().min_by(|(_, a), (_, b)| distance(a).total_cmp(&distance(b)))?;
    Some(nearest.0)
}

fn table(kind: BasinKind, basins: &[Basin], order: &[usize]) -> Table {
    let mut header = vec!["basin", "share (95 % interval)", "chains"];
    header.push(if kind == BasinKind::Attractors { "attractor" } else { "sentence in the middle" });
    match kind {
        BasinKind::Metastable => header.push("stationary share (95 % interval)"),
        BasinKind::Attractors => header.push("period"),
        BasinKind::Clusters => {}
    }
    header.push("snapshots");
    let rows = order
        .iter()
        .map(|&place| {
            let basin = &basins[place];
            let mut row = vec![
                words::basin_name(kind, place),
                words::share(&basin.share),
                basin.chains.to_string(),
                basin.text.clone(),
            ];
            row.extend(basin.stationary.as_ref().map(words::share));
            row.extend((kind == BasinKind::Attractors).then(|| basin.period.to_string()));
            row.push(number::count(basin.members as u64));
            row
        })
        .collect();
    Table { name: words::kind_name(kind).to_lowercase(), header: header.into_iter().map(str::to_owned).collect(), rows }
}
