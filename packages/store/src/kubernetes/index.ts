export type { Conflict } from "../conflict.ts";
export type { WriteResult } from "./apply/object-writer.ts";
export * from "./kubernetes-store.ts";
