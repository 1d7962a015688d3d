//! What the records of a survey show, stratum by stratum.

use std::collections::BTreeMap;

use super::{Control, Prevalence, Record, Stratum, SurveySpec};
use crate::statistics::{
    Cluster, Stream, cluster_bootstrap_means, pearson, quantile, sorted, spearman, wilson, zero_count_upper,
};

/// Thresholds of |R| in nats whose prevalence is told, beside "certified".
const THRESHOLDS: [f64; 3] = [0.1, 1.0, 2.0];
/// Fewest bootstrap resamples (glauber.md section 2.4), and most.
const RESAMPLES: std::ops::RangeInclusive<u32> = 1000..=100_000;
/// Stream of the permutation: no item has it.
const PERMUTATION: u64 = u64::MAX;

/// Strata of all subjects (names and which control each is, in the order that records count them), and the permuted
/// control where asked.
///
/// The permuted control takes the first subject's LOR_j in another order within each stratum: what correlation and
/// sign agreement chance would give. Its strata bear that subject's number and say "directions permuted" in their name.
pub fn summarise(spec: &SurveySpec, subjects: &[(String, Option<Control>)], records: &[Record]) -> Vec<Stratum> {
    let mut strata: BTreeMap<_, Vec<Record>> = BTreeMap::new();
    for record in records {
        strata.entry((record.subject, record.plausibility, record.distance)).or_default().push(record.clone());
    }
    let named =
        |subject: u32| subjects.get(subject as usize).map_or(("unnamed model", None), |(n, c)| (n.as_str(), *c));
    let mut found: Vec<Stratum> =
        strata.iter().map(|(&(subject, ..), records)| stratum(spec, named(subject), records)).collect();
    if spec.controls.contains(&Control::Permuted) {
        let of_first = strata.iter().filter(|((subject, ..), _)| *subject == 0);
        let name = format!("{}, directions permuted", named(0).0);
        let named = (name.as_str(), Some(Control::Permuted));
        found.extend(of_first.map(|(_, records)| stratum(spec, named, &permuted(spec, records))));
    }
    found
}

/// The records with LOR_j dealt out anew.
fn permuted(spec: &SurveySpec, records: &[Record]) -> Vec<Record> {
    let order = Stream::new(spec.seed, PERMUTATION).distinct(records.len(), records.len());
    let mix = |(record, other): (&Record, usize)| {
        let other = &records[other];
        let r = (record.lor_i - other.lor_j) / spec.temperature;
        let error = record.error.max(other.error);
        Record { lor_j: other.lor_j, r, error, certified: r.abs() > f64::max(1e-9, 100.0 * error), ..record.clone() }
    };
    records.iter().zip(order).map(mix).collect()
}

/// Quantities of one record whose means are told: certified, above each threshold, signs differ, asymmetry.
fn quantities(record: &Record) -> [f64; 6] {
    let one = |yes: bool| if yes { 1.0 } else { 0.0 };
    let [low, middle, high] = THRESHOLDS.map(|threshold| one(record.r.abs() > threshold));
    let (lor_i, lor_j) = (record.lor_i, record.lor_j);
    let size = lor_i.abs() + lor_j.abs();
    let asymmetry = if size > 0.0 { (lor_i - lor_j).abs() / size } else { 0.0 };
    [one(record.certified), low, middle, high, one(lor_i * lor_j < 0.0), asymmetry]
}

fn stratum(spec: &SurveySpec, (subject, control): (&str, Option<Control>), records: &[Record]) -> Stratum {
    let first = &records[0];
    let n = records.len();
    let mut clusters: BTreeMap<u32, Cluster<6>> = BTreeMap::new();
    for record in records {
        let cluster = clusters.entry(record.context).or_insert(Cluster { sums: [0.0; 6], count: 0.0 });
        cluster.sums.iter_mut().zip(quantities(record)).for_each(|(sum, x)| *sum += x);
        cluster.count += 1.0;
    }
    let contexts = clusters.len();
    let clusters: Vec<Cluster<6>> = clusters.into_values().collect();
    let resamples = spec.resamples.clamp(*RESAMPLES.start(), *RESAMPLES.end()) as usize;
    // One context says nothing about others: anything is possible.
    let intervals = cluster_bootstrap_means(&clusters, resamples, spec.seed).unwrap_or([[0.0, 1.0]; 6]);
    let sums: [f64; 6] = std::array::from_fn(|k| clusters.iter().map(|cluster| cluster.sums[k]).sum());
    let share = |k: usize, threshold| proportion(sums[k], n, contexts, intervals[k], threshold);

    let thresholds = std::iter::once(None).chain(THRESHOLDS.map(Some));
    let prevalences: Vec<Prevalence> = thresholds.enumerate().map(|(k, threshold)| share(k, threshold)).collect();
    let sizes = sorted(&records.iter().map(|record| record.r.abs()).collect::<Vec<f64>>());
    let (lor_i, lor_j): (Vec<f64>, Vec<f64>) = records.iter().map(|record| (record.lor_i, record.lor_j)).unzip();
    let [lower, upper] = intervals[5];
    Stratum {
        name: format!("{subject} · {} · distance {}", first.plausibility.label(), first.distance.label()),
        subject: first.subject,
        control,
        plausibility: first.plausibility,
        distance: first.distance,
        n: n as u64,
        contexts: contexts as u64,
        prevalence: prevalences[0].estimate,
        interval: [prevalences[0].lower, prevalences[0].upper],
        prevalences,
        quantiles: [0.05, 0.25, 0.5, 0.75, 0.95].map(|p| quantile(&sizes, p)),
        sign_disagreement: share(4, None),
        asymmetry: Prevalence {
            threshold: None,
            estimate: sums[5] / n as f64,
            lower,
            upper,
            method: "cluster bootstrap".to_owned(),
        },
        pearson: pearson(&lor_i, &lor_j),
        spearman: spearman(&lor_i, &lor_j),
    }
}

/// A share with its 95 % interval: Wilson's where every context has one rectangle, else the cluster bootstrap, for
/// rectangles of one context are not independent. A bootstrap of all or none has no width, so there a context counts as
/// one observation.
fn proportion(sum: f64, n: usize, contexts: usize, bootstrap: [f64; 2], threshold: Option<f64>) -> Prevalence {
    let (seen, alone) = (sum as u64, contexts == n);
    let (interval, method) = if seen == 0 {
        ([0.0, zero_count_upper(contexts as u64)], "exact zero")
    } else if alone {
        (wilson(seen, n as u64, 0.95), "wilson")
    } else if seen == n as u64 {
        (wilson(contexts as u64, contexts as u64, 0.95), "wilson")
    } else {
        (bootstrap, "cluster bootstrap")
    };
    let [lower, upper] = interval;
    Prevalence { threshold, estimate: sum / n as f64, lower, upper, method: method.to_owned() }
}
