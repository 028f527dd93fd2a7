export * from "./egress-hosts.ts";
export * from "./fallback-ports.ts";
export * from "./fence.ts";
