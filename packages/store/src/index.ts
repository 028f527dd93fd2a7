export * from "./capabilities.ts";
export * from "./change.ts";
export { readYaml } from "./directory/damaged-file.ts";
export * from "./directory/directory-store.ts";
export { ensureFolder, isLink } from "./directory/folders.ts";
export { isManifestName } from "./directory/manifest-folder.ts";
export * from "./store.ts";
