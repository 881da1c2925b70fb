/** The form of the page without script: the server answers it with pages of its own. */

import { words } from "../strings/words.ts";
import { folder } from "../tree/folder.ts";

export function UploadForm({ heading }: { readonly heading: string }) {
  const { ifTaken, askMe, keepBoth, replaceIt, chooseFiles, upload } = words.value;
  return (
    <form
      class="upload"
      method="post"
      action={folder.value}
      enctype="multipart/form-data"
      aria-labelledby="upload-heading"
    >
      <h2 id="upload-heading">{heading}</h2>
      <div class="fields">
        <label class="field">
          {ifTaken}
          <select name="same_name">
            <option value="">{askMe}</option>
            <option value="rename">{keepBoth}</option>
            <option value="version">{replaceIt}</option>
          </select>
        </label>
        <label class="field grow">
          {chooseFiles}
          <input type="file" name="file" multiple required />
        </label>
        <button class="main" type="submit">
          {upload}
        </button>
      </div>
    </form>
  );
}
