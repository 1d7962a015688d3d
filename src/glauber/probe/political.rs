//! Political content along chains: shares, stays, absences, entry and exit, beside baselines.

use super::instruments::{Instrument, Probe, ProbeReport, ProbeSettings, Scores};
use crate::glauber::conditionals::ConditionalsError;
use crate::glauber::temperature::Temperature;
use crate::glauber::trajectories::{Dwell, Embedded, Embeddings, RecurrenceRule, Snapshots, StartDependence, dwell};
use crate::progress::Progress;
use crate::statistics::markov_state_model::BootstrapShare;
use crate::statistics::{Cluster, Stream, cluster_bootstrap_means, wilson};

/// What a baseline's sentences are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BaselineKind {
    /// Sentences of a corpus.
    Corpus,
    /// Each position drawn independently from its law in the chain's snapshots ([`marginal_draws`]).
    IidMarginals,
    /// A chain of the same architecture with random weights, scored by the trained model's instruments.
    RandomInit,
}

/// Sentences to compare the chain with.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Baseline {
    pub kind: BaselineKind,
    /// As text, one for each state.
    pub sentences: Vec<String>,
    pub states: Vec<Vec<u32>>,
    /// Chain of each state where they are not independent; ascending.
    pub chain: Option<Vec<usize>>,
}

/// All that the probe needs beside the snapshots.
pub struct PoliticalInput<'a> {
    pub settings: &'a ProbeSettings,
    /// `[chain][snapshot]`: the states as text.
    pub sentences: &'a [Vec<String>],
    /// Turns a listed sentence into a state the embedding takes.
    pub tokenize: &'a dyn Fn(&str) -> Result<Vec<u32>, ConditionalsError>,
    pub baselines: &'a [Baseline],
    /// Temperature of the chains, for shares against tau.
    pub temperature: Temperature,
}

/// Share of political states among the chains at one time.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ShareAt {
    /// Sweeps since the chains began.
    pub sweep: u64,
    pub political: u64,
    /// Chains that reach this time.
    pub chains: u64,
    pub share: f64,
    /// Wilson 95 %: at one time chains are independent.
    pub interval: [f64; 2],
}

/// Changes per sweep at risk, at the resolution of snapshots.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RateEstimate {
    pub events: usize,
    /// Sweeps in which the event could happen.
    pub exposure: u64,
    /// Events per sweep; `None` without exposure.
    pub per_sweep: Option<f64>,
    /// 95 %: bootstrap over chains; where no event was seen, 0 to the exact Poisson bound `-ln 0.05 / exposure` (which
    /// takes the rate to be constant); `None` with one chain or without exposure.
    pub interval: Option<[f64; 2]>,
}

/// Share of political sentences in a baseline.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct BaselineShare {
    pub kind: BaselineKind,
    pub sentences: u64,
    pub share: f64,
    /// 95 %: Wilson for independent sentences, bootstrap over chains otherwise; `None` with one chain.
    pub interval: Option<[f64; 2]>,
}

/// What one instrument sees.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct InstrumentResult {
    pub instrument: Instrument,
    /// Share of all snapshots, bootstrap over chains.
    pub share: BootstrapShare,
    pub over_time: Vec<ShareAt>,
    /// `[chain][snapshot]`.
    pub political: Vec<Vec<bool>>,
    /// Stays and absences; basin 1 is the political set, basin 0 its complement. The threshold has no core sets, so
    /// sentences near it make short stays.
    pub dwell: Dwell,
    /// Into the political set, per sweep outside.
    pub entry: RateEstimate,
    /// Out of the political set, per sweep inside.
    pub exit: RateEstimate,
    pub baselines: Vec<BaselineShare>,
}

/// The probe and what it sees.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PoliticalResult {
    /// The lists and rules used.
    pub settings: ProbeSettings,
    pub temperature: Temperature,
    pub probe: ProbeReport,
    /// What the shares depend on.
    pub start_dependence: StartDependence,
    /// `[chain][snapshot]`.
    pub scores: Vec<Vec<Scores>>,
    /// Lexicon, axis, logistic.
    pub instruments: Vec<InstrumentResult>,
}

impl PoliticalResult {
    /// One point of a plot of share against temperature.
    pub fn share_by_temperature(&self, instrument: Instrument) -> Option<(Temperature, BootstrapShare)> {
        let found = self.instruments.iter().find(|result| result.instrument == instrument)?;
        Some((self.temperature, found.share))
    }
}

/// `count` states whose every position is drawn independently from that position's tokens in `states`.
///
/// It keeps how often each token stands at each place and forgets everything between places.
pub fn marginal_draws(states: &[&[u32]], count: usize, seed: u64) -> Vec<Vec<u32>> {
    let Some(first) = states.first() else { return Vec::new() };
    let mut stream = Stream::new(seed, 0);
    (0..count)
        .map(|_| (0..first.len()).map(|site| states[stream.below(states.len() as u64) as usize][site]).collect())
        .collect()
}

/// Scores all snapshots and baselines. Intervals come from `resamples` resamples of the chains drawn from `seed`.
#[expect(clippy::too_many_arguments, reason = "one question on one set of snapshots; a struct would be used once")]
pub fn political(
    snapshots: &Snapshots,
    embeddings: &dyn Embeddings,
    input: &PoliticalInput<'_>,
    start_dependence: StartDependence,
    iat_sweeps: Option<f64>,
    resamples: usize,
    seed: u64,
    progress: &dyn Progress,
) -> Result<PoliticalResult, ConditionalsError> {
    if !snapshots.chains.iter().map(Vec::len).eq(input.sentences.iter().map(Vec::len)) {
        return Err(ConditionalsError::Invalid(
            "there is not one sentence for each snapshot: give the text of every state".to_owned(),
        ));
    }
    for baseline in input.baselines {
        let chains = baseline.chain.as_ref().map_or(baseline.states.len(), Vec::len);
        if baseline.states.len() != baseline.sentences.len() || chains != baseline.states.len() {
            return Err(ConditionalsError::Invalid(format!(
                "the baseline {:?} has {} sentences for {} states: give one for each",
                baseline.kind,
                baseline.sentences.len(),
                baseline.states.len()
            )));
        }
    }
    let probe = Probe::new(input.settings, embeddings, input.tokenize, progress)?;
    let score = |sentences: Vec<&String>, states: &[&[u32]]| -> Result<Vec<Scores>, ConditionalsError> {
        let embedded = Embedded::new(embeddings, states, false, progress)?;
        Ok(sentences.iter().enumerate().map(|(k, text)| probe.score(text, embedded.row(k))).collect())
    };
    progress.stage("political probe");
    let pooled = score(input.sentences.iter().flatten().collect(), &snapshots.pooled())?;
    let scores = snapshots.by_chain(&pooled);
    let mut baselines = Vec::with_capacity(input.baselines.len());
    for baseline in input.baselines {
        progress.checkpoint()?;
        let states: Vec<&[u32]> = baseline.states.iter().map(Vec::as_slice).collect();
        baselines.push((baseline, score(baseline.sentences.iter().collect(), &states)?));
    }
    let mut instruments = Vec::with_capacity(Instrument::ALL.len());
    for instrument in Instrument::ALL {
        progress.checkpoint()?;
        let flag = |s: &Scores| probe.political(instrument, s);
        let political: Vec<Vec<bool>> = scores.iter().map(|chain| chain.iter().map(flag).collect()).collect();
        let labels: Vec<Vec<Option<usize>>> =
            political.iter().map(|chain| chain.iter().map(|&p| Some(usize::from(p))).collect()).collect();
        let stays = dwell(snapshots, &labels, RecurrenceRule::default(), iat_sweeps, resamples, seed);
        instruments.push(InstrumentResult {
            instrument,
            share: share(&political, resamples, seed),
            over_time: over_time(snapshots, &political),
            entry: rate(&stays, 0, resamples, seed),
            exit: rate(&stays, 1, resamples, seed),
            dwell: stays,
            baselines: baselines
                .iter()
                .map(|(baseline, scores)| {
                    baseline_share(baseline, &scores.iter().map(flag).collect::<Vec<_>>(), resamples, seed)
                })
                .collect(),
            political,
        });
    }
    Ok(PoliticalResult {
        settings: input.settings.clone(),
        temperature: input.temperature,
        probe: probe.report().clone(),
        start_dependence,
        scores,
        instruments,
    })
}

fn share(political: &[Vec<bool>], resamples: usize, seed: u64) -> BootstrapShare {
    let count = |chain: &Vec<bool>| chain.iter().filter(|&&p| p).count() as f64;
    let clusters: Vec<Cluster<1>> =
        political.iter().map(|chain| Cluster { sums: [count(chain)], count: chain.len() as f64 }).collect();
    let (inside, all) = clusters.iter().fold((0.0, 0.0), |(inside, all), c| (inside + c.sums[0], all + c.count));
    BootstrapShare {
        share: if all > 0.0 { inside / all } else { 0.0 },
        interval: cluster_bootstrap_means(&clusters, resamples, seed).map(|[interval]| interval),
    }
}

fn over_time(snapshots: &Snapshots, political: &[Vec<bool>]) -> Vec<ShareAt> {
    let longest = political.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest)
        .map(|k| {
            let here: Vec<bool> = political.iter().filter_map(|chain| chain.get(k).copied()).collect();
            let (yes, all) = (here.iter().filter(|&&p| p).count() as u64, here.len() as u64);
            ShareAt {
                sweep: snapshots.sweep(k),
                political: yes,
                chains: all,
                share: yes as f64 / all as f64,
                interval: wilson(yes, all, 0.95),
            }
        })
        .collect()
}

/// Rate of leaving `basin` per sweep inside.
fn rate(stays: &Dwell, basin: usize, resamples: usize, seed: u64) -> RateEstimate {
    let mut clusters: Vec<Cluster<1>> = Vec::new();
    let mut chain = None;
    let (mut events, mut exposure) = (0, 0);
    for stay in stays.dwells.iter().filter(|stay| stay.basin == basin) {
        if chain != Some(stay.chain) {
            clusters.push(Cluster { sums: [0.0], count: 0.0 });
            chain = Some(stay.chain);
        }
        events += usize::from(stay.ended);
        exposure += stay.sweeps;
        if let Some(cluster) = clusters.last_mut() {
            cluster.sums[0] += f64::from(u8::from(stay.ended));
            cluster.count += stay.sweeps as f64;
        }
    }
    let interval = match (events, exposure) {
        (_, 0) => None,
        (0, _) => Some([0.0, -0.05f64.ln() / exposure as f64]),
        _ => cluster_bootstrap_means(&clusters, resamples, seed).map(|[interval]| interval),
    };
    RateEstimate { events, exposure, per_sweep: (exposure > 0).then(|| events as f64 / exposure as f64), interval }
}

fn baseline_share(baseline: &Baseline, political: &[bool], resamples: usize, seed: u64) -> BaselineShare {
    let yes = political.iter().filter(|&&p| p).count() as u64;
    let all = political.len() as u64;
    let interval = match &baseline.chain {
        None => Some(wilson(yes, all, 0.95)),
        Some(chains) => {
            let mut parts: Vec<Vec<bool>> = Vec::new();
            let mut last = None;
            for (&chain, &flag) in chains.iter().zip(political) {
                if last != Some(chain) {
                    parts.push(Vec::new());
                    last = Some(chain);
                }
                if let Some(part) = parts.last_mut() {
                    part.push(flag);
                }
            }
            share(&parts, resamples, seed).interval
        }
    };
    BaselineShare {
        kind: baseline.kind,
        sentences: all,
        share: if all == 0 { 0.0 } else { yes as f64 / all as f64 },
        interval,
    }
}

#[cfg(test)]
mod tests {
    use super::super::instruments::tests::{Planted, settings, tokenize};
    use super::*;
    use crate::progress::Silent;

    fn sentence(political: bool, k: usize) -> String {
        format!("{} c word{}", if political { "pstate" } else { "tree" }, k % 5)
    }

    /// Chains that turn political with probability 0.1 and back with 0.2 per snapshot, two sweeps apart.
    fn chains() -> (Snapshots, Vec<Vec<String>>) {
        let sentences: Vec<Vec<String>> = (0..60)
            .map(|chain| {
                let mut stream = Stream::new(8, chain);
                let mut political = false;
                (0..200)
                    .map(|k| {
                        let now = political;
                        political = if now { stream.unit() >= 0.2 } else { stream.unit() < 0.1 };
                        sentence(now, k)
                    })
                    .collect()
            })
            .collect();
        let chains = sentences.iter().map(|c| c.iter().map(|s| tokenize(s).unwrap()).collect()).collect();
        (Snapshots { first_sweep: 0, every: 2, chains }, sentences)
    }

    fn run(baselines: &[Baseline]) -> PoliticalResult {
        let (snapshots, sentences) = chains();
        let settings = settings();
        let input = PoliticalInput {
            settings: &settings,
            sentences: &sentences,
            tokenize: &tokenize,
            baselines,
            temperature: Temperature::new(1.5).unwrap(),
        };
        let start = StartDependence::judge(None, 0.1);
        political(&snapshots, &Planted, &input, start, Some(4.0), 200, 3, &Silent).unwrap()
    }

    #[test]
    fn a_planted_chain_is_read_by_all_instruments() {
        let corpus: Vec<String> = (0..100).map(|k| sentence(k < 20, k)).collect();
        let states: Vec<Vec<u32>> = corpus.iter().map(|s| tokenize(s).unwrap()).collect();
        let baselines = [
            Baseline { kind: BaselineKind::Corpus, sentences: corpus.clone(), states: states.clone(), chain: None },
            Baseline {
                kind: BaselineKind::RandomInit,
                sentences: corpus,
                states,
                chain: Some((0..100).map(|k| k / 20).collect()),
            },
        ];
        let found = run(&baselines);
        let lexicon = &found.instruments[0];
        // Two-state chain: stationary share 1/3; rates per sweep 0.1 / 2 and 0.2 / 2.
        let [lower, upper] = lexicon.share.interval.unwrap();
        assert!(lower < 0.33 && 0.33 < upper && upper - lower < 0.06, "{:?}", lexicon.share);
        for (rate, known) in [(lexicon.entry, 0.05), (lexicon.exit, 0.1)] {
            let [lower, upper] = rate.interval.unwrap();
            // Within three standard errors, a 95 % interval being 3.92 of them.
            let error = (upper - lower) / 3.92;
            assert!((rate.per_sweep.unwrap() - known).abs() < 3.0 * error && error < 0.005, "{rate:?}");
        }
        assert_eq!((lexicon.over_time[0].share, lexicon.over_time[0].chains), (0.0, 60));
        assert!(lexicon.over_time[150].interval[0] < 1.0 / 3.0 && lexicon.over_time[150].interval[1] > 1.0 / 3.0);
        assert_eq!(lexicon.over_time[3].sweep, 6);
        let political = lexicon.dwell.basins.iter().find(|basin| basin.basin == 1).unwrap();
        assert!((political.exponential_mean.unwrap() - 10.0).abs() < 1.0);
        for other in &found.instruments[1..] {
            let agree = |(a, b): (&Vec<bool>, &Vec<bool>)| a.iter().zip(b).filter(|(a, b)| a == b).count();
            let same: usize = lexicon.political.iter().zip(&other.political).map(agree).sum();
            assert!(same as f64 > 0.8 * 12_000.0, "{:?} agrees on {same}", other.instrument);
        }
        assert_eq!(lexicon.baselines[0].share, 0.2);
        assert_eq!(lexicon.baselines[0].interval, Some(wilson(20, 100, 0.95)));
        let [lower, upper] = lexicon.baselines[1].interval.unwrap();
        assert!(upper - lower > 0.3, "one chain of five is political: {lower} {upper}");
        assert_eq!(found.share_by_temperature(Instrument::Lexicon).unwrap().1, lexicon.share);
        assert_eq!(found, run(&baselines));
        let text = serde_json::to_string(&found).unwrap();
        assert_eq!(serde_json::from_str::<PoliticalResult>(&text).unwrap(), found);
    }

    #[test]
    fn a_rate_never_seen_has_a_bound() {
        let snapshots = Snapshots { first_sweep: 0, every: 1, chains: vec![vec![vec![0]; 101]; 2] };
        let stays = dwell(&snapshots, &vec![vec![Some(0); 101]; 2], RecurrenceRule::default(), None, 10, 1);
        let found = rate(&stays, 0, 10, 1);
        assert_eq!((found.events, found.exposure, found.per_sweep), (0, 200, Some(0.0)));
        assert!((found.interval.unwrap()[1] - 0.014979).abs() < 1e-6);
        assert_eq!(rate(&stays, 1, 10, 1).interval, None);
    }

    #[test]
    fn marginal_draws_forget_what_joins_the_places() {
        let states: Vec<[u32; 2]> = (0..100).map(|k| if k < 30 { [1, 1] } else { [0, 0] }).collect();
        let states: Vec<&[u32]> = states.iter().map(|s| &s[..]).collect();
        let draws = marginal_draws(&states, 20_000, 4);
        let share = |wanted: [u32; 2]| draws.iter().filter(|d| d[..] == wanted).count() as f64 / 20_000.0;
        assert!((share([1, 1]) - 0.09).abs() < 0.01 && (share([1, 0]) - 0.21).abs() < 0.015);
        assert_eq!(marginal_draws(&[], 5, 1), Vec::<Vec<u32>>::new());
    }
}
