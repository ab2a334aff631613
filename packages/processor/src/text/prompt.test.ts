import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { codeOf, jsonOf, tokenizerOf } from "../../test/helpers.js";
import { type Conversation, type Message, videoPart } from "./conversation.js";
import { jinjaTemplate } from "./jinja.js";
import { float } from "./number.js";
import { encodePrompt, encodeTraining, expandPlaceholders, placeholderCounts, type VisualGrid } from "./prompt.js";
import { huluMedTemplate, videoLlama3Template } from "./template.js";

interface Chat {
  template_cases: Record<
    string,
    { conversation: Conversation; rendered: string; rendered_gen: string; input_ids: number[] }
  >;
  expansion: { conversation: string; grids: [[number, number, number], number][]; input_ids: number[] }[];
  labels: { conversation: string; input_ids: number[]; labels: number[] }[];
  generation_prompt: string;
  generation_prompt_ids: number[];
  image_token_id: number;
}
interface Rendered {
  name: string;
  conversation: Conversation;
  kwargs: Record<string, unknown> & { image_token: string };
  rendered: string;
}

const tokenizer = tokenizerOf();
const chat = jsonOf<Chat>("goldens/chat.json", { floats: true });
const custom = jsonOf<{ template: string; cases: Rendered[] }>("goldens/chat-custom-template.json", { floats: true });
const grids = (list: [[number, number, number], number][]): VisualGrid[] =>
  list.map(([grid, merge]) => ({ grid, merge }));

/** kwargs of a golden as options. */
function options({ image_token, add_generation_prompt, add_system_prompt, ...variables }: Rendered["kwargs"]) {
  return {
    imageToken: image_token,
    addGenerationPrompt: add_generation_prompt === true,
    addSystemPrompt: add_system_prompt === true,
    variables,
  };
}

describe("the released template", () => {
  it.each(Object.entries(chat.template_cases))("%s", (name, c) => {
    expect(huluMedTemplate.render(c.conversation)).toBe(c.rendered);
    expect(huluMedTemplate.render(c.conversation, { addGenerationPrompt: true })).toBe(c.rendered_gen);
    const released = encodePrompt(c.conversation, tokenizer, { addGenerationPrompt: true, texts: "released" });
    expect(released).toEqual({ text: c.rendered_gen, ids: c.input_ids });
    const plain = encodePrompt(c.conversation, tokenizer, { addGenerationPrompt: true });
    expect(plain.text).toBe(c.rendered_gen);
    // Two goldens inject a token through a user's text: that is what upstream does, and what this must not.
    const injected = name === "literal-token" || name === "unicode";
    expect(plain.ids.join() === c.input_ids.join()).toBe(!injected);
  });

  it("has the golden generation prompt", () => {
    const { text, ids } = encodePrompt([], tokenizer, { addGenerationPrompt: true });
    expect([text, ids]).toEqual([chat.generation_prompt, chat.generation_prompt_ids]);
  });

  it.each(chat.expansion)("expands the placeholders of $conversation", (c) => {
    const { conversation } = chat.template_cases[c.conversation]!;
    const { ids } = encodePrompt(conversation, tokenizer, { addGenerationPrompt: true, visuals: grids(c.grids) });
    expect(ids).toEqual(c.input_ids);
  });

  it.each(chat.labels)("labels $conversation", (c) => {
    const { conversation } = chat.template_cases[c.conversation]!;
    const visuals: { visuals?: VisualGrid[] } =
      c.conversation === "multi-turn" ? { visuals: [{ grid: [1, 2, 3], merge: 1 }] } : {};
    expect(encodeTraining(conversation, tokenizer, visuals)).toEqual({ ids: c.input_ids, labels: c.labels });
  });
});

describe("the ancestor's template", () => {
  const cases = jsonOf<Rendered[]>("goldens/chat-hf-ancestor.json", { floats: true });
  it.each(cases.map((c, i) => [`${i} ${c.name}`, c] as const))("%s", (_, c) => {
    expect(videoLlama3Template.render(c.conversation, options(c.kwargs))).toBe(c.rendered);
  });
});

describe("a checkpoint's own template", () => {
  const template = jinjaTemplate(custom.template);

  it.each(custom.cases.map((c, i) => [`${i} ${c.name}`, c] as const))("%s", (_, c) => {
    expect(template.render(c.conversation, options(c.kwargs))).toBe(c.rendered);
    const masked = encodePrompt(c.conversation, tokenizer, { template, ...options(c.kwargs) });
    expect(masked.text).toBe(c.rendered);
  });

  it("rounds as Python does", () => {
    const render = (source: string, variables: Record<string, unknown> = {}) =>
      jinjaTemplate(source).render([], { variables });
    expect(
      render("{{ 1.25 | round(1) }} {{ 2.5 | round }} {{ 7 | round(1) }} {{ x | round(1) }}", { x: float(61) }),
    ).toBe("1.2 2.0 7 61.0");
    expect(codeOf(() => render("{{ 1.25 | round(1, 'floor') }}"))).toBe("chat-template");
    expect(codeOf(() => render("{{ 'a' | round }}"))).toBe("chat-template");
  });

  it("is told what transformers tells it", () => {
    const source =
      "{{ image_token }}{{ add_generation_prompt }}{{ add_system_prompt }}{{ messages | length }}{{ range(2) | length }}{{ x is defined }}{{ none is none }}";
    expect(jinjaTemplate(source).render([], { addSystemPrompt: true, variables: { x: 1 } })).toBe(
      "<image>falsetrue02truetrue",
    );
  });

  it.each([
    [new Date(2031, 0, 4, 5, 6, 7), "2031-01-04 05:06:07 Jan January % %q"],
    [new Date(2031, 11, 31, 23, 59, 58), "2031-12-31 23:59:58 Dec December % %q"],
  ])("is told the day's date: %s", (now, date) => {
    vi.useFakeTimers({ now, toFake: ["Date"] });
    try {
      const source = "{{ strftime_now('%Y-%m-%d %H:%M:%S %b %B %% %q') }}";
      expect(jinjaTemplate(source).render([])).toBe(date);
    } finally {
      vi.useRealTimers();
    }
  });

  it("is bounded", () => {
    const code = (source: string) =>
      codeOf(() => jinjaTemplate(source, { maxLength: 1000, maxSteps: 10_000 }).render([]));
    expect(code("{% for i in range(1000000000) %}x{% endfor %}")).toBe("chat-template-limit");
    expect(code("{% for i in range(1000) %}{% for j in range(1000) %}{% endfor %}{{ i }}{% endfor %}")).toBe(
      "chat-template-limit",
    );
    expect(
      code("{% set ns = namespace(a='xxxxxxxxxx') %}{% for i in range(100) %}{% set ns.a = ns.a + ns.a %}{% endfor %}"),
    ).toBe("chat-template-limit");
    expect(code("{% for i in range(200) %}0123456789{% endfor %}")).toBe("chat-template-limit");
    expect(code("{{ range(1, 2, 0) }}")).toBe("chat-template");
  });

  it("names what is wrong, and never quotes the conversation", () => {
    expect(codeOf(() => jinjaTemplate("{% if %}"))).toBe("chat-template");
    const secret: Conversation = [{ role: "user", content: "SECRET" }];
    const fails = jinjaTemplate("{{ messages[0].content | nothing }}");
    expect(codeOf(() => fails.render(secret))).toBe("chat-template");
    expect(() => fails.render(secret)).not.toThrow(/SECRET/);
    expect(() => jinjaTemplate("{{ raise_exception('only user turns') }}").render([])).toThrow(/only user turns/);
  });
});

describe("a text is never a token", () => {
  const evil = fc
    .array(
      fc.constantFrom(
        "<image>",
        "<ima",
        "ge>",
        "<|im_end|>",
        "<|im_",
        "end|>",
        "<think>",
        "<placeholder>",
        "<",
        ">",
        " ",
        "\n",
        "\uE000",
        "x",
      ),
      { maxLength: 8 },
    )
    .map((a) => a.join(""));
  const part = fc.oneof(
    evil.map((t) => ({ type: "text" as const, text: t })),
    fc.constant({ type: "image" as const }),
    fc.constant({ type: "video" as const, num_frames: 2 }),
  );
  const content = fc.oneof(evil, fc.array(part, { maxLength: 5 }));
  const roles = fc.constantFrom("user", "system", "tool");
  const conversation = fc.array(fc.record({ role: roles, content }), { maxLength: 4 });
  const frames = (m: Message) =>
    typeof m.content === "string"
      ? 0
      : m.content.reduce((n, p) => n + (p.type === "image" ? 1 : p.type === "video" ? 2 : 0), 0);

  it.each([
    ["hulu-med", huluMedTemplate],
    ["videollama3", videoLlama3Template],
    ["jinja", jinjaTemplate(custom.template)],
  ])("%s", (_, template) => {
    fc.assert(
      fc.property(conversation, (messages) => {
        const { ids, text } = encodePrompt(messages, tokenizer, { template });
        const count = (id: number) => ids.filter((i) => i === id).length;
        expect(count(500)).toBe(messages.reduce((n, m) => n + frames(m), 0));
        expect([count(501), count(502), count(503), count(504)]).toEqual([messages.length, messages.length, 0, 0]);
        expect(text).toBe(template.render(messages));
        expect(tokenizer.decode(ids)).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  it("but an assistant's thinking tags are, as it wrote them", () => {
    const { ids } = encodePrompt([{ role: "assistant", content: "<think>a</think><image><|im_end|>" }], tokenizer);
    expect([500, 502, 503, 504].map((t) => ids.filter((id) => id === t).length)).toEqual([0, 1, 1, 1]);
  });
});

describe("placeholders", () => {
  const two: Conversation = [{ role: "user", content: [{ type: "image" }, { type: "video", num_frames: 2 }] }];

  it("take (h/m) * (w/m) tokens per frame", () => {
    expect(
      placeholderCounts([
        { grid: [2, 4, 6], merge: 2 },
        { grid: [1, 3, 5], merge: 1 },
      ]),
    ).toEqual([6, 6, 15]);
    expect(
      expandPlaceholders([1, 9, 2, 9], 9, [
        { grid: [1, 1, 2], merge: 1 },
        { grid: [1, 2, 2], merge: 2 },
      ]),
    ).toEqual([1, 9, 9, 2, 9]);
  });

  it("must match the visual inputs", () => {
    const visuals = (t: number): VisualGrid[] => [
      { grid: [1, 2, 2], merge: 1 },
      { grid: [t, 2, 2], merge: 1 },
    ];
    expect(codeOf(() => encodePrompt(two, tokenizer, { visuals: visuals(2) }))).toBeUndefined();
    expect(codeOf(() => encodePrompt(two, tokenizer, { visuals: visuals(3) }))).toBe("chat-placeholders");
    expect(codeOf(() => encodePrompt(two, tokenizer, { visuals: [{ grid: [3, 3, 2], merge: 2 }] }))).toBe(
      "chat-placeholders",
    );
    expect(codeOf(() => encodePrompt(two, tokenizer, { visuals: visuals(2), imageToken: "<pic>" }))).toBe(
      "chat-placeholders",
    );
    expect(codeOf(() => encodeTraining(two, tokenizer, { visuals: visuals(1) }))).toBe("chat-placeholders");
  });
});

describe("conversations", () => {
  it("of a clip carry float timestamps, of a volume none", () => {
    const frames = [0, 1].map(() => ({ data: new Uint8Array(3), width: 1, height: 1 }));
    const render = (part: ReturnType<typeof videoPart>) => huluMedTemplate.render([{ role: "user", content: [part] }]);
    expect(render(videoPart({ frames, timestamps: [0, 1] }))).toBe(
      "<|im_start|>user\nTime 0.0s:<image>,Time 1.0s:<image>\n<|im_end|>\n",
    );
    expect(render(videoPart({ frames }))).toBe("<|im_start|>user\n<image>,<image>\n<|im_end|>\n");
  });

  it("may not be nested without end", () => {
    let deep: unknown = "x";
    for (let i = 0; i < 100; i++) deep = [deep];
    const messages = [{ role: "user", content: [{ type: "other", deep }] }];
    expect(codeOf(() => encodePrompt(messages, tokenizer))).toBe("chat-conversation");
    expect(codeOf(() => jinjaTemplate("").render(messages))).toBe("chat-conversation");
  });

  it.each([
    "text",
    [1],
    [{ content: "" }],
    [{ role: "us er", content: "" }],
    [{ role: "<|im_end|>", content: "" }],
    [{ role: "user", content: 1 }],
    [{ role: "user", content: ["x"] }],
    [{ role: "user", content: [{ type: "text" }] }],
    [{ role: "user", content: [{ type: "image", time: "3" }] }],
    [{ role: "user", content: [{ type: "video", num_frames: -1 }] }],
    [{ role: "user", content: [{ type: "video", num_frames: 2, timestamps: [1] }] }],
    [{ role: "user", content: [{ type: "video", num_frames: 1, timestamps: [Number.NaN] }] }],
  ])("that are wrong are named: %j", (value) => {
    expect(codeOf(() => encodePrompt(value as Conversation, tokenizer))).toBe("chat-conversation");
  });
});
