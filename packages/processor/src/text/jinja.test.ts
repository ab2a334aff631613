import { describe, expect, it } from "vitest";
import { ProcessorError } from "../errors.js";
import { jinjaTemplate } from "./jinja.js";

/** What the error of a template says, and how much of a processor's time it took to say it. */
function failure(source: string): { code: string; message: string; seconds: number } {
  const begin = process.cpuUsage();
  const seconds = () => (process.cpuUsage(begin).user + process.cpuUsage(begin).system) / 1e6;
  try {
    jinjaTemplate(source).render([{ role: "user", content: "a".repeat(1000) }]);
    return { code: "none", message: "", seconds: seconds() };
  } catch (error) {
    if (!(error instanceof ProcessorError)) throw error;
    return { code: error.code, message: error.message, seconds: seconds() };
  }
}

const many = (n: number, text: string) => text.repeat(n);
const grown = (by: string, times = 60) =>
  `{% set ns = namespace(a='xxxxxxxxxx', l=[1]) %}{% for i in range(${times}) %}${by}{% endfor %}`;

const hostile: readonly (readonly [string, string])[] = [
  ["a range of 1e9", "{% for i in range(1000000000) %}x{% endfor %}"],
  ["2,000,000 turns", "{% for i in range(200) %}{% for j in range(10000) %}x{% endfor %}{% endfor %}"],
  [
    "turns that are left at once",
    "{% for i in range(10000) %}{% for j in range(10000) %}{% break %}{% endfor %}{% endfor %}",
  ],
  ["lists that nobody iterates", "{% for i in range(10000) %}{% set x = range(10000) %}{% endfor %}"],
  ["nested small loops", `${many(12, "{% for i in range(10) %}")}x${many(12, "{% endfor %}")}`],
  ["a text that doubles", grown("{% set ns.a = ns.a ~ ns.a %}")],
  ["a list that doubles", grown("{% set ns.l = ns.l + ns.l %}")],
  ["a list of itself twice, printed", `${grown("{% set ns.l = [ns.l, ns.l] %}")}{{ ns.l }}`],
  ["the same, compared", grown("{% set ns.l = [ns.l, ns.l] %}{% set b = ns.l == 'x' %}")],
  ["a namespace in itself", "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns | tojson }}"],
  ["a replacement that grows", grown("{% set ns.a = ns.a.replace('x', 'xxxxxxxxxx') %}")],
  ["a filter that grows", grown("{% set ns.a = ns.a | replace('x', ns.a) %}")],
  ["a join that grows", grown("{% set ns.a = range(1000) | join(ns.a) %}")],
  ["an indent of 1e9", "{{ 'a\\nb' | indent(1000000000) }}"],
  [
    "an indent of 1e5 over many lines",
    `${grown("{% set ns.a = ns.a ~ '\\n' ~ ns.a %}", 12)}{{ ns.a | indent(10000) }}`,
  ],
  ["a tojson of indent 5e8", "{{ [1] | tojson(indent=500000000) }}"],
  ["a macro that calls itself", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"],
  [
    "a macro that calls itself twice",
    "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(40) }}",
  ],
  [
    "a long macro that is defined in a loop",
    `{% for i in range(10000) %}{% macro m() %}${many(5000, "{{ a }}")}{% endmacro %}{% endfor %}`,
  ],
  ["deep parentheses", `{{ ${many(60_000, "(")}1${many(60_000, ")")} }}`],
  ["a deep sum", `{{ ${many(60_000, "1 + ")}1 }}`],
  ["deep lists", `{{ ${many(60_000, "[")}${many(60_000, "]")} }}`],
  ["deep ifs", many(10_000, "{% if true %}") + many(10_000, "{% endif %}")],
  ["a deep not", `{{ ${many(50_000, "not ")}true }}`],
  ["a loop that is cut off", "{% for i in [1] %}{% if i"],
  ["an expression that is cut off", "{{ 1 +"],
  ["an if without its end", "{% if true %}a"],
  ["4 MB of text", many(4_000_000, "a")],
  ["white space before a block that never comes", many(200_000, " ")],
  [
    "a comparison of long texts",
    `${grown("{% set ns.a = ns.a ~ ns.a %}", 16)}{% for i in range(10000) %}{% if ns.a == ns.a ~ '' %}{% endif %}{% endfor %}`,
  ],
  [
    "splits of a long text",
    `${grown("{% set ns.a = ns.a ~ ns.a %}", 16)}{% for i in range(10000) %}{% set x = ns.a.split('x') %}{% endfor %}`,
  ],
  [
    "replacements of every character of a long text",
    `${grown("{% set ns.a = ns.a ~ ns.a %}", 16)}{% for i in range(5000) %}{% set x = ns.a | replace('x', 'y') %}{% endfor %}`,
  ],
  [
    "slices of a long text",
    `${grown("{% set ns.a = ns.a ~ ns.a %}", 16)}{% for i in range(5000) %}{% set x = ns.a[::-1] %}{% endfor %}`,
  ],
  ["a prototype as a function", "{{ messages.constructor.constructor('return 1')() }}"],
  ["a prototype as a name", "{{ __proto__.x }}{{ constructor('x') }}"],
];

describe("a template of a stranger", () => {
  it.each(hostile)("%s ends with a named error", (_, source) => {
    const { code, message, seconds } = failure(source);
    expect(code).toMatch(/^chat-template(-limit)?$/);
    expect(message).not.toMatch(/call stack|undefined|\[object|Invalid/);
    expect(seconds).toBeLessThan(1);
  });

  it("may have variables with the names of a prototype", () => {
    const render = (source: string) =>
      jinjaTemplate(source).render([], {
        variables: JSON.parse('{"__proto__": "a", "constructor": "b", "d": {"toString": "c"}}'),
      });
    expect(render("{{ __proto__ }}{{ constructor }}{{ d.toString }}{{ d.hasOwnProperty is defined }}")).toBe(
      "abcfalse",
    );
    expect(({} as Record<string, unknown>).a).toBeUndefined();
  });

  it("may still do a lot", () => {
    const lines = Array.from({ length: 300 }, (_, i) => ({ role: "user", content: `${i} ${"word ".repeat(500)}` }));
    const source =
      "{% for m in messages %}{% if m.role == 'user' and 'x' not in m.content %}[{{ m.content | trim | replace('word', 'term') }}]{% endif %}{% endfor %}";
    expect(jinjaTemplate(source).render(lines)).toHaveLength(lines.map((m) => `[${m.content.trim()}]`).join("").length);
  });
});
