//! The course of a training, from the text to the model's folder.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Instant;

use candle_core::DType;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::checkpoint::{self, Checkpoint, State};
use super::corpus::{self, Batch, Order, Pieces, Purpose, generator, hex};
use super::network::{Network, Sizes};
use super::optimiser::{AdamW, learning_rate};
use super::{TrainError, TrainMlmSpec, TrainReport, TrainingProgress, Validation, output, wordpiece};
use crate::models::training::real::surprise;
use crate::progress::Progress;

/// Steps between report lines.
const REPORT_EVERY: u64 = 10;
/// How much of the mean training loss one step leaves.
const LOSS_MEMORY: f64 = 0.98;

pub(super) fn train(
    spec: &TrainMlmSpec,
    root: &Path,
    on_point: &mut dyn FnMut(&TrainingProgress) -> Result<(), String>,
    progress: &dyn Progress,
) -> Result<TrainReport, TrainError> {
    let started = Instant::now();
    spec.check()?;
    let (path, folder) = (root.join(&spec.text), root.join(&spec.out));

    progress.stage("reading text");
    let text = corpus::scan(&path, progress)?;
    let _lock = claim(&folder)?;
    let checkpoint = Checkpoint::load(&folder)?;
    match &checkpoint {
        Some(checkpoint) => checkpoint.check(&folder, spec, &text.sha256)?,
        None if folder.join(output::MODEL).exists() => {
            return Err(TrainError::file(
                "the output folder already holds a model that this training did not make",
                "choose another output folder",
                &folder,
            ));
        }
        None => {}
    }

    let held_out = corpus::hold_out(text.paragraphs, spec.validation, spec.seed);
    let vocabulary = vocabulary(spec, &path, &folder, &held_out, checkpoint.as_ref(), progress)?;
    output::write_tokenizer(&folder, &vocabulary, spec.length)?;
    let (pieces, held) = if checkpoint.as_ref().is_some_and(|checkpoint| checkpoint.state.is_finished()) {
        (Pieces::default(), Pieces::default())
    } else {
        progress.stage("encoding");
        let tokenizer = wordpiece::tokenizer(&vocabulary)?;
        corpus::encode(&path, &tokenizer, &held_out, spec.length as usize, progress)?
    };

    let network = Network::new(Sizes::new(spec, vocabulary.len()), spec.seed, DType::F32)?;
    let mut optimiser = AdamW::new(spec.weight_decay, &network.parameters());
    let state = match checkpoint {
        Some(checkpoint) => {
            checkpoint.restore(&folder, &network, &mut optimiser)?;
            checkpoint.state
        }
        None => State {
            spec: spec.clone(),
            text_sha256: text.sha256,
            vocabulary_sha256: vocabulary_hash(&vocabulary),
            step: 0,
            mean_loss: 0.0,
            curve: Vec::new(),
            validation: Vec::new(),
            seconds: 0.0,
        },
    };
    let order = Order::new(spec.seed, spec.batch as usize);
    let earlier = state.seconds;
    let mut trainer = Trainer { folder, pieces, held, network, optimiser, state, order, progress, started, earlier };
    trainer.run(on_point)?;
    output::write_model(&trainer.folder, &trainer.network)?;
    Ok(TrainReport {
        parameters: trainer.network.size(),
        vocabulary: vocabulary.len() as u64,
        seconds: trainer.state.seconds,
        final_loss: trainer.loss(),
        validation: trainer.state.validation,
    })
}

/// Makes the output folder and keeps other trainings out of it for as long as the file lives.
fn claim(folder: &Path) -> Result<File, TrainError> {
    let fail = |e: std::io::Error| {
        TrainError::file(
            format!("the output folder cannot be written ({e})"),
            "choose a folder that you may write to",
            folder,
        )
    };
    std::fs::create_dir_all(folder).map_err(fail)?;
    let lock = File::create(folder.join(".training.lock")).map_err(fail)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(TrainError::file(
            "another training is writing into the output folder",
            "wait for it to end, or choose another folder",
            folder,
        )),
        Err(TryLockError::Error(e)) => Err(fail(e)),
    }
}

fn vocabulary_hash(vocabulary: &[String]) -> String {
    hex(&Sha256::digest(wordpiece::text(vocabulary)))
}

/// The vocabulary the checkpoint was made with, from its file or learnt again, or a new one.
fn vocabulary(
    spec: &TrainMlmSpec,
    text: &Path,
    folder: &Path,
    held_out: &[bool],
    checkpoint: Option<&Checkpoint>,
    progress: &dyn Progress,
) -> Result<Vec<String>, TrainError> {
    let wanted = checkpoint.map(|checkpoint| checkpoint.state.vocabulary_sha256.as_str());
    if let Some(wanted) = wanted
        && let Ok(file) = std::fs::read_to_string(folder.join(output::VOCABULARY))
    {
        let vocabulary: Vec<String> = file.lines().map(str::to_owned).collect();
        if vocabulary_hash(&vocabulary) == wanted {
            return Ok(vocabulary);
        }
    }
    progress.stage("training the vocabulary");
    let counts = corpus::count_words(text, held_out, progress)?;
    let vocabulary = wordpiece::learn(&counts, spec.vocabulary as usize, progress)?;
    if wanted.is_some_and(|wanted| wanted != vocabulary_hash(&vocabulary)) {
        return Err(TrainError::file(
            "the checkpoint was made with another vocabulary than this program learns from the text",
            "choose another output folder to train from the start",
            folder,
        ));
    }
    Ok(vocabulary)
}

/// A training in its stepping phase.
struct Trainer<'a> {
    folder: PathBuf,
    pieces: Pieces,
    held: Pieces,
    network: Network,
    optimiser: AdamW,
    state: State,
    order: Order,
    progress: &'a dyn Progress,
    started: Instant,
    /// Seconds of the sittings before this one.
    earlier: f64,
}

impl Trainer<'_> {
    /// Steps to the end; where it is stopped on the way, leaves a checkpoint.
    fn run(&mut self, on_point: &mut dyn FnMut(&TrainingProgress) -> Result<(), String>) -> Result<(), TrainError> {
        let resumed_at = self.state.step;
        let outcome = self.steps(resumed_at, on_point);
        if matches!(outcome, Err(TrainError::Cancelled | TrainError::Report(_))) && self.state.step > resumed_at {
            self.save()?;
        }
        outcome
    }

    fn steps(
        &mut self,
        resumed_at: u64,
        on_point: &mut dyn FnMut(&TrainingProgress) -> Result<(), String>,
    ) -> Result<(), TrainError> {
        let (steps, checkpoint_every) = (self.state.spec.steps, self.state.spec.checkpoint_every);
        self.progress.stage("training");
        loop {
            let step = self.state.step;
            if self.validation_is_due() {
                let validation = self.validate()?;
                self.state.validation.push(validation);
                self.progress.stage("training");
            }
            self.report(on_point)?;
            if step > 0 && (step == steps || step.is_multiple_of(checkpoint_every)) && step != resumed_at {
                self.save()?;
            }
            if step == steps {
                return output::write_curve(&self.folder, &self.state.curve);
            }
            self.progress.report(step, steps);
            self.progress.checkpoint()?;
            self.step()?;
        }
    }

    fn step(&mut self) -> Result<(), TrainError> {
        let (step, seed) = (self.state.step, self.state.spec.seed);
        let indices = self.order.indices(&self.pieces, step);
        let mut masks = generator(seed, Purpose::TrainingMask, step);
        let batch = Batch::new(&self.pieces, indices, self.state.spec.masked, &mut masks);
        let loss = self.network.loss(&batch)?;
        let value = f64::from(loss.to_scalar::<f32>()?);
        if !value.is_finite() {
            return Err(TrainError::Diverged { step: step + 1 });
        }
        let rate = learning_rate(&self.state.spec, step + 1);
        self.optimiser.step(&self.network.parameters(), &loss.backward()?, step + 1, rate)?;
        self.state.mean_loss = LOSS_MEMORY * self.state.mean_loss + (1.0 - LOSS_MEMORY) * value;
        self.state.step = step + 1;
        Ok(())
    }

    /// Smoothed training loss: the mean, made up for having begun at 0.
    fn loss(&self) -> f64 {
        self.state.mean_loss / (1.0 - LOSS_MEMORY.powf(self.state.step as f64))
    }

    fn validation_is_due(&self) -> bool {
        let (step, spec) = (self.state.step, &self.state.spec);
        let at = self.state.validation.last().map_or(0, |validation| validation.step);
        step > at && (step == spec.steps || step.is_multiple_of(spec.validate_every))
    }

    /// Cross-entropy and accuracy on the held-out pieces; the masks depend on the seed alone.
    fn validate(&self) -> Result<Validation, TrainError> {
        let (spec, pieces) = (&self.state.spec, &self.held);
        self.progress.stage("validating");
        let batches = corpus::batches_by_length(pieces, (0..pieces.len() as u32).collect(), spec.batch as usize);
        let (mut tokens, mut right, mut sum, mut squares) = (0u64, 0u64, 0.0, 0.0);
        for (index, indices) in batches.iter().enumerate() {
            self.progress.report(index as u64, batches.len() as u64);
            self.progress.checkpoint()?;
            let mut masks = generator(spec.seed, Purpose::ValidationMask, index as u64);
            let batch = Batch::new(pieces, indices, spec.masked, &mut masks);
            let logits = self.network.logits(&batch)?.flatten_all()?.to_vec1::<f32>()?;
            let scored: Vec<(f64, bool)> = logits
                .par_chunks(self.network.sizes.vocabulary)
                .zip(&batch.targets)
                .map_init(Vec::new, |terms, (row, &target)| surprise(row, target, terms))
                .collect();
            for (nats, is_right) in scored {
                tokens += 1;
                right += u64::from(is_right);
                sum += nats;
                squares += nats * nats;
            }
        }
        let count = tokens as f64;
        let mean = sum / count;
        let variance = (squares / count - mean * mean).max(0.0) * count / (count - 1.0).max(1.0);
        Ok(Validation {
            step: self.state.step,
            cross_entropy: mean,
            standard_error: (variance / count).sqrt(),
            accuracy: right as f64 / count,
            tokens,
        })
    }

    /// Hands over a report line if this step has one that was not handed over before.
    fn report(&mut self, on_point: &mut dyn FnMut(&TrainingProgress) -> Result<(), String>) -> Result<(), TrainError> {
        let step = self.state.step;
        let validation = self.state.validation.last().filter(|validation| validation.step == step);
        let reported = self.state.curve.last().map_or(0, |point| point.step);
        if step <= reported || !(step.is_multiple_of(REPORT_EVERY) || validation.is_some()) {
            return Ok(());
        }
        let point = TrainingProgress {
            step,
            loss: self.loss(),
            learning_rate: learning_rate(&self.state.spec, step),
            cross_entropy: validation.map(|validation| validation.cross_entropy),
            accuracy: validation.map(|validation| validation.accuracy),
        };
        on_point(&point).map_err(TrainError::Report)?;
        self.state.curve.push(point);
        Ok(())
    }

    fn save(&mut self) -> Result<(), TrainError> {
        self.state.seconds = self.earlier + self.started.elapsed().as_secs_f64();
        checkpoint::save(&self.folder, &self.state, &self.network, &self.optimiser)?;
        output::write_curve(&self.folder, &self.state.curve)
    }
}
