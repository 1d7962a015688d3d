//! One preference of one rater between two replies.

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    System,
    User,
    Assistant,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Message {
    pub role: Role,
    pub content: String,
}

impl Message {
    /// What `role` says.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into() }
    }
}

/// What one rater preferred to what, and after which conversation. The replies are the assistant's.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preference {
    /// Unlike every other in a file.
    pub id: String,
    /// Whose preference it is.
    pub rater: String,
    /// The conversation it was expressed in; empty where the source does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub conversation: String,
    /// The turn of that conversation, from 0.
    #[serde(default)]
    pub turn: u32,
    /// All that was said before the replies, the last user message included.
    pub prompt: Vec<Message>,
    pub chosen: String,
    pub rejected: String,
    /// Score of the chosen reply less that of the rejected one, on the source's scale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_chosen: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_rejected: Option<String>,
}

/// Why a part of a source gives no pair, though it can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dropped {
    /// A turn or pair in which nothing was asked.
    EmptyPrompt,
    /// A reply without text, or a pair with one.
    EmptyReply,
    /// A pair of the same texts: its loss is the same whatever the model.
    EqualReplies,
    /// A pair that names nobody as its rater.
    NoRater,
    /// A pair with the id of another.
    DuplicateId,
    /// A reply with the id of another reply of its conversation.
    DuplicateReply,
    /// A reply without a score.
    NoScore,
    /// A pair of replies with the same score.
    TiedScores,
    /// A pair whose scores differ by less than was asked for.
    SmallMargin,
    /// A turn in which no reply, or every reply, is marked as the chosen one.
    NoChosenReply,
    /// A turn after one whose chosen reply is not known, so that nobody can say what it answers to.
    NoContext,
    /// A turn after the first, where only first turns are taken.
    LaterTurn,
}

impl Preference {
    /// Why the pair cannot be learned from, if so; repeated ids are for those who see all pairs.
    pub fn unusable(&self) -> Option<Dropped> {
        let blank = |text: &str| text.trim().is_empty();
        if !self.prompt.iter().any(|message| message.role == Role::User && !blank(&message.content)) {
            Some(Dropped::EmptyPrompt)
        } else if blank(&self.chosen) || blank(&self.rejected) {
            Some(Dropped::EmptyReply)
        } else if self.chosen == self.rejected {
            Some(Dropped::EqualReplies)
        } else if blank(&self.rater) {
            Some(Dropped::NoRater)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_learned_from_is_told() {
        let good = Preference {
            id: "a".into(),
            rater: "r".into(),
            conversation: String::new(),
            turn: 0,
            prompt: vec![Message::new(Role::System, "Be brief."), Message::new(Role::User, "Why?")],
            chosen: "Because.".into(),
            rejected: "No.".into(),
            margin: None,
            model_chosen: None,
            model_rejected: None,
        };
        assert_eq!(good.unusable(), None);
        let with = |change: &dyn Fn(&mut Preference)| {
            let mut pair = good.clone();
            change(&mut pair);
            pair.unusable()
        };
        assert_eq!(with(&|pair| pair.prompt.truncate(1)), Some(Dropped::EmptyPrompt));
        assert_eq!(with(&|pair| pair.chosen = " \n".into()), Some(Dropped::EmptyReply));
        assert_eq!(with(&|pair| pair.rejected = "Because.".into()), Some(Dropped::EqualReplies));
        assert_eq!(with(&|pair| pair.rater = " ".into()), Some(Dropped::NoRater));
        let line = serde_json::to_string(&good).unwrap();
        assert!(!line.contains("margin") && !line.contains("conversation"), "{line}");
        assert_eq!(serde_json::from_str::<Preference>(&line).unwrap(), good);
    }
}
