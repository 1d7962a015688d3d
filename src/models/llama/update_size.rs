//! How far a training moved the weights: Frobenius norms of the update, beside those of the weights it began with
//! (dempo.md, section 11, table T7). Tensors are read one at a time, in double precision, without a network.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};

use super::adapter::{WEIGHTS, read_settings, unreadable};
use super::config::LlamaConfig;
use super::open::open_weights;
use crate::models::error::ModelError;
use crate::models::weights::{Initial, Weights};
use crate::progress::Progress;

/// One tensor that was trained.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct TensorUpdate {
    /// As in the model's checkpoint.
    pub name: String,
    /// Numbers in it.
    pub numbers: u64,
    /// Frobenius norm before the training.
    pub base: f64,
    /// Frobenius norm of what was added: of `scale B A` for an adapter, of the difference otherwise.
    pub update: f64,
}

impl TensorUpdate {
    /// The update over the base; none for a tensor that was all zeros.
    pub fn relative(&self) -> Option<f64> {
        (self.base > 0.0).then(|| self.update / self.base)
    }
}

/// The update of a whole training.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct UpdateSize {
    /// Whether an adapter was trained; otherwise every tensor.
    pub adapter: bool,
    /// Every trained tensor, in the model's order.
    pub tensors: Vec<TensorUpdate>,
    /// Root of the sum of squares of all updates.
    pub update: f64,
    /// The same of the tensors that were trained, before.
    pub base: f64,
    /// The same of every tensor of the model, before.
    pub model: f64,
}

impl UpdateSize {
    /// The update over the tensors that were trained.
    pub fn relative(&self) -> f64 {
        self.update / self.base
    }

    /// The update over the whole model.
    pub fn relative_to_model(&self) -> f64 {
        self.update / self.model
    }

    fn new(adapter: bool, tensors: Vec<TensorUpdate>, model_squares: f64) -> Self {
        let root = |of: &dyn Fn(&TensorUpdate) -> f64| tensors.iter().map(|one| of(one).powi(2)).sum::<f64>().sqrt();
        let (update, base) = (root(&|one| one.update), root(&|one| one.base));
        Self { adapter, update, base, model: model_squares.sqrt(), tensors }
    }
}

/// How far `trained`, the folder of an adapter or of a whole model, is from the Llama that `model` names.
///
/// # Errors
/// [`ModelError`] where either cannot be read, or they are not of one shape.
pub fn update_size(model: &str, trained: &Path, progress: &dyn Progress) -> Result<UpdateSize, ModelError> {
    let (config, base) = open_weights(model, progress)?;
    progress.stage("measuring the update");
    if trained.join("adapter_config.json").is_file() {
        return of_adapter(&config, &base, trained, progress);
    }
    if !trained.join("config.json").is_file() {
        return Err(unreadable(
            trained,
            "the folder holds neither an adapter nor a model",
            "Name the output folder of a training that has ended",
        ));
    }
    let (_, after) = open_weights(&trained.display().to_string(), progress)?;
    of_difference(&config, &base, &after, progress)
}

/// Names and shapes of every tensor, in the model's order.
fn tensors(config: &LlamaConfig) -> Vec<(String, Vec<usize>)> {
    let table = || vec![config.vocabulary, config.hidden];
    let mut all = vec![("model.embed_tokens.weight".to_owned(), table())];
    for layer in 0..config.layers {
        for (part, rows, columns) in config.matrices() {
            all.push((format!("model.layers.{layer}.{part}.weight"), vec![rows, columns]));
        }
        for part in ["input_layernorm", "post_attention_layernorm"] {
            all.push((format!("model.layers.{layer}.{part}.weight"), vec![config.hidden]));
        }
    }
    all.push(("model.norm.weight".to_owned(), vec![config.hidden]));
    if !config.tied {
        all.push(("lm_head.weight".to_owned(), table()));
    }
    all
}

fn squares(tensor: &Tensor) -> Result<f64, ModelError> {
    Ok(tensor.sqr()?.sum_all()?.to_scalar::<f64>()?)
}

fn numbers(shape: &[usize]) -> u64 {
    shape.iter().product::<usize>() as u64
}

fn of_difference(
    config: &LlamaConfig,
    base: &Weights,
    after: &Weights,
    progress: &dyn Progress,
) -> Result<UpdateSize, ModelError> {
    let all = tensors(config);
    let (mut found, mut model) = (Vec::with_capacity(all.len()), 0.0);
    for (done, (name, shape)) in all.iter().enumerate() {
        progress.checkpoint()?;
        progress.report(done as u64, all.len() as u64);
        let before = base.take(name, shape, Initial::Normal, DType::F64)?;
        let change = (after.take(name, shape, Initial::Normal, DType::F64)? - &before)?;
        let own = squares(&before)?;
        model += own;
        let update = squares(&change)?.sqrt();
        found.push(TensorUpdate { name: name.clone(), numbers: numbers(shape), base: own.sqrt(), update });
    }
    Ok(UpdateSize::new(false, found, model))
}

fn of_adapter(
    config: &LlamaConfig,
    base: &Weights,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<UpdateSize, ModelError> {
    let settings = read_settings(folder)?;
    let path = folder.join(WEIGHTS);
    let sides: HashMap<String, Tensor> = candle_core::safetensors::load(&path, &Device::Cpu).map_err(|e| {
        unreadable(&path, format!("the adapter cannot be read: {e}"), "Take the whole folder PEFT saved")
    })?;
    let side = |stem: &str, side: &str, shape: [usize; 2]| -> Result<Tensor, ModelError> {
        let name = format!("base_model.model.{stem}.lora_{side}.weight");
        let tensor = sides
            .get(&name)
            .ok_or_else(|| ModelError::MissingTensor { name: name.clone(), file: path.display().to_string() })?;
        if tensor.dims() != shape {
            return Err(ModelError::WrongShape { name, expected: shape.to_vec(), got: tensor.dims().to_vec() });
        }
        Ok(tensor.to_dtype(DType::F64)?)
    };
    let all = tensors(config);
    let (mut found, mut model) = (Vec::new(), 0.0);
    for (done, (name, shape)) in all.iter().enumerate() {
        progress.checkpoint()?;
        progress.report(done as u64, all.len() as u64);
        let own = squares(&base.take(name, shape, Initial::Normal, DType::F64)?)?;
        model += own;
        let stem = name.trim_end_matches(".weight");
        if let &[rows, columns] = shape.as_slice()
            && stem.starts_with("model.layers.")
            && settings.targets.iter().any(|target| stem.ends_with(&format!(".{target}")))
        {
            let a = side(stem, "A", [settings.rank, columns])?;
            let b = side(stem, "B", [rows, settings.rank])?;
            let update = settings.scale() * product_norm(&a, &b)?;
            found.push(TensorUpdate { name: name.clone(), numbers: numbers(shape), base: own.sqrt(), update });
        }
    }
    Ok(UpdateSize::new(true, found, model))
}

/// Frobenius norm of B A out of the small products, `|B A|^2 = sum of (B^T B) * (A A^T)`.
fn product_norm(a: &Tensor, b: &Tensor) -> Result<f64, ModelError> {
    let (left, right) = (b.t()?.matmul(b)?, a.matmul(&a.t()?)?);
    Ok((left * right)?.sum_all()?.to_scalar::<f64>()?.max(0.0).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::llama::{self, LoraSettings, OpenSettings, Trained};
    use crate::progress::Silent;

    #[test]
    fn the_norm_of_a_product_is_that_by_hand() {
        // B A = [[1, 2], [3, 6]] with A = (1, 2), B = (1, 3): norm sqrt(50).
        let a = Tensor::new(&[[1.0f64, 2.0]], &Device::Cpu).unwrap();
        let b = Tensor::new(&[[1.0f64], [3.0]], &Device::Cpu).unwrap();
        assert!((product_norm(&a, &b).unwrap() - 50f64.sqrt()).abs() < 1e-12);
    }

    /// An adapter with a B of ones, and the same adapter merged into a whole model: two ways to one norm.
    #[test]
    fn an_adapter_and_its_merged_model_moved_equally_far() {
        let folder = tempfile::tempdir().unwrap();
        let settings =
            LoraSettings { rank: 2, alpha: 3.0, targets: ["q_proj".into()].into(), ..LoraSettings::default() };
        let trained = Trained::Adapter(settings, 4);
        let open = OpenSettings { trained, arithmetic: llama::Arithmetic::F64, ..OpenSettings::default() };
        let mut network = llama::open("ekklesia", &open, &Silent).unwrap().network;
        for at in 0..network.parameters.list().len() {
            let parameter = &network.parameters.list()[at];
            if parameter.name.contains("lora_B") {
                let ones = parameter.value.ones_like().unwrap();
                network.parameters.set(at, ones);
            }
        }
        let (adapter, merged) = (folder.path().join("adapter"), folder.path().join("merged"));
        for place in [&adapter, &merged] {
            std::fs::create_dir(place).unwrap();
        }
        network.save_adapter(&adapter, "ekklesia").unwrap();
        network.save_merged(&merged).unwrap();
        llama::copy_settings("ekklesia", &merged, &Silent).unwrap();
        let by_adapter = update_size("ekklesia", &adapter, &Silent).unwrap();
        let by_difference = update_size("ekklesia", &merged, &Silent).unwrap();
        assert!(by_adapter.adapter && !by_difference.adapter);
        assert!(by_adapter.tensors.iter().all(|one| one.name.ends_with("q_proj.weight") && one.update > 0.0));
        for one in &by_adapter.tensors {
            let other = by_difference.tensors.iter().find(|other| other.name == one.name).unwrap();
            assert!((one.update / other.update - 1.0).abs() < 1e-9 && one.base == other.base, "{one:?} {other:?}");
        }
        let still = by_difference.tensors.iter().filter(|other| !other.name.ends_with("q_proj.weight"));
        assert!(still.clone().count() > 10 && still.clone().all(|other| other.update == 0.0));
        assert!((by_adapter.update / by_difference.update - 1.0).abs() < 1e-9);
        assert!((by_adapter.relative_to_model() / by_difference.relative() - 1.0).abs() < 1e-9);
        assert!(by_adapter.base < by_adapter.model && by_difference.base == by_difference.model);
        let nothing = update_size("ekklesia", folder.path(), &Silent).unwrap_err();
        assert!(nothing.to_string().contains("neither an adapter nor a model"), "{nothing}");
    }
}
