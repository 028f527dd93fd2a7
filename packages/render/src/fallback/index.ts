export * from "./declared-ports.ts";
export * from "./fallback-ports.ts";
