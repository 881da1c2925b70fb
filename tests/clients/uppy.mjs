// Uploads a file by Uppy and its tus plugin: node uppy.mjs ENDPOINT FILE OPTIONS
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import Uppy from "@uppy/core";
import Tus from "@uppy/tus";

const [endpoint, path, options = "{}"] = process.argv.slice(2);
const silent = { debug() {}, warn() {}, error() {} };
const uppy = new Uppy({ autoProceed: false, logger: silent });
uppy.use(Tus, { endpoint, retryDelays: [0, 100, 200, 400, 800, 1600, 1600, 1600, 1600, 1600], ...JSON.parse(options) });
// A browser has a Blob here. What sends it in Node wants a Buffer; of a Blob Uppy asks the size only.
const data = readFileSync(path);
Object.defineProperty(data, "size", { value: data.length });
uppy.addFile({ name: basename(path), type: "application/octet-stream", data });
const { successful, failed } = await uppy.upload();
console.log(JSON.stringify({
  successful: successful.map((file) => file.uploadURL),
  failed: failed.map((file) => ({ error: file.error, status: file.response?.status ?? null })),
}));
