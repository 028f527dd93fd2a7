export * from "./edge-book.ts";
export * from "./fence-edges.ts";
