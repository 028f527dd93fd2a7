/**
 * What every part needs to speak of fences, headers and errors, without the schemas.
 *
 * The global sidecar and the access-log client import this and not the whole package: zod and yaml
 * take 24 MB of a process that has no manifest to read.
 */
export * from "./backoff.ts";
export * from "./compare-text.ts";
export * from "./counts.ts";
export * from "./duration.ts";
export * from "./errors.ts";
export * from "./fence-key.ts";
export * from "./file-failure.ts";
export * from "./foreign-text.ts";
export * from "./headers.ts";
export * from "./labels.ts";
export * from "./left-out-lines.ts";
export * from "./line-budget.ts";
export * from "./listen-failure.ts";
export * from "./mesh-addresses.ts";
export * from "./object-change.ts";
export * from "./part-of-free.ts";
export * from "./peer-address.ts";
export * from "./peer-identity.ts";
export * from "./token-bucket.ts";
