"""A vision-language model of other people's parts, with what PyTorch gives for it: SigLIP, an MLP, Llama.

The encoder is transformers' `SiglipVisionModel` (learned positions), the decoder its `LlamaForCausalLM` with Llama 3.1's
stretched rotary positions and a bias on attention, the projector two `torch.nn.Linear` with a GELU between. Weights are
random and tiny, under the names that a checkpoint of this library has; arithmetic is float32.

    python make_siglip_golden.py test/data/backbones/siglip-llama

Needs torch, transformers, safetensors.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, SiglipVisionConfig, SiglipVisionModel

IMAGE_TOKEN = 500
LAST = 8  # positions whose logits are kept
VISION = dict(hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=3, num_channels=3,
              image_size=28, patch_size=7, hidden_act="gelu_pytorch_tanh", layer_norm_eps=1e-5)
ROPE = dict(rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
            original_max_position_embeddings=64)
TEXT = dict(vocab_size=512, hidden_size=16, intermediate_size=28, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, head_dim=16, max_position_embeddings=512, rms_norm_eps=1e-5, hidden_act="silu",
            attention_bias=True, mlp_bias=False, tie_word_embeddings=False, eos_token_id=502)


def randomize(module, generator):
    """Every weight drawn, so that no bias is zero and no norm is one; large enough for logits of several units."""
    for name, weight in sorted(module.named_parameters()):
        scale, mean = (0.2, 1.0) if weight.ndim == 1 and "norm" in name and "weight" in name else (0.25, 0.0)
        weight.data = torch.randn(weight.shape, generator=generator) * scale + mean


def patches_of(images, side, patch):
    """[frame channel height width] to [frame side*side channel*patch*patch], rows of patches from the top."""
    frames, channels = images.shape[:2]
    cut = images.reshape(frames, channels, side, patch, side, patch).permute(0, 2, 4, 1, 3, 5)
    return cut.reshape(frames, side * side, channels * patch * patch).contiguous()


def main():
    out = Path(sys.argv[1])
    generator = torch.Generator().manual_seed(2024)
    vision = SiglipVisionModel(SiglipVisionConfig(**VISION, vision_use_head=False, attn_implementation="eager")).eval()
    decoder = LlamaForCausalLM(LlamaConfig(**TEXT, rope_parameters=dict(ROPE), attn_implementation="eager")).eval()
    projector = torch.nn.Sequential(
        torch.nn.Linear(VISION["hidden_size"], TEXT["hidden_size"]), torch.nn.GELU(),
        torch.nn.Linear(TEXT["hidden_size"], TEXT["hidden_size"]))
    for module in (vision, decoder, projector):
        randomize(module, generator)

    side = VISION["image_size"] // VISION["patch_size"]
    images = torch.randn(2, 3, VISION["image_size"], VISION["image_size"], generator=generator)
    ids = torch.tensor([[1, 17, 42] + [IMAGE_TOKEN] * (2 * side * side) + list(range(100, 160))])
    with torch.no_grad():
        tokens = vision(images).last_hidden_state
        visual = projector(tokens).reshape(-1, TEXT["hidden_size"])
        embeds = decoder.model.embed_tokens(ids)
        embeds[0, ids[0] == IMAGE_TOKEN] = visual
        logits = decoder(inputs_embeds=embeds).logits[0, -LAST:]
        text_logits = decoder(input_ids=ids[:, -60:]).logits[0, -LAST:]
        generated = decoder.generate(input_ids=ids[:, -60:], max_new_tokens=12, do_sample=False, pad_token_id=0,
                                     eos_token_id=None)[0, 60:]

    weights = {f"model.vision_encoder.{k.removeprefix('vision_model.')}": v for k, v in vision.state_dict().items()}
    weights |= {f"model.mm_projector.readout.{k}": v for k, v in projector.state_dict().items()}
    weights |= decoder.state_dict()
    case = {
        "in.pixel_values": patches_of(images, side, VISION["patch_size"]),
        "in.input_ids": ids[0].to(torch.int32),
        "out.merged": tokens, "out.projected": visual, "out.logits": logits,
        "out.text_logits": text_logits, "out.text_generated": generated.to(torch.int32),
        "out.inv_freq": decoder.model.rotary_emb.inv_freq,
    }
    config = {
        "model_type": "llama", "image_token_index": IMAGE_TOKEN, "mm_projector_type": "mlp2x_gelu",
        "text_config": {"model_type": "llama", **TEXT, "rope_theta": ROPE["rope_theta"],
                        "rope_scaling": {k: v for k, v in ROPE.items() if k != "rope_theta"}},
        "vision_config": {"model_type": "siglip_vision_model", **VISION},
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    save_file({k: v.contiguous() for k, v in weights.items()}, out / "model.safetensors")
    save_file({k: v.contiguous() for k, v in case.items()}, out / "case-two-images.safetensors")
    for file in out.glob("*.safetensors"):
        file.chmod(0o644)
    (out / "case-two-images.json").write_text(json.dumps({"grid": [2, side, side], "merge": 1}) + "\n")
    top = logits.topk(2).values
    print(f"logits up to {logits.abs().max():.2f}, least margin {(top[:, 0] - top[:, 1]).min():.2e}")


if __name__ == "__main__":
    main()
