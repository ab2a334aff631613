import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import {
  checkpoint,
  codeOf,
  expectWhole,
  failureOf,
  quick,
  TestHub,
  temporaryFolder,
  temporaryServer,
} from "../test/server.js";
import { fetchCheckpoint } from "./index.js";
import { retryAfter } from "./retry.js";

const TOKEN = "hf_averysecrettoken";

const fetchFrom = async (hub: TestHub, more = {}) =>
  fetchCheckpoint("hf:org/name", { ...quick, endpoint: hub.endpoint, cache: await temporaryFolder(), ...more });

/** A hub that sends those who want a file on to another place. */
async function redirecting(location: (path: string, hub: TestHub) => string, status = 302): Promise<TestHub> {
  const hub = await TestHub.start();
  hub.meddle = (_, response, path) => {
    if (!path.includes("/resolve/c") || path.includes("/cdn/")) return false;
    response.writeHead(status, { location: location(path, hub) }).end();
    return true;
  };
  return hub;
}

/** Another host, with the files of the hub. */
async function elsewhere(hubOf: () => TestHub): Promise<{ address: string; authorizations: (string | undefined)[] }> {
  const authorizations: (string | undefined)[] = [];
  const address = await temporaryServer((request: IncomingMessage, response: ServerResponse) => {
    authorizations.push(request.headers.authorization);
    const name = decodeURIComponent(new URL(request.url!, "http://host").pathname).replace(
      /^.*\/resolve\/c[^/]*\//,
      "",
    );
    response.end(hubOf().commits.get(hubOf().main)!.get(name));
  });
  return { address: address.slice(0, -1), authorizations };
}

describe("the token", () => {
  test("goes with every request to the Hub, and not across a redirect to another host", async () => {
    let hub: TestHub;
    const { address, authorizations } = await elsewhere(() => hub);
    hub = await redirecting((path) => `${address}${path}?signature=x`);
    await expectWhole(await fetchFrom(hub, { token: TOKEN }), hub.commits.get(hub.main)!);
    expect(new Set(hub.requests.map(({ headers }) => headers.authorization))).toEqual(new Set([`Bearer ${TOKEN}`]));
    expect(authorizations).toEqual(authorizations.map(() => undefined));
    expect(authorizations.length).toBe(9);
  });

  test("does not come back with a redirect that comes back", async () => {
    const hub = await TestHub.start();
    const other = await temporaryServer((request, response) => {
      response.writeHead(302, { location: `${hub.endpoint.slice(0, -1)}${request.url}?back` }).end();
    });
    hub.meddle = (request, response, path) => {
      if (!path.includes("/resolve/") || request.url!.endsWith("?back")) return false;
      response.writeHead(302, { location: other.slice(0, -1) + path }).end();
      return true;
    };
    const seen: (string | undefined)[] = [];
    const inner = hub.meddle;
    hub.meddle = (request, response, path) => {
      if (request.url!.endsWith("?back")) seen.push(request.headers.authorization);
      return inner(request, response, path);
    };
    await fetchFrom(hub, { token: TOKEN });
    expect(seen).toEqual(seen.map(() => undefined));
    expect(seen.length).toBe(9);
  });

  test("goes along a redirect within the Hub, by a relative address too", async () => {
    const hub = await TestHub.start();
    hub.meddle = (_, response, path) => {
      if (!path.startsWith("/api/")) return false;
      response.writeHead(307, { location: `${path}?moved=1` }).end();
      return true;
    };
    const inner = hub.meddle;
    hub.meddle = (request, response, path) => !request.url!.includes("moved") && inner(request, response, path);
    await fetchFrom(hub, { token: TOKEN });
    expect(hub.requests.every(({ headers }) => headers.authorization === `Bearer ${TOKEN}`)).toBe(true);
  });

  test("is taken from HF_TOKEN, and goes to no address that is not the Hub", async () => {
    const seen: (string | undefined)[] = [];
    const files = checkpoint();
    const address = await temporaryServer((request, response) => {
      seen.push(request.headers.authorization);
      const bytes = files.get(decodeURIComponent(request.url!.slice(1)));
      if (bytes === undefined) response.writeHead(404).end();
      else response.end(bytes);
    });
    process.env.HF_TOKEN = TOKEN;
    try {
      await fetchCheckpoint(address, { ...quick, cache: await temporaryFolder() });
      const hub = await TestHub.start();
      await fetchFrom(hub);
      expect(hub.requests[0]!.headers.authorization).toBe(`Bearer ${TOKEN}`);
    } finally {
      delete process.env.HF_TOKEN;
    }
    expect(seen.length).toBeGreaterThan(9);
    expect(seen.filter((value) => value !== undefined)).toEqual([]);
  });

  test("stands in no message, whatever it is", async () => {
    const hub = await TestHub.start();
    for (const status of [400, 401, 403, 404, 500]) {
      hub.meddle = (_, response) => {
        response.writeHead(status, { "x-error-message": TOKEN }).end(TOKEN);
        return true;
      };
      const error = await failureOf(() => fetchFrom(hub, { token: TOKEN }));
      expect(`${error.stack}${JSON.stringify(error)}`).not.toContain(TOKEN);
    }
    const bad = `${TOKEN}\r\nx: y`;
    const error = await failureOf(() => fetchFrom(hub, { token: bad }));
    expect(error.code).toBe("option-invalid");
    expect(error.message).not.toContain(TOKEN);
    const fetch = () => Promise.reject(new TypeError(`fetch of https://host/?token=${TOKEN} failed`));
    const failed = await failureOf(() => fetchFrom(hub, { token: TOKEN, fetch }));
    expect([failed.code, `${failed.stack}`.includes(TOKEN)]).toEqual(["network", false]);
  });
});

describe("redirects", () => {
  test.each([1, 5])("%i are followed", async (times) => {
    const hub = await TestHub.start();
    hub.meddle = (request, response, path) => {
      const hop = Number(new URL(request.url!, "http://host").searchParams.get("hop"));
      if (hop === times) return false;
      response.writeHead(301, { location: `${path}?hop=${hop + 1}` }).end();
      return true;
    };
    await expectWhole(await fetchFrom(hub), hub.commits.get(hub.main)!);
  });

  test.each<[string, (path: string, hub: TestHub) => string]>([
    ["too-many-redirects", (path) => path],
    ["http-invalid", () => ""],
    ["http-invalid", () => "http://[broken"],
    ["http-invalid", (path, hub) => `http://user:s3cret@${new URL(hub.endpoint).host}${path}`],
    ["insecure", () => "file:///etc/passwd"],
    ["insecure", () => "data:application/json,{}"],
  ])("%s: %s", async (code, location) => {
    const hub = await redirecting(location);
    const error = await failureOf(() => fetchFrom(hub));
    expect(error.code).toBe(code);
    expect(error.message).not.toContain("s3cret");
    if (code === "too-many-redirects") expect(hub.asked(/config\.json$/).length).toBe(6);
  });

  test("without a Location lead nowhere", async () => {
    const hub = await TestHub.start();
    hub.meddle = (_, response) => {
      response.writeHead(302).end();
      return true;
    };
    expect(await codeOf(() => fetchFrom(hub))).toBe("http-invalid");
  });
});

describe("http", () => {
  test("is refused unless allowed: an address, an endpoint", async () => {
    const hub = await TestHub.start();
    for (const source of ["hf:org/name", hub.endpoint]) {
      const options = { endpoint: hub.endpoint, cache: await temporaryFolder() };
      const error = await failureOf(() => fetchCheckpoint(source, options));
      expect([error.code, error.message]).toEqual(["insecure", expect.stringContaining("allowHttp")]);
    }
    expect(hub.asked()).toEqual([]);
  });
});

describe("statuses", () => {
  test.each([
    [401, "unauthorized", /set HF_TOKEN/, 1],
    [403, "unauthorized", /accept its terms/, 1],
    [404, "not-found", /there is none/, 1],
    [400, "http-status", /400/, 1],
    [418, "http-status", /418/, 1],
    [204, "http-status", /204/, 1],
    [429, "network", /429/, 4],
    [500, "network", /500/, 4],
    [503, "network", /503/, 4],
  ])("%i: %s", async (status, code, message, requests) => {
    const hub = await TestHub.start();
    hub.meddle = (_, response) => {
      response.writeHead(status).end();
      return true;
    };
    const error = await failureOf(() => fetchFrom(hub));
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
    expect(hub.requests.length).toBe(requests);
  });

  test("a revision that is not there is told from a model that is not", async () => {
    const hub = await TestHub.start();
    const options = { ...quick, endpoint: hub.endpoint, cache: await temporaryFolder() };
    const error = await failureOf(() => fetchCheckpoint("hf:org/name@v9", options));
    expect([error.code, error.message]).toEqual(["not-found", expect.stringContaining("no such revision")]);
    const none = await failureOf(() => fetchCheckpoint("hf:org/other", options));
    expect([none.code, none.message]).toEqual(["not-found", expect.stringContaining("there is none")]);
  });

  test("errors that pass, pass; Retry-After is heeded, up to a bound", async () => {
    const hub = await TestHub.start();
    let failures = 3;
    const times: number[] = [];
    hub.meddle = (_, response) => {
      times.push(performance.now());
      if (failures-- <= 0) return false;
      response.writeHead(failures === 2 ? 429 : 503, failures === 2 ? { "retry-after": "1" } : {}).end();
      return true;
    };
    await expectWhole(await fetchFrom(hub), hub.commits.get(hub.main)!);
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(990);

    hub.requests.length = 0;
    hub.meddle = (_, response) => {
      response.writeHead(429, { "retry-after": "3600" }).end();
      return true;
    };
    const error = await failureOf(() => fetchFrom(hub));
    expect([error.code, error.message]).toEqual(["network", expect.stringContaining("come back in 3600 s")]);
    expect(hub.requests.length).toBe(1);
  });

  test("Retry-After is seconds or a date", () => {
    expect(retryAfter("120")).toBe(120_000);
    expect(retryAfter("Wed, 21 Oct 2015 07:28:00 GMT", Date.UTC(2015, 9, 21, 7, 27))).toBe(60_000);
    expect(retryAfter("Wed, 21 Oct 2015 07:28:00 GMT")).toBe(0);
    for (const nothing of [null, "", "soon", "-1"]) expect(retryAfter(nothing) ?? 0).toBe(0);
  });
});

describe("answers of the Hub that are no answers", () => {
  test.each<[string, RegExp, string]>([
    ["listing-invalid", /revision/, "<html>"],
    ["listing-invalid", /revision/, '{"sha":"../../x"}'],
    ["listing-invalid", /revision/, '{"__proto__":{"sha":"cccccccccccccccccccccccccccccccccccccccc"}}'],
    ["listing-invalid", /tree/, "{}"],
    ["listing-invalid", /tree/, "[".repeat(200_000)],
    ["listing-invalid", /tree/, JSON.stringify([{ type: "file", path: "config.json", size: -1 }])],
    ["listing-invalid", /tree/, JSON.stringify([{ type: "file", path: "config.json" }])],
    ["listing-invalid", /tree/, `[${Array(30_000).fill('{"type":"file","path":"x","size":1}').join()}]`],
    ["too-large", /tree/, `[${" ".repeat(17 * 1024 ** 2)}]`],
    ["name-invalid", /tree/, JSON.stringify([{ type: "file", path: "..\\x.json", size: 1 }])],
    ["no-checkpoint", /tree/, JSON.stringify([1, null, "x", { type: "file" }, { type: "file", path: 7 }])],
  ])("%s where %s is %.60s", async (code, path, body) => {
    const hub = await TestHub.start();
    hub.meddle = (_, response, asked) => {
      if (!path.test(asked)) return false;
      response.end(body);
      return true;
    };
    expect(await codeOf(() => fetchFrom(hub))).toBe(code);
  });

  test("a list of ever more pages ends", async () => {
    const hub = await TestHub.start();
    let page = 0;
    hub.meddle = (_, response, path) => {
      if (!path.includes("/tree/")) return false;
      response.writeHead(200, { link: `<${hub.endpoint}api/models/org/name/tree/x?page=${page++}>; rel="next"` });
      response.end("[]");
      return true;
    };
    expect(await codeOf(() => fetchFrom(hub))).toBe("listing-invalid");
    expect(page).toBeLessThan(60);
  });
});

test("a fetch of one's own is called as a function: a browser's refuses to be a method", async () => {
  const hub = await TestHub.start();
  const seen = new Set<unknown>();
  const fetch = function (this: unknown, input: URL | RequestInfo, init?: RequestInit) {
    seen.add(this);
    return globalThis.fetch(input, init);
  };
  await fetchFrom(hub, { fetch });
  expect(seen).toEqual(new Set([undefined]));
});
