//! What the exact mode draws, worked out on a background thread.

use super::super::figures::{self, axis, linear};
use super::perfect::PerfectView;
use crate::figures::figure::{Figure, Layer, Ticks};
use crate::figures::number;
use crate::glauber::exact::{ExactResult, Starts};
use crate::glauber::experiments::exact::ExactRunSpec;
use crate::glauber::experiments::perfect::PerfectResult;
use crate::jobs::chains::{PERFECT, RESULT};
use crate::store::{Project, RunId, StoreError};
use crate::ui::command::Table;

/// An enumerated space, ready to draw.
pub struct ExactView {
    pub run: RunId,
    pub spec: ExactRunSpec,
    pub result: ExactResult,
    /// `None` without a unique stationary law.
    pub distance: Option<Figure>,
    pub spectrum: Option<Figure>,
    pub influence: Option<Figure>,
    pub perfect: Option<PerfectView>,
}

impl ExactView {
    /// Reads the result, if it is there yet.
    pub fn load(project: &Project, run: RunId, spec: &ExactRunSpec) -> Result<Option<Self>, StoreError> {
        let perfect = project.document::<PerfectResult>(run, PERFECT)?;
        Ok(project.document::<ExactResult>(run, RESULT)?.map(|result| Self::new(run, spec, result, perfect)))
    }

    fn new(run: RunId, spec: &ExactRunSpec, result: ExactResult, perfect: Option<PerfectResult>) -> Self {
        let matrix = &result.influence.matrix;
        let caption =
            "Exact influence: the largest total variation over all pairs of states that differ at one position.";
        Self {
            distance: distance(spec, &result),
            spectrum: spectrum(spec, &result),
            influence: (matrix.sites > 1).then(|| figures::influence(matrix, "Exact influence", caption.to_owned())),
            perfect: perfect.map(|perfect| PerfectView::new(spec, perfect)),
            run,
            spec: spec.clone(),
            result,
        }
    }

    /// All tokens that the tables name, each once.
    pub fn tokens(&self) -> Vec<u32> {
        let states = self.result.basins.iter().flat_map(|basin| &basin.attractor);
        let mut tokens: Vec<u32> = states.chain([&self.result.rectangles.context]).flatten().copied().collect();
        tokens.extend(&self.result.tokens);
        if let Some(rectangle) = &self.result.rectangles.largest {
            tokens.extend([rectangle.a, rectangle.a2, rectangle.b, rectangle.b2]);
        }
        tokens.sort_unstable();
        tokens.dedup();
        tokens
    }

    /// The basins as a table, states written by `text`.
    pub fn basins(&self, text: impl Fn(u32) -> String) -> Table {
        let sentence = |state: &[u32]| state.iter().map(|&token| text(token)).collect::<Vec<_>>().join(" ");
        let rows = self.result.basins.iter().map(|basin| {
            let attractor: Vec<String> = basin.attractor.iter().map(|state| sentence(state)).collect();
            vec![
                attractor.join(" → "),
                if basin.fixed_point { "fixed point" } else { "cycle" }.to_owned(),
                number::count(basin.states),
                basin.mass.map_or("–".to_owned(), number::probability),
                basin.bottleneck.map_or("–".to_owned(), |bottleneck| number::general(bottleneck.phi, 4)),
                basin
                    .bottleneck
                    .and_then(|bottleneck| bottleneck.mixing_lower)
                    .map_or("–".to_owned(), |steps| number::general(steps, 4)),
            ]
        });
        let header = ["attractor", "kind", "states", "stationary mass", "bottleneck ratio", "t_mix at least (steps)"];
        Table { name: "basins".to_owned(), header: header.map(str::to_owned).to_vec(), rows: rows.collect() }
    }
}

fn about(spec: &ExactRunSpec, result: &ExactResult) -> String {
    format!(
        "{}, {} tokens at {} positions, τ = {}, random scan",
        spec.model,
        result.tokens.len(),
        result.sites,
        result.temperature
    )
}

fn distance(spec: &ExactRunSpec, result: &ExactResult) -> Option<Figure> {
    let all = result.d_over? == Starts::All;
    let points = result.d.iter().map(|at| [at.t as f64, at.d]).collect();
    let name = if all { "d(t), exact" } else { "lower bound on d(t), from some starts" };
    let mut layers = vec![
        Layer::Guide { name: "1/4".to_owned(), slope: 0.0, intercept: 0.25 },
        Layer::Line { name: name.to_owned(), colour: 0, points, dashed: !all },
    ];
    if let Some(t) = result.t_mix {
        let at = result.d.iter().find(|at| at.t == t).map_or(0.25, |at| at.d);
        layers.push(Layer::Points { name: "t_mix(1/4)".to_owned(), colour: 2, points: vec![[t as f64, at]] });
    }
    let time = match (result.t_mix, result.t_mix_lower) {
        (Some(t), _) => format!("t_mix(1/4) = {} steps", number::count(t)),
        (None, Some(t)) => format!("t_mix(1/4) is at least {} steps", number::count(t)),
        (None, None) => "the mixing time is not known".to_owned(),
    };
    Some(Figure {
        title: "Distance to the stationary law".to_owned(),
        caption: format!(
            "Largest total variation over starts, computed by enumeration; {time}. {}.",
            about(spec, result)
        ),
        x: linear("steps"),
        y: axis("d(t)", Ticks::Linear { range: Some((0.0, 1.03)) }),
        layers,
    })
}

fn spectrum(spec: &ExactRunSpec, result: &ExactResult) -> Option<Figure> {
    let points = result.spectrum.as_ref()?.eigenvalues.clone()?;
    let circle = (0..=180).map(|k| {
        let angle = f64::from(k) * std::f64::consts::TAU / 180.0;
        [angle.cos(), angle.sin()]
    });
    Some(Figure {
        title: "Spectrum".to_owned(),
        caption: format!(
            "Eigenvalues of one step in the complex plane; those off the real axis show that the chain is not reversible. {}.",
            about(spec, result)
        ),
        x: linear("real part"),
        y: linear("imaginary part"),
        layers: vec![
            Layer::Line { name: "unit circle".to_owned(), colour: 3, points: circle.collect(), dashed: true },
            Layer::Points { name: "eigenvalues".to_owned(), colour: 0, points },
        ],
    })
}
