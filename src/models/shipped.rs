//! Models that travel inside the program, so that it works on first start and without a network.

/// A shipped model's files, byte for byte those under `assets/models`.
pub(super) struct Shipped {
    pub name: &'static str,
    pub description: &'static str,
    pub config: &'static str,
    pub weights: &'static [u8],
    pub tokenizer: &'static str,
}

/// Every shipped model; the first is the default.
pub(super) static SHIPPED: [Shipped; 1] = [Shipped {
    name: "agora",
    description: "American public prose and books in the public domain; BERT layout, 4 layers of 256, 8,192 word pieces, 128 tokens",
    config: include_str!("../../assets/models/agora/config.json"),
    weights: include_bytes!("../../assets/models/agora/model.safetensors"),
    tokenizer: include_str!("../../assets/models/agora/tokenizer.json"),
}];

/// Every shipped Llama; the first is the default.
pub(super) static SHIPPED_LLAMAS: [Shipped; 1] = [Shipped {
    name: "ekklesia",
    description: "American public prose and books in the public domain; Llama layout, 4 layers of 192, 2,048 tokens of vocabulary, texts of 512",
    config: include_str!("../../assets/models/ekklesia/config.json"),
    weights: include_bytes!("../../assets/models/ekklesia/model.safetensors"),
    tokenizer: include_str!("../../assets/models/ekklesia/tokenizer.json"),
}];

/// The shipped model called `name`.
pub(super) fn find(name: &str) -> Option<&'static Shipped> {
    SHIPPED.iter().find(|shipped| shipped.name == name)
}
