// Sources -> handlers/browser/static/page/: hashed names, compressed beside, and manifest.json.
// Workers are built first, because the page must know their addresses.

import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const GOAL = process.argv[2] ?? join(HERE, "..", "handlers", "browser", "static", "page");
const SHARED = {
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  metafile: true,
  absWorkingDir: HERE,
  logLevel: "warning",
};

async function sources(ending) {
  const found = await readdir(join(HERE, "src"), { recursive: true });
  return found.filter((name) => name.endsWith(ending)).sort();
}

// What was made of each source that is an entry, by the name of the source.
function made({ outputs }) {
  const pairs = Object.entries(outputs)
    .filter(([, output]) => output.entryPoint)
    .map(([path, output]) => [basename(output.entryPoint), basename(path)]);
  return Object.fromEntries(pairs);
}

const fresh = `${GOAL}.new`;
await rm(fresh, { recursive: true, force: true });
await mkdir(fresh, { recursive: true });

const workers = (await sources(".worker.ts")).map((name) => join("src", name));
const built = workers.length
  ? made((await build({ ...SHARED, entryPoints: workers, outdir: fresh })).metafile)
  : {};
const addresses = Object.fromEntries(
  Object.entries(built).map(([name, file]) => [
    name.replace(".worker.ts", ""),
    `/static/page/${file}`,
  ]),
);
const page = await build({
  ...SHARED,
  entryPoints: ["src/main.tsx", "src/page.css"],
  splitting: true,
  outdir: fresh,
  define: { WORKERS: JSON.stringify(addresses) },
});
const entries = made(page.metafile);

for (const name of await readdir(fresh)) {
  const bytes = await readFile(join(fresh, name));
  const best = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };
  await writeFile(join(fresh, `${name}.br`), brotliCompressSync(bytes, best));
  await writeFile(join(fresh, `${name}.gz`), gzipSync(bytes, { level: 9 }));
}
const manifest = { script: entries["main.tsx"], style: entries["page.css"] };
await writeFile(join(fresh, "manifest.json"), `${JSON.stringify(manifest)}\n`);
await rm(GOAL, { recursive: true, force: true });
await rename(fresh, GOAL);
