/** The worker: Python in WebAssembly, with cnndsl in it. Loads files of its own folder alone. */

import { loadPyodide } from "pyodide";

const HOME = new URL("engine/", import.meta.url).href;
const BUILD = new URL(import.meta.url).search;
const ARCHIVES = ["stdlib", "library", "code"]; // what comes later needs what comes before
const loaded = new Set();
const download = self.fetch;
let python;

/** A file, which is stored compressed, as servers compress nothing by themselves. */
async function unpacked(name) {
  const reply = await download(`${HOME}${name}.gz${BUILD}`)
    .catch((error) => ({ status: error.message }));
  if (!reply.ok) throw Object.assign(new Error(`${name}: ${reply.status}`), { name: "Missing" });
  const bytes = new Uint8Array(await reply.arrayBuffer());
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b; // some servers unpack it on the way
  const stream = new Blob([bytes]).stream();
  const type = name.endsWith(".wasm") ? "application/wasm" : "text/javascript";
  return new Response(isPacked ? stream.pipeThrough(new DecompressionStream("gzip")) : stream, {
    headers: { "Content-Type": type },
  });
}

const bytesOf = async (name) => new Uint8Array(await (await unpacked(name)).arrayBuffer());

// Pyodide fetches its own files: here they are. A memory brings its standard library with it.
self.fetch = async (url) => {
  const name = String(url).slice(HOME.length);
  return name ? unpacked(name).catch(fail) : new Response();
};

const lastLine = (error) => String(error.message ?? error).trim().split("\n").pop();

// Pyodide would wait for ever.
function fail(error) {
  self.postMessage({ failed: lastLine(error) });
  throw error;
}

/** Loads the archives up to one. */
async function load(last) {
  for (const name of ARCHIVES.slice(0, ARCHIVES.indexOf(last) + 1)) {
    if (loaded.has(name)) continue;
    const bytes = await bytesOf(`${name}.zip`);
    if (name === "stdlib") python.FS.writeFile(STDLIB, bytes);
    else python.unpackArchive(bytes, "zip");
    loaded.add(name);
  }
}

/** Starts Python, from a memory of it or from its files. */
async function start(memory) {
  loaded.clear();
  python = await loadPyodide({
    indexURL: HOME,
    lockFileContents: { info: LOCK, packages: {} },
    stdLibURL: memory ? HOME : `${HOME}stdlib.zip`,
    _loadSnapshot: memory,
  });
  if (!memory) {
    loaded.add("stdlib");
    await load("library");
  }
  return python.pyimport("engine");
}

async function begin() {
  const module = (await unpacked("pyodide.asm.js")).blob();
  const memory = bytesOf("memory.bin");
  memory.catch(() => {}); // it is looked at where it is waited for
  await import(URL.createObjectURL(await module));
  try {
    return await start(await memory);
  } catch (error) {
    console.info(`The page starts without its memory: ${error.message}`);
    return start();
  }
}

const engine = begin();
engine.then(() => self.postMessage({ ready: true }), fail).catch(() => {}); // which has told

self.onmessage = async ({ data: { question, args } }) => {
  try {
    const { needs, answer } = await engine;
    const given = JSON.stringify(args);
    await load(needs(question, given));
    self.postMessage({ begun: true });
    self.postMessage({ answer: answer(question, given) });
  } catch (error) {
    // What Python raises leaves it whole. Anything else, as a stack that overflows, may not.
    const isWhole = error.name === "Missing" || error instanceof python.ffi.PythonError;
    self.postMessage({ [isWhole ? "error" : "broken"]: lastLine(error) });
  }
};
