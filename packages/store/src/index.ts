export * from "./directory/directory-store.ts";
export * from "./store.ts";
