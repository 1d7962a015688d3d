//! The tab's figures as values.

use super::basin_view::{OTHERS_COLOUR, PATH_COLOUR};
use super::words;
use crate::figures::figure::{Axis, Figure, Layer, Ticks};
use crate::figures::number;
use crate::glauber::probe::{Instrument, InstrumentResult, PoliticalResult, ProbeReport};
use crate::glauber::trajectories::{
    BasinKind, MetastableBasins, Projection, RecurrencePlot, Relaxation, SnapshotObservables,
};
use crate::statistics::{KaplanMeier, quantile, sorted};

fn axis(label: impl Into<String>, range: Option<(f64, f64)>) -> Axis {
    Axis { label: label.into(), ticks: Ticks::Linear { range } }
}

/// A little room, so that shares of 0 and 1 are not drawn on the edge.
const SHARE: Option<(f64, f64)> = Some((-0.03, 1.03));

/// First and second coordinate of a snapshot.
pub fn place(projection: &Projection, chain: usize, snapshot: usize) -> Option<[f64; 2]> {
    let width = projection.dimensions;
    let points = projection.coordinates.get(chain)?;
    let point = points.get(snapshot * width..(snapshot + 1) * width)?;
    Some([point[0], point.get(1).copied().unwrap_or(0.0)])
}

/// All snapshots on the first two principal components, one layer for each coloured basin.
pub fn map(kind: BasinKind, projection: &Projection, labels: &[Vec<Option<usize>>], coloured: &[usize]) -> Figure {
    let mut layers: Vec<Vec<[f64; 2]>> = vec![Vec::new(); coloured.len() + 1];
    for (chain, path) in labels.iter().enumerate() {
        for (snapshot, label) in path.iter().enumerate() {
            let layer = label.and_then(|basin| coloured.iter().position(|&own| own == basin)).unwrap_or(coloured.len());
            layers[layer].extend(place(projection, chain, snapshot));
        }
    }
    let named = |(layer, points): (usize, Vec<[f64; 2]>)| Layer::Points {
        name: coloured.get(layer).map_or("others".to_owned(), |&basin| words::basin_name(kind, basin)),
        colour: if layer < coloured.len() { layer } else { OTHERS_COLOUR },
        points,
    };
    let explained = |component: usize| {
        let share = projection
            .explained
            .get(component)
            .map_or("no variance".to_owned(), |&share| format!("{} of the variance", number::percent(share)));
        axis(format!("principal component {} ({share})", component + 1), None)
    };
    let mut layers: Vec<Layer> =
        layers.into_iter().enumerate().filter(|(_, points)| !points.is_empty()).map(named).collect();
    // Others lie below.
    layers.reverse();
    Figure {
        title: "Map of the snapshots".to_owned(),
        caption: format!(
            "Snapshots of all chains on the first two principal components of their embeddings ({}{}), coloured by {}.",
            projection.embedding,
            if projection.centred { ", mean taken off" } else { "" },
            words::kind_name(kind).to_lowercase()
        ),
        x: explained(0),
        y: explained(1),
        layers,
    }
}

/// The course of one chain over the map, and where it is now.
pub fn path(projection: &Projection, chain: usize, snapshot: usize, sweep: u64) -> Vec<Layer> {
    let count = projection.coordinates.get(chain).map_or(0, |points| points.len() / projection.dimensions);
    let points = (0..count).filter_map(|k| place(projection, chain, k)).collect();
    let line = Layer::Line { name: format!("chain {}", chain + 1), colour: PATH_COLOUR, points, dashed: true };
    let mut layers = vec![line];
    layers.extend(here(projection, chain, snapshot, sweep));
    layers
}

/// Where the chain is now.
pub fn here(projection: &Projection, chain: usize, snapshot: usize, sweep: u64) -> Option<Layer> {
    let point = place(projection, chain, snapshot)?;
    Some(Layer::Points { name: format!("sweep {sweep}"), colour: PATH_COLOUR, points: vec![point] })
}

/// What one chain's snapshots show along its course.
pub fn course(chain: usize, observed: &[SnapshotObservables], sites: usize) -> Figure {
    let along = |name: &str, colour: usize, value: &dyn Fn(&SnapshotObservables) -> Option<f64>| Layer::Line {
        name: name.to_owned(),
        colour,
        points: observed.iter().filter_map(|seen| Some([seen.sweep as f64, value(seen)?])).collect(),
        dashed: false,
    };
    Figure {
        title: format!("Course of chain {}", chain + 1),
        caption: format!(
            "Chain {}: share of its tokens that differ from its start, cosine of the embeddings with the start, share of \
             tokens changed per sweep, share of different tokens.",
            chain + 1
        ),
        x: axis("sweep", None),
        y: axis("share, or cosine", None),
        layers: vec![
            along("off the start", 0, &|seen| Some(seen.hamming_to_start as f64 / sites.max(1) as f64)),
            along("cosine to the start", 1, &|seen| Some(seen.cosine_to_start)),
            along("edit rate", 2, &|seen| seen.edit_rate),
            along("distinct tokens", 3, &|seen| Some(seen.distinct_token_share)),
        ],
    }
}

/// Chains whose pseudo-log-likelihood is drawn as a line of its own.
const LINES: usize = 3;

/// Pseudo-log-likelihoods over time: median and band over the chains, and the first chains; `None` where they were not
/// computed.
pub fn likelihoods(observed: &[Vec<SnapshotObservables>]) -> Option<Figure> {
    let along = |chain: &Vec<SnapshotObservables>| -> Option<Vec<[f64; 2]>> {
        chain.iter().map(|seen| Some([seen.sweep as f64, seen.pseudo_log_likelihood?])).collect()
    };
    let chains: Vec<Vec<[f64; 2]>> = observed.iter().map(along).collect::<Option<_>>()?;
    let times = chains.iter().map(Vec::len).max().filter(|&times| times > 0)?;
    let (mut band, mut median) = (Vec::new(), Vec::new());
    for at in 0..times {
        let here: Vec<[f64; 2]> = chains.iter().filter_map(|chain| chain.get(at).copied()).collect();
        let values = sorted(&here.iter().map(|point| point[1]).collect::<Vec<_>>());
        let x = here[0][0];
        band.push([x, quantile(&values, 0.05), quantile(&values, 0.95)]);
        median.push([x, quantile(&values, 0.5)]);
    }
    let mut layers =
        vec![Layer::Band { name: format!("5 to 95 % of {} chains", chains.len()), colour: 0, points: band }];
    if chains.len() > 1 {
        layers.push(Layer::Line { name: "median".to_owned(), colour: 0, points: median, dashed: false });
    }
    layers.extend(chains.into_iter().take(LINES).enumerate().map(|(chain, points)| Layer::Line {
        name: format!("chain {}", chain + 1),
        colour: chain + 1,
        points,
        dashed: true,
    }));
    Some(Figure {
        title: "Pseudo-log-likelihood".to_owned(),
        caption: "Sum over the moving tokens of log p_i(x_i | x_-i) at τ = 1 at each snapshot: median and 5 to 95 % over the \
                  chains, and the first chains. A level course shows no more than that this number has settled."
            .to_owned(),
        x: axis("sweep", None),
        y: axis("pseudo-log-likelihood (nats)", None),
        layers,
    })
}

/// Steps of a Kaplan-Meier curve and its band.
fn survival(name: &str, colour: usize, curve: &KaplanMeier) -> Vec<Layer> {
    let (mut line, mut band) = (vec![[0.0, 1.0]], vec![[0.0, 1.0, 1.0]]);
    let (mut s, mut lower, mut upper) = (1.0, 1.0, 1.0);
    for point in &curve.points {
        let time = point.time as f64;
        line.extend([[time, s], [time, point.s]]);
        band.extend([[time, lower, upper], [time, point.lower, point.upper]]);
        (s, lower, upper) = (point.s, point.lower, point.upper);
    }
    let named = if name.is_empty() { "estimate".to_owned() } else { name.to_owned() };
    vec![
        Layer::Band {
            name: format!("95 % band{}", if name.is_empty() { "" } else { &" of " }) + name,
            colour,
            points: band,
        },
        Layer::Line { name: named, colour, points: line, dashed: false },
    ]
}

fn survival_figure(title: String, caption: String, x: &str, layers: Vec<Layer>) -> Figure {
    Figure { title, caption, x: axis(x, None), y: axis("share still there", SHARE), layers }
}

const BAND: &str = "Kaplan-Meier with Greenwood band (95 %, log-log); stays are taken as independent";

/// How long stays in a basin last.
pub fn stays(basin: &str, curve: &KaplanMeier) -> Figure {
    let caption = format!(
        "Stays in {basin}: {} of {} were seen to end, the others were cut off by the end of the chain. {BAND}.",
        curve.events, curve.n
    );
    survival_figure(format!("Stays in {basin}"), caption, "length of the stay (sweeps)", survival("", 0, curve))
}

/// How long absences last.
pub fn returns(basin: &str, curve: &KaplanMeier) -> Figure {
    let caption = format!(
        "Absences from {basin} after leaving it: {} of {} were seen to end in a return. {BAND}.",
        curve.events, curve.n
    );
    let mut figure = survival_figure(
        format!("Returns to {basin}"),
        caption,
        "length of the absence (sweeps)",
        survival("", 1, curve),
    );
    figure.y.label = "share still away".to_owned();
    figure
}

/// Implied timescales against lag.
pub fn timescales(found: &MetastableBasins) -> Figure {
    let every = found.sweeps_per_snapshot as f64;
    let most = found.timescales.iter().map(|at| at.timescales.len()).max().unwrap_or(0);
    let mut layers: Vec<Layer> =
        vec![Layer::Guide { name: "timescale = lag: not resolved below".to_owned(), slope: 1.0, intercept: 0.0 }];
    for rank in 0..most {
        let at = found.timescales.iter().filter_map(|at| Some((at.lag as f64 * every, at.timescales.get(rank)?)));
        let known: Vec<[f64; 4]> = at
            .filter_map(|(lag, timescale)| {
                let value = timescale.value? * every;
                let [lower, upper] = timescale.interval.map_or([value, value], |ends| ends.map(|end| end * every));
                // Timescales of one lag stand side by side.
                Some([lag * (1.0 + 0.03 * rank as f64), value, lower, upper])
            })
            .collect();
        if !known.is_empty() {
            layers.push(Layer::Intervals { name: format!("t{}", rank + 1), colour: rank, points: known });
        }
    }
    Figure {
        title: "Implied timescales".to_owned(),
        caption: "Implied timescales -lag / ln |eigenvalue| of the Markov state model against its lag, with 95 % bootstrap \
                  intervals over chains where there are two or more. A Markov model at some lag needs timescales that no \
                  longer change with the lag."
            .to_owned(),
        x: axis("lag (sweeps)", None),
        y: axis("implied timescale (sweeps)", None),
        layers,
    }
}

/// What the model foretells against what is counted.
pub fn chapman_kolmogorov(relaxation: &Relaxation, lag_sweeps: u64) -> Figure {
    let sets = relaxation.chapman_kolmogorov.iter().map(|test| test.set + 1).max().unwrap_or(0);
    let mut layers = Vec::new();
    for set in 0..sets {
        let tests = || relaxation.chapman_kolmogorov.iter().filter(move |test| test.set == set);
        let at = |multiple: usize| (multiple as u64 * lag_sweeps) as f64;
        let name = words::basin_name(BasinKind::Metastable, set);
        layers.push(Layer::Line {
            name: format!("{name}, foretold"),
            colour: set,
            points: tests().map(|test| [at(test.multiple), test.predicted]).collect(),
            dashed: true,
        });
        layers.push(Layer::Intervals {
            name: format!("{name}, counted"),
            colour: set,
            points: tests()
                .filter_map(|test| {
                    let value = test.estimated?;
                    let [lower, upper] = test.interval.unwrap_or([value, value]);
                    Some([at(test.multiple), value, lower, upper])
                })
                .collect(),
        });
    }
    Figure {
        title: "Chapman-Kolmogorov test".to_owned(),
        caption: "Probability of being in the same metastable set again: foretold by powers of the model's transition matrix \
                  (lines), and counted at the longer lag (points; 95 % bootstrap intervals over chains, the error of the \
                  forecast is not in them). Apart, the chain of sets is not Markov at this lag."
            .to_owned(),
        x: axis("time (sweeps)", None),
        y: axis("probability of being there again", SHARE),
        layers,
    }
}

/// Distances between all pairs of snapshots of one chain.
pub fn recurrence(plot: &RecurrencePlot, threshold: f64, every: u64) -> Figure {
    let kept = plot.kept();
    let step = (plot.stride * plot.kept_stride) as u64 * every;
    let names = || Ticks::Names((0..kept as u64).map(|k| (k * step).to_string()).collect());
    Figure {
        title: format!("Recurrence plot of chain {}", plot.chain + 1),
        caption: format!(
            "Cosine distance between the embeddings of every two snapshots of chain {}; two snapshots recur when their distance \
             is at most {}. Blocks along the diagonal are traps, dark patches off it are returns.",
            plot.chain + 1,
            number::general(threshold, 3)
        ),
        x: Axis { label: "sweep".to_owned(), ticks: names() },
        y: Axis { label: "sweep".to_owned(), ticks: names() },
        layers: vec![Layer::Heat {
            name: "cosine distance".to_owned(),
            unit: String::new(),
            rows: kept,
            columns: kept,
            values: plot.distances.iter().map(|&distance| f64::from(distance)).collect(),
            diverging: false,
            at_least: Vec::new(),
        }],
    }
}

/// Share of political sentences over time, with the baselines as lines.
pub fn over_time(seen: &InstrumentResult) -> Figure {
    let name = words::instrument_name(seen.instrument);
    let colour = words::instrument_colour(seen.instrument);
    let mut layers = vec![
        Layer::Band {
            name: "95 % interval".to_owned(),
            colour,
            points: seen.over_time.iter().map(|at| [at.sweep as f64, at.interval[0], at.interval[1]]).collect(),
        },
        Layer::Line {
            name: "chains".to_owned(),
            colour,
            points: seen.over_time.iter().map(|at| [at.sweep as f64, at.share]).collect(),
            dashed: false,
        },
    ];
    let ends = [seen.over_time.first(), seen.over_time.last()].map(|at| at.map_or(0.0, |at| at.sweep as f64));
    layers.extend(seen.baselines.iter().enumerate().map(|(place, baseline)| Layer::Line {
        name: words::baseline_name(baseline.kind).to_owned(),
        colour: 3 + place,
        points: ends.map(|sweep| [sweep, baseline.share]).to_vec(),
        dashed: true,
    }));
    Figure {
        title: format!("Share by the {name}"),
        caption: format!(
            "Share of the chains whose sentence the {name} calls political, with Wilson 95 % intervals at each time; dashed: \
             baselines."
        ),
        x: axis("sweep", None),
        y: axis("share of chains", SHARE),
        layers,
    }
}

/// Shares of chains and baselines by all instruments.
pub fn baselines(found: &PoliticalResult) -> Figure {
    let mut names = vec!["chains".to_owned()];
    if let Some(first) = found.instruments.first() {
        names.extend(first.baselines.iter().map(|baseline| words::baseline_name(baseline.kind).to_owned()));
    }
    let layers = found
        .instruments
        .iter()
        .enumerate()
        .map(|(place, seen)| {
            let own = (seen.share.share, seen.share.interval);
            let all = std::iter::once(own).chain(seen.baselines.iter().map(|b| (b.share, b.interval)));
            let shift = (place as f64 - (found.instruments.len() as f64 - 1.0) / 2.0) * 0.2;
            Layer::Intervals {
                name: words::instrument_name(seen.instrument).to_owned(),
                colour: words::instrument_colour(seen.instrument),
                points: all
                    .enumerate()
                    .map(|(at, (share, interval))| {
                        let [lower, upper] = interval.unwrap_or([share, share]);
                        [at as f64 + shift, share, lower, upper]
                    })
                    .collect(),
            }
        })
        .collect();
    Figure {
        title: "Beside the baselines".to_owned(),
        caption: "Share of sentences that each instrument calls political: all snapshots of the chains, and the baselines; 95 % \
                  intervals (bootstrap over chains, Wilson for independent sentences)."
            .to_owned(),
        x: Axis { label: "whose sentences".to_owned(), ticks: Ticks::Names(names) },
        y: axis("share of sentences", SHARE),
        layers,
    }
}

/// Stays in the political set by all instruments.
pub fn political_stays(curves: &[(Instrument, KaplanMeier)]) -> Figure {
    let layers = curves
        .iter()
        .filter(|(_, curve)| curve.n > 0)
        .flat_map(|(instrument, curve)| {
            survival(words::instrument_name(*instrument), words::instrument_colour(*instrument), curve)
        })
        .filter(|layer| matches!(layer, Layer::Line { .. }))
        .collect();
    let caption =
        "Stays of the chains among sentences that an instrument calls political (Kaplan-Meier, censored where the \
                   chain ended). Sentences near the threshold make short stays."
            .to_owned();
    survival_figure("Stays among political sentences".to_owned(), caption, "length of the stay (sweeps)", layers)
}

/// Foretold probability against observed share on the held-out statements.
pub fn calibration(report: &ProbeReport) -> Figure {
    let points = report
        .calibration
        .iter()
        .filter_map(|bin| {
            let [lower, upper] = bin.interval;
            Some([bin.mean_predicted?, bin.observed?, lower, upper])
        })
        .collect();
    Figure {
        title: "Calibration of the classifier".to_owned(),
        caption: format!(
            "Share of political statements among the {} held-out ones against the mean probability the classifier gave, in bins; \
             Wilson 95 % intervals. Brier score {}.",
            report.held_out,
            number::fixed(report.brier, 3)
        ),
        x: axis("mean probability given", SHARE),
        y: axis("share of political statements", SHARE),
        layers: vec![
            Layer::Guide { name: "perfect".to_owned(), slope: 1.0, intercept: 0.0 },
            Layer::Intervals { name: "held-out statements".to_owned(), colour: 0, points },
        ],
    }
}
