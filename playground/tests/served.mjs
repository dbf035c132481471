/** The built page on a plain web server, in a folder of it, and a browser to look at it. */

import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const playground = dirname(dirname(fileURLToPath(import.meta.url)));
export const dist = join(playground, "dist");

const FOLDER = "/nets/playground/";
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };
const BROWSER = {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
};

/**
 * Serves the page, as servers do that know nothing of it.
 * @param more other files, by their paths below the page: texts, or null for what is missing
 */
export async function serve(more = {}) {
  const served = []; // what was asked for, and how many bytes went out
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url, "http://localhost").pathname);
    const name = path.slice(FOLDER.length) || "index.html";
    const file = join(dist, name);
    const found = more[name] ?? (name in more || !existsSync(file) ? null : readFileSync(file));
    served.push({ name, bytes: found?.length ?? 0 });
    response.writeHead(path.startsWith(FOLDER) && found !== null ? 200 : 404, {
      "Content-Type": TYPES[extname(name)] ?? "application/octet-stream",
      "Cache-Control": "max-age=3600",
    });
    response.end(found);
  });
  await new Promise((resolve) => server.listen(0, "localhost", resolve));
  const url = `http://localhost:${server.address().port}${FOLDER}`;
  return { url, served, close: () => server.close() };
}

export const launch = () => chromium.launch(BROWSER);

/** A browser whose cache stays, in a folder of its own. */
export const launchWithCache = (folder = join(tmpdir(), "playground-profile")) =>
  chromium.launchPersistentContext(folder, BROWSER);
