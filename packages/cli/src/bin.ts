#!/usr/bin/env node
import { main } from "./main.js";

const abort = new AbortController();
process.once("SIGINT", () => abort.abort());
process.once("SIGTERM", () => abort.abort());
// A reader that goes away (`hulu ask ... | head -1`) ends the command; it is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

process.exitCode = await main(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  note: (text) => void process.stderr.write(text),
  signal: abort.signal,
  interactive: process.stderr.isTTY === true,
});
