import { stat } from "node:fs/promises";
import { join } from "node:path";
import { openModel } from "@hulu/engine";
import type { Command, Io } from "./command.js";
import { UsageError } from "./errors.js";
import { inputOptions } from "./input/options.js";
import { inspectInputs } from "./inspect-inputs.js";
import { describedModel, modelOptions } from "./inspect-model.js";
import type { Options, Parsed } from "./options.js";
import { pruneOptions } from "./prune-options.js";
import { downloadOptions, modelOption, sourceOptions } from "./source.js";

/** What is shown of inputs only. */
const ofInputs: Options = {
  preview: {
    type: "string",
    value: "OUT.png",
    help: "a contact sheet of the pixels that go to the model, pruned tokens marked",
  },
  ...pruneOptions,
  ...inputOptions,
};
const options: Options = {
  model: modelOption,
  ...ofInputs,
  ...modelOptions,
  json: { type: "boolean", help: "one JSON object" },
  ...downloadOptions,
};

export const inspect: Command = {
  name: "inspect",
  usage: "hulu inspect [--model] SOURCE | hulu inspect FILE... [--model SOURCE] [--preview OUT.png]",
  about:
    "Show what a checkpoint is: its configuration, its parameters, its programs, the\nmemory it takes. No weight is read, nor fetched: of a checkpoint elsewhere only the headers are read.\nOr show what files and folders are, and what will be sent to the model of them as one prompt.\nA folder with a config.json is a checkpoint; anything else that lies here is an input.",
  options,
  run: async (parsed, io) => {
    const given = parsed.text("model");
    const sources: string[] = [];
    const inputs: string[] = [];
    for (const path of parsed.positionals) ((await isInput(path)) ? inputs : sources).push(path);
    const models = [...(given === undefined ? [] : [given]), ...sources];
    const [model] = models;
    if (model === undefined && inputs.length === 0)
      throw new UsageError(
        "inspect needs FILE..., or --model SOURCE: the folder of a checkpoint, hf:OWNER/NAME, or https://...",
      );
    if (models.length > 1) throw new UsageError(`one checkpoint is inspected, not ${models.length}`);
    if (inputs.length > 0) {
      refuse(parsed, modelOptions, "goes with a checkpoint, not with inputs");
      return inspectInputs(inputs, model, parsed, io);
    }
    refuse(parsed, ofInputs, "goes with inputs, and none is given");
    io.out(await modelOf(model!, parsed, io));
    return 0;
  },
};

/** @throws UsageError where an option is given that has no meaning here */
function refuse(parsed: Parsed, some: Options, why: string): void {
  const found = parsed.order.find(({ name }) => Object.hasOwn(some, name));
  if (found !== undefined) throw new UsageError(`--${found.name} ${why}`);
}

/** Whether a path leads to something that lies here and is no checkpoint. */
async function isInput(path: string): Promise<boolean> {
  const there = async (file: string) => stat(file).catch(() => undefined);
  const found = await there(path);
  if (found === undefined && !/^(hf:|https?:)/i.test(path))
    throw new UsageError(`${path} cannot be read: there is no such file`);
  if (found === undefined) return false;
  return !found.isDirectory() || (await there(join(path, "config.json"))) === undefined;
}

async function modelOf(model: string, parsed: Parsed, io: Io): Promise<string> {
  // By ranges, of which the headers are few; nothing is kept.
  const checkpoint = await openModel(model, { ...sourceOptions(parsed, io), ranges: true, signal: io.signal });
  try {
    return describedModel(checkpoint, parsed);
  } finally {
    await checkpoint.stored.close();
  }
}
