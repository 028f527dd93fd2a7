export * from "./directory/directory-store.ts";
export * from "./directory/ensure-folder.ts";
export * from "./store.ts";
