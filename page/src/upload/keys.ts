/** Random names of items, which are their Idempotency-Keys as well. Also on plain http. */

export function freshId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
