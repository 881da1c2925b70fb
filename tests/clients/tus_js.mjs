// Uploads a file by tus-js-client, as a program would: node tus_js.mjs ENDPOINT FILE OPTIONS
import { createReadStream } from "node:fs";
import { Upload } from "tus-js-client";

const [endpoint, path, options = "{}"] = process.argv.slice(2);
const said = JSON.parse(options);
const upload = new Upload(createReadStream(path), {
  endpoint,
  retryDelays: [0, 100, 200, 400, 800, 1600, 1600, 1600, 1600, 1600],
  ...said,
  onError(error) {
    const answer = error.originalResponse;
    console.log(JSON.stringify({
      error: error.message,
      status: answer ? answer.getStatus() : null,
      problem: answer && answer.getBody() ? JSON.parse(answer.getBody()) : null,
    }));
  },
  onSuccess({ lastResponse }) {
    console.log(JSON.stringify({
      url: upload.url,
      location: lastResponse.getHeader("Content-Location") ?? null,
    }));
  },
});
upload.start();
