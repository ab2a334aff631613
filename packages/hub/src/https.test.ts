import { createServer, request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { checkpoint, codeOf, expectWhole, quick, sendFile, temporaryFolder, temporaryServer } from "../test/server.js";
import { fetchCheckpoint } from "./index.js";

// Made for these tests with `openssl req -x509`; nobody else trusts it. It is good for a hundred years.
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgoyAIIRs6yRG5pbcC
uLlGfcGuQmulfYIrYF3gF5BnSCyhRANCAATR42a6rbysQMqay45DOhtQd8a02HgK
l4vj/xFl7NlaE9B2CljmK/NuPaXgMlAgNodrhb+t8riGYNn2S6GZgS2w
-----END PRIVATE KEY-----
`;
const cert = `-----BEGIN CERTIFICATE-----
MIIBkDCCATagAwIBAgIUU6HX2JoxFu30nxHUm0XuM5WeBuMwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJZm9yIHRlc3RzMCAXDTI2MTEyNDExMzE1MFoYDzIxMjYxMDMx
MTEzMTUwWjAUMRIwEAYDVQQDDAlmb3IgdGVzdHMwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATR42a6rbysQMqay45DOhtQd8a02HgKl4vj/xFl7NlaE9B2CljmK/Nu
PaXgMlAgNodrhb+t8riGYNn2S6GZgS2wo2QwYjAdBgNVHQ4EFgQUOdlDiTmcKD1u
DSIFq0jzdmLp/tIwHwYDVR0jBBgwFoAUOdlDiTmcKD1uDSIFq0jzdmLp/tIwDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0gAMEUC
IQC0EagMNMOqcgUkrMYwCffoMm/UDI+bMG3GHwkkgVAK/AIgIO/VJR5RPfPoI4Sy
V6JWWsvR9cylpFGYqafaQULFodY=
-----END CERTIFICATE-----
`;

/** An https server with that certificate, and a `fetch` that trusts it. */
async function secureServer(files: ReadonlyMap<string, Uint8Array>, elsewhere: string) {
  const server = createServer({ key, cert }, (request, response) => {
    const path = decodeURIComponent(request.url!);
    const bytes = files.get(path.slice("/good/".length));
    if (path.startsWith("/down/")) response.writeHead(302, { location: elsewhere }).end();
    else if (bytes === undefined) response.writeHead(404).end();
    else sendFile(request, response, bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const trusting: typeof fetch = (input, init) =>
    new Promise((resolve, reject) => {
      const headers = init?.headers as Record<string, string>;
      const options = { headers, ca: cert, ...(init?.signal && { signal: init.signal }) };
      const sent = httpsRequest(new URL(String(input)), options, (answer) => {
        const { statusCode = 0, headers } = answer;
        const body = Readable.toWeb(answer) as ReadableStream<Uint8Array>;
        resolve(new Response(body, { status: statusCode, headers: headers as Record<string, string> }));
      });
      sent.on("error", reject).end();
    });
  return { address: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`, fetch: trusting };
}

test("https needs no allowance, heeds certificates, and never leads to http", async () => {
  const files = checkpoint();
  const http = await temporaryServer((_, response) => response.end("{}"));
  const { address, fetch } = await secureServer(files, http);
  const { patience } = quick;
  const cache = await temporaryFolder();
  await expectWhole(await fetchCheckpoint(`${address}good`, { patience, cache, fetch }), files);
  // Not known to the global fetch: the certificate is nobody's.
  expect(await codeOf(() => fetchCheckpoint(`${address}other`, { patience, cache }))).toBe("network");
  for (const allowHttp of [false, true])
    expect(await codeOf(() => fetchCheckpoint(`${address}down`, { patience, cache, fetch, allowHttp }))).toBe(
      "insecure",
    );
});
