import { ProcessorError } from "@hulu/processor";
import { type Files, type Format, QUOTES_CANARY } from "./format.js";

/** How an input ended. `escaped`: in anything but pixels that agree with themselves or a named error that is fit to be read. */
export interface Outcome {
  readonly end: "read" | "refused" | "escaped";
  /** Of what was read, the hash; else the error's code, or what is wrong. */
  readonly what: string;
}

/** Nothing that a reader could make nothing of. */
const UNFIT = /undefined|\[object |NaN|call stack|is not a function|Cannot read|Invalid (?:array|string|typed)/;
const CODE = /^(?:image|input|nifti|volume|dicom|series|video)(?:-[a-z0-9]+)+$/;
const MOST_MESSAGE = 500;

/** Reads an input twice: what comes out must be the same. */
export async function trial(format: Format, files: Files): Promise<Outcome> {
  const before = files.map((file) => file.slice());
  const first = await once(format, files);
  if (first.end === "escaped") return first;
  const changed = files.findIndex((file, i) => Buffer.compare(file, before[i]!) !== 0);
  if (changed >= 0) return { end: "escaped", what: `file ${changed} was changed by reading it` };
  const second = await once(format, files);
  if (first.end !== second.end || first.what !== second.what)
    return { end: "escaped", what: `read twice: ${first.end} ${first.what}, then ${second.end} ${second.what}` };
  return first;
}

async function once(format: Format, files: Files): Promise<Outcome> {
  try {
    return { end: "read", what: await format.read(files) };
  } catch (error) {
    const fault = faultOf(error);
    if (fault === undefined) return { end: "refused", what: (error as ProcessorError).code };
    return { end: "escaped", what: `${fault}: ${error instanceof Error ? error.stack : String(error)}` };
  }
}

/** What is wrong with an error; undefined for one that is as it should be. */
function faultOf(error: unknown): string | undefined {
  if (!(error instanceof ProcessorError)) return "an error that is none of ours";
  if (!CODE.test(error.code)) return `the code ${error.code} is none of an input`;
  if (UNFIT.test(error.message)) return "a message not fit to be read";
  if (error.message.length > MOST_MESSAGE) return `a message of ${error.message.length} characters`;
  for (let cause: unknown = error, depth = 0; cause !== undefined && depth < 10; depth++) {
    const text = cause instanceof Error ? `${cause.name} ${cause.message} ${cause.stack}` : String(cause);
    if (QUOTES_CANARY.test(text)) return "a message that quotes the file";
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return undefined;
}
