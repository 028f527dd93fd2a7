export { fullHost, includesHost, isWildcard, overlap } from "./host-pattern.ts";
export { type ExportDefaults, type MeshHostLookup, MeshHosts } from "./mesh-hosts.ts";
export { type HostReads, RecordedHosts } from "./recorded-hosts.ts";
export type { EntryHost } from "./service-entry-index.ts";
export type { HostRoutes, RoutedHost } from "./virtual-service-index.ts";
export { EVERYBODY, unitedDefaults, type Visibility } from "./visibility.ts";
