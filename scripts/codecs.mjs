// npm run codecs: makes packages/processor/src/dicom/codec/wasm/*.js out of the packages that hold the codecs.
//
// As they are published they ask Node for `fs` and a page for the .wasm file beside them, and no bundler follows both. So
// each becomes one module: the WebAssembly in base64, and the package's own JavaScript without what is for other places.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";
import { root } from "./tools.mjs";

const require = createRequire(import.meta.url);

const codecs = {
  charls: {
    script: require.resolve("@cornerstonejs/codec-charls/decodewasmjs"),
    wasm: require.resolve("@cornerstonejs/codec-charls/decodewasm"),
    from: "@cornerstonejs/codec-charls 1.2.7 (MIT), which holds CharLS (BSD-3-Clause) and Emscripten's runtime (MIT)",
  },
  openjpeg: {
    script: require.resolve("@cornerstonejs/codec-openjpeg/decodewasmjs"),
    wasm: require.resolve("@cornerstonejs/codec-openjpeg/decodewasm"),
    from: "@cornerstonejs/codec-openjpeg 1.3.6 (MIT), which holds OpenJPEG (BSD-2-Clause) and Emscripten's runtime (MIT)",
  },
};

/** @param {string} name @returns {string} where the made module lies */
export const codecFile = (name) => join(root, "packages/processor/src/dicom/codec/wasm", `${name}.js`);

export const codecNames = Object.keys(codecs);

/** @param {string} name @returns {Promise<string>} the module's text, the same each time */
export async function codecModule(name) {
  const { script, wasm, from } = codecs[name];
  const glue = readFileSync(script, "utf8");
  // It is nowhere: not in Node, nor in a page, nor in a worker; it is given the WebAssembly and asks nobody for anything.
  const nowhere = ["WEB", "WORKER", "NODE"]
    .reduce((text, place) => replaceOnce(text, new RegExp(`var ENVIRONMENT_IS_${place}=[^;]+;`), ""), glue)
    .replaceAll(/\bENVIRONMENT_IS_\w+/g, "false");
  const unnamed = replaceOnce(nowhere, /var _scriptName = [\s\S]+?\n {2}return \(/, "return (");
  const alone = replaceOnce(
    unnamed,
    /async function instantiateAsync\([\s\S]+?return instantiateArrayBuffer/,
    "async function instantiateAsync(binary,binaryFile,imports){return instantiateArrayBuffer",
  );
  const asModule = replaceOnce(alone, /if \(typeof exports === 'object'[\s\S]+$/, "");
  const factory = /^\s*var (\w+) = \(/.exec(asModule)?.[1];
  const { code } = await transform(`${asModule}\nexport { ${factory} as create };`, {
    format: "esm",
    target: "es2022",
    minify: true,
    treeShaking: true,
  });
  const left = /\brequire\(|\bprocess\b|\bdocument\b|\bfetch\(|XMLHttpRequest|\beval\(|new Function|import\(/.exec(
    code,
  );
  if (left !== null) throw new Error(`${name}: ${left[0]} is left in the script`);
  return [
    `/*! Made by scripts/codecs.mjs from ${from}.`,
    ...notices().map((line) => ` * ${line}`.trimEnd()),
    " */",
    code.trimEnd(),
    `export const wasm = "${readFileSync(wasm).toString("base64")}";`,
    "",
  ].join("\n");
}

/** The codecs' part of NOTICE: their terms go with them wherever they are copied to. */
function notices() {
  const [, section] = /^(Codecs in packages[\s\S]+?)\n\n\S/m.exec(readFileSync(join(root, "NOTICE"), "utf8"));
  return section.split("\n");
}

function replaceOnce(text, pattern, by) {
  if (text.match(new RegExp(pattern, "g"))?.length !== 1) throw new Error(`the script has changed: ${pattern}`);
  return text.replace(pattern, () => by);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const name of codecNames) writeFileSync(codecFile(name), await codecModule(name));
