/** Addresses of the built workers, by the name of their source without `.worker.ts`. */
declare const WORKERS: Readonly<Record<string, string>>;
