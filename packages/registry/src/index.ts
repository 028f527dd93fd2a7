export * from "./authority.ts";
export * from "./port-protocol.ts";
export * from "./registry.ts";
