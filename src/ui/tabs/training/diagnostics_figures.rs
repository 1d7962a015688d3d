//! What the diagnostics of trainings look like: figures and tables out of what was computed. For background threads.

use std::collections::BTreeMap;

use crate::dempo::gradients::{Alignment, Estimate};
use crate::dempo::soft_weights::TransformedWeights;
use crate::figures::figure::{Axis, Figure, Layer, Ticks};
use crate::figures::number;
use crate::models::llama::UpdateSize;
use crate::ui::command::Table;

/// Half the width of a 95 % interval in standard errors.
const NORMAL: f64 = 1.959_963_984_540_054;

/// Figures and tables, with what they mean in a sentence.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    pub sentence: String,
    pub figures: Vec<Figure>,
    pub tables: Vec<Table>,
}

fn axis(label: &str) -> Axis {
    Axis { label: label.to_owned(), ticks: Ticks::Linear { range: None } }
}

fn names(label: &str, names: &[String]) -> Axis {
    Axis { label: label.to_owned(), ticks: Ticks::Names(names.to_vec()) }
}

fn table(name: &str, header: &[&str], rows: Vec<Vec<String>>) -> Table {
    Table { name: name.to_owned(), header: header.iter().map(|&cell| cell.to_owned()).collect(), rows }
}

/// Lengths and cosines of the schemes' gradients; `at` says at which weights.
pub fn gradients(found: &Alignment, at: &str) -> Shown {
    let schemes: Vec<String> = found.schemes.iter().map(|scheme| scheme.name.clone()).collect();
    let raters = number::counted(found.looked_at as u64, "rater", "raters");
    let pairs = number::counted(found.pairs as u64, "pair", "pairs");
    let how = match found.sampled {
        true => format!(
            "estimated from {} of raters by their share ({pairs} of {raters} out of {}), with standard errors by resampling raters",
            number::counted(found.draws as u64, "draw", "draws"),
            number::count(found.raters as u64)
        ),
        false => format!("exact, over {pairs} of {raters}"),
    };
    let count = schemes.len();
    let value = |cosine: &Option<Estimate>| cosine.map_or(f64::NAN, |cosine| cosine.value);
    let cosines = Figure {
        title: "Cosines between gradients".to_owned(),
        caption: format!("Cosines between the gradients of the schemes {at}; {how}."),
        x: names("scheme", &schemes),
        y: names("scheme", &schemes),
        layers: vec![Layer::Heat {
            name: "cosine".to_owned(),
            unit: String::new(),
            rows: count,
            columns: count,
            values: found.cosines.iter().flatten().map(value).collect(),
            diverging: true,
            at_least: Vec::new(),
        }],
    };
    let norms = found.schemes.iter().enumerate();
    let layer = if found.sampled {
        let points = norms.map(|(place, scheme)| {
            let half = NORMAL * scheme.norm.error.unwrap_or(f64::NAN);
            let length = scheme.norm.value;
            [place as f64, length, length - half, length + half]
        });
        Layer::Intervals { name: "with 95 % interval".to_owned(), colour: 0, points: points.collect() }
    } else {
        let points = norms.map(|(place, scheme)| [place as f64, scheme.norm.value]).collect();
        Layer::Points { name: "length".to_owned(), colour: 0, points }
    };
    let lengths = Figure {
        title: "Lengths of gradients".to_owned(),
        caption: format!("Lengths of the gradients of the schemes {at}; {how}."),
        x: names("scheme", &schemes),
        y: axis("length of the gradient"),
        layers: vec![layer],
    };
    let error = |error: Option<f64>| error.map_or("–".to_owned(), |error| number::general(error, 2));
    let length_rows = found.schemes.iter().map(|scheme| {
        vec![
            scheme.name.clone(),
            scheme.raters.to_string(),
            scheme.looked_at.to_string(),
            number::general(scheme.norm.value, 5),
            error(scheme.norm.error),
        ]
    });
    let mut cosine_rows = Vec::new();
    for (a, row) in found.cosines.iter().enumerate() {
        for (b, cosine) in row.iter().enumerate().skip(a + 1) {
            let number = cosine.map_or("none: a gradient is zero".to_owned(), |one| number::fixed(one.value, 5));
            let error = error(cosine.and_then(|one| one.error));
            cosine_rows.push(vec![schemes[a].clone(), schemes[b].clone(), number, error]);
        }
    }
    Shown {
        sentence: gradient_sentence(found, &how),
        figures: vec![cosines, lengths],
        tables: vec![
            table("gradient-cosines", &["scheme", "other scheme", "cosine", "standard error"], cosine_rows),
            table(
                "gradient-lengths",
                &["scheme", "raters", "raters looked at", "length", "standard error"],
                length_rows.collect(),
            ),
        ],
    }
}

/// The two schemes that pull the most differently.
fn gradient_sentence(found: &Alignment, how: &str) -> String {
    let mut least: Option<(usize, usize, f64)> = None;
    for (a, row) in found.cosines.iter().enumerate() {
        for (b, cosine) in row.iter().enumerate().skip(a + 1) {
            if let Some(cosine) = cosine
                && least.is_none_or(|(_, _, known)| cosine.value < known)
            {
                least = Some((a, b, cosine.value));
            }
        }
    }
    let kind = if found.sampled { "A sample" } else { "Exact" };
    match least {
        Some((a, b, cosine)) => format!(
            "{kind}: {} and {} differ the most in direction, with a cosine of {} ({how}).",
            found.schemes[a].name,
            found.schemes[b].name,
            number::fixed(cosine, 3)
        ),
        None => format!("{kind}: there are no two gradients to compare ({how})."),
    }
}

/// How far runs moved their models.
pub fn updates(found: &[(String, Result<UpdateSize, String>)]) -> Shown {
    let good: Vec<(&String, &UpdateSize)> =
        found.iter().filter_map(|(name, size)| size.as_ref().ok().map(|size| (name, size))).collect();
    let rows = found.iter().map(|(name, size)| match size {
        Ok(size) => vec![
            name.clone(),
            if size.adapter { "adapter" } else { "every tensor" }.to_owned(),
            size.tensors.len().to_string(),
            number::general(size.update, 4),
            number::general(size.relative(), 4),
            number::general(size.relative_to_model(), 4),
        ],
        Err(problem) => {
            let mut row = vec![name.clone(), format!("not measured: {problem}")];
            row.resize(6, "–".to_owned());
            row
        }
    });
    let runs = table(
        "update-sizes",
        &["run", "trained", "tensors", "update", "over the tensors trained", "over the whole model"],
        rows.collect(),
    );
    let lines = good.iter().enumerate().map(|(colour, (name, size))| Layer::Line {
        name: (*name).clone(),
        colour,
        points: by_layer(size),
        dashed: false,
    });
    let figure = Figure {
        title: "Update by layer".to_owned(),
        caption: "Frobenius norm of the update of each layer's trained tensors over their norm before.".to_owned(),
        x: axis("layer"),
        y: axis("relative update"),
        layers: lines.collect(),
    };
    let mut tensors: Vec<String> = Vec::new();
    for one in good.iter().flat_map(|(_, size)| &size.tensors) {
        if !tensors.contains(&one.name) {
            tensors.push(one.name.clone());
        }
    }
    let mut header = vec!["tensor".to_owned(), "norm before".to_owned()];
    header.extend(good.iter().map(|(name, _)| format!("{name}: relative update")));
    let of: Vec<BTreeMap<&str, [Option<f64>; 2]>> = good
        .iter()
        .map(|(_, size)| size.tensors.iter().map(|one| (one.name.as_str(), [Some(one.base), one.relative()])).collect())
        .collect();
    let cell = |value: Option<f64>| value.map_or("–".to_owned(), |value| number::general(value, 4));
    let rows = tensors.iter().map(|name| {
        let base = of.iter().find_map(|sizes| sizes.get(name.as_str())).and_then(|pair| pair[0]);
        let mut row = vec![name.clone(), cell(base)];
        row.extend(of.iter().map(|sizes| cell(sizes.get(name.as_str()).and_then(|pair| pair[1]))));
        row
    });
    let tensors = Table { name: "update-by-tensor".to_owned(), header, rows: rows.collect() };
    let most = good.iter().max_by(|a, b| a.1.relative().total_cmp(&b.1.relative()));
    let sentence = match most {
        Some((name, size)) => format!(
            "Of {}, {name} moved its trained tensors the furthest, by {} of their norm.",
            number::counted(good.len() as u64, "training", "trainings"),
            number::general(size.relative(), 3)
        ),
        None => "No training could be measured.".to_owned(),
    };
    Shown { sentence, figures: if good.is_empty() { Vec::new() } else { vec![figure] }, tables: vec![runs, tensors] }
}

/// `[layer, relative update]` over each layer's trained tensors.
fn by_layer(size: &UpdateSize) -> Vec<[f64; 2]> {
    let mut squares: BTreeMap<u32, [f64; 2]> = BTreeMap::new();
    for one in &size.tensors {
        let layer = one.name.strip_prefix("model.layers.").and_then(|rest| rest.split('.').next());
        if let Some(layer) = layer.and_then(|layer| layer.parse().ok()) {
            let sums = squares.entry(layer).or_default();
            sums[0] += one.update.powi(2);
            sums[1] += one.base.powi(2);
        }
    }
    squares.into_iter().map(|(layer, [update, base])| [f64::from(layer), (update / base).sqrt()]).collect()
}

/// Soft's weights under transforms.
pub fn transforms(found: &[TransformedWeights]) -> Shown {
    let lines = found.iter().enumerate().map(|(colour, one)| Layer::Line {
        name: one.transform.words(),
        colour,
        points: one.curve.iter().map(|[chance, weight]| [100.0 * chance, *weight]).collect(),
        dashed: !one.closed_form,
    });
    let mut layers: Vec<Layer> = lines.collect();
    layers.push(Layer::Guide { name: "every rater alike".to_owned(), slope: 0.0, intercept: 1.0 });
    let figure = Figure {
        title: "Soft weights under transforms".to_owned(),
        caption: "Weight of each rater over the mean, against the chance to be on the panel. Dashed: no longer the closed form."
            .to_owned(),
        x: axis("chance to be on the panel (%)"),
        y: axis("weight over the mean"),
        layers,
    };
    let rows = found.iter().map(|one| {
        vec![
            one.transform.words(),
            one.raters.to_string(),
            number::fixed(one.effective_raters, 1),
            number::fixed(one.effective_pairs, 1),
            number::fixed(one.design_effect, 3),
            number::fixed(one.least, 3),
            number::fixed(one.most, 3),
            if one.closed_form { "closed form" } else { "no longer the closed form" }.to_owned(),
        ]
    });
    let header = [
        "weights",
        "raters",
        "effective raters",
        "effective pairs",
        "design effect",
        "least over the mean",
        "most over the mean",
        "form",
    ];
    let sentence = match found.iter().find(|one| one.closed_form) {
        Some(plain) => format!(
            "As they are, the weights of {} are worth {} equal ones; every transform gives up the closed form.",
            number::counted(plain.raters as u64, "rater", "raters"),
            number::fixed(plain.effective_raters, 1)
        ),
        None => "Every transform gives up the closed form.".to_owned(),
    };
    Shown { sentence, figures: vec![figure], tables: vec![table("soft-transforms", &header, rows.collect())] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dempo::gradients::SchemeGradient;
    use crate::dempo::soft_weights::{USUAL, soft_weights};
    use crate::models::llama::TensorUpdate;

    fn alignment(sampled: bool) -> Alignment {
        let error = sampled.then_some(0.1);
        let scheme = |name: &str, value| SchemeGradient {
            name: name.into(),
            raters: 4,
            looked_at: 2,
            norm: Estimate { value, error },
        };
        let cosine = |value| Some(Estimate { value, error });
        Alignment {
            schemes: vec![scheme("Hard Panel", 1.0), scheme("Full", 2.0)],
            cosines: vec![vec![cosine(1.0), cosine(0.25)], vec![cosine(0.25), cosine(1.0)]],
            raters: 4,
            looked_at: 2,
            pairs: 6,
            sampled,
            draws: 3,
            dimensions: 9,
        }
    }

    #[test]
    fn a_sample_is_labelled_wherever_it_is_shown() {
        let sample = gradients(&alignment(true), "at the start");
        assert!(sample.sentence.starts_with("A sample: Hard Panel and Full differ the most"), "{}", sample.sentence);
        assert!(
            sample.figures.iter().all(|figure| figure
                .caption
                .contains("3 draws of raters by their share (6 pairs of 2 raters out of 4)"))
        );
        assert!(matches!(&sample.figures[1].layers[0], Layer::Intervals { points, .. } if points[1][3] > 2.19));
        assert_eq!(sample.tables[0].rows, [["Hard Panel", "Full", "0.25000", "0.1"].map(str::to_owned).to_vec()]);
        let exact = gradients(&alignment(false), "at the start");
        assert!(exact.sentence.starts_with("Exact") && matches!(exact.figures[1].layers[0], Layer::Points { .. }));
        assert_eq!(exact.tables[0].rows[0][3], "–");
    }

    #[test]
    fn updates_stand_side_by_side_by_run_layer_and_tensor() {
        let tensor = |name: &str, base, update| TensorUpdate { name: name.into(), numbers: 4, base, update };
        let size = UpdateSize {
            adapter: true,
            tensors: vec![
                tensor("model.layers.0.self_attn.q_proj.weight", 4.0, 0.3),
                tensor("model.layers.0.self_attn.v_proj.weight", 3.0, 0.4),
                tensor("model.layers.1.self_attn.q_proj.weight", 2.0, 0.1),
            ],
            update: 0.26f64.sqrt(),
            base: 29f64.sqrt(),
            model: 10.0,
        };
        assert_eq!(by_layer(&size)[0][0], 0.0);
        assert!((by_layer(&size)[0][1] - 0.1).abs() < 1e-12 && (by_layer(&size)[1][1] - 0.05).abs() < 1e-12);
        let shown = updates(&[("Run 1".into(), Ok(size)), ("Run 2".into(), Err("gone".into()))]);
        assert_eq!(shown.tables[0].rows[1][1], "not measured: gone");
        assert_eq!(shown.tables[1].header.len(), 3);
        assert_eq!(shown.tables[1].rows[2][0], "model.layers.1.self_attn.q_proj.weight");
        assert!(shown.sentence.contains("Of 1 training, Run 1"), "{}", shown.sentence);
    }

    #[test]
    fn transforms_tell_which_give_up_the_closed_form() {
        let shown = transforms(&soft_weights(&[0, 1, 2], &[0.64, 0.16, 0.04], &USUAL).unwrap());
        let forms: Vec<&str> = shown.tables[0].rows.iter().map(|row| row[7].as_str()).collect();
        assert_eq!(forms[0], "closed form");
        assert!(forms[1..].iter().all(|form| *form == "no longer the closed form"));
        assert!(matches!(&shown.figures[0].layers[1], Layer::Line { dashed: true, .. }));
        assert!(shown.sentence.contains("worth 1.6 equal ones"), "{}", shown.sentence);
    }
}
