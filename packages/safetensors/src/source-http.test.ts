import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { codeOf, failureOf, temporaryServer } from "../test/fixtures.js";
import { open, serialize } from "./index.js";

/** Larger than what is asked for first, so that a read is a request of its own. */
const numbers = Float32Array.from({ length: 50_000 }, (_, i) => i);
const example = serialize([
  { name: "big", dtype: "F32", shape: [50, 1000], data: numbers },
  { name: "last", dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 3) },
]);

type Answer = (request: IncomingMessage, response: ServerResponse, begin: number, end: number) => void;

/** A server that does as it should; a test spoils one of its answers. */
const honest: Answer = (_, response, begin, end) => {
  const last = Math.min(end, example.byteLength);
  response.writeHead(206, {
    "content-range": `bytes ${begin}-${last - 1}/${example.byteLength}`,
    "content-length": last - begin,
    etag: '"1"',
  });
  response.end(example.subarray(begin, last));
};

interface Seen {
  readonly address: string;
  readonly requests: { range: string | undefined; headers: IncomingMessage["headers"] }[];
}

/** Serves the example; the answers replace the honest ones from the first request on, the last one stays. */
async function serve(...answers: readonly Answer[]): Promise<Seen> {
  const requests: Seen["requests"] = [];
  const address = await temporaryServer((request, response) => {
    const answer = answers[Math.min(requests.length, answers.length - 1)] ?? honest;
    requests.push({ range: request.headers.range, headers: request.headers });
    const [, begin = "0", last = "0"] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    answer(request, response, Number(begin), Number(last) + 1);
  });
  return { address: `${address}model.safetensors?token=secret`, requests };
}

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_, response) => {
    response.writeHead(code, headers);
    response.end("a page");
  };

/** An honest body under another Content-Range; `undefined` leaves the header out. */
const stating =
  (range: string | undefined): Answer =>
  (_, response, begin, end) => {
    response.writeHead(206, range === undefined ? {} : { "content-range": range });
    response.end(example.subarray(begin, end));
  };

describe("a body that breaks off", () => {
  const short: Answer = (_, response, begin, end) => {
    const content = { "content-range": `bytes ${begin}-${end - 1}/${example.byteLength}`, etag: '"1"' };
    response.writeHead(206, { ...content, "content-length": end - begin });
    response.write(example.subarray(begin, begin + 1000), () => response.destroy());
  };

  it("is asked for again, as often as is said", async () => {
    const { address, requests } = await serve(honest, short, short, honest);
    const source = await open(address, { attempts: 3 });
    expect(await source.floats("big")).toEqual(numbers);
    expect(requests.map((r) => r.range)).toEqual([expect.anything(), ...Array(3).fill(requests[1]!.range)]);
  });

  it("is an error when it was asked for so often, and at once unless more is said", async () => {
    for (const [attempts, asked] of [
      [2, 3],
      [undefined, 2],
    ] as const) {
      const { address, requests } = await serve(honest, short);
      const source = await open(address, { attempts });
      expect(await codeOf(() => source.floats("big"))).toBe("http-body");
      expect(requests).toHaveLength(asked);
    }
  });
});

describe("a server that honours Range", () => {
  it("is asked for the header once, and then for what is read", async () => {
    const { address, requests } = await serve();
    const file = await open(address, { headers: { authorization: "Bearer x" } });
    expect(requests.map((request) => request.range)).toEqual(["bytes=0-65535"]);
    expect(await file.floats("big")).toEqual(numbers);
    expect(await file.floats("big", { rows: [49, 50] })).toEqual(numbers.subarray(49_000));
    expect([...(await file.read("last"))]).toEqual([1, 2, 3]);
    const start = example.byteLength - 200_003;
    expect(requests.slice(1).map((request) => request.range)).toEqual([
      `bytes=${start}-${start + 199_999}`,
      `bytes=${start + 196_000}-${start + 199_999}`,
      `bytes=${start + 200_000}-${start + 200_002}`,
    ]);
    for (const { headers } of requests) {
      expect([headers.authorization, headers["accept-encoding"]]).toEqual(["Bearer x", "identity"]);
    }
    expect(file.locate("big")).toBeUndefined();
  });

  it("needs no second request for what came with the first", async () => {
    const { address, requests } = await serve();
    const file = await open(new URL(address));
    expect(await file.floats("big", { rows: [0, 2] })).toEqual(numbers.subarray(0, 2000));
    (await file.read("big", { rows: [0, 2] })).fill(255);
    expect(await file.floats("big", { rows: [0, 2] })).toEqual(numbers.subarray(0, 2000));
    expect(requests.length).toBe(1);
  });

  it("needs one request for a file that is smaller than the first", async () => {
    const small = serialize([{ name: "a", dtype: "U8", shape: [2], data: Uint8Array.of(1, 2) }]);
    let requests = 0;
    const address = await temporaryServer((_, response) => {
      requests++;
      response.writeHead(206, { "content-range": `bytes 0-${small.byteLength - 1}/${small.byteLength}` });
      response.end(small);
    });
    expect([...(await (await open(address)).read("a"))]).toEqual([1, 2]);
    expect(requests).toBe(1);
  });

  it("may hold a header longer than the first request", async () => {
    const names = Array.from({ length: 2000 }, (_, i) => `layer.${i}.weight`);
    const many = serialize(names.map((name) => ({ name, dtype: "U8", shape: [1], data: Uint8Array.of(7) })));
    const address = await temporaryServer((request, response) => {
      const [begin, last] = request.headers.range!.slice(6).split("-").map(Number) as [number, number];
      const end = Math.min(last + 1, many.byteLength);
      response.writeHead(206, { "content-range": `bytes ${begin}-${end - 1}/${many.byteLength}` });
      response.end(many.subarray(begin, end));
    });
    const file = await open(address);
    expect([...file.keys()].length).toBe(2000);
    expect([...(await file.read("layer.1999.weight"))]).toEqual([7]);
  });

  it("is reached through the fetch that is given", async () => {
    const fetch = async (input: string | URL | Request, init?: RequestInit) => {
      expect(String(input)).toBe("https://host.test/a.safetensors");
      const [begin, last] = new Headers(init?.headers).get("range")!.slice(6).split("-").map(Number) as [
        number,
        number,
      ];
      const end = Math.min(last + 1, example.byteLength);
      const headers = { "content-range": `bytes ${begin}-${end - 1}/${example.byteLength}` };
      return new Response(example.slice(begin, end), { status: 206, headers });
    };
    const file = await open("https://host.test/a.safetensors", { fetch });
    expect(await file.floats("big")).toEqual(numbers);
  });
});

describe("a server that does not do as it should, when opened", () => {
  const size = example.byteLength;
  const whole: Answer = (_, response) => response.end(example);
  const cases: readonly [string, string, Answer][] = [
    ["not-found", "404", status(404)],
    ["not-found", "410", status(410)],
    ["http-status", "403", status(403)],
    ["http-status", "500", status(500)],
    ["http-status", "416", status(416, { "content-range": `bytes */${size}` })],
    ["http-status", "204", status(204)],
    ["http-range", "Range ignored", whole],
    ["http-range", "no Content-Range", stating(undefined)],
    ["http-range", "a later start", stating(`bytes 1-65535/${size}`)],
    ["http-range", "a range moved by one", stating(`bytes 1-65536/${size}`)],
    ["http-range", "an earlier end", stating(`bytes 0-65534/${size}`)],
    ["http-range", "a later end", stating(`bytes 0-65536/${size}`)],
    ["http-range", "an unknown size", stating("bytes 0-65535/*")],
    ["http-range", "a size that the range does not fit in", stating("bytes 0-65535/65535")],
    ["http-range", "another unit", stating(`items 0-65535/${size}`)],
    ["http-range", "a size past the safe integers", stating(`bytes 0-65535/${"9".repeat(20)}`)],
    [
      "http-range",
      "compressed",
      (_, response) => {
        response.writeHead(206, { "content-range": `bytes 0-65535/${size}`, "content-encoding": "br" });
        response.end();
      },
    ],
    [
      "http-body",
      "a body that ends early",
      (_, response) => {
        response.writeHead(206, { "content-range": `bytes 0-65535/${size}` });
        response.end(example.subarray(0, 1000));
      },
    ],
    [
      "http-body",
      "a body that is too long",
      (_, response) => {
        response.writeHead(206, { "content-range": `bytes 0-65535/${size}` });
        response.end(example.subarray(0, 65537));
      },
    ],
    [
      "http-body",
      "a connection that breaks",
      (_, response) => {
        response.writeHead(206, { "content-range": `bytes 0-65535/${size}`, "content-length": 65536 });
        response.write(example.subarray(0, 1000), () => response.destroy());
      },
    ],
    ["network", "no answer at all", (request) => request.socket.destroy()],
    ["header-too-short", "an empty file", status(416, { "content-range": "bytes */0" })],
    ["truncated", "a file larger than its header says", stating(`bytes 0-65535/${size - 1}`)],
    ["trailing-bytes", "a file smaller than its header says", stating(`bytes 0-65535/${size + 1}`)],
  ];
  it.each(cases)("%s: %s", async (code, _, answer) => {
    const { address } = await serve(answer);
    const error = await failureOf(() => open(address));
    expect([error.code, error.message]).toEqual([code, error.message]);
    expect(error.message).not.toContain("secret");
    expect(error.file).toMatch(/model\.safetensors$/);
  });
});

describe("a server that does not do as it should, when read", () => {
  const start = example.byteLength - 200_003;
  const range = `bytes ${start}-${start + 199_999}`;
  const cases: readonly [string, string, Answer][] = [
    ["not-found", "the file is gone", status(404)],
    ["http-range", "Range ignored", (_, response) => response.end(example)],
    ["http-range", "a shorter range", stating(`bytes ${start}-${start + 199_998}/${example.byteLength}`)],
    ["http-range", "the range of an earlier answer", stating(`bytes 0-65535/${example.byteLength}`)],
    ["http-status", "416", status(416, { "content-range": "bytes */0" })],
    ["changed", "another size", stating(`${range}/${example.byteLength + 1}`)],
    [
      "changed",
      "another tag",
      (_, response, begin, end) => {
        response.writeHead(206, { "content-range": `${range}/${example.byteLength}`, etag: '"2"' });
        response.end(example.subarray(begin, end));
      },
    ],
  ];
  it.each(cases)("%s: %s", async (code, _, answer) => {
    const { address } = await serve(honest, answer);
    const file = await open(address);
    expect(await codeOf(() => file.read("big"))).toBe(code);
  });

  it("takes an answer without a tag for the same file", async () => {
    const { address } = await serve(honest, stating(`${range}/${example.byteLength}`));
    expect(await (await open(address)).floats("big")).toEqual(numbers);
  });

  it("never keeps more than has arrived, however large the file claims to be", async () => {
    const header = '{"t":{"dtype":"U8","shape":[900000000000],"data_offsets":[0,900000000000]}}';
    const text = new TextEncoder().encode(header);
    const file = new Uint8Array(8 + text.length);
    file.set([text.length]);
    file.set(text, 8);
    const total = file.length + 900_000_000_000;
    const address = await temporaryServer((request, response) => {
      const [begin, last] = request.headers.range!.slice(6).split("-").map(Number) as [number, number];
      response.writeHead(206, { "content-range": `bytes ${begin}-${last}/${total}` });
      response.end(begin === 0 ? new Uint8Array(65536).fill(0).map((_, i) => file[i] ?? 0) : "little");
    });
    const opened = await open(address);
    expect(await codeOf(() => opened.read("t"))).toBe("http-body");
  });
});

describe("an abort", () => {
  const reason = new Error("enough");

  it("before the request", async () => {
    const { address, requests } = await serve();
    await expect(open(address, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(requests).toEqual([]);
  });

  it("while no answer comes", async () => {
    const controller = new AbortController();
    const { address } = await serve(() => controller.abort(reason));
    await expect(open(address, { signal: controller.signal })).rejects.toBe(reason);
  });

  it("in the middle of a body", async () => {
    const controller = new AbortController();
    const { address } = await serve(honest, (_, response, begin) => {
      response.writeHead(206, { "content-range": `bytes ${begin}-${begin + 199_999}/${example.byteLength}` });
      response.write(example.subarray(begin, begin + 100), () => setTimeout(() => controller.abort(reason), 20));
    });
    const file = await open(address);
    await expect(file.read("big", { signal: controller.signal })).rejects.toBe(reason);
  });
});
