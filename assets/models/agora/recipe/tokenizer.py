"""Train the WordPiece vocabulary of the shipped model.

    python tokenizer.py CORPUS_DIR OUT_DIR

CORPUS_DIR holds train.txt, one paragraph per line. Writes OUT_DIR/tokenizer.json and OUT_DIR/vocab.txt:
lower-cased, accents kept apart by NFD stripping as in uncased BERT, 8,192 entries, special tokens at ids 0-4.
"""

import sys
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def main(corpus: Path, out: Path) -> None:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    trainer = trainers.WordPieceTrainer(
        vocab_size=8192, special_tokens=SPECIAL, continuing_subword_prefix="##", limit_alphabet=120
    )
    tokenizer.train([str(corpus / "train.txt")], trainer)
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", sep), ("[CLS]", cls))
    out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(out / "tokenizer.json"), pretty=False)
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    (out / "vocab.txt").write_text("".join(f"{token}\n" for token, _ in vocabulary), encoding="utf-8")
    print(f"{len(vocabulary)} tokens -> {out}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
