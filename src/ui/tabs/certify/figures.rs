//! The tab's figures as values.

use super::draft::{DISTANCES, PLAUSIBILITIES};
use super::words;
use crate::figures::figure::{Axis, Figure, Layer, Ticks};
use crate::figures::number;
use crate::glauber::certify::CertifyResult;
use crate::glauber::survey::{Control, Distance, Plausibility, Prevalence, Record, Stratum};

/// Temperatures over which R is drawn.
const TEMPERATURES: (f64, f64) = (0.25, 4.0);

fn axis(label: &str, ticks: Ticks) -> Axis {
    Axis { label: label.to_owned(), ticks }
}

/// Token names that stay apart on an axis: a name that occurs twice gets its place behind it.
fn distinct(names: &[String]) -> Vec<String> {
    names
        .iter()
        .enumerate()
        .map(|(k, name)| {
            let repeated = names.iter().filter(|other| *other == name).count() > 1;
            if repeated { format!("{name} ({})", k + 1) } else { name.clone() }
        })
        .collect()
}

/// The rectangle field: double-centred D over tokens at i (rows) and j (columns).
pub fn field(result: &CertifyResult, positions: (usize, usize)) -> Figure {
    Figure {
        title: "Rectangle field".to_owned(),
        caption: format!(
            "Double-centred D(a, b) = l_i(a | b) - l_j(b | a) over the tokens at positions {} and {} (counted from 0); all cells are zero if \
             and only if every rectangle among these tokens is compatible. Root mean square {} nats.",
            positions.0,
            positions.1,
            number::nats(result.rms)
        ),
        x: axis(&format!("token at j (position {})", positions.1), Ticks::Names(distinct(&result.texts_b))),
        y: axis(&format!("token at i (position {})", positions.0), Ticks::Names(distinct(&result.texts_a))),
        layers: vec![Layer::Heat {
            name: "double-centred D".to_owned(),
            unit: "nats".to_owned(),
            rows: result.texts_a.len(),
            columns: result.texts_b.len(),
            values: result.centred.clone(),
            diverging: true,
            at_least: Vec::new(),
        }],
    }
}

/// R of one rectangle against temperature, the run's own temperature marked. `r_one` is R at temperature 1.
pub fn temperature(r_one: f64, chosen: f64) -> Figure {
    let (low, high) = (TEMPERATURES.0.min(chosen), TEMPERATURES.1.max(chosen));
    let steps = 160;
    let curve = (0..=steps)
        .map(|k| {
            let tau = low * (high / low).powf(f64::from(k) / f64::from(steps));
            [tau, r_one / tau]
        })
        .collect();
    Figure {
        title: "R against temperature".to_owned(),
        caption: format!(
            "R at temperature τ is R at temperature 1 ({} nats) divided by τ, exactly: the sign and the verdict are the \
             same at every temperature.",
            number::nats(r_one)
        ),
        x: axis("temperature τ", Ticks::Linear { range: None }),
        y: axis("R (nats)", Ticks::Linear { range: None }),
        layers: vec![
            Layer::Line { name: "R(1) / τ".to_owned(), colour: 0, points: curve, dashed: false },
            Layer::Points { name: "this run".to_owned(), colour: 1, points: vec![[chosen, r_one / chosen]] },
        ],
    }
}

/// The ways of drawing tokens that have strata, in the order of the form.
pub fn plausibilities(strata: &[Stratum]) -> Vec<Plausibility> {
    PLAUSIBILITIES.into_iter().filter(|&p| strata.iter().any(|stratum| stratum.plausibility == p)).collect()
}

/// The distances that have strata, in the order of the form.
fn distances(strata: &[Stratum]) -> Vec<Distance> {
    DISTANCES.into_iter().filter(|&d| strata.iter().any(|stratum| stratum.distance == d)).collect()
}

/// Name of a subject.
pub fn subject_name(subjects: &[String], subject: u32) -> String {
    subjects.get(subject as usize).cloned().unwrap_or_else(|| format!("model {}", subject + 1))
}

/// Whose stratum it is: the subject, or its permuted control, which bears the subject's number and a name of its own.
pub fn series_name(stratum: &Stratum) -> &str {
    stratum.name.split(" · ").next().unwrap_or_default()
}

/// Whether a stratum is the permuted control, which has no records of its own.
pub fn permuted(stratum: &Stratum) -> bool {
    stratum.control == Some(Control::Permuted)
}

/// Series in the order of the strata, each with its colour: the subject's own, or the next free one for the permuted.
fn series<'a>(subjects: &[String], strata: &'a [Stratum]) -> Vec<(&'a str, usize)> {
    let mut series: Vec<(&str, usize)> = Vec::new();
    for stratum in strata {
        let name = series_name(stratum);
        if !series.iter().any(|(known, _)| *known == name) {
            series.push((name, if permuted(stratum) { subjects.len() } else { stratum.subject as usize }));
        }
    }
    series
}

/// Names, words and number behind a figure over strata.
struct Measure<'a> {
    title: &'a str,
    caption: &'a str,
    unit: &'a str,
    /// Estimate, lower, upper.
    value: &'a dyn Fn(&Stratum) -> Option<[f64; 3]>,
}

/// One interval per distance and subject, subjects side by side; one way of drawing tokens, as strata are never pooled.
fn by_distance(subjects: &[String], strata: &[Stratum], tokens: Plausibility, measure: &Measure<'_>) -> Figure {
    let distances = distances(strata);
    let series = series(subjects, strata);
    let spread = 0.6 / series.len().max(1) as f64;
    let layers = series
        .iter()
        .enumerate()
        .map(|(place, &(name, colour))| {
            let shift = (place as f64 - (series.len() as f64 - 1.0) / 2.0) * spread;
            let points = strata
                .iter()
                .filter(|stratum| series_name(stratum) == name && stratum.plausibility == tokens)
                .filter_map(|stratum| {
                    let at = distances.iter().position(|&distance| distance == stratum.distance)?;
                    let [estimate, lower, upper] = (measure.value)(stratum)?;
                    Some([at as f64 + shift, estimate, lower, upper])
                })
                .collect();
            Layer::Intervals { name: name.to_owned(), colour, points }
        })
        .collect();
    let names = distances.iter().map(|&distance| words::distance_name(distance).to_owned()).collect();
    let tokens = words::plausibility_name(tokens);
    Figure {
        title: format!("{}, {tokens} tokens", measure.title),
        caption: format!("{} Tokens of each pair: {tokens}; 95 % intervals.", measure.caption),
        x: axis("distance between the positions (tokens)", Ticks::Names(names)),
        // A little room, so that shares of 0 and 1 are not drawn on the edge.
        y: axis(measure.unit, Ticks::Linear { range: Some((-0.03, 1.03)) }),
        layers,
    }
}

fn interval(prevalence: &Prevalence) -> [f64; 3] {
    [prevalence.estimate, prevalence.lower, prevalence.upper]
}

/// Share of rectangles past a threshold (`None`: certified), per distance and subject.
pub fn prevalence(subjects: &[String], strata: &[Stratum], tokens: Plausibility, threshold: Option<f64>) -> Figure {
    let name = words::threshold_name(threshold);
    let measure = Measure {
        title: &format!("Share of rectangles {name}"),
        caption: &format!("Share of sampled rectangles {name}, by distance and model."),
        unit: "share of rectangles",
        value: &|stratum| stratum.prevalences.iter().find(|p| p.threshold == threshold).map(interval),
    };
    by_distance(subjects, strata, tokens, &measure)
}

/// Share of rectangles in which the two directions disagree about the sign, per distance and subject.
pub fn sign_disagreement(subjects: &[String], strata: &[Stratum], tokens: Plausibility) -> Figure {
    let measure = Measure {
        title: "Sign disagreement",
        caption: "Share of rectangles in which the log odds ratios seen from i and from j have opposite signs.",
        unit: "share of rectangles",
        value: &|stratum| Some(interval(&stratum.sign_disagreement)),
    };
    by_distance(subjects, strata, tokens, &measure)
}

/// Mean asymmetry index, per distance and subject.
pub fn asymmetry(subjects: &[String], strata: &[Stratum], tokens: Plausibility) -> Figure {
    let measure = Measure {
        title: "Asymmetry",
        caption: "Mean of |LOR_i - LOR_j| / (|LOR_i| + |LOR_j|): 0 = the directions agree, 1 = they oppose.",
        unit: "mean asymmetry (0 to 1)",
        value: &|stratum| Some(interval(&stratum.asymmetry)),
    };
    by_distance(subjects, strata, tokens, &measure)
}

/// Colour of a marked record.
const RINGED: usize = 7;

/// LOR_i against LOR_j for the records that `keep` lets through (`which`, in words); on the diagonal a rectangle is
/// compatible.
pub fn scatter(subjects: &[String], records: &[Record], which: &str, keep: impl Fn(&Record) -> bool) -> Figure {
    let mut by_subject: Vec<Vec<[f64; 2]>> = vec![Vec::new(); subjects.len()];
    for record in records.iter().filter(|record| keep(record)) {
        if let Some(points) = by_subject.get_mut(record.subject as usize) {
            points.push([record.lor_i, record.lor_j]);
        }
    }
    let mut layers = vec![Layer::Guide { name: "compatible: LOR_i = LOR_j".to_owned(), slope: 1.0, intercept: 0.0 }];
    layers.extend(by_subject.into_iter().enumerate().filter(|(_, points)| !points.is_empty()).map(
        |(subject, points)| Layer::Points { name: subject_name(subjects, subject as u32), colour: subject, points },
    ));
    Figure {
        title: format!("The two directions ({which})"),
        caption:
            "Log odds ratio of each rectangle seen from position i and from position j, at temperature 1. A family of \
                  conditionals with a joint distribution has every point on the diagonal."
                .to_owned(),
        x: axis("LOR seen from i (nats)", Ticks::Linear { range: None }),
        y: axis("LOR seen from j (nats)", Ticks::Linear { range: None }),
        layers,
    }
}

/// The scatter with one record marked.
pub fn ringed(scatter: &Figure, record: &Record) -> Figure {
    let mut figure = scatter.clone();
    let points = vec![[record.lor_i, record.lor_j]];
    // The last colour of the palette, which no subject has.
    figure.layers.push(Layer::Points { name: format!("record {}", record.item), colour: RINGED, points });
    figure
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stratum(subject: u32, plausibility: Plausibility, distance: Distance, estimate: f64) -> Stratum {
        let share = |threshold| Prevalence { threshold, estimate, lower: 0.1, upper: 0.9, method: "wilson".to_owned() };
        Stratum {
            name: format!("{} · likely · 1", ["agora", "ising"][subject as usize]),
            subject,
            control: None,
            plausibility,
            distance,
            n: 10,
            contexts: 10,
            prevalence: estimate,
            interval: [0.1, 0.9],
            prevalences: vec![share(None), share(Some(0.1))],
            quantiles: [0.0; 5],
            sign_disagreement: share(None),
            asymmetry: share(None),
            pearson: None,
            spearman: None,
        }
    }

    #[test]
    fn r_is_inversely_proportional_to_the_temperature() {
        let figure = temperature(9.0, 0.5);
        let Layer::Line { points, .. } = &figure.layers[0] else { panic!("the curve comes first") };
        for [tau, r] in points {
            assert!((tau * r - 9.0).abs() < 1e-12);
        }
        let marked = Layer::Points { name: "this run".to_owned(), colour: 1, points: vec![[0.5, 18.0]] };
        assert_eq!(figure.layers[1], marked);
    }

    #[test]
    fn subjects_stand_side_by_side_and_ways_of_drawing_are_not_pooled() {
        let permuted_base = stratum(0, Plausibility::TopK, Distance::Two, 0.4);
        let strata = [
            stratum(0, Plausibility::TopK, Distance::Two, 0.5),
            stratum(1, Plausibility::TopK, Distance::Two, 0.0),
            stratum(0, Plausibility::TopK, Distance::One, 0.7),
            stratum(0, Plausibility::Uniform, Distance::One, 0.9),
            Stratum {
                name: "agora, directions permuted · likely · 2".to_owned(),
                control: Some(Control::Permuted),
                ..permuted_base
            },
        ];
        let figure = prevalence(&["agora".to_owned(), "ising".to_owned()], &strata, Plausibility::TopK, Some(0.1));
        assert_eq!(figure.x.ticks, Ticks::Names(vec!["neighbours".to_owned(), "2 apart".to_owned()]));
        let Layer::Intervals { points, .. } = &figure.layers[0] else { panic!("intervals") };
        let Layer::Intervals { points: beside, .. } = &figure.layers[1] else { panic!("intervals") };
        assert_eq!(points.len(), 2, "the random tokens are not among them");
        assert!(points[0][0] < beside[0][0] && (points[0][0] - 1.0).abs() < 0.5, "{points:?} {beside:?}");
        let Layer::Intervals { name, colour, points: permuted } = &figure.layers[2] else { panic!("intervals") };
        assert_eq!((name.as_str(), *colour, permuted.len()), ("agora, directions permuted", 2, 1));
        assert_eq!(beside[0][1], 0.0);
        assert_eq!(plausibilities(&strata), [Plausibility::TopK, Plausibility::Uniform]);
    }

    #[test]
    fn equal_token_names_stay_apart() {
        let names = ["a".to_owned(), "b".to_owned(), "a".to_owned()];
        assert_eq!(distinct(&names), ["a (1)", "b", "a (3)"]);
    }
}
