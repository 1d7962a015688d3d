//! Lotteries over panels: what is drawn from, and the chances it gives.

/// A panel counted by types of people, with its probability.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TypePanel {
    /// Types with how many people of each, ascending, none of them 0.
    pub counts: Vec<(u32, u32)>,
    /// Probability of drawing it.
    pub probability: f64,
}

/// A lottery over panels counted by types: within a type everybody has the same chance.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TypeLottery {
    /// The panels; their probabilities sum to 1.
    pub panels: Vec<TypePanel>,
}

/// A panel of named people, with its probability.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Panel {
    /// Its members as places in the pool, ascending.
    pub members: Vec<u32>,
    /// Probability of drawing it.
    pub probability: f64,
}

/// A lottery over panels of named people: what is drawn from.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Lottery {
    /// The panels in the order that the draw walks through; their probabilities sum to 1.
    pub panels: Vec<Panel>,
}

impl TypeLottery {
    /// The expected count of each type, E[c_t].
    pub fn expected_counts(&self, types: usize) -> Vec<f64> {
        let mut expected = vec![0.0; types];
        for panel in &self.panels {
            for &(t, count) in &panel.counts {
                expected[t as usize] += panel.probability * f64::from(count);
            }
        }
        expected
    }
}

impl Lottery {
    /// Everybody's chance to be drawn (pi), for a pool of `people`.
    pub fn inclusion(&self, people: usize) -> Vec<f64> {
        let mut inclusion = vec![0.0; people];
        for panel in &self.panels {
            for &member in &panel.members {
                inclusion[member as usize] += panel.probability;
            }
        }
        inclusion
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_are_sums_over_panels() {
        let panel = |members: &[u32], probability| Panel { members: members.to_vec(), probability };
        let lottery = Lottery { panels: vec![panel(&[0, 1], 0.25), panel(&[1, 2], 0.75)] };
        assert_eq!(lottery.inclusion(4), [0.25, 1.0, 0.75, 0.0]);
        let types = TypeLottery { panels: vec![TypePanel { counts: vec![(0, 2), (2, 1)], probability: 0.5 }] };
        assert_eq!(types.expected_counts(3), [1.0, 0.0, 0.5]);
    }
}
