/**
 * Builds the page into dist/: static files for any web server, all that Python needs among them.
 *
 * cnndsl and its dependencies are packed in Pyodide, and the state that the page starts from is
 * the memory of a Pyodide that has been asked what the page asks first.
 */

import { execFileSync } from "node:child_process";
import crypto from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync }
  from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { loadPyodide } from "pyodide";
import lock from "pyodide/pyodide-lock.json" with { type: "json" };

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const pyodide = dirname(fileURLToPath(import.meta.resolve("pyodide")));
const made = join(root, "build", "playground");
const dist = join(made, "dist"); // which takes the place of the last one once it is whole

const STDLIB = `/lib/python${lock.info.python.split(".").slice(0, 2).join("")}.zip`;
const SETTINGS = {
  lockFileContents: { info: lock.info, packages: {} },
  env: { HOME: "/home/pyodide", PYTHONHASHSEED: "0" },
};

// A memory is to be the same each time, anywhere: Python sees no clock and no path, and draws
// nothing.
process.argv.length = 1;
Date.now = performance.now = () => 0;
process.hrtime = () => [0, 0];
globalThis.crypto.getRandomValues = crypto.randomFillSync = (bytes) => bytes.fill(0);

/** Python, and what pack.py defines. */
async function python(options) {
  const py = await loadPyodide({ ...SETTINGS, ...options });
  const names = py.toPy({ __name__: "pack" });
  py.runPython(readFileSync(join(here, "pack.py"), "utf8"), { globals: names });
  return { py, names };
}

/** Fills what is free of the heap with zeros, which take no room in a compressed memory. */
function wipe({ _module: wasm }) {
  const held = [];
  wasm._malloc_set_footprint_limit(wasm._malloc_footprint());
  for (let size = 1 << 20; size >= 16; size >>= 1) {
    for (let at; (at = wasm.___libc_malloc(size)); held.push(at)) {
      wasm.HEAPU8.fill(0, at, at + size);
    }
  }
  held.forEach(wasm._free);
  wasm._malloc_set_footprint_limit(-1);
}

function store(name, bytes) {
  writeFileSync(join(dist, "engine", `${name}.gz`), gzipSync(bytes, { level: 9 }));
}

rmSync(made, { recursive: true, force: true });
mkdirSync(join(dist, "engine"), { recursive: true });
const installed = join(made, "installed");
execFileSync(process.env.PYTHON ?? "python3", ["-m", "pip", "install", "--quiet", "--no-deps",
  "--no-compile", "--disable-pip-version-check", "--target", installed,
  "--requirement", join(here, "requirements.txt")], { stdio: "inherit" });
const packing = await python();
packing.py.FS.mkdirTree("/mnt");
packing.py.FS.mount(packing.py.FS.filesystems.NODEFS, { root }, "/mnt");
const modules = packing.names.get("pack_all")(
  "/mnt", "/mnt/build/playground/installed", "/mnt/build/playground");

const { py, names } = await python({ _makeSnapshot: true, stdLibURL: join(made, "stdlib.zip") });
py.unpackArchive(new Uint8Array(readFileSync(join(made, "library.zip"))), "zip");
const prime = names.get("prime");
const first = JSON.parse(prime(modules));
prime.destroy();
names.destroy();
py.runPython("import gc; gc.collect()");
wipe(py);
store("memory.bin", py.makeMemorySnapshot());
for (const name of ["stdlib", "library", "code"]) {
  store(`${name}.zip`, readFileSync(join(made, `${name}.zip`)));
}
for (const name of ["pyodide.asm.js", "pyodide.asm.wasm"]) {
  store(name, readFileSync(join(pyodide, name)));
}

const bundle = (name, format, define) => build({
  entryPoints: [join(here, "src", name)], outdir: dist, bundle: true, minify: true, format,
  define, target: "es2022", external: ["node:*"], logLevel: "warning",
});
await bundle("main.js", "esm");
await bundle("worker.js", "esm", {
  LOCK: JSON.stringify(lock.info), STDLIB: JSON.stringify(STDLIB),
});
await bundle("embed.js", "iife");
cpSync(join(here, "style.css"), join(dist, "style.css"));
// All files ask for those of their own build: a cache may hold older ones.
const hash = crypto.createHash("sha256");
const files = readdirSync(dist, { recursive: true }).map((name) => join(dist, name)).sort();
files.filter((each) => statSync(each).isFile()).forEach((each) => hash.update(readFileSync(each)));
const version = hash.digest("hex").slice(0, 12);
const page = readFileSync(join(here, "index.html"), "utf8");
const escaped = (text) => text.replace(/[&<>]/g, (each) => `&#${each.charCodeAt(0)};`);
writeFileSync(join(dist, "index.html"), page
  .replace(/"(main\.js|style\.css)"/g, `"$1?${version}"`)
  .replace("<!--net-->", () => escaped(first.net))
  .replace("<!--table-->", () => first.tables.en));
rmSync(join(here, "dist"), { recursive: true, force: true });
renameSync(dist, join(here, "dist"));
