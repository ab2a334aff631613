// Bundles the page and serves it to this machine alone. Another port: PORT=9000 node serve.mjs
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const { outputFiles } = await build({
  entryPoints: [here("page.mjs")],
  bundle: true,
  write: false,
  format: "esm",
  platform: "browser",
  target: "es2022",
  logLevel: "error",
  // A browser that has WebGPU has these; they are only named in the code, for Node.
  external: ["node:*"],
});
const html = await readFile(here("index.html"));
const pages = new Map([
  ["/", ["text/html; charset=utf-8", html]],
  ["/page.js", ["text/javascript; charset=utf-8", outputFiles[0].contents]],
]);

const server = createServer(({ url }, response) => {
  const [type, body] = pages.get(new URL(url, "http://localhost").pathname) ?? ["text/plain", undefined];
  response.writeHead(body ? 200 : 404, { "content-type": type }).end(body);
});
server.listen(Number(process.env.PORT ?? 8080), "127.0.0.1", () =>
  console.log(`http://127.0.0.1:${server.address().port}/`),
);
