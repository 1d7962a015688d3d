//! From scored replies to pairs (dempo.md, section 1.2).

use std::collections::BTreeMap;

use super::preference::{Dropped, Message, Preference, Role};

/// One of the replies that a rater saw in a turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub id: String,
    pub text: String,
    pub score: Option<f64>,
    /// Whether the conversation went on with it.
    pub chosen: bool,
    pub model: Option<String>,
}

/// What a rater asked, and the replies.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// From 0.
    pub number: u32,
    pub prompt: String,
    pub replies: Vec<Reply>,
}

/// One conversation of one rater, turns ascending.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    pub id: String,
    pub rater: String,
    pub turns: Vec<Turn>,
}

/// Which replies are put beside each other.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "pairs", rename_all = "kebab-case")]
pub enum Pairing {
    /// All of a turn whose scores differ, and by `delta` at least; the higher is preferred. Every turn counts, after all that
    /// was said before.
    All { delta: f64 },
    /// The chosen reply beside each of the others, in the first turn alone.
    Best,
}

/// How often something was left out, by reason.
pub type Tally = BTreeMap<Dropped, u64>;

/// The pairs of a conversation in the order of its turns and replies, what was left out counted in `dropped`. Before a turn
/// stand all earlier messages of the rater with the replies that the conversation went on with.
pub fn pairs(conversation: &Conversation, pairing: Pairing, dropped: &mut Tally) -> Vec<Preference> {
    let mut found = Vec::new();
    let mut context: Option<Vec<Message>> = Some(Vec::new());
    let mut drop = |why: Dropped| *dropped.entry(why).or_default() += 1;
    for (place, turn) in conversation.turns.iter().enumerate() {
        if pairing == Pairing::Best && place > 0 {
            drop(Dropped::LaterTurn);
            continue;
        }
        let Some(before) = &mut context else {
            drop(Dropped::NoContext);
            continue;
        };
        if turn.prompt.trim().is_empty() {
            drop(Dropped::EmptyPrompt);
            context = None;
            continue;
        }
        before.push(Message::new(Role::User, turn.prompt.as_str()));
        let replies: Vec<&Reply> = turn.replies.iter().filter(|reply| !reply.text.trim().is_empty()).collect();
        (replies.len()..turn.replies.len()).for_each(|_| drop(Dropped::EmptyReply));
        let chosen = replies.iter().find(|reply| reply.chosen).copied();
        for (better, worse) in match pairing {
            Pairing::All { delta } => by_scores(&replies, delta, &mut drop),
            Pairing::Best => beside_the_chosen(&replies, &mut drop),
        } {
            let pair = pair(conversation, turn, before, better, worse);
            match pair.unusable() {
                Some(why) => drop(why),
                None => found.push(pair),
            }
        }
        match chosen {
            Some(reply) => before.push(Message::new(Role::Assistant, reply.text.as_str())),
            None => context = None,
        }
    }
    found
}

fn by_scores<'r>(replies: &[&'r Reply], delta: f64, drop: &mut dyn FnMut(Dropped)) -> Vec<(&'r Reply, &'r Reply)> {
    let scored: Vec<(f64, &Reply)> =
        replies.iter().filter_map(|reply| reply.score.map(|score| (score, *reply))).collect();
    (scored.len()..replies.len()).for_each(|_| drop(Dropped::NoScore));
    let mut found = Vec::new();
    for (place, &(one, first)) in scored.iter().enumerate() {
        for &(other, second) in &scored[place + 1..] {
            if one == other {
                drop(Dropped::TiedScores);
            } else if (one - other).abs() < delta {
                drop(Dropped::SmallMargin);
            } else {
                found.push(if one > other { (first, second) } else { (second, first) });
            }
        }
    }
    found
}

fn beside_the_chosen<'r>(replies: &[&'r Reply], drop: &mut dyn FnMut(Dropped)) -> Vec<(&'r Reply, &'r Reply)> {
    // Best first, replies of one score in the order in which they stand.
    let mut order: Vec<&Reply> = replies.to_vec();
    order.sort_by(|a, b| b.score.unwrap_or(f64::MIN).total_cmp(&a.score.unwrap_or(f64::MIN)));
    let chosen = order.iter().find(|reply| reply.chosen).copied();
    let others: Vec<&Reply> = order.into_iter().filter(|reply| !reply.chosen).collect();
    match chosen {
        Some(best) if !others.is_empty() => others.into_iter().map(|other| (best, other)).collect(),
        _ => {
            drop(Dropped::NoChosenReply);
            Vec::new()
        }
    }
}

fn pair(conversation: &Conversation, turn: &Turn, prompt: &[Message], better: &Reply, worse: &Reply) -> Preference {
    Preference {
        id: format!("{}>{}", better.id, worse.id),
        rater: conversation.rater.clone(),
        conversation: conversation.id.clone(),
        turn: turn.number,
        prompt: prompt.to_vec(),
        chosen: better.text.clone(),
        rejected: worse.text.clone(),
        margin: better.score.zip(worse.score).map(|(high, low)| high - low),
        model_chosen: better.model.clone(),
        model_rejected: worse.model.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(id: &str, text: &str, score: f64, chosen: bool) -> Reply {
        Reply { id: id.into(), text: text.into(), score: Some(score), chosen, model: Some(format!("model {id}")) }
    }

    fn turn(number: u32, prompt: &str, replies: Vec<Reply>) -> Turn {
        Turn { number, prompt: prompt.into(), replies }
    }

    fn conversation(turns: Vec<Turn>) -> Conversation {
        Conversation { id: "c".into(), rater: "r".into(), turns }
    }

    /// Four replies, two of the same score and one empty in the second turn.
    fn example() -> Conversation {
        conversation(vec![
            turn(
                0,
                "Who mends the bridge?",
                vec![
                    reply("a", "The county.", 80.0, true),
                    reply("b", "Nobody.", 20.0, false),
                    reply("c", "The town.", 75.0, false),
                    reply("d", "The state.", 20.0, false),
                ],
            ),
            turn(
                1,
                "When?",
                vec![
                    reply("e", "In May.", 60.0, false),
                    reply("f", "In June.", 61.0, true),
                    reply("g", " ", 1.0, false),
                ],
            ),
        ])
    }

    fn ids(pairs: &[Preference]) -> Vec<&str> {
        pairs.iter().map(|pair| pair.id.as_str()).collect()
    }

    #[test]
    fn all_pairs_whose_scores_differ_in_every_turn() {
        let mut dropped = Tally::new();
        let found = pairs(&example(), Pairing::All { delta: 0.0 }, &mut dropped);
        assert_eq!(ids(&found), ["a>b", "a>c", "a>d", "c>b", "c>d", "f>e"]);
        assert_eq!(dropped, Tally::from([(Dropped::TiedScores, 1), (Dropped::EmptyReply, 1)]));
        let last = &found[5];
        let said: Vec<(Role, &str)> = last.prompt.iter().map(|m| (m.role, m.content.as_str())).collect();
        let known = [(Role::User, "Who mends the bridge?"), (Role::Assistant, "The county."), (Role::User, "When?")];
        assert_eq!(said, known);
        assert_eq!((last.turn, last.margin, last.model_chosen.as_deref()), (1, Some(1.0), Some("model f")));
        assert_eq!((found[0].prompt.len(), found[3].margin), (1, Some(55.0)));
        let mut dropped = Tally::new();
        assert_eq!(
            ids(&pairs(&example(), Pairing::All { delta: 5.0 }, &mut dropped)),
            ["a>b", "a>c", "a>d", "c>b", "c>d"]
        );
        assert_eq!(dropped[&Dropped::SmallMargin], 1);
    }

    #[test]
    fn the_chosen_reply_beside_the_others_of_the_first_turn() {
        let mut dropped = Tally::new();
        let found = pairs(&example(), Pairing::Best, &mut dropped);
        assert_eq!(ids(&found), ["a>c", "a>b", "a>d"]);
        assert_eq!(dropped, Tally::from([(Dropped::LaterTurn, 1)]));
        let nothing_chosen = conversation(vec![turn(0, "?", vec![reply("a", "x", 1.0, false)])]);
        assert!(pairs(&nothing_chosen, Pairing::Best, &mut dropped).is_empty());
        assert_eq!(dropped[&Dropped::NoChosenReply], 1);
    }

    #[test]
    fn a_turn_whose_past_is_unknown_is_left_out() {
        let all = Pairing::All { delta: 0.0 };
        let mut missing = example();
        missing.turns[0].replies[0].chosen = false;
        let mut dropped = Tally::new();
        assert_eq!(pairs(&missing, all, &mut dropped).len(), 5);
        assert_eq!(dropped[&Dropped::NoContext], 1);
        let mut silent = example();
        silent.turns[0].prompt = "  ".into();
        let mut dropped = Tally::new();
        assert!(pairs(&silent, all, &mut dropped).is_empty());
        assert_eq!(dropped, Tally::from([(Dropped::EmptyPrompt, 1), (Dropped::NoContext, 1)]));
        let mut same = example();
        same.turns[0].replies[2].text = "The county.".into();
        same.turns[0].replies[1].score = None;
        let mut dropped = Tally::new();
        assert_eq!(ids(&pairs(&same, all, &mut dropped)), ["a>d", "c>d", "f>e"]);
        assert_eq!((dropped[&Dropped::EqualReplies], dropped[&Dropped::NoScore]), (1, 1));
    }
}
