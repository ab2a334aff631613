import { type Conversation, checkConversation, type Message, type Part } from "./conversation.js";
import { type Numeric, timeString } from "./number.js";

export interface TemplateOptions {
  /** Ends with `<|im_start|>assistant\n`, for an answer to follow. Default false. */
  readonly addGenerationPrompt?: boolean;
  /** Puts the template's own system prompt first, where it has one and the conversation does not begin with one. Default false. */
  readonly addSystemPrompt?: boolean;
  /** What stands for one frame. Default `<image>`. */
  readonly imageToken?: string;
  /** Further variables for a checkpoint's own template, e.g. `enable_thinking`, `bos_token`. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** Writes a conversation as the one string that a model was trained on. */
export interface ChatTemplate {
  readonly name: string;
  /** @throws ProcessorError `chat-conversation`, `chat-template`, `chat-template-limit`. */
  render(conversation: Conversation, options?: TemplateOptions): string;
}

/** What sets two built-in templates apart. */
interface Dialect {
  readonly name: string;
  readonly systemPrompt?: string;
  /** The key of a picture's time. */
  readonly timeKey: "time" | "timestamp";
  readonly isImage: (part: Part) => boolean;
  readonly streamEnd: string;
}

const DEFAULT_IMAGE_TOKEN = "<image>";

/** The template of the released Hulu-Med code. It has no system prompt of its own. */
export const huluMedTemplate: ChatTemplate = builtIn({
  name: "hulu-med",
  timeKey: "time",
  isImage: (part) => part.type === "image" || "image" in part || "image_url" in part,
  streamEnd: "<|stream_end|>\n",
});

/** The template of the ancestor's (VideoLLaMA3) checkpoints. */
export const videoLlama3Template: ChatTemplate = builtIn({
  name: "videollama3",
  systemPrompt:
    "You are VideoLLaMA3 created by Alibaba DAMO Academy, a helpful assistant to help people understand images and videos.",
  timeKey: "timestamp",
  isImage: (part) => part.type === "image",
  streamEnd: "<|stream_end|>",
});

function builtIn(dialect: Dialect): ChatTemplate {
  return {
    name: dialect.name,
    render(conversation, options = {}) {
      checkConversation(conversation);
      const image = options.imageToken ?? DEFAULT_IMAGE_TOKEN;
      const needsSystem = options.addSystemPrompt && conversation[0]?.role !== "system";
      const system = needsSystem && dialect.systemPrompt ? [{ role: "system", content: dialect.systemPrompt }] : [];
      const messages = [...system, ...conversation].map((message) => renderMessage(message, dialect, image));
      return messages.join("") + (options.addGenerationPrompt ? "<|im_start|>assistant\n" : "");
    },
  };
}

function renderMessage({ role, content }: Message, dialect: Dialect, image: string): string {
  const body = typeof content === "string" ? content : content.map((part) => renderPart(part, dialect, image)).join("");
  if (role === "stream") return `<|stream_start|>${role}\n${body}${dialect.streamEnd}`;
  return `<|im_start|>${role}\n${body}<|im_end|>\n`;
}

function renderPart(part: Part, dialect: Dialect, image: string): string {
  if (dialect.isImage(part)) {
    const time = (part as { readonly [key: string]: Numeric | undefined })[dialect.timeKey];
    return `${time === undefined ? "" : `Time ${timeString(time)}s: `}${image}\n`;
  }
  if (part.type === "video") {
    const { num_frames, timestamps } = part as { num_frames: number; timestamps?: readonly Numeric[] };
    const frames = Array.from({ length: num_frames }, (_, i) => {
      return timestamps === undefined ? image : `Time ${timeString(timestamps[i]!)}s:${image}`;
    });
    return num_frames === 0 ? "" : `${frames.join(",")}\n`;
  }
  return part.type === "text" || "text" in part ? String(part.text) : "";
}
