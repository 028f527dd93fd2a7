export type { WriteResult } from "./apply/object-writer.ts";
export type { Conflict } from "./apply/ownership.ts";
export * from "./kubernetes-store.ts";
