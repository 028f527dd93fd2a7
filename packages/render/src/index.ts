export * from "./egress-hosts.ts";
export * from "./fence.ts";
