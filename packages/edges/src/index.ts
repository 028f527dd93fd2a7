export * from "./edge-book.ts";
export * from "./fence-edges.ts";
export * from "./sightings.ts";
