import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type ChatTemplate,
  type Conversation,
  createTokenizer,
  encodePrompt,
  encodeTraining,
  huluMedTemplate,
  jinjaTemplate,
  removeThinking,
  sampleClip,
  type TemplateOptions,
  type Tokenizer,
  type VisualGrid,
  videoLlama3Template,
} from "@hulu/processor";
import { type Check, checks, type Json, record } from "./json.js";
import { Entry, type Outcome } from "./row.js";

/** `think.json`: what is left of a text without its thinking. */
export const thinkChecks = (json: Json): Check[] =>
  checks(json, (e) => e.equal("out", removeThinking(e.input("text"))));

/** `video-sampling.json`: which frames are taken, and when they were. */
export const samplingChecks = (json: Json): Check[] =>
  checks(json, (e) => {
    const { indices, timestamps } = sampleClip({
      total: e.input("total"),
      videoFps: e.input("video_fps"),
      fps: e.input("fps"),
      maxFrames: e.input("max_frames"),
      start: e.input("start"),
      end: e.input("end"),
    });
    e.equal("indices", indices);
    e.equal("timestamps", timestamps);
  });

/** `chat-hf-ancestor.json` and `chat-custom-template.json`: renderings of a template. */
function renderingChecks(entries: Json, template: ChatTemplate, prefix = ""): Check[] {
  return checks(
    entries,
    (e) => {
      e.input("name");
      const {
        image_token: imageToken,
        add_generation_prompt: addGenerationPrompt,
        add_system_prompt: addSystemPrompt,
        ...variables
      } = e.input<Record<string, never>>("kwargs");
      const options: TemplateOptions = {
        imageToken: imageToken ?? "<image>",
        addGenerationPrompt: addGenerationPrompt ?? false,
        addSystemPrompt: addSystemPrompt ?? false,
        variables,
      };
      e.equal("rendered", template.render(e.input("conversation"), options));
    },
    prefix,
  );
}

export const ancestorChecks = (json: Json): Check[] => renderingChecks(json, videoLlama3Template);

export function customTemplateChecks(json: Json): Check[] {
  const { template, cases } = record(json);
  return renderingChecks(cases, jinjaTemplate(String(template)), "cases/");
}

/** `chat.json`: the family's template, placeholder expansion and labels, with the tokenizer beside it. */
export async function chatChecks(json: Json, root: string): Promise<Check[]> {
  const tokenizer = await readTokenizer(root);
  const { template_cases: templates, expansion, labels, ...scalars } = record(json);
  const named = (name: Json) => record(record(templates)[String(name)]).conversation as Conversation;
  return [
    ...Object.entries(record(templates)).map(([name, entry]) => ({
      stage: `template_cases/${name}`,
      run: () => templateCase(entry, tokenizer),
    })),
    ...checks(expansion, (e) => expansionCase(e, named, tokenizer), "expansion/"),
    ...checks(labels, (e) => labelCase(e, named, tokenizer), "labels/"),
    ...Object.entries(scalars).map(([name, wanted]) => ({ stage: name, run: () => scalar(name, wanted, tokenizer) })),
  ];
}

// These were made by the released code, which encodes the rendered text as a whole.
const released = { texts: "released" } as const;

function templateCase(json: Json, tokenizer: Tokenizer): Outcome {
  const e = new Entry(json);
  const conversation = e.input<Conversation>("conversation");
  e.equal("rendered", huluMedTemplate.render(conversation));
  e.equal("rendered_gen", huluMedTemplate.render(conversation, { addGenerationPrompt: true }));
  e.equal("input_ids", encodePrompt(conversation, tokenizer, { ...released, addGenerationPrompt: true }).ids);
  return e.outcome();
}

function expansionCase(e: Entry, named: (name: Json) => Conversation, tokenizer: Tokenizer): void {
  const visuals = e
    .input<readonly (readonly [VisualGrid["grid"], number])[]>("grids")
    .map(([grid, merge]) => ({ grid, merge }));
  e.equal(
    "input_ids",
    encodePrompt(named(e.input("conversation")), tokenizer, { ...released, addGenerationPrompt: true, visuals }).ids,
  );
}

function labelCase(e: Entry, named: (name: Json) => Conversation, tokenizer: Tokenizer): void {
  const visuals = framesIn(e.input("input_ids"), tokenizer.idOf("<image>"));
  const example = encodeTraining(named(e.input("conversation")), tokenizer, { ...released, visuals });
  e.equal("input_ids", example.ids);
  e.equal("labels", example.labels);
}

/** These entries do not give the grids: how many tokens a frame has is how often its placeholder stands there. */
function framesIn(ids: readonly number[], image: number | undefined): VisualGrid[] {
  const frames: VisualGrid[] = [];
  let run = 0;
  for (const id of [...ids, undefined]) {
    if (id !== undefined && id === image) run++;
    else if (run > 0) {
      frames.push({ grid: [1, 1, run], merge: 1 });
      run = 0;
    }
  }
  return frames;
}

function scalar(name: string, wanted: Json, tokenizer: Tokenizer): Outcome {
  const opening = huluMedTemplate.render([], { addGenerationPrompt: true });
  const found: Readonly<Record<string, Json>> = {
    generation_prompt: opening,
    generation_prompt_ids: tokenizer.encode(opening, { allowSpecial: true }),
    image_token_id: tokenizer.idOf("<image>"),
    eos_token_id: tokenizer.idOf("<|im_end|>"),
  };
  const e = new Entry({ [name]: wanted });
  if (Object.hasOwn(found, name)) e.equal(name, found[name]);
  return e.outcome();
}

async function readTokenizer(root: string): Promise<Tokenizer> {
  const read = async (name: string) => JSON.parse(await readFile(join(root, "tokenizer", name), "utf8")) as Json;
  return createTokenizer(await read("tokenizer.json"), await read("tokenizer_config.json").catch(() => ({})));
}
