"""Golden folders of unusual shapes, from an implementation of Hulu-Med that shares no code with the library.

The model, the image processor, the two sizing rules, the pruning rules, NIfTI slicing and video sampling are
written here in PyTorch, numpy and Pillow from the description of the model alone, so that `hulu verify` on the
folders this makes is a second opinion and not an echo. Weights are random and tiny; arithmetic is float32.

    python make_goldens.py OUT TOKENIZER [--only NAME]...

OUT gets one folder per model (`q3-kv3`, `q2-kv1`, `q3-native`, `q3-id`) and `imageproc/`, `nifti/`,
`video-sampling.json`, laid out like the published goldens. TOKENIZER is a folder that holds tokenizer.json and
tokenizer_config.json with the ids used below (`<image>` 500, `<|im_end|>` 502). `--only` limits what is made
(a model's name, or `tables`).

Needs torch, numpy, pillow (13: its order of resize passes), safetensors, tokenizers.
"""

import argparse
import gzip
import hashlib
import json
import math
import shutil
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from tokenizers import Tokenizer

IMAGE_TOKEN, PAD_TOKEN, END_TOKEN = 500, 499, 502
STEPS = 12
IGNORED = -100
CLIP_MEAN, CLIP_STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
HALF = [0.5, 0.5, 0.5]


# ---------------------------------------------------------------------------------------------------------- shapes


@dataclass
class Shape:
    """Everything that makes one variant; the defaults are those of the published checkpoints."""

    name: str
    qwen: int  # 2: bias on q, k, v; 3: norm on q and k
    seed: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    mlp: int
    layers: int
    tied: bool
    vision_hidden: int
    vision_heads: int
    vision_mlp: int
    vision_layers: int
    patch: int
    projector: str  # linear | identity | mlpNx_gelu
    layout: str = "transformers"  # transformers | doubled | native
    bfloat16: bool = False  # storage only
    shards: int = 1
    extras: bool = False  # store the tied lm_head and rotary buffers as well
    write_head_dim: bool = True
    vocab: int = 512
    rope_theta: float = 1e6
    rms_eps: float = 1e-6
    norm_eps: float = 1e-6
    mean: list = field(default_factory=lambda: HALF)
    std: list = field(default_factory=lambda: HALF)
    min_tokens: int = 6
    max_tokens: int = 16384
    volume: tuple = (60, 100)  # rows and columns of a slice
    grads: bool = False
    big_merges: bool = False


SHAPES = [
    Shape("q3-kv3", 3, 301, 48, 6, 3, 20, 76, 2, True, 40, 2, 52, 2, 14, "mlp3x_gelu",
          rope_theta=5e5, rms_eps=1e-5, mean=CLIP_MEAN, std=CLIP_STD, grads=True, big_merges=True),
    Shape("q2-kv1", 2, 211, 60, 5, 1, 12, 68, 2, False, 36, 3, 44, 2, 16, "linear", layout="doubled",
          bfloat16=True, shards=2, write_head_dim=False, vocab=517, volume=(100, 60)),
    Shape("q3-native", 3, 331, 40, 4, 4, 8, 60, 2, False, 48, 4, 56, 3, 16, "mlp2x_gelu", layout="native",
          rope_theta=2e6, volume=(70, 124)),
    Shape("q3-id", 3, 341, 48, 8, 2, 6, 64, 3, True, 48, 4, 40, 2, 14, "identity", extras=True,
          norm_eps=1e-5, vocab=505, mean=CLIP_MEAN, std=CLIP_STD, volume=(62, 90)),
]


def projector_layers(kind):
    """Linear layers of a projector: their names' last part under `readout`, or "" for one plain linear."""
    if kind == "identity":
        return []
    if kind == "linear":
        return [""]
    return [f"readout.{2 * i}." for i in range(int(kind[3 : kind.index("x")]))]


def random_weights(shape, seed):
    """Seeded weights under the names of the Transformers layout, scaled so that logits reach several units."""
    generator = torch.Generator().manual_seed(seed)
    out = {}

    def normal(name, size, std, mean=0.0):
        out[name] = torch.randn(size, generator=generator) * std + mean

    def linear(name, rows, columns, bias, gain=1.0):
        normal(name + "weight", (rows, columns), gain / math.sqrt(columns))
        if bias:
            normal(name + "bias", (rows,), 0.1)

    def norm(name, size, bias):
        normal(name + "weight", (size,), 0.1, 1.0)
        if bias:
            normal(name + "bias", (size,), 0.1)

    d, p = shape.vision_hidden, "model.vision_encoder."
    linear(p + "embeddings.patch_embedding.", d, 3 * shape.patch**2, True)
    weight = p + "embeddings.patch_embedding.weight"
    out[weight] = out[weight].reshape(d, 3, shape.patch, shape.patch).contiguous()
    for i in range(shape.vision_layers):
        layer = f"{p}encoder.layers.{i}."
        norm(layer + "layer_norm1.", d, True)
        norm(layer + "layer_norm2.", d, True)
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            linear(f"{layer}self_attn.{part}.", d, d, True, 1.3)
        linear(layer + "mlp.fc1.", shape.vision_mlp, d, True)
        linear(layer + "mlp.fc2.", d, shape.vision_mlp, True)
    norm(p + "post_layernorm.", d, True)

    width = d
    for part in projector_layers(shape.projector):
        linear("model.mm_projector." + part, shape.hidden, width, True)
        width = shape.hidden

    h = shape.hidden
    normal("model.embed_tokens.weight", (shape.vocab, h), 3 / math.sqrt(h) if shape.tied else 0.5)
    for i in range(shape.layers):
        layer = f"model.layers.{i}."
        attention = layer + "self_attn."
        bias = shape.qwen == 2
        linear(attention + "q_proj.", shape.heads * shape.head_dim, h, bias, 1.3)
        linear(attention + "k_proj.", shape.kv_heads * shape.head_dim, h, bias, 1.3)
        linear(attention + "v_proj.", shape.kv_heads * shape.head_dim, h, bias)
        linear(attention + "o_proj.", h, shape.heads * shape.head_dim, False)
        if shape.qwen == 3:
            norm(attention + "q_norm.", shape.head_dim, False)
            norm(attention + "k_norm.", shape.head_dim, False)
        linear(layer + "mlp.gate_proj.", shape.mlp, h, False)
        linear(layer + "mlp.up_proj.", shape.mlp, h, False)
        linear(layer + "mlp.down_proj.", h, shape.mlp, False)
        norm(layer + "input_layernorm.", h, False)
        norm(layer + "post_attention_layernorm.", h, False)
    norm("model.norm.", h, False)
    if not shape.tied:
        linear("lm_head.", shape.vocab, h, False, 3.0)
    if shape.bfloat16:
        out = {name: value.bfloat16().float() for name, value in out.items()}
    return out


# ----------------------------------------------------------------------------------------------------------- model


def rotate(x, cos, sin):
    """Rotary embedding in its half-split form."""
    a, b = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-b, a], dim=-1) * sin


def softmax_attention(q, k, v, causal):
    """q, k, v: [heads, length, head_dim]."""
    scores = q @ k.transpose(1, 2) * q.shape[-1] ** -0.5
    if causal:
        n = scores.shape[-1]
        scores = scores.masked_fill(torch.ones(n, n).triu(1).bool(), float("-inf"))
    return scores.softmax(-1) @ v


def merge_block_order(values, t, h, w, m):
    """[t*h*w, ...] from raster order to frames of m x m blocks."""
    rest = values.shape[1:]
    x = values.reshape(t, h // m, m, w // m, m, *rest)
    return x.transpose(2, 3).reshape(t * h * w, *rest)


class Model:
    """The forward pass; `weights` under the names of the Transformers layout."""

    def __init__(self, shape, weights):
        self.shape, self.w = shape, weights

    def linear(self, name, x):
        return F.linear(x, self.w[name + "weight"], self.w.get(name + "bias"))

    def layer_norm(self, name, x):
        return F.layer_norm(x, x.shape[-1:], self.w[name + "weight"], self.w[name + "bias"], self.shape.norm_eps)

    def rms_norm(self, name, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.shape.rms_eps) * self.w[name + "weight"]

    def vision_angles(self, grids, merges):
        """[N, head_dim / 2]: rows' angles, then columns', in merge-block order; every frame restarts at (0, 0)."""
        half = self.shape.vision_hidden // self.shape.vision_heads // 2
        inverse = 1.0 / 10000.0 ** (torch.arange(0, half, 2).float() / half)
        out = []
        for (t, h, w), m in zip(grids, merges):
            rows = torch.arange(h).repeat_interleave(w).repeat(t)
            columns = torch.arange(w).repeat(h * t)
            places = merge_block_order(torch.stack([rows, columns], 1), t, h, w, m).float()
            out.append(torch.cat([places[:, :1] * inverse, places[:, 1:] * inverse], 1))
        return torch.cat(out)

    def encode(self, pixels, grids, merges):
        """Vision encoder, merging and projector; a dictionary of everything worth comparing."""
        s, w, p = self.shape, self.w, "model.vision_encoder."
        out = {"rope_angles": self.vision_angles(grids, merges)}
        doubled = torch.cat([out["rope_angles"]] * 2, 1)
        out["rope_cos"], out["rope_sin"] = doubled.cos(), doubled.sin()
        patch = w[p + "embeddings.patch_embedding.weight"].flatten(1)
        x = out["patch_embed"] = F.linear(pixels, patch, w[p + "embeddings.patch_embedding.bias"])
        frames = [h * wd for t, h, wd in grids for _ in range(t)]
        for i in range(s.vision_layers):
            layer = f"{p}encoder.layers.{i}."
            y = self.layer_norm(layer + "layer_norm1.", x)
            q, k, v = (
                self.linear(f"{layer}self_attn.{part}_proj.", y).unflatten(1, (s.vision_heads, -1)).transpose(0, 1)
                for part in "qkv"
            )
            q, k = rotate(q, out["rope_cos"], out["rope_sin"]), rotate(k, out["rope_cos"], out["rope_sin"])
            blocks = zip(*(part.split(frames, dim=1) for part in (q, k, v)))
            y = torch.cat([softmax_attention(*block, causal=False) for block in blocks], dim=1)
            x = x + self.linear(layer + "self_attn.out_proj.", y.transpose(0, 1).flatten(1))
            y = F.gelu(self.linear(layer + "mlp.fc1.", self.layer_norm(layer + "layer_norm2.", x)), approximate="tanh")
            x = x + self.linear(layer + "mlp.fc2.", y)
            if i == 0:
                out["vision_layer0"] = x
        out["vision_layer_last"] = x
        x = out["post_layernorm"] = self.layer_norm(p + "post_layernorm.", x)

        merged, start = [], 0
        for (t, h, wd), m in zip(grids, merges):
            item = x[start : start + t * h * wd]
            start += t * h * wd
            raster = item.reshape(t, h // m, wd // m, m, m, -1).transpose(2, 3).reshape(t, h, wd, -1)
            planes = F.interpolate(raster.permute(0, 3, 1, 2), size=(h // m, wd // m), mode="bilinear",
                                   align_corners=False, antialias=False)
            merged.append(planes.permute(0, 2, 3, 1).flatten(0, 2))
        y = out["merged"] = torch.cat(merged)
        for i, part in enumerate(projector_layers(s.projector)):
            y = self.linear("model.mm_projector." + part, F.gelu(y) if i else y)
        out["projected"] = y
        return out

    def embed(self, ids):
        return self.w["model.embed_tokens.weight"][ids]

    def decode(self, x):
        """Decoder on embeddings [L, H] at positions 0..L-1."""
        s = self.shape
        d = s.head_dim
        inverse = 1.0 / s.rope_theta ** (torch.arange(0, d, 2).float() / d)
        angles = torch.arange(len(x)).float()[:, None] * inverse
        cos, sin = torch.cat([angles, angles], 1).cos(), torch.cat([angles, angles], 1).sin()
        out = {}
        for i in range(s.layers):
            layer = f"model.layers.{i}."
            y = self.rms_norm(layer + "input_layernorm.", x)
            q, k, v = (self.linear(f"{layer}self_attn.{part}_proj.", y).unflatten(1, (-1, d)) for part in "qkv")
            if s.qwen == 3:
                q, k = self.rms_norm(layer + "self_attn.q_norm.", q), self.rms_norm(layer + "self_attn.k_norm.", k)
            q, k, v = (part.transpose(0, 1) for part in (q, k, v))
            q, k = rotate(q, cos, sin), rotate(k, cos, sin)
            groups = s.heads // s.kv_heads
            y = softmax_attention(q, k.repeat_interleave(groups, 0), v.repeat_interleave(groups, 0), causal=True)
            x = x + self.linear(layer + "self_attn.o_proj.", y.transpose(0, 1).flatten(1))
            y = self.rms_norm(layer + "post_attention_layernorm.", x)
            y = F.silu(self.linear(layer + "mlp.gate_proj.", y)) * self.linear(layer + "mlp.up_proj.", y)
            x = x + self.linear(layer + "mlp.down_proj.", y)
            if i == 0:
                out["decoder_layer0"] = x
        out["last_hidden"] = self.rms_norm("model.norm.", x)
        head = self.w["model.embed_tokens.weight"] if s.tied else self.w["lm_head.weight"]
        out["logits"] = F.linear(out["last_hidden"], head)
        return out


# --------------------------------------------------------------------------------------------------------- pruning


def pixel_distance(pixels, grid, m):
    """[t - 1, tokens]: mean absolute difference of a merge block's pixels to those of the frame before."""
    t, h, w = grid
    blocks = pixels.reshape(t, h * w // (m * m), -1)
    return (blocks[1:] - blocks[:-1]).abs().mean(-1)


def embedding_distance(merged, grid, m):
    """[t - 1, tokens]: L1 norm of the difference of encoder outputs."""
    t, h, w = grid
    tokens = merged.reshape(t, h * w // (m * m), -1)
    return (tokens[1:] - tokens[:-1]).abs().sum(-1)


def keep_mask(rule, pixels, merged, grid, m, threshold=0.1, min_tokens=1):
    """[t, tokens] of one video item: what stays. Refuses data that lie too near the threshold to be a fair test."""
    t, tokens = grid[0], grid[1] * grid[2] // (m * m)
    if rule == "embedding":
        distance = embedding_distance(merged, grid, m)
        far = (distance - threshold).abs() > 2e-3
        # Identical frames: 0 up to rounding. At threshold 0 any distance is kept, since none is negative.
        assert bool((far | (distance < 1e-4)).all()), "an embedding distance is too near the threshold"
        keep = distance >= threshold
    else:
        distance = pixel_distance(pixels, grid, m) * (255.0 if rule == "pixel255" else 1.0)
        assert bool((((distance - threshold).abs() > 1e-5) | (distance == 0)).all()), "a distance is on the threshold"
        keep = distance > threshold
    # The released code gives frame 0 a score of threshold + 1 on the scale of 255, and divides scores by 255.
    first = rule != "released" or (threshold + 1) / 255 > threshold
    keep = torch.cat([torch.full((1, tokens), first), keep])
    keep[keep.sum(1) < min_tokens, :min_tokens] = True
    return keep


# ------------------------------------------------------------------------------------------------- image processor


def simple_sizes(items, factor, min_tokens, max_tokens):
    """One factor for the whole call. items: (frames, height, width); sizes out as (height, width)."""
    limit = math.floor(max_tokens * factor * factor / sum(frames for frames, _, _ in items))
    out = []
    for _, h, w in items:
        a, b = round(h / factor) * factor, round(w / factor) * factor
        if a * b > limit:
            beta = math.sqrt(h * w / limit)
            a, b = math.floor(h / beta / factor) * factor, math.floor(w / beta / factor) * factor
        if a * b < min_tokens * factor * factor:
            beta = math.sqrt(min_tokens * factor * factor / (h * w))
            a, b = math.ceil(h * beta / factor) * factor, math.ceil(w * beta / factor) * factor
        out.append((a, b))
    return out


def mixed_sizes(items, factors, max_tokens):
    """A factor for each item, shrunk together."""
    total = sum(t * math.ceil(h / f) * math.ceil(w / f) for (t, h, w), f in zip(items, factors))
    if total <= max_tokens:
        return [(round(h / f) * f, round(w / f) * f) for (_, h, w), f in zip(items, factors)]
    beta = math.sqrt(total / max_tokens)
    return [(math.floor(h / beta / f) * f, math.floor(w / beta / f) * f) for (_, h, w), f in zip(items, factors)]


def resize(image, height, width):
    """uint8 [H, W, 3], Pillow's antialiased bicubic."""
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))


def normalize(values, mean, std):
    """uint8 [..., 3] to float32, each step in float32."""
    x = (values.astype(np.float64) * (1 / 255)).astype(np.float32)
    return (x - np.array(mean, np.float32)) / np.array(std, np.float32)


def patchify(frames, patch, m):
    """[t, H, W, 3] to rows of 3 * P * P, merge-block order."""
    t, height, width, _ = frames.shape
    h, w = height // patch, width // patch
    x = torch.from_numpy(np.ascontiguousarray(frames)).reshape(t, h, patch, w, patch, 3)
    rows = x.permute(0, 1, 3, 5, 2, 4).reshape(t * h * w, 3 * patch * patch)
    return merge_block_order(rows, t, h, w, m).contiguous(), (t, h, w)


@dataclass
class Item:
    """One picture or video, ready for the model."""

    u8: torch.Tensor
    pixels: torch.Tensor
    grid: tuple
    m: int


def process(shape, pictures, merges, transposed=False):
    """pictures: uint8 [t, H, W, 3] each. transposed: the width/height quirk of Pillow pictures."""
    sizes = [(len(x), *(x.shape[2:0:-1] if transposed else x.shape[1:3])) for x in pictures]
    factors = [shape.patch * m for m in merges]
    if len(set(merges)) == 1:
        targets = simple_sizes(sizes, factors[0], shape.min_tokens, shape.max_tokens)
    else:
        targets = mixed_sizes(sizes, factors, shape.max_tokens)
    out = []
    for frames, (height, width), m in zip(pictures, targets, merges):
        resized = np.stack([resize(frame, height, width) for frame in frames])
        u8, grid = patchify(resized, shape.patch, m)
        pixels, _ = patchify(normalize(resized, shape.mean, shape.std), shape.patch, m)
        out.append(Item(u8, pixels, grid, m))
    return out


def synth_image(height, width, seed):
    """The test pattern of the published goldens: stripes and noise, in unsigned 32-bit arithmetic."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    y, x, c, mask = y.astype(np.uint64), x.astype(np.uint64), c.astype(np.uint64), np.uint64(0xFFFFFFFF)
    v = ((x * (3 + c) + y * (2 + 2 * c) + np.uint64(17 * seed)) >> np.uint64(1)) & np.uint64(255)
    products = x * np.uint64(73856093), y * np.uint64(19349663), c * np.uint64(83492791)
    n = (products[0] & mask) ^ (products[1] & mask) ^ (products[2] & mask) ^ np.uint64(seed * 2654435761 & 0xFFFFFFFF)
    n ^= n >> np.uint64(13)
    n = n * np.uint64(1274126177) & mask
    n ^= n >> np.uint64(16)
    return ((3 * v + (n & np.uint64(255))) >> np.uint64(2)).astype(np.uint8)


# ------------------------------------------------------------------------------------------------------------ text


def time_text(seconds):
    return f"Time {round(seconds, 1)}s:"


def render_content(content):
    if isinstance(content, str):
        return content
    out = ""
    for part in content:
        if part["type"] == "image":
            out += (time_text(part["time"]) + " " if "time" in part else "") + "<image>\n"
        elif part["type"] == "video":
            times = [time_text(t) for t in part.get("timestamps", [])] or [""] * part["num_frames"]
            out += ",".join(t + "<image>" for t in times) + "\n"
        else:
            out += part["text"]
    return out


def render(conversation):
    return [f"<|im_start|>{x['role']}\n{render_content(x['content'])}<|im_end|>\n" for x in conversation]


def expand(text, counts):
    """Each placeholder becomes as many as the next entry of `counts` says; the rest of `counts` is returned."""
    pieces = text.split("<image>")
    used, rest = counts[: len(pieces) - 1], counts[len(pieces) - 1 :]
    return "".join(p + "<image>" * n for p, n in zip(pieces, [*used, 0])), rest


def frame_tokens(items):
    return [x.grid[1] * x.grid[2] // x.m**2 for x in items for _ in range(x.grid[0])]


def prompt_ids(tokenizer, conversation, items):
    prompt = "".join(render(conversation)) + "<|im_start|>assistant\n"
    return prompt, tokenizer.encode(expand(prompt, frame_tokens(items))[0], add_special_tokens=False).ids


def training_ids(tokenizer, conversation, items):
    """Each message tokenized alone; labels on the assistant's text and its end token."""
    ids, labels, counts = [], [], frame_tokens(items)
    for message, text in zip(conversation, render(conversation)):
        text, counts = expand(text, counts)
        part = tokenizer.encode(text, add_special_tokens=False).ids
        ids += part
        if message["role"] == "assistant":
            head = len(tokenizer.encode("<|im_start|>assistant\n", add_special_tokens=False).ids)
            labels += [IGNORED] * head + part[head:-1] + [IGNORED]
        else:
            labels += [IGNORED] * len(part)
    return ids, labels


# ----------------------------------------------------------------------------------------------------------- cases


class Writer:
    """Runs cases of one variant and writes their files."""

    def __init__(self, shape, model, tokenizer, folder):
        self.shape, self.model, self.tokenizer, self.folder = shape, model, tokenizer, folder
        self.smallest_margin, self.largest_logit = math.inf, 0.0

    def save(self, name, tensors, info):
        tensors = {key: value.detach().contiguous().clone() for key, value in tensors.items()}
        save_file(tensors, self.folder / f"case-{name}.safetensors", metadata={"format": "pt"})
        write_json(self.folder / f"case-{name}.json", info)

    def mask(self, rule, items, modals, merged):
        """uint8 [M] over all items."""
        out, start = [], 0
        for item, modal in zip(items, modals):
            tokens = item.grid[0] * item.grid[1] * item.grid[2] // item.m**2
            if modal == "video" and item.grid[0] > 1:
                own = merged[start : start + tokens]
                out.append(keep_mask(rule, item.pixels, own, item.grid, item.m).flatten())
            else:
                out.append(torch.ones(tokens, dtype=torch.bool))
            start += tokens
        return torch.cat(out)

    def compact(self, ids, vision, mask):
        """Ids, embeddings and a selection of the sequence after pruning."""
        ids = torch.tensor(ids)
        places = ids == IMAGE_TOKEN
        assert int(places.sum()) == (len(mask) if mask is not None else 0)
        keep = torch.ones(len(ids), dtype=torch.bool)
        embeds = self.model.embed(ids.clamp(max=self.shape.vocab - 1))
        if mask is not None:
            keep[places] = mask
            embeds = embeds.masked_scatter(places[:, None], vision["projected"])
        return ids[keep], embeds[keep], keep

    def greedy(self, embeds, logits):
        """Twelve steps, each a full forward pass; end tokens do not stop it."""
        ids, steps = [], [logits[-1]]
        for step in range(STEPS):
            ids.append(int(steps[-1].argmax()))
            if step + 1 < STEPS:
                embeds = torch.cat([embeds, self.model.embed(torch.tensor(ids[-1:]))])
                steps.append(self.model.decode(embeds)["logits"][-1])
        steps = torch.stack(steps)
        best = steps.topk(2, dim=1).values
        return ids, steps, float((best[:, 0] - best[:, 1]).min())

    def case(self, name, conversation, pictures=(), merges=(), modals=None, modes=("released",), full=(), all_logits=False,
             pictures_as="array", quirk=False, raw=None, extra=None):
        """One conversation in every pruning mode; the first mode is the file without a suffix."""
        items = process(self.shape, pictures, merges, quirk) if pictures else []
        modals = modals or ["text"]
        prompt, ids = prompt_ids(self.tokenizer, conversation, items)
        grids, ms = [x.grid for x in items], [x.m for x in items]
        vision = self.model.encode(torch.cat([x.pixels for x in items]), grids, ms) if items else None
        for mode in modes:
            mask = None
            if items:
                pruned = mode != "off"
                tokens = len(vision["merged"])
                mask = self.mask(mode, items, modals, vision["merged"]) if pruned else torch.ones(tokens, dtype=torch.bool)
            final, embeds, _ = self.compact(ids, vision, mask)
            out = self.model.decode(embeds)
            generated, steps, margin = self.greedy(embeds, out["logits"])
            self.smallest_margin = min(self.smallest_margin, margin)
            self.largest_logit = max(self.largest_logit, float(out["logits"].abs().max()))
            tensors = {
                "out.final_input_ids": final,
                "out.final_attention_mask": torch.ones_like(final),
                "out.final_position_ids": torch.arange(len(final)),
                "out.generated": torch.tensor(generated),
                "out.last_hidden": out["last_hidden"],
            }
            if items and mode != "off":
                tensors["out.compression_mask"] = mask.to(torch.uint8)
            info = {"modals": modals, "pruning": mode, "min_top2_margin": margin,
                    "kept_tokens": int(mask.sum()) if items and mode != "off" else None,
                    "mean": self.shape.mean, "std": self.shape.std, "conversation": conversation, "prompt": prompt,
                    "merge": (ms[0] if len(set(ms)) == 1 else ms) if ms else 1,
                    "generated_text": self.tokenizer.decode(generated, skip_special_tokens=False),
                    "input_kind": pictures_as, **(extra or {})}
            if mode == modes[0]:
                file = name
                tensors |= {"in.input_ids": torch.tensor([ids]), "in.attention_mask": torch.ones(1, len(ids), dtype=torch.int64),
                            "out.inputs_embeds": embeds, "out.decoder_layer0": out["decoder_layer0"], "out.step_logits": steps}
                tensors["out.logits" if all_logits else "out.logits_last8"] = out["logits"] if all_logits else out["logits"][-8:]
                if items:
                    tensors |= {"in.grid_sizes": torch.tensor(grids), "in.merge_sizes": torch.tensor(ms)}
                    tensors |= {f"out.{key}": vision[key] for key in ("rope_angles", "merged", "projected", *full)}
                    if "patch_embed" in full:
                        tensors["in.pixel_values"] = torch.cat([x.pixels for x in items])
                    else:
                        tensors["in.pixel_u8"] = torch.cat([x.u8 for x in items])
                tensors |= {f"raw.{key}": torch.from_numpy(np.ascontiguousarray(value)) for key, value in (raw or {}).items()}
            else:
                file = f"{name}@{mode}"
                tensors["out.logits_last"] = out["logits"][-1]
            self.save(file, tensors, info)
        return items, vision

    def train(self, conversation, video, pixels_of, modes):
        """Loss and gradients; the pictures are those of case-video."""
        items = process(self.shape, [video], [2])
        ids, labels = training_ids(self.tokenizer, conversation, items)
        pixels, grids = items[0].pixels, [items[0].grid]
        for mode in modes:
            leaves = {name: value.clone().requires_grad_() for name, value in self.model.w.items()}
            stored, self.model = self.model, Model(self.shape, leaves)
            vision = self.model.encode(pixels, grids, [2])
            tokens = len(vision["merged"])
            with torch.no_grad():
                mask = torch.ones(tokens, dtype=torch.bool) if mode == "off" else self.mask(mode, items, ["video"], vision["merged"])
            final, embeds, keep = self.compact(ids, vision, mask)
            kept_labels = torch.tensor(labels)[keep]
            out = self.model.decode(embeds)
            loss = F.cross_entropy(out["logits"][:-1], kept_labels[1:], ignore_index=IGNORED)
            loss.backward()
            self.model = stored
            grads = {name: leaf.grad for name, leaf in leaves.items()}
            tensors = {"out.final_input_ids": final, "out.final_labels": kept_labels,
                       "out.final_position_ids": torch.arange(len(final)), "out.last_hidden": out["last_hidden"],
                       "out.loss": loss.reshape(1)}
            if mode != "off":
                tensors["out.compression_mask"] = mask.to(torch.uint8)
            if mode == modes[0]:
                tensors |= {"in.input_ids": torch.tensor([ids]), "in.labels": torch.tensor([labels]),
                            "in.grid_sizes": torch.tensor(grids), "in.merge_sizes": torch.tensor([2]),
                            "out.inputs_embeds": embeds, "out.decoder_layer0": out["decoder_layer0"],
                            "out.logits_last8": out["logits"][-8:]}
            else:
                tensors["out.logits_last"] = out["logits"][-1]
            info = {"modals": ["video"], "pruning": mode, "kept_tokens": None if mode == "off" else int(mask.sum()),
                    "conversation": conversation, "loss": float(loss.detach()), "n_label_tokens": int((kept_labels != IGNORED).sum()),
                    "grad_norms": {name: float(grad.norm()) for name, grad in grads.items()}, "pixel_values_of": pixels_of}
            self.save("train" if mode == modes[0] else f"train@{mode}", tensors, info)
            if mode == "off" and self.shape.grads:
                save_file({name: grad.contiguous() for name, grad in grads.items()}, self.folder / "case-train-grads.safetensors")

    def masks(self, items, vision):
        """Keep masks of case-volume under many thresholds and minimums."""
        item = items[0]
        tokens = item.grid[1] * item.grid[2] // item.m**2
        out = {"embedding.l1_distance": embedding_distance(vision["merged"], item.grid, item.m)}
        pixel_rules = {"released": "released", "videollama3": "pixel255", "pixel": "pixel"}
        # 0.002 and 0.0039 lie under, 0.00395 and 0.004 over the place where the released rule drops frame 0 (1/254).
        settings = [(0.0, 1), (0.002, 1), (0.0039, 1), (0.00395, 1), (0.004, 2), (0.05, 1), (0.1, 1), (0.1, 2), (0.1, 3),
                    (0.1, tokens), (0.1, tokens + 5), (0.5, 2), (30.0, 1), (1000.0, 3), (1000.0, tokens + 5)]
        for key, rule in pixel_rules.items():
            for threshold, least in settings:
                kept = keep_mask(rule, item.pixels, None, item.grid, item.m, threshold, least)
                out[f"{key}.thr{threshold}.min{least}"] = kept.flatten().to(torch.uint8)
        for threshold, least in [(0.0, 1), (0.1, 1), (0.1, 3), (10.0, 1), (10.0, 2), (25.0, tokens), (25.0, tokens + 5), (1000.0, 3)]:
            kept = keep_mask("embedding", item.pixels, vision["merged"], item.grid, item.m, threshold, least)
            out[f"embedding.thr{threshold}.min{least}"] = kept.flatten().to(torch.uint8)
        save_file(out, self.folder / "masks-volume.safetensors")


def moving_frames(height, width, seed):
    """Five frames: a base, the same again, one grey level more in a corner, a new block, another picture."""
    base = synth_image(height, width, seed)
    corner = base.copy()
    corner[: height // 4, : width // 4] = np.minimum(corner[: height // 4, : width // 4].astype(int) + 1, 255)
    block = corner.copy()
    block[height // 3 : 2 * height // 3, width // 2 :] = 255 - block[height // 3 : 2 * height // 3, width // 2 :]
    return np.stack([base, base, corner, block, synth_image(height, width, seed + 1)])


def changing_volume(rows, columns, seed):
    """int16 [rows, columns, 8]: identical neighbours, tiny changes, a changed block, faint noise, new pictures.

    The first row holds 0 and 2000 in every slice, so that scaling each slice by its own extremes is the same for all.
    """
    noise = np.random.default_rng(seed)
    y, x = np.mgrid[0:rows, 0:columns]

    def smooth(k):
        return (900 + 500 * np.sin(x / (5 + k)) + 400 * np.cos(y / (7 - k / 2) + k)).astype(np.int16)

    slices = [smooth(0), smooth(0)]
    slices.append(slices[-1].copy())
    slices[-1][rows // 2 : rows // 2 + 4, 4:12] += 16
    slices.append(smooth(1))
    slices.append(slices[-1].copy())
    slices[-1][: rows // 2, columns // 2 :] = 1900 - slices[-1][: rows // 2, columns // 2 :]
    slices.append(slices[-1].copy())
    slices.append(np.clip(slices[-1] + noise.integers(-60, 60, (rows, columns)), 1, 1999).astype(np.int16))
    slices.append(smooth(2.5))
    for s in slices:
        s[0, 0], s[0, 1] = 0, 2000
    return np.stack(slices, axis=2)


def make_variant(shape, tokenizer_folder, out, seed):
    """Everything of one variant; its smallest margin and largest logit."""
    folder = out / shape.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        if (tokenizer_folder / file).exists():
            shutil.copyfile(tokenizer_folder / file, folder / file)
    weights = random_weights(shape, seed)
    write_checkpoint(shape, weights, folder)
    writer = Writer(shape, Model(shape, weights), Tokenizer.from_file(str(tokenizer_folder / "tokenizer.json")), folder)

    def user(*parts, **rest):
        return {"role": "user", "content": [x if isinstance(x, dict) else {"type": "text", "text": x} for x in parts], **rest}

    picture, image = synth_image(53, 97, seed), {"type": "image"}
    everything = ("patch_embed", "vision_layer0", "vision_layer_last", "post_layernorm")
    describe = [user(image, "Describe this image.")]
    with torch.no_grad():
        writer.case("image-array", describe, [picture[None]], [1], ["image"], full=everything, all_logits=True,
                    pictures_as="array", raw={"image0": picture})
        writer.case("image", describe, [picture[None]], [1], ["image"], full=("rope_cos", "rope_sin"), quirk=True,
                    pictures_as="PIL (upstream width/height quirk applies)", raw={"image0": picture})
        writer.case("text", [{"role": "system", "content": "Be exact."}, user("What is an anisotropic voxel? 3×3×5 mm.")], all_logits=True)
        one, two = synth_image(30, 41, seed + 2), synth_image(99, 64, seed + 3)
        writer.case("two-images", [user("A: ", image, "B: ", {"type": "image", "time": 7.25}, "Which one is later?")],
                    [one[None], two[None]], [1, 1], ["image", "image"], pictures_as="arrays", raw={"image0": one, "image1": two})

        volume = changing_volume(*shape.volume, seed)
        (folder / "volume.nii.gz").write_bytes(gzip.compress(nifti_bytes(volume, "<i2", 2, -1000), mtime=0))
        slices = released_slices(nifti_values(volume, 2, -1000), 2, 8)[0]
        talk = [user({"type": "video", "num_frames": 8}, "This is a medical 3D scenario. Anything new?")]
        items, vision = writer.case(
            "volume", talk, [np.repeat(slices[..., None], 3, axis=3)], [2], ["video"], ("released", "off", "pixel", "pixel255", "embedding"),
            ("vision_layer_last", "post_layernorm"), True, "PIL slices (quirk applies)", True,
            extra={"nii_num_slices": 8, "nii_axis": "axial", "file": "volume.nii.gz"})
        writer.masks(items, vision)

        frames = moving_frames(70, 92, seed + 4)
        times = {"type": "video", "num_frames": 5, "timestamps": [0.0, 0.75, 1.25, 3.75, 12.349]}
        writer.case("video", [user(times, "What happens?")], [frames], [2], ["video"], ("released", "off", "pixel", "pixel255", "embedding"),
                    ("vision_layer_last", "post_layernorm"), pictures_as="array THWC uint8", raw={"frames": frames})
        writer.case("mixed", [user(image, "and ", {"type": "video", "num_frames": 3}, "Same patient?")], [two[None], frames[:3]],
                    [1, 2], ["image", "video"], ("released", "pixel"), pictures_as="array + array video, merge_size list [1,2]",
                    raw={"image0": two})
        if shape.big_merges:
            wide = synth_image(150, 200, seed + 5)
            writer.case("merge3", describe, [wide[None]], [3], ["image"], full=everything, pictures_as="array", raw={"image0": wide})
            more = moving_frames(100, 180, seed + 6)[1:4]
            writer.case("merge4", [user({"type": "video", "num_frames": 3}, "What happens?")], [more], [4], ["video"], ("released", "pixel"),
                        ("post_layernorm",), pictures_as="array THWC uint8", raw={"frames": more})
    writer.train([user({"type": "video", "num_frames": 5}, "What happens?"), {"role": "assistant", "content": "A block appears. "},
                  user("Sure?"), {"role": "assistant", "content": [{"type": "text", "text": "Yes, on the right."}]}],
                 frames, "case-video", ("off", "pixel", "released"))
    return writer.smallest_margin, writer.largest_logit


# ----------------------------------------------------------------------------------------------------- checkpoints


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def stored_name(layout, name):
    if layout == "doubled":
        return name.replace("model.vision_encoder.", "model.vision_encoder.vision_encoder.")
    if layout == "native":
        for old, new in (("model.vision_encoder.", "model.vision_model."), ("model.mm_projector.", "model.projector.")):
            if name.startswith(old):
                return new + name[len(old) :]
        return name.replace("model.", "model.language_model.", 1) if name.startswith("model.") else name
    return name


def write_checkpoint(shape, weights, folder):
    tensors = {stored_name(shape.layout, name): value for name, value in weights.items()}
    if shape.extras:
        tensors["lm_head.weight"] = weights["model.embed_tokens.weight"].clone()
        tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.arange(3).float()
        tensors["model.rotary_emb.inv_freq"] = torch.arange(3).float()
        tensors["model.vision_encoder.rotary_pos_emb.inv_freq"] = torch.arange(3).float()
    if shape.bfloat16:
        tensors = {name: value.bfloat16() for name, value in tensors.items()}
    if shape.shards == 1:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    else:
        names, places = sorted(tensors), {}
        for i in range(shape.shards):
            file = f"model-{i + 1:05d}-of-{shape.shards:05d}.safetensors"
            part = names[i :: shape.shards]  # neighbours lie in different files
            places |= {name: file for name in part}
            save_file({name: tensors[name] for name in part}, folder / file, metadata={"format": "pt"})
        size = sum(value.numel() * value.element_size() for value in tensors.values())
        write_json(folder / "model.safetensors.index.json", {"metadata": {"total_size": size}, "weight_map": dict(sorted(places.items()))})

    stored = "bfloat16" if shape.bfloat16 else "float32"
    vision = {"hidden_size": shape.vision_hidden, "intermediate_size": shape.vision_mlp, "num_hidden_layers": shape.vision_layers,
              "num_attention_heads": shape.vision_heads, "num_channels": 3, "patch_size": shape.patch,
              "hidden_act": "gelu_pytorch_tanh", "layer_norm_eps": shape.norm_eps, "attention_dropout": 0.0}
    text = {"vocab_size": shape.vocab, "hidden_size": shape.hidden, "intermediate_size": shape.mlp, "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads, "num_key_value_heads": shape.kv_heads, "hidden_act": "silu",
            "max_position_embeddings": 32768, "rms_norm_eps": shape.rms_eps, "tie_word_embeddings": shape.tied,
            "bos_token_id": PAD_TOKEN, "eos_token_id": END_TOKEN, "pad_token_id": PAD_TOKEN, "attention_dropout": 0.0,
            "use_sliding_window": False, "initializer_range": 0.02, "use_cache": True}
    if shape.write_head_dim:
        text["head_dim"] = shape.head_dim
    if shape.qwen == 3:
        text["attention_bias"] = False
    processor = {"do_convert_rgb": True, "do_normalize": True, "do_rescale": True, "do_resize": True, "image_mean": shape.mean,
                 "image_processor_type": "HulumedImageProcessor", "image_std": shape.std, "max_tokens": shape.max_tokens,
                 "min_tokens": shape.min_tokens, "patch_size": shape.patch, "resample": 3, "rescale_factor": 1 / 255}
    if shape.layout == "native":
        config = {"architectures": ["VideoLlama3ForConditionalGeneration"], "model_type": "video_llama_3", "dtype": stored,
                  "image_token_id": IMAGE_TOKEN, "video_token_id": IMAGE_TOKEN, "tie_word_embeddings": shape.tied,
                  "text_config": {"model_type": f"qwen{shape.qwen}", **text,
                                  "rope_parameters": {"rope_theta": shape.rope_theta, "rope_type": "default"}},
                  "vision_config": {"model_type": "video_llama_3_vision", **vision}}
    else:
        config = {"architectures": [f"HulumedQwen{shape.qwen}ForCausalLM"], "model_type": f"hulumed_qwen{shape.qwen}",
                  "torch_dtype": stored, **text, "rope_theta": shape.rope_theta, "rope_scaling": None,
                  "mm_projector_type": shape.projector, "use_token_compression": True, "image_token_index": IMAGE_TOKEN}
        if shape.layout == "doubled":
            config |= {"model_type": "hulumed_qwen2", "vision_encoder": "./elsewhere/navit", "mm_vision_encoder": "./navit"}
        else:
            config |= {"vision_encoder": None, "vision_encoder_config": {"model_type": "hulumed_vision_encoder", **vision}}
    write_json(folder / "config.json", config)
    if shape.layout == "doubled":
        (folder / "navit").mkdir()
        write_json(folder / "navit" / "config.json", {"model_type": "hulumed_vision_encoder", **vision})
        write_json(folder / "navit" / "preprocessor_config.json", processor)
    else:
        write_json(folder / "preprocessor_config.json", processor)


# ---------------------------------------------------------------------------------------------------------- tables


def nifti_bytes(volume, dtype, slope, intercept):
    """A NIfTI-1 file of [x, y, z]; dtype is a numpy name with its byte order."""
    codes = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "u2": 512}
    order = ">" if dtype[0] == ">" else "<"
    data = volume.astype(dtype)
    header = bytearray(352)
    struct.pack_into(order + "i", header, 0, 348)
    struct.pack_into(order + "8h", header, 40, 3, *volume.shape, 1, 1, 1, 1)
    struct.pack_into(order + "hh", header, 70, codes[dtype[1:]], data.itemsize * 8)
    struct.pack_into(order + "8f", header, 76, 1, 1, 1, 2.5, 1, 1, 1, 1)
    struct.pack_into(order + "fff", header, 108, 352, slope, intercept)
    struct.pack_into(order + "hh", header, 252, 0, 1)
    struct.pack_into(order + "12f", header, 280, -1, 0, 0, 10, 0, 1, 0, -5, 0, 0, 2.5, 3)
    header[344:348] = b"n+1\0"
    return bytes(header) + data.tobytes(order="F")


def nifti_values(volume, slope, intercept):
    """float64; a slope of 0 means that neither number is set."""
    values = volume.astype(np.float64)
    return values * float(np.float32(slope)) + float(np.float32(intercept)) if slope else values


def scaled(picture, constant):
    """Min-max to 0..255, truncated. A constant slice: `wrap` (cast as it is) or `zeros`."""
    low, high = picture.min(), picture.max()
    if high > low:
        return ((picture - low) / (high - low) * 255.0).astype(np.uint8)
    if constant == "zeros":
        return np.zeros(picture.shape, np.uint8)
    return picture.astype(np.int64).astype(np.uint8)


def take(values, axis, indices):
    return [np.take(values, i, axis=axis) for i in indices]


def released_slices(values, axis, count):
    indices = np.linspace(0, values.shape[axis] - 1, count).astype(int).tolist()
    return np.stack([scaled(x, "wrap") for x in take(values, axis, indices)]), indices


def processor_slices(values, axis, count, center, width):
    n = values.shape[axis]
    indices = list(range(n)) if count is None or count >= n else np.linspace(0, n - 1, count).astype(int).tolist()
    if center is not None:
        values = np.clip(values, center - width / 2, center + width / 2)
    return np.stack([scaled(x, "zeros") for x in take(values, axis, indices)]), indices


def make_nifti(folder):
    folder.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(5)
    shape = (11, 7, 6)
    small = noise.integers(-900, 2000, shape)
    small[:, :, 2] = 300  # constant slices: 300 wraps to 44, and 7 stays
    small[:, 3, :] = 7
    real = noise.normal(50, 120, shape)
    real[4] = 260.75
    files = {
        "int16.nii.gz": (small, "<i2", 1, 0),
        "int16-scaled-be.nii": (small, ">i2", 0.5, 20),
        "uint16.nii": (noise.integers(0, 65535, shape), "<u2", 0, 99),
        "float32.nii": (real, "<f4", 1, 0),
        "float64-scaled.nii.gz": (real, "<f8", 2.5, -30),
        "int32.nii": (noise.integers(-70000, 70000, shape), "<i4", 0.01, 1),
    }
    entries, tensors = [], {}
    for file, (volume, dtype, slope, intercept) in files.items():
        data = nifti_bytes(volume, dtype, slope, intercept)
        (folder / file).write_bytes(gzip.compress(data, mtime=0) if file.endswith("gz") else data)
        values = nifti_values(volume.astype(dtype), slope, intercept)
        tensors[f"{file}/fdata"] = torch.from_numpy(values.astype(np.float32))
        for axis, number in (("axial", 2), ("coronal", 1), ("sagittal", 0)):
            for count in (1, 4, 9):
                key = f"{file}/{axis}-{count}"
                slices, indices = released_slices(values, number, count)
                tensors[key] = torch.from_numpy(slices)
                entries.append({"key": key, "file": file, "axis": axis, "nifti_axis": number, "num_slices": count, "indices": indices,
                                "pil_size": list(slices.shape[:0:-1]), "shape": list(slices.shape), "rule": "released repo"})
        for number, count, center, width in ((2, None, None, None), (1, 5, 40.0, 400.0), (0, 11, 100.0, 30.5), (2, 2, -5000.0, 10.0)):
            key = f"{file}/hf-{count}-{number}-{center}-{width}"
            slices, indices = processor_slices(values, number, count, center, width)
            tensors[key] = torch.from_numpy(slices)
            entries.append({"key": key, "file": file, "nifti_axis": number, "num_slices": count, "window_center": center,
                            "window_width": width, "indices": indices, "shape": list(slices.shape),
                            "rule": "HF-version processor (re-stated)"})
    save_file(tensors, folder / "nifti.safetensors")
    write_json(folder / "nifti.json", entries)


def sha256(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def make_imageproc(folder):
    folder.mkdir(parents=True, exist_ok=True)
    entries, tensors = [], {}
    for number, (height, width) in enumerate([(45, 31), (90, 160), (33, 33), (120, 50), (64, 333), (7, 200), (17, 15)]):
        seed = 3 + 11 * number
        image = synth_image(height, width, seed)
        if height * width < 6000:
            tensors[f"{height}x{width}/input"] = torch.from_numpy(image)
        for patch, m, kind, most in [(p, m, k, t) for p in (14, 16) for m in (1, 2) for k in ("array", "pil") for t in (16384, 12)]:
            mean, std = (CLIP_MEAN, CLIP_STD) if patch == 14 else (HALF, HALF)
            least = 4 if most == 12 else 16
            size = (1, width, height) if kind == "pil" else (1, height, width)
            target = simple_sizes([size], patch * m, least, most)[0]
            if min(target) == 0:
                continue
            resized = resize(image, *target)
            rows, grid = patchify(normalize(resized, mean, std)[None], patch, m)
            sample = sorted({len(rows) * i // 4 for i in range(1, 4)} | {len(rows) - 1})
            key = f"{height}x{width}-p{patch}-m{m}-{kind}-max{most}"
            entries.append({"id": key, "height": height, "width": width, "seed": seed, "input_sha256": sha256(image), "patch_size": patch,
                            "merge_size": m, "kind": kind, "max_tokens": most, "min_tokens": least, "mean": mean, "std": std,
                            "grid": list(grid), "resized": list(target), "rows": len(rows), "sum": float(rows.double().sum()),
                            "abs_sum": float(rows.double().abs().sum()), "dtype": "float32", "resized_dtype": "uint8",
                            "resized_sha256": sha256(resized), "sample_rows": sample})
            tensors[f"{key}/rows"] = rows[sample].contiguous()
            if len(rows) <= 20:
                tensors[f"{key}/pixel_values"] = rows
                tensors[f"{key}/resized"] = torch.from_numpy(np.ascontiguousarray(resized))
    picture = synth_image(83, 61, 9)
    tensors["resize/input"] = torch.from_numpy(picture)
    for height, width in [(40, 122), (166, 30), (83, 20), (5, 61), (200, 200), (1, 1), (41, 31)]:
        tensors[f"resize/{height}x{width}"] = torch.from_numpy(np.ascontiguousarray(resize(picture, height, width)))
    save_file(tensors, folder / "imageproc.safetensors")
    write_json(folder / "imageproc.json", entries)

    noise, sizes = np.random.default_rng(8), []
    for number in range(300):
        items = [[int(noise.choice([1, 1, 2, 8, 61])), int(noise.integers(1, 1500)), int(noise.integers(1, 1500))]
                 for _ in range(int(noise.integers(1, 4)))]
        most = int(noise.choice([12, 256, 1000, 16384]))
        if number % 2:
            factors = [int(noise.choice([14, 16, 28, 32, 42, 64])) for _ in items]
            sizes.append({"rule": "mixed", "frames_h_w": items, "factors": factors, "max_tokens": most,
                          "out": [list(x) for x in mixed_sizes(items, factors, most)]})
        else:
            factor, least = int(noise.choice([14, 16, 28, 32, 42, 64])), int(noise.choice([1, 4, 16]))
            sizes.append({"rule": "simple", "frames_h_w": items, "factor": factor, "min_tokens": least, "max_tokens": most,
                          "out": [list(x) for x in simple_sizes(items, factor, least, most)]})
    write_json(folder / "sizes.json", sizes)


def sample_frames(total, rate, fps, most, start, end):
    first = 0 if start is None else int(start * rate)
    last = total if end is None else min(int(end * rate), total)
    step = 1 if fps is None else max(1, int(rate / fps))
    indices = list(range(first, last, step))
    if most is not None and len(indices) > most:
        indices = np.linspace(first, last - 1, most).astype(int).tolist()
    return indices


def make_sampling(path):
    noise, entries = np.random.default_rng(12), []
    while len(entries) < 80:
        total, rate = int(noise.choice([40, 97, 800, 4321])), float(noise.choice([7.5, 24, 24000 / 1001, 50, 120]))
        fps = [None, 0.3, 1, 2.5, 30][noise.integers(5)]
        most = [None, 1, 5, 100, 768][noise.integers(5)]
        seconds = total / rate
        start = [None, 0.0, round(seconds * 0.21, 2)][noise.integers(3)]
        end = [None, round(seconds * 0.8, 3), seconds + 3][noise.integers(3)]
        if (end or seconds) - (start or 0) < 1:
            continue  # clips under a second have a sampler of their own
        indices = sample_frames(total, rate, fps, most, start, end)
        entries.append({"total": total, "video_fps": rate, "fps": fps, "max_frames": most, "start": start, "end": end,
                        "indices": indices, "timestamps": [i / rate for i in indices]})
    write_json(path, entries)


# ------------------------------------------------------------------------------------------------------------ main


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("--only", action="append", help="a variant's name, or `tables`; may be repeated")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    for shape in SHAPES:
        if args.only and shape.name not in args.only:
            continue
        for seed in range(shape.seed, shape.seed + 40):
            try:
                margin, largest = make_variant(shape, args.tokenizer, args.out, seed)
            except AssertionError as error:
                print(f"{shape.name}: seed {seed}: {error}; another seed")
                continue
            print(f"{shape.name}: seed {seed}, smallest margin {margin:.4f}, largest logit {largest:.1f}")
            if margin > 1e-3:
                break
        else:
            raise SystemExit(f"{shape.name}: no seed was good enough")
    if not args.only or "tables" in args.only:
        make_imageproc(args.out / "imageproc")
        make_nifti(args.out / "nifti")
        make_sampling(args.out / "video-sampling.json")


if __name__ == "__main__":
    main()
