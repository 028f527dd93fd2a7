export { type HttpApi, type HttpApiOptions, serveHttpApi, serviceNames } from "./api/http-api.ts";
export type { FenceReader } from "./api/views.ts";
export type { FallbackToken } from "./attribution/fallback-caller.ts";
export * from "./collector.ts";
export { Mesh } from "./mesh.ts";
