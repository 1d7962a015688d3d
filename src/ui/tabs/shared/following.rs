//! An answer that follows its question: computed on a background thread again whenever the question changes.

use crate::ui::context::TabContext;
use crate::ui::requested::Requested;

/// The question asked last, and what is known of its answer.
pub struct Following<Q, T> {
    question: Option<Q>,
    answer: Requested<T>,
    asked: u64,
}

impl<Q, T> Default for Following<Q, T> {
    fn default() -> Self {
        Self { question: None, answer: Requested::default(), asked: 0 }
    }
}

impl<Q: PartialEq, T: Send + 'static> Following<Q, T> {
    /// Computes the answer where the question is new.
    pub fn follow(&mut self, context: &TabContext<'_>, question: Q, answer: impl FnOnce() -> T + Send + 'static) {
        if self.question.as_ref() == Some(&question) {
            return;
        }
        self.question = Some(question);
        self.asked += 1;
        let wake = context.wake.clone();
        self.answer.ask(move || wake(), answer);
    }

    /// There is nothing to ask.
    pub fn clear(&mut self) {
        *self = Self { asked: self.asked, ..Self::default() };
    }

    /// The question asked last.
    pub fn question(&self) -> Option<&Q> {
        self.question.as_ref()
    }

    /// How often a new question was asked.
    pub fn asked(&self) -> u64 {
        self.asked
    }

    /// The answer to the present question, once it is there.
    pub fn current(&mut self) -> Option<&T> {
        self.answer.get();
        if self.answer.waiting() { None } else { self.answer.get() }
    }

    /// The newest answer, to an earlier question while the next is computed.
    pub fn latest(&mut self) -> Option<&T> {
        self.answer.get()
    }

    /// Whether the present question's answer is still to come.
    pub fn waiting(&mut self) -> bool {
        self.answer.get();
        self.answer.waiting()
    }
}
