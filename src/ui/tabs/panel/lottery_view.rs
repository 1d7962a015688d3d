//! What a lottery's run found, made ready on a background thread: figures, tables, the list that is drawn from.

use std::sync::Arc;

use super::grid::Seats;
use crate::figures::figure::{Axis, Figure, Layer, Ticks};
use crate::figures::number;
use crate::jobs::spec::RunSpec;
use crate::progress::Silent;
use crate::sortition::draw::PublishedList;
use crate::sortition::fairness::{self, ValueChances};
use crate::sortition::legacy;
use crate::sortition::lottery_run::{self, LotteryResult, LotterySpec};
use crate::sortition::problem::Problem;
use crate::store::{Project, RunId, StoreError};
use crate::ui::command::Table;

/// Panels and types listed at most; exports hold all.
const LISTED: usize = 200;
/// Attempts of LEGACY for the curve beside a lottery's.
const COMPARED: u64 = 2_000;

/// A lottery with everything that is shown of it.
pub struct LotteryView {
    pub spec: Arc<LotterySpec>,
    pub result: Arc<LotteryResult>,
    pub expected: Seats,
    /// The chances from the lowest to the highest, by percentile of the pool.
    pub curve: Vec<f64>,
    pub composition_table: Table,
    pub favoured: Table,
    pub panels: Table,
    /// The panels as published before a draw, or why they cannot be.
    pub list: Result<Arc<PublishedList>, String>,
}

impl LotteryView {
    /// Reads a run's lottery; `None` until it is there.
    pub fn load(project: &Project, run: RunId) -> Result<Option<Self>, StoreError> {
        let Some(result) = project.document::<LotteryResult>(run, lottery_run::RESULT)? else { return Ok(None) };
        let RunSpec::Lottery(spec) = project.run(run)?.spec else { return Ok(None) };
        Ok(Some(Self::new(spec, result)))
    }

    fn new(spec: LotterySpec, result: LotteryResult) -> Self {
        let composition = fairness::composition(&spec.pool, &spec.quotas, &result.inclusion);
        let size = f64::from(spec.quotas.size);
        let expected =
            composition.iter().map(|row| ((row.attribute.clone(), row.value.clone()), row.expected * size)).collect();
        let list = PublishedList::weighted(&result.lottery, spec.pool.ids());
        let list = list.map(Arc::new).map_err(|error| error.to_string());
        Self {
            composition_table: composition_table(&composition, size),
            favoured: favoured(&spec, &result),
            panels: panels(&result, list.as_deref().ok()),
            curve: fairness::percentile_curve(&result.inclusion),
            expected,
            list,
            spec: Arc::new(spec),
            result: Arc::new(result),
        }
    }

    /// Everybody's chance as a figure, with LEGACY's beside it where that was estimated.
    pub fn figure(&self, legacy: Option<&[f64]>) -> Figure {
        let line = |curve: &[f64]| (0..).zip(curve).map(|(k, &chance)| [f64::from(k), 100.0 * chance]).collect();
        let name = self.spec.algorithm.to_string();
        let mut layers = vec![Layer::Line { name, colour: 0, points: line(&self.curve), dashed: false }];
        if let Some(legacy) = legacy {
            let name = format!("LEGACY, {} attempts", number::count(COMPARED));
            layers.push(Layer::Line { name, colour: 1, points: line(legacy), dashed: true });
        }
        let fair = 100.0 * f64::from(self.spec.quotas.size) / self.spec.pool.len().max(1) as f64;
        layers.push(Layer::Guide { name: "same chance for all".to_owned(), slope: 0.0, intercept: fair });
        Figure {
            title: "Everybody's chance to be drawn".to_owned(),
            caption: format!(
                "Chances of {} people to be on a panel of {}, from the lowest to the highest, under {}.",
                number::count(self.spec.pool.len() as u64),
                self.spec.quotas.size,
                self.spec.algorithm
            ),
            x: Axis {
                label: "people from the lowest chance (percentile)".to_owned(),
                ticks: Ticks::Linear { range: Some((0.0, 100.0)) },
            },
            y: Axis { label: "chance (%)".to_owned(), ticks: Ticks::Linear { range: None } },
            layers,
        }
    }

    /// Everybody with their chance, for a file.
    pub fn chances(spec: &LotterySpec, result: &LotteryResult) -> Table {
        let mut header = vec!["id".to_owned()];
        header.extend(spec.pool.attributes().iter().map(|attribute| attribute.name.clone()));
        header.push("chance".to_owned());
        let row = |(person, chance): (usize, &f64)| {
            let mut row = vec![spec.pool.ids()[person].clone()];
            row.extend(answers(spec, person));
            row.push(chance.to_string());
            row
        };
        Table { name: "chances".to_owned(), header, rows: result.inclusion.iter().enumerate().map(row).collect() }
    }
}

/// What a person answered, in words.
pub fn answers(spec: &LotterySpec, person: usize) -> Vec<String> {
    let pairs = spec.pool.attributes().iter().zip(spec.pool.values(person));
    pairs.map(|(attribute, &value)| attribute.values[usize::from(value)].clone()).collect()
}

/// LEGACY's chances by percentile for the same pool and quotas, estimated; for a background thread.
pub fn legacy_curve(spec: &LotterySpec) -> Result<Vec<f64>, String> {
    let problem = Problem::new(&spec.pool, &spec.quotas, spec.one_per_household).map_err(|error| error.to_string())?;
    let chances = legacy::chances(&problem, spec.seed, COMPARED, 0.95, &Silent).map_err(|error| error.to_string())?;
    Ok(fairness::percentile_curve(&chances.inclusion))
}

fn composition_table(rows: &[ValueChances], size: f64) -> Table {
    let percent = |share: f64| format!("{} %", number::fixed(100.0 * share, 1));
    let row = |row: &ValueChances| {
        vec![
            row.attribute.clone(),
            row.value.clone(),
            row.target.map_or("–".to_owned(), percent),
            percent(row.pool),
            percent(row.expected),
            number::fixed(row.expected * size, 2),
            row.relative.map_or("–".to_owned(), |relative| format!("× {}", number::fixed(relative, 2))),
        ]
    };
    let header = ["attribute", "value", "target", "pool", "panel, expected", "seats, expected", "mean chance over k/n"];
    Table {
        name: "expected composition".to_owned(),
        header: header.map(str::to_owned).to_vec(),
        rows: rows.iter().map(row).collect(),
    }
}

/// Kinds of people by chance, the most favoured first, with what pushes them.
fn favoured(spec: &LotterySpec, result: &LotteryResult) -> Table {
    let header = ["people", "who", "chance", "seats asked over seats offered", "most of it from"];
    let mut rows = Vec::new();
    if let Ok(problem) = Problem::new(&spec.pool, &spec.quotas, spec.one_per_household) {
        let mut types = fairness::explain(&problem, &spec.quotas, &result.inclusion).types;
        types.sort_by(|a, b| b.chance.total_cmp(&a.chance).then(a.kind.cmp(&b.kind)));
        let ends = types.len() > 2 * LISTED;
        let (first, last) = if ends { (LISTED, types.len() - LISTED) } else { (types.len(), types.len()) };
        for explained in types[..first].iter().chain(&types[last..]) {
            let kind = &problem.types[explained.kind];
            let value = |attribute: usize, value: usize| spec.quotas.attributes[attribute].values[value].value.as_str();
            let who: Vec<&str> = kind.values.iter().enumerate().map(|(a, &v)| value(a, usize::from(v))).collect();
            let strongest = explained.pushes.first().map_or(String::new(), |push| {
                format!("{} (× {})", value(push.attribute, push.value), number::fixed(push.ratio, 2))
            });
            rows.push(vec![
                number::count(u64::from(kind.size())),
                who.join(", "),
                format!("{} %", number::fixed(100.0 * explained.chance, 2)),
                format!("× {}", number::fixed(explained.ratio_product, 2)),
                strongest,
            ]);
        }
    }
    Table { name: "kinds of people by chance".to_owned(), header: header.map(str::to_owned).to_vec(), rows }
}

fn panels(result: &LotteryResult, list: Option<&PublishedList>) -> Table {
    let row = |(k, panel): (usize, &crate::sortition::lottery::Panel)| {
        let hash = list.map_or(String::new(), |list| list.hashes[k].clone());
        vec![(k + 1).to_string(), format!("{} %", number::fixed(100.0 * panel.probability, 3)), hash]
    };
    Table {
        name: "panels".to_owned(),
        header: ["number", "probability", "hash of its members"].map(str::to_owned).to_vec(),
        rows: result.lottery.panels.iter().enumerate().map(row).collect(),
    }
}
