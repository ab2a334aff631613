"""Golden folders of decoders that Hulu-Med does not have, run by transformers' own classes: Gemma 3 and Gemma 2.

    python make_backbone_goldens.py OUT

OUT gets `gemma3/` and `gemma2/`: config.json and model.safetensors as transformers writes them, and case-text
(.safetensors and .json). Weights are random and tiny, arithmetic is float32, attention is eager. The prompt is several
windows long. `gemma3/adapter/` is a LoRA adapter on q_proj and v_proj as PEFT writes it; `out.adapted_logits` are the
prompt's logits with it.

Softcaps are far below the published 50 and 30, so that random scores reach them. Gemma 3 at full size divides the
positions of its global layers by 8, as here.

Needs torch, transformers, peft, safetensors. Made with torch 2.13.0, transformers 5.23.0, peft 0.21.2.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import Gemma2Config, Gemma2ForCausalLM, Gemma3ForCausalLM, Gemma3TextConfig

PROMPT, STEPS = 23, 8
SHARED = dict(
    vocab_size=41,
    hidden_size=24,
    intermediate_size=36,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=8,
    sliding_window=5,
    query_pre_attn_scalar=11,
    max_position_embeddings=128,
    pad_token_id=0,
    attn_implementation="eager",
)


def fill(model, seed):
    """Weights of a size that keeps what goes through them, norms that are not near 0 as they are at first."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _, p in sorted(model.named_parameters()):
            spread = 0.4 if p.ndim == 1 else (3 / p.shape[-1]) ** 0.5
            p.copy_((torch.rand(p.shape, generator=generator) * 2 - 1) * spread)
    return model.eval()


@torch.no_grad()
def case(model, ids):
    """The prompt's logits in one go, then greedy steps with transformers' own cache, each one's logits."""
    run = model(ids, use_cache=True)
    out = {"in.input_ids": ids, "out.logits": run.logits[0].contiguous()}
    generated, steps = [], []
    for _ in range(STEPS):
        token = run.logits[:, -1:].argmax(-1)
        generated.append(token[0])
        run = model(token, past_key_values=run.past_key_values, use_cache=True)
        steps.append(run.logits[0, -1])
    return out | {"out.generated": torch.cat(generated), "out.step_logits": torch.stack(steps)}


def write(folder, model, seed, about):
    ids = torch.randint(1, SHARED["vocab_size"], (1, PROMPT), generator=torch.Generator().manual_seed(seed))
    tensors = case(model, ids)
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if about.get("adapter"):
        tensors |= adapted(folder / "adapter", model, ids, seed)
    save_file(tensors, folder / "case-text.safetensors")
    (folder / "case-text.json").write_text(json.dumps(about, indent=1) + "\n")


@torch.no_grad()
def adapted(folder, model, ids, seed):
    config = LoraConfig(r=3, lora_alpha=6, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    tuned = get_peft_model(model, config).eval()
    generator = torch.Generator().manual_seed(seed + 1)
    for name, p in sorted(tuned.named_parameters()):
        if "lora_" in name:
            p.copy_((torch.rand(p.shape, generator=generator) * 2 - 1) * 0.4)
    logits = tuned(ids).logits[0].contiguous()
    tuned.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    return {"out.adapted_logits": logits}


if __name__ == "__main__":
    torch.set_num_threads(1)
    out = Path(sys.argv[1])
    gemma3 = Gemma3TextConfig(
        **SHARED,
        num_hidden_layers=6,
        rope_parameters={
            "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
            "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
        },
    )
    assert gemma3.layer_types == ["sliding_attention"] * 5 + ["full_attention"], gemma3.layer_types
    write(out / "gemma3", fill(Gemma3ForCausalLM(gemma3), 3), 3, {"adapter": {"rank": 3, "alpha": 6}})
    gemma2 = Gemma2Config(**SHARED, num_hidden_layers=4, attn_logit_softcapping=0.75, final_logit_softcapping=1.5)
    assert gemma2.layer_types == ["sliding_attention", "full_attention"] * 2, gemma2.layer_types
    write(out / "gemma2", fill(Gemma2ForCausalLM(gemma2), 2), 2, {})
