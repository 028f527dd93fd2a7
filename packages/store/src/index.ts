export * from "./capabilities.ts";
export * from "./change.ts";
export * from "./directory/directory-store.ts";
export * from "./directory/ensure-folder.ts";
export { isLink } from "./directory/folder-place.ts";
export { isManifestName } from "./directory/manifest-folder.ts";
export * from "./store.ts";
