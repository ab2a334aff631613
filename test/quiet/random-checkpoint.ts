import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { composeVlm, type DecoderConfig, decoder, nn, projector, type VitConfig, vit } from "@hulu/core";
import { writeCheckpoint } from "@hulu/safetensors";

/** What a checkpoint of random weights is made of. */
export interface Shape {
  readonly decoder: DecoderConfig;
  readonly vision: VitConfig;
  readonly dtype: "F32" | "BF16";
}

const goldens = "test/data/goldens/q3-p16";

/** The goldens' q3-p16, scaled up: 85 million parameters in the encoder, 377 in the decoder's layers, 34 a table. */
export const half: Omit<Shape, "dtype"> = {
  decoder: {
    family: "qwen3",
    vocab: 32_768,
    embed: 1024,
    layers: 24,
    heads: 16,
    kvHeads: 8,
    headDim: 128,
    hidden: 3072,
    ropeTheta: 1e6,
    eps: 1e-6,
    qkvBias: false,
    outBias: false,
    qkNorm: true,
    tied: true,
  },
  vision: {
    width: 768,
    layers: 12,
    heads: 12,
    hidden: 3072,
    channels: 3,
    patch: 16,
    eps: 1e-6,
    ropeTheta: 10_000,
    pairing: "half",
  },
};

/** Its head a table of its own. */
export const untied: Omit<Shape, "dtype"> = { ...half, decoder: { ...half.decoder, tied: false } };

/** The goldens' q3-p16 as it is. */
export const tiny: Omit<Shape, "dtype"> = {
  decoder: { ...half.decoder, vocab: 512, embed: 64, layers: 3, heads: 4, kvHeads: 2, headDim: 32, hidden: 112 },
  vision: { ...half.vision, width: 96, layers: 3, heads: 4, hidden: 136 },
};

const POOL = (1 << 22) + 7;

/** The same numbers each time, about as large as trained weights are; no two tensors begin alike. */
function pool(dtype: Shape["dtype"]): Uint8Array {
  const numbers = new Float32Array(POOL);
  let state = 1;
  for (let i = 0; i < POOL; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    numbers[i] = (state / 2 ** 32 - 0.5) * 0.06;
  }
  if (dtype === "F32") return new Uint8Array(numbers.buffer);
  const bits = new Uint32Array(numbers.buffer);
  return new Uint8Array(Uint16Array.from(bits, (b) => b >>> 16).buffer);
}

function* chunks(from: Uint8Array, at: number, bytes: number): Generator<Uint8Array> {
  for (let left = bytes; left > 0; ) {
    const part = from.subarray(at, Math.min(from.length, at + left));
    yield part;
    left -= part.length;
    at = 0;
  }
}

/** Write a checkpoint in the goldens' layout with their tokenizer; gives the number of its parameters. */
export async function makeCheckpoint(folder: string, { decoder: d, vision: v, dtype }: Shape): Promise<number> {
  await mkdir(folder, { recursive: true });
  const { root } = composeVlm({
    vision: vit(v),
    projector: projector("mlp2x_gelu", v.width, d.embed),
    decoder: decoder(d),
  });
  const from = pool(dtype);
  const width = dtype === "F32" ? 4 : 2;
  let parameters = 0;
  let nth = 0;
  const tensors = [...nn.paths(root)].map(([name, { dims }]) => {
    const shape = dims.map((x) => x.size as number);
    const count = shape.reduce((n, x) => n * x, 1);
    parameters += count;
    const at = ((nth++ * 104_729) % POOL) * width;
    return { name, dtype, shape, data: () => chunks(from, at, count * width) };
  });
  await writeCheckpoint(folder, tensors, { overwrite: true });
  const config = {
    architectures: ["HulumedQwen3ForCausalLM"],
    model_type: "hulumed_qwen3",
    vocab_size: d.vocab,
    hidden_size: d.embed,
    intermediate_size: d.hidden,
    num_hidden_layers: d.layers,
    num_attention_heads: d.heads,
    num_key_value_heads: d.kvHeads,
    head_dim: d.headDim,
    hidden_act: "silu",
    max_position_embeddings: 32_768,
    rms_norm_eps: d.eps,
    rope_theta: d.ropeTheta,
    tie_word_embeddings: d.tied,
    eos_token_id: 502,
    mm_projector_type: "mlp2x_gelu",
    use_token_compression: true,
    image_token_index: 500,
    vision_encoder_config: {
      hidden_size: v.width,
      intermediate_size: v.hidden,
      num_hidden_layers: v.layers,
      num_attention_heads: v.heads,
      num_channels: v.channels,
      patch_size: v.patch,
      hidden_act: "gelu_pytorch_tanh",
      layer_norm_eps: v.eps,
    },
  };
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  for (const file of ["preprocessor_config.json", "tokenizer.json", "tokenizer_config.json"])
    await copyFile(join(goldens, file), join(folder, file));
  return parameters;
}
