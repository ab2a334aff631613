"""The token ids that PyTorch gives for the demo's real picture and real volume.

The model is transformers' own `VideoLlama3ForConditionalGeneration`, which computes what Hulu-Med does; its weights are
those of the small checkpoint, under that class's names. Pictures are resized by Pillow, volumes read by nibabel: nothing of
this library takes part. Run it where torch, transformers, tokenizers, safetensors, pillow and nibabel are installed:

    python demo_expected.py test/data/goldens/q2-p14 test/data/samples examples/ask-node/expected.json
"""

import json
import sys
from pathlib import Path

import nibabel
import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import VideoLlama3Config, VideoLlama3ForConditionalGeneration

STEPS = 12
SLICES = 8


def native_names(weights):
    """The checkpoint's tensors under the names of transformers' class."""

    def name(key):
        key = key.replace("model.vision_encoder.", "model.vision_model.")
        key = key.replace("model.mm_projector.", "model.projector.")
        if key.startswith(("model.embed_tokens.", "model.layers.", "model.norm.")):
            key = key.replace("model.", "model.language_model.", 1)
        return key

    return {name(key): value for key, value in weights.items()}


def load_model(folder):
    config = json.loads((folder / "config.json").read_text())
    vision = config["vision_encoder_config"] | {"model_type": "video_llama_3_vision"}
    text = {key: value for key, value in config.items() if key not in ("vision_encoder_config", "model_type", "architectures", "vision_encoder", "rope_theta", "rope_scaling")}
    weights = native_names(load_file(folder / "model.safetensors"))
    family = "qwen3" if any(key.endswith("q_norm.weight") for key in weights) else "qwen2"
    text |= {"model_type": family, "rope_parameters": {"rope_type": "default", "rope_theta": config["rope_theta"]}}
    model = VideoLlama3ForConditionalGeneration(
        VideoLlama3Config(text_config=text, vision_config=vision, image_token_id=config["image_token_index"], video_token_id=config["vocab_size"] - 1, tie_word_embeddings=config["tie_word_embeddings"])
    )
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
    model.tie_weights()
    return model.float().eval(), config


def target_size(height, width, frames, factor, limits):
    """The rule for one factor: round, shrink to the limit, grow to the minimum."""
    least, most = limits["min_tokens"] * factor**2, int(limits["max_tokens"] * factor**2 / frames)
    h, w = round(height / factor) * factor, round(width / factor) * factor
    if h * w > most:
        beta = (height * width / most) ** 0.5
        h, w = int(height / beta / factor) * factor, int(width / beta / factor) * factor
    if h * w < least:
        beta = (least / (height * width)) ** 0.5
        h, w = int(np.ceil(height * beta / factor)) * factor, int(np.ceil(width * beta / factor)) * factor
    return h, w


def patches(pictures, merge, processor):
    """[frame * patch, channel * y * x], patches in merge-block order, and the grid."""
    size, rows = processor["patch_size"], []
    h, w = target_size(pictures[0].height, pictures[0].width, len(pictures), size * merge, processor)
    mean, std = (np.array(processor[key], dtype=np.float32) for key in ("image_mean", "image_std"))
    for picture in pictures:
        pixels = np.asarray(picture.resize((w, h), Image.Resampling.BICUBIC))
        scaled = ((pixels * processor["rescale_factor"]).astype(np.float32) - mean) / std
        blocks = scaled.reshape(h // size // merge, merge, size, w // size // merge, merge, size, 3)
        rows.append(blocks.transpose(0, 3, 1, 4, 6, 2, 5).reshape(-1, 3 * size * size))
    return torch.from_numpy(np.concatenate(rows)), (len(pictures), h // size, w // size)


def slices(file, volume):
    """Evenly spaced axial slices, each scaled from its least to its greatest value."""
    data = nibabel.load(file).get_fdata()[..., volume]
    for k in np.linspace(0, data.shape[2] - 1, SLICES).astype(int):
        plane = data[:, :, k]
        yield Image.fromarray(((plane - plane.min()) / (plane.max() - plane.min()) * 255).astype(np.uint8)).convert("RGB")


def released_mask(pixels, grid, merge, threshold=0.1):
    """The released pruning rule: mean absolute difference of a window's pixels; of the first frame, only its first token."""
    windows = pixels.reshape(grid[0], -1, merge * merge * pixels.shape[1])
    keep = torch.zeros(windows.shape[:2], dtype=torch.bool)
    keep[1:] = (windows[1:] - windows[:-1]).abs().mean(-1) > threshold
    keep[keep.sum(1) < 1, 0] = True
    return keep


def answer(model, tokenizer, pieces, stop, **visual):
    """Greedy ids; `pieces` are texts and lists of placeholder ids, so that no text spells a token."""
    ids = [i for piece in pieces for i in (tokenizer.encode(piece, add_special_tokens=False).ids if isinstance(piece, str) else piece)]
    ids, generated = torch.tensor([ids]), []
    for _ in range(STEPS):
        with torch.no_grad():
            logits = model(input_ids=torch.cat([ids, torch.tensor([generated], dtype=torch.long)], 1), use_cache=False, **visual).logits[0, -1]
        best, second = logits.topk(2).values.tolist()
        assert best - second > 1e-3, "too close to call in float32"
        generated.append(int(logits.argmax()))
        if generated[-1] == stop:
            break
    return generated


def main(checkpoint, samples, out):
    model, config = load_model(checkpoint)
    tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
    processor = json.loads((checkpoint / "preprocessor_config.json").read_text())
    image, stop = config["image_token_index"], config["eos_token_id"]
    opening, closing = "<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"

    text = "What are the signs of pneumonia?"
    asked = [{"text": text, "tokenIds": answer(model, tokenizer, [opening + text + closing], stop)}]

    file, text = "2d/microaneurysms.png", "What is seen here?"
    pixels, grid = patches([Image.open(samples / file).convert("RGB")], 1, processor)
    visual = {"pixel_values": pixels, "image_grid_thw": torch.tensor([grid]), "image_merge_sizes": torch.tensor([1])}
    ids = answer(model, tokenizer, [opening, [image] * len(pixels), "\n" + text + closing], stop, **visual)
    asked.append({"image": file, "text": text, "tokenIds": ids})

    file, text = "3d/example4d.nii.gz", "This is a medical 3D scenario. Describe it."
    pixels, grid = patches(list(slices(samples / file, 0)), 2, processor)
    keep = released_mask(pixels, grid, 2)
    pieces = [opening]
    for frame in keep:
        pieces += [",", [config["vocab_size"] - 1] * int(frame.sum())]
    pieces = [opening, *pieces[2:], "\n" + text + closing]
    visual = {"pixel_values_videos": pixels, "video_grid_thw": torch.tensor([grid]), "video_merge_sizes": torch.tensor([2]), "video_compression_mask": keep.flatten()}
    ids = answer(model, tokenizer, pieces, stop, **visual)
    asked.append({"volume": file, "volumeIndex": 0, "slices": SLICES, "text": text, "tokenIds": ids, "keptTokens": int(keep.sum()), "visualTokens": keep.numel()})

    out.write_text(json.dumps({"checkpoint": checkpoint.name, "by": f"transformers VideoLlama3ForConditionalGeneration, torch {torch.__version__}, float32, greedy", "maxTokens": STEPS, "asked": asked}, indent=2) + "\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
