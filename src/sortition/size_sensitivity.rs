//! Panels of several sizes from one pool: how chances depend on the size (dempo.md, section 11, figure F7).

use std::sync::Arc;

use super::census::Census;
use super::fairness::Evenness;
use super::feasibility::{Lamp, Severity, check_edit};
use super::lottery_run::{LotteryError, LotterySpec, Status, run};
use super::quotas::{Quotas, ValueQuota, bounds_from_share};
use crate::progress::{Cancelled, Progress};

/// What a size comes to.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum OfSize {
    /// A lottery was held.
    Held { status: Status, gap: f64, unreachable: usize, evenness: Evenness },
    /// No panel of this size meets the quotas, and why.
    Infeasible { reasons: Vec<String> },
    /// The search for a panel, or the lottery, gave up.
    Unknown { reason: String },
}

/// One size of a panel.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SizeRow {
    pub size: u32,
    #[serde(flatten)]
    pub found: OfSize,
}

impl SizeRow {
    /// The figures of the chances, where a lottery was held.
    pub fn evenness(&self) -> Option<&Evenness> {
        match &self.found {
            OfSize::Held { evenness, .. } => Some(evenness),
            _ => None,
        }
    }

    /// `exact`, `gap`, or why there is no lottery.
    pub fn standing(&self) -> String {
        match &self.found {
            OfSize::Held { status: Status::Exact, .. } => "exact".to_owned(),
            OfSize::Held { gap, .. } => format!("within {gap:.1e}"),
            OfSize::Infeasible { reasons } => format!("infeasible: {}", reasons.join(" ")),
            OfSize::Unknown { reason } => format!("not known: {reason}"),
        }
    }
}

/// The quotas of a panel of `size`, out of those of another. A value whose bounds are what its share and the relative
/// `tolerance` mean has them made anew from both; other bounds keep their proportion, min rounded down and max up, so that
/// they are never tighter than in proportion. Products within 1e-9 of a whole number count as whole.
pub fn of_size(quotas: &Quotas, size: u32, tolerance: Option<f64>) -> Quotas {
    let factor = f64::from(size) / f64::from(quotas.size.max(1));
    let down = |bound: u32| ((f64::from(bound) * factor + 1e-9).floor() as u32).min(size);
    let up = |bound: u32| ((f64::from(bound) * factor - 1e-9).ceil().max(0.0) as u32).min(size);
    let one = |value: &ValueQuota| {
        let by_share = value.target.zip(tolerance).filter(|&(share, tolerance)| {
            !value.slack && bounds_from_share(share, quotas.size, tolerance) == (value.min, value.max)
        });
        let (min, max) = match by_share {
            Some((share, tolerance)) => bounds_from_share(share, size, tolerance),
            None => (down(value.min), up(value.max)),
        };
        let (min_flex, max_flex) = (down(value.min_flex).min(min), up(value.max_flex).max(max));
        ValueQuota { min, max, min_flex, max_flex, ..value.clone() }
    };
    let mut scaled = quotas.clone();
    scaled.size = size;
    for attribute in &mut scaled.attributes {
        attribute.values = attribute.values.iter().map(one).collect();
    }
    scaled
}

/// Holds the lottery of `spec` for every one of `sizes` with quotas scaled to it.
///
/// # Errors
/// [`Cancelled`]; what is wrong with one size stands in its row.
pub fn by_size(
    spec: &LotterySpec,
    sizes: &[u32],
    tolerance: Option<f64>,
    progress: &dyn Progress,
) -> Result<Vec<SizeRow>, Cancelled> {
    let one = |&size: &u32| {
        progress.stage(&format!("a panel of {size}"));
        progress.checkpoint()?;
        let found = found(spec, of_size(&spec.quotas, size, tolerance), progress)?;
        Ok(SizeRow { size, found })
    };
    sizes.iter().map(one).collect()
}

fn found(spec: &LotterySpec, quotas: Quotas, progress: &dyn Progress) -> Result<OfSize, Cancelled> {
    let census = match Census::new(&spec.pool, &quotas, spec.one_per_household) {
        Ok(census) => census,
        Err(errors) => return Ok(OfSize::Infeasible { reasons: errors.iter().map(ToString::to_string).collect() }),
    };
    let report = check_edit(&census, &quotas, None, progress);
    progress.checkpoint()?;
    let reasons = report.findings.into_iter().filter(|finding| finding.severity == Severity::Error);
    if report.lamp == Lamp::Infeasible {
        return Ok(OfSize::Infeasible { reasons: reasons.map(|finding| finding.sentence).collect() });
    }
    // What was settled before belongs to quotas of another size; pool and quotas are what it left.
    let scaled = LotterySpec { quotas, before: None, pool: Arc::clone(&spec.pool), ..spec.clone() };
    match run(&scaled, progress) {
        Ok(result) => Ok(OfSize::Held {
            status: result.status,
            gap: result.gap,
            unreachable: result.unreachable.len(),
            evenness: result.evenness,
        }),
        Err(LotteryError::Cancelled(cancelled)) => Err(cancelled),
        Err(LotteryError::Infeasible) => {
            Ok(OfSize::Infeasible { reasons: vec!["No panel of this size meets the quotas.".to_owned()] })
        }
        Err(error) => Ok(OfSize::Unknown { reason: error.to_string() }),
    }
}

/// Sizes to look at beside `size` in a pool of `people`: half of it to one and a half times, in quarters, where they fit.
pub fn usual_sizes(size: u32, people: usize) -> Vec<u32> {
    let mut sizes: Vec<u32> = [2, 3, 4, 5, 6].map(|quarters| (size * quarters).div_ceil(4)).to_vec();
    sizes.retain(|&size| size > 0 && size as usize <= people);
    sizes.dedup();
    sizes
}

#[cfg(test)]
mod tests {
    use super::super::algorithm::Algorithm;
    use super::super::quotas::AttributeQuotas;
    use super::super::sampled::instances::{self, SQUARE_BOUNDS};
    use super::*;
    use crate::progress::Silent;

    fn square() -> LotterySpec {
        let people: [(&[&str], usize); 4] = [(&["F", "Y"], 1), (&["M", "O"], 4), (&["F", "O"], 2), (&["M", "Y"], 2)];
        let (pool, quotas) = instances::instance(2, &SQUARE_BOUNDS, &people);
        LotterySpec {
            version: 1,
            pool: Arc::new(pool),
            quotas,
            one_per_household: false,
            algorithm: Algorithm::Leximin,
            draws: 100,
            seed: 1,
            before: None,
        }
    }

    /// Three women and three young people among nine: check 1 of dempo.md at size 2; at 6 all three of both sit for sure
    /// only if FY, both FO and both MY do; at 8 four women are asked for of three.
    #[test]
    fn sizes_of_the_square_are_held_or_told_to_be_infeasible() {
        let rows = by_size(&square(), &[2, 4, 6, 8], None, &Silent).unwrap();
        let two = rows[0].evenness().unwrap();
        assert!((two.minimum - 1.0 / 6.0).abs() < 1e-6 && (two.maximum - 2.0 / 3.0).abs() < 1e-6, "{two:?}");
        assert!((two.gini - 2.0 / 9.0).abs() < 1e-6 && (two.effective - 6.0).abs() < 1e-5);
        let six = rows[2].evenness().unwrap();
        // FY + FO = 3 of 3 and FY + MY = 3 of 3: these five are certain, one of four MO sits.
        assert!((six.maximum - 1.0).abs() < 1e-6 && (six.minimum - 0.25).abs() < 1e-6, "{six:?}");
        let OfSize::Infeasible { reasons } = &rows[3].found else { panic!("{:?}", rows[3]) };
        assert!(reasons.iter().any(|reason| reason.contains('F')), "{reasons:?}");
        assert!(rows[3].standing().starts_with("infeasible: ") && rows[0].standing() == "exact");
    }

    #[test]
    fn bounds_keep_their_proportion_or_are_made_from_shares_anew() {
        let counted = ValueQuota::bounded("counted", 3, 4);
        let shared = ValueQuota::from_share("shared", 0.005, 20, 0.1);
        let mine = ValueQuota { target: Some(0.3), ..ValueQuota::bounded("mine", 1, 9) };
        let quotas = Quotas {
            size: 20,
            attributes: vec![AttributeQuotas { name: "a".into(), values: vec![counted, shared, mine] }],
        };
        let bounds = |quotas: &Quotas| -> Vec<(u32, u32)> {
            quotas.attributes[0].values.iter().map(|value| (value.min, value.max)).collect()
        };
        assert_eq!(bounds(&quotas), [(3, 4), (0, 1), (1, 9)]);
        assert_eq!(bounds(&of_size(&quotas, 145, Some(0.1))), [(21, 29), (0, 1), (7, 66)]);
        assert_eq!(bounds(&of_size(&quotas, 145, None)), [(21, 29), (0, 8), (7, 66)]);
        assert_eq!(of_size(&quotas, 20, Some(0.1)), quotas);
        assert_eq!(bounds(&of_size(&quotas, 10, None)), [(1, 2), (0, 1), (0, 5)]);
    }

    #[test]
    fn usual_sizes_lie_around_the_size_and_in_the_pool() {
        assert_eq!(usual_sizes(30, 300), [15, 23, 30, 38, 45]);
        assert_eq!(usual_sizes(2, 2), [1, 2]);
    }
}
