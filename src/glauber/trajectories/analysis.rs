//! The whole analysis of a set of chains, stage by stage.

use super::{
    AttractorBasins, ClusterBasins, ClusterSettings, Dwell, Embedded, Embeddings, MetastableBasins, MetastableSettings,
    Projection, RecurrenceResult, RecurrenceRule, RecurrenceSettings, SnapshotObservables, Snapshots, StartDependence,
    attractor_basins, cluster_basins, dwell, metastable_basins, observables, project, pseudo_log_likelihoods,
    recurrence,
};
use crate::glauber::conditionals::{Conditionals, ConditionalsError};
use crate::glauber::probe::{PoliticalInput, PoliticalResult, political};
use crate::glauber::quench::QuenchSettings;
use crate::glauber::space::Space;
use crate::progress::Progress;

/// The notion of basin whose stays and returns are timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BasinKind {
    /// B1: zero-temperature attractors.
    Attractors,
    /// B2: clusters.
    Clusters,
    /// B3: metastable sets.
    Metastable,
}

/// Which snapshots lie in the core of their basin.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CoreSets {
    pub basins: BasinKind,
    /// B1: sites at which a core state may differ from its attractor; `None` makes every member core.
    pub attractor_radius: Option<usize>,
    /// B2: share of a cluster's members, nearest to the centre first, that are core.
    pub cluster_share: f64,
    /// B3: least membership of a core microstate in its set.
    pub least_membership: f64,
}

impl Default for CoreSets {
    fn default() -> Self {
        Self { basins: BasinKind::Clusters, attractor_radius: None, cluster_share: 0.5, least_membership: 0.7 }
    }
}

/// All settings of an analysis; kept with its result.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TrajectorySpec {
    /// Seed of clusters and all resampling.
    pub seed: u64,
    /// Resamples of each bootstrap.
    pub resamples: usize,
    pub quench: QuenchSettings,
    /// Whether embeddings lose the direction all snapshots share.
    pub centre: bool,
    /// Principal components kept.
    pub components: usize,
    pub clusters: ClusterSettings,
    pub metastable: MetastableSettings,
    pub cores: CoreSets,
    pub recurrent: RecurrenceRule,
    pub recurrence: RecurrenceSettings,
    /// Whether each snapshot's pseudo-log-likelihood is computed: n rows of the model for each different state.
    pub pseudo_log_likelihood: bool,
    /// A lower bound of the distance between starts up to this is called small.
    pub small_tv: f64,
}

impl Default for TrajectorySpec {
    fn default() -> Self {
        Self {
            seed: 1,
            resamples: 200,
            quench: QuenchSettings::default(),
            centre: true,
            components: 10,
            clusters: ClusterSettings::default(),
            metastable: MetastableSettings::default(),
            cores: CoreSets::default(),
            recurrent: RecurrenceRule::default(),
            recurrence: RecurrenceSettings::default(),
            pseudo_log_likelihood: false,
            small_tv: 0.1,
        }
    }
}

/// What is analysed.
pub struct TrajectoryInput<'a> {
    pub model: &'a dyn Conditionals,
    pub space: &'a Space,
    pub embeddings: &'a dyn Embeddings,
    pub snapshots: &'a Snapshots,
    /// Integrated autocorrelation time, sweeps, where the caller knows it.
    pub iat_sweeps: Option<f64>,
    /// Lower bound of the total variation between chains from different starts, where the caller knows it.
    pub tv_lower_bound: Option<f64>,
    /// `None` leaves the political probe out.
    pub political: Option<PoliticalInput<'a>>,
}

/// Basins by all three notions.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Basins {
    pub attractors: AttractorBasins,
    pub clusters: ClusterBasins,
    pub metastable: MetastableBasins,
}

/// A finished stage, in the order they come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part<'a> {
    Observables(&'a [Vec<SnapshotObservables>]),
    Projection(&'a Projection),
    Recurrence(&'a RecurrenceResult),
    Clusters(&'a ClusterBasins),
    Political(&'a PoliticalResult),
    Attractors(&'a AttractorBasins),
    Metastable(&'a MetastableBasins),
    Dwell(&'a Dwell),
}

/// Everything an analysis found.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TrajectoryResult {
    pub spec: TrajectorySpec,
    /// Free sites: single-site steps per sweep.
    pub sites: usize,
    /// Sweeps between snapshots.
    pub every: u64,
    /// Whether shares speak of the stationary law or of the starts.
    pub start_dependence: StartDependence,
    /// `[chain][snapshot]`.
    pub observables: Vec<Vec<SnapshotObservables>>,
    pub projection: Projection,
    pub basins: Basins,
    /// Stays and returns of the notion of basin that the spec names.
    pub dwell: Dwell,
    pub recurrence: RecurrenceResult,
    /// `None` where it was not asked for.
    pub political: Option<PoliticalResult>,
}

/// Runs every stage, cheap ones first, and hands each to `part` when it is done; an error of `part` ends the analysis.
///
/// The same input and spec give the same result.
pub fn analyse(
    input: &TrajectoryInput<'_>,
    spec: &TrajectorySpec,
    progress: &dyn Progress,
    part: &mut dyn FnMut(Part<'_>) -> Result<(), String>,
) -> Result<TrajectoryResult, ConditionalsError> {
    let &TrajectoryInput { model, space, embeddings, snapshots, .. } = input;
    snapshots.check(model, space)?;
    let mut done = |finished: Part<'_>| part(finished).map_err(ConditionalsError::Commit);
    let start_dependence = StartDependence::judge(input.tv_lower_bound, spec.small_tv);
    let (resamples, seed) = (spec.resamples, spec.seed);

    progress.stage("embedding snapshots");
    let states = snapshots.pooled();
    let embedded = Embedded::new(embeddings, &states, spec.centre, progress)?;
    let likelihoods = if spec.pseudo_log_likelihood {
        let QuenchSettings { precision, batch_rows, .. } = spec.quench;
        Some(pseudo_log_likelihoods(model, space, &states, precision, batch_rows, progress)?)
    } else {
        None
    };
    let observables = observables(snapshots, space, &embedded, likelihoods.as_deref());
    done(Part::Observables(&observables))?;
    let projection = project(snapshots, &embedded, embeddings.description(), spec.centre, spec.components)?;
    done(Part::Projection(&projection))?;
    let recurrence = recurrence(snapshots, &embedded, &spec.recurrence, progress)?;
    done(Part::Recurrence(&recurrence))?;
    let clusters = cluster_basins(snapshots, &projection, &spec.clusters, resamples, seed, progress)?;
    done(Part::Clusters(&clusters))?;
    let political = match &input.political {
        None => None,
        Some(asked) => {
            let iat = input.iat_sweeps;
            let found = political(snapshots, embeddings, asked, start_dependence, iat, resamples, seed, progress)?;
            done(Part::Political(&found))?;
            Some(found)
        }
    };
    let attractors = attractor_basins(model, space, snapshots, &spec.quench, resamples, seed, progress)?;
    done(Part::Attractors(&attractors))?;
    let metastable =
        metastable_basins(snapshots, &projection, &attractors, &spec.metastable, resamples, seed, progress)?;
    done(Part::Metastable(&metastable))?;
    let cores = match spec.cores.basins {
        BasinKind::Attractors => attractors.cores(spec.cores.attractor_radius),
        BasinKind::Clusters => clusters.cores(spec.cores.cluster_share),
        BasinKind::Metastable => metastable.cores(spec.cores.least_membership),
    };
    let dwell = dwell(snapshots, &cores, spec.recurrent, input.iat_sweeps, resamples, seed);
    done(Part::Dwell(&dwell))?;
    Ok(TrajectoryResult {
        spec: spec.clone(),
        sites: space.free().len(),
        every: snapshots.every,
        start_dependence,
        observables,
        projection,
        basins: Basins { attractors, clusters, metastable },
        dwell,
        recurrence,
        political,
    })
}

#[cfg(test)]
mod tests {
    use super::super::for_toy;
    use super::*;
    use crate::glauber::conditionals::{Precision, Row, ask};
    use crate::glauber::temperature::Temperature;
    use crate::glauber::toys;
    use crate::progress::Silent;
    use crate::statistics::Stream;

    /// Random-scan heat-bath chains of a toy, one snapshot a sweep.
    fn chains(model: &dyn Conditionals, space: &Space, tau: f64, count: u64, length: usize) -> Snapshots {
        let temperature = Temperature::new(tau).unwrap();
        let mut law = Vec::new();
        let chains = (0..count).map(|chain| {
            let mut stream = Stream::new(77, chain);
            let mut state = vec![space.allowed()[chain as usize % 2]; space.template().len()];
            (0..length)
                .map(|_| {
                    let now = state.clone();
                    for _ in 0..space.free().len() {
                        let position = space.free()[stream.below(space.free().len() as u64) as usize];
                        let logits = ask(model, &[Row { state: &state, position }], Precision::F64).unwrap();
                        temperature.law(logits.row(0), space.allowed(), &mut law);
                        state[position] = space.allowed()[stream.weighted(&law)];
                    }
                    now
                })
                .collect()
        });
        Snapshots { first_sweep: 0, every: 1, chains: chains.collect() }
    }

    fn spec() -> TrajectorySpec {
        TrajectorySpec {
            resamples: 50,
            quench: QuenchSettings { precision: Precision::F64, ..QuenchSettings::default() },
            pseudo_log_likelihood: true,
            metastable: MetastableSettings { lags: vec![1, 2, 4], sets: Some(2), ..MetastableSettings::default() },
            ..TrajectorySpec::default()
        }
    }

    fn run(spec: &TrajectorySpec, tv_lower_bound: Option<f64>) -> (TrajectoryResult, Vec<String>) {
        let toy = toys::parse("curie-weiss:n=10,beta=1.4").unwrap();
        let space = Space::whole(toy.as_ref(), 10).unwrap();
        let snapshots = chains(toy.as_ref(), &space, 1.0, 12, 150);
        let embeddings = for_toy(toy.as_ref());
        let input = TrajectoryInput {
            model: toy.as_ref(),
            space: &space,
            embeddings: embeddings.as_ref(),
            snapshots: &snapshots,
            iat_sweeps: Some(2.0),
            tv_lower_bound,
            political: None,
        };
        let mut parts = Vec::new();
        let result = analyse(&input, spec, &Silent, &mut |part| {
            parts.push(format!("{part:?}").split('(').next().unwrap_or_default().to_owned());
            Ok(())
        });
        (result.unwrap(), parts)
    }

    #[test]
    fn a_magnet_has_two_basins_by_every_notion() {
        let (found, parts) = run(&spec(), Some(0.5));
        assert_eq!(parts, ["Observables", "Projection", "Recurrence", "Clusters", "Attractors", "Metastable", "Dwell"]);
        assert_eq!(found.start_dependence.label(), "conditional on start");
        let cycles: Vec<&[Vec<u32>]> = found.basins.attractors.basins.iter().map(|b| b.cycle.as_slice()).collect();
        assert!(cycles.contains(&&[vec![0; 10]][..]) && cycles.contains(&&[vec![1; 10]][..]) && cycles.len() == 2);
        assert_eq!(found.basins.clusters.basins.len(), 2, "{:?}", found.basins.clusters.curve);
        // The first component is the magnetisation.
        let (attractors, clusters) = (&found.basins.attractors.labels, &found.basins.clusters.labels);
        let metastable = &found.basins.metastable.labels;
        let agreement = |labels: &[Vec<Option<usize>>]| {
            let pairs = attractors.iter().flatten().zip(labels.iter().flatten());
            let same = pairs.filter(|(a, b)| a == b).count() as f64 / (12.0 * 150.0);
            same.max(1.0 - same)
        };
        let clusters: Vec<Vec<Option<usize>>> =
            clusters.iter().map(|path| path.iter().map(|&l| Some(l)).collect()).collect();
        assert!(agreement(&clusters) > 0.9, "{}", agreement(&clusters));
        assert!(agreement(metastable) > 0.8, "{}", agreement(metastable));
        let slowest = found.basins.metastable.timescales[0].timescales[0].value.unwrap();
        let second = found.basins.metastable.timescales[0].timescales[1].value.unwrap();
        assert!(slowest > 3.0 * second, "{slowest} {second}");
        assert!(found.dwell.basins.iter().all(|basin| basin.chains > 3 && basin.ended > 0), "{:?}", found.dwell.basins);
        let likelihood = found.observables[0][0].pseudo_log_likelihood.unwrap();
        let at_start = 10.0 * (1.0 / (1.0 + (-2.0f64 * 1.4 * 9.0 / 10.0).exp())).ln();
        assert!((likelihood - at_start).abs() < 1e-9);
    }

    #[test]
    fn the_same_input_gives_the_same_result_and_json_keeps_it() {
        let (found, _) = run(&spec(), None);
        assert_eq!(found, run(&spec(), None).0);
        let text = serde_json::to_string(&found).unwrap();
        for key in ["\"basins\":", "\"dwell\":", "\"recurrence\":", "\"political\":null"] {
            assert!(text.contains(key), "{key}");
        }
        assert_eq!(serde_json::from_str::<TrajectoryResult>(&text).unwrap(), found);
    }

    #[test]
    fn every_kind_of_core_gives_stays() {
        for basins in [BasinKind::Attractors, BasinKind::Metastable] {
            let cores = CoreSets { basins, attractor_radius: Some(2), ..CoreSets::default() };
            let (found, _) = run(&TrajectorySpec { cores, pseudo_log_likelihood: false, ..spec() }, Some(0.05));
            assert_eq!(found.start_dependence.label(), "starts not told apart");
            assert!(found.dwell.basins.len() == 2 && found.dwell.basins[0].exponential_mean.is_some(), "{basins:?}");
        }
    }

    #[test]
    fn an_error_of_the_caller_ends_the_analysis() {
        let toy = toys::parse("ising:n=4").unwrap();
        let space = Space::whole(toy.as_ref(), 4).unwrap();
        let snapshots = Snapshots { first_sweep: 0, every: 1, chains: vec![vec![vec![0; 4]; 3]] };
        let embeddings = for_toy(toy.as_ref());
        let input = TrajectoryInput {
            model: toy.as_ref(),
            space: &space,
            embeddings: embeddings.as_ref(),
            snapshots: &snapshots,
            iat_sweeps: None,
            tv_lower_bound: None,
            political: None,
        };
        let refused = analyse(&input, &spec(), &Silent, &mut |_| Err("disk full".to_owned()));
        assert_eq!(refused, Err(ConditionalsError::Commit("disk full".to_owned())));
        let still = analyse(&input, &spec(), &Silent, &mut |_| Ok(())).unwrap();
        assert_eq!(still.basins.clusters.basins.len(), 1, "a chain that never moves is one basin");
        assert!(still.dwell.basins[0].rank_value_is_lower_bound);
    }
}
