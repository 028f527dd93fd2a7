export * from "./kubernetes-store.ts";
