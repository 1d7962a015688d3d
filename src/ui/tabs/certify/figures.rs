//! The tab's figures as values.

use super::draft::{DISTANCES, PLAUSIBILITIES};
use super::words;
use crate::figures::figure::{Axis, Figure, Layer, Ticks};
use crate::figures::number;
use crate::glauber::certify::CertifyResult;
use crate::glauber::survey::{Distance, Plausibility, Prevalence, Record, Stratum};

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
            "Double-centred D(a, b) = l_i(a | b) - l_j(b | a) over the tokens at positions {} and {}; all cells are zero if \
             and only if every rectangle among these tokens is compatible. Root mean square {} nats.",
            positions.0 + 1,
            positions.1 + 1,
            number::nats(result.rms)
        ),
        x: axis(&format!("token at j (position {})", positions.1 + 1), Ticks::Names(distinct(&result.texts_b))),
        y: axis(&format!("token at i (position {})", positions.0 + 1), Ticks::Names(distinct(&result.texts_a))),
        layers: vec![Layer::Heat {
            name: "double-centred D".to_owned(),
            unit: "nats".to_owned(),
            rows: result.texts_a.len(),
            columns: result.texts_b.len(),
            values: result.centred.clone(),
            diverging: true,
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

/// Place of a stratum on the shared axis of the survey figures.
fn category(plausibility: Plausibility, distance: Distance, categories: &[(Plausibility, Distance)]) -> Option<usize> {
    categories.iter().position(|&at| at == (plausibility, distance))
}

/// The strata present, in the order of the form.
pub fn categories(strata: &[Stratum]) -> Vec<(Plausibility, Distance)> {
    let present = |at: (Plausibility, Distance)| strata.iter().any(|s| (s.plausibility, s.distance) == at);
    PLAUSIBILITIES.iter().flat_map(|&p| DISTANCES.iter().map(move |&d| (p, d))).filter(|&at| present(at)).collect()
}

/// Name of a subject; the permuted control has no model of its own.
pub fn subject_name(subjects: &[String], subject: u32) -> String {
    subjects.get(subject as usize).cloned().unwrap_or_else(|| "permuted".to_owned())
}

/// One interval per stratum and subject, subjects side by side.
fn by_stratum(
    subjects: &[String],
    strata: &[Stratum],
    title: &str,
    caption: &str,
    unit: &str,
    value: impl Fn(&Stratum) -> Option<[f64; 3]>,
) -> Figure {
    let categories = categories(strata);
    let mut present: Vec<u32> = strata.iter().map(|stratum| stratum.subject).collect();
    present.sort_unstable();
    present.dedup();
    let spread = 0.7 / present.len().max(1) as f64;
    let layers = present
        .iter()
        .enumerate()
        .map(|(place, &subject)| {
            let shift = (place as f64 - (present.len() as f64 - 1.0) / 2.0) * spread;
            let points = strata
                .iter()
                .filter(|stratum| stratum.subject == subject)
                .filter_map(|stratum| {
                    let at = category(stratum.plausibility, stratum.distance, &categories)?;
                    let [estimate, lower, upper] = value(stratum)?;
                    Some([at as f64 + shift, estimate, lower, upper])
                })
                .collect();
            Layer::Intervals { name: subject_name(subjects, subject), colour: subject as usize, points }
        })
        .collect();
    let names = categories
        .iter()
        .map(|&(p, d)| format!("{}, {}", words::plausibility_name(p), words::distance_name(d)))
        .collect();
    Figure {
        title: title.to_owned(),
        caption: caption.to_owned(),
        x: axis("stratum: tokens, distance", Ticks::Names(names)),
        y: axis(unit, Ticks::Linear { range: Some((0.0, 1.0)) }),
        layers,
    }
}

fn interval(prevalence: &Prevalence) -> [f64; 3] {
    [prevalence.estimate, prevalence.lower, prevalence.upper]
}

/// Share of rectangles past a threshold (`None`: certified), per stratum and subject.
pub fn prevalence(subjects: &[String], strata: &[Stratum], threshold: Option<f64>) -> Figure {
    let name = words::threshold_name(threshold);
    by_stratum(
        subjects,
        strata,
        &format!("Share of rectangles: {name}"),
        &format!("Share of sampled rectangles with {name}, by stratum and model, with 95 % intervals."),
        "share of rectangles",
        |stratum| stratum.prevalences.iter().find(|p| p.threshold == threshold).map(interval),
    )
}

/// Share of rectangles in which the two directions disagree about the sign, per stratum and subject.
pub fn sign_disagreement(subjects: &[String], strata: &[Stratum]) -> Figure {
    by_stratum(
        subjects,
        strata,
        "Sign disagreement",
        "Share of rectangles in which the log odds ratios seen from i and from j have opposite signs, with 95 % intervals.",
        "share of rectangles",
        |stratum| Some(interval(&stratum.sign_disagreement)),
    )
}

/// Mean asymmetry index, per stratum and subject.
pub fn asymmetry(subjects: &[String], strata: &[Stratum]) -> Figure {
    by_stratum(
        subjects,
        strata,
        "Asymmetry",
        "Mean of |LOR_i - LOR_j| / (|LOR_i| + |LOR_j|), 0 = the directions agree, 1 = they oppose, with 95 % intervals.",
        "mean asymmetry (0 to 1)",
        |stratum| Some(interval(&stratum.asymmetry)),
    )
}

/// LOR_i against LOR_j for the records that `keep` lets through; on the diagonal a rectangle is compatible.
pub fn scatter(subjects: &[String], records: &[Record], keep: impl Fn(&Record) -> bool) -> Figure {
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
        title: "The two directions".to_owned(),
        caption:
            "Log odds ratio of each rectangle seen from position i and from position j, at temperature 1. A family of \
                  conditionals with a joint distribution has every point on the diagonal."
                .to_owned(),
        x: axis("LOR seen from i (nats)", Ticks::Linear { range: None }),
        y: axis("LOR seen from j (nats)", Ticks::Linear { range: None }),
        layers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stratum(subject: u32, plausibility: Plausibility, distance: Distance, estimate: f64) -> Stratum {
        let share = |threshold| Prevalence { threshold, estimate, lower: 0.1, upper: 0.9, method: "wilson".to_owned() };
        Stratum {
            name: String::new(),
            subject,
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
    fn subjects_stand_side_by_side_within_their_stratum() {
        let strata = [
            stratum(0, Plausibility::TopK, Distance::Two, 0.5),
            stratum(1, Plausibility::TopK, Distance::Two, 0.0),
            stratum(0, Plausibility::TopK, Distance::One, 0.7),
        ];
        let figure = prevalence(&["agora".to_owned(), "ising".to_owned()], &strata, Some(0.1));
        assert_eq!(figure.x.ticks, Ticks::Names(vec!["likely, neighbours".to_owned(), "likely, 2 apart".to_owned()]));
        let Layer::Intervals { points, .. } = &figure.layers[0] else { panic!("intervals") };
        let Layer::Intervals { points: beside, .. } = &figure.layers[1] else { panic!("intervals") };
        assert!(points[0][0] < beside[0][0] && (points[0][0] - 1.0).abs() < 0.5, "{points:?} {beside:?}");
        assert_eq!(beside[0][1], 0.0);
    }

    #[test]
    fn equal_token_names_stay_apart() {
        let names = ["a".to_owned(), "b".to_owned(), "a".to_owned()];
        assert_eq!(distinct(&names), ["a (1)", "b", "a (3)"]);
    }
}
