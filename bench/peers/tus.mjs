// A tus server that keeps files: node tus.mjs PACKAGES PORT FOLDER
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [packages, port, folder] = process.argv.slice(2);
const { resolve } = createRequire(`${packages}/`);
const { Server } = await import(pathToFileURL(resolve("@tus/server")));
const { FileStore } = await import(pathToFileURL(resolve("@tus/file-store")));

const server = new Server({ path: "/files", datastore: new FileStore({ directory: folder }) });
server.listen({ host: "127.0.0.1", port: Number(port) });
