export { fullHost, includesHost, isWildcard, overlap } from "./host-pattern.ts";
export { type ExportDefaults, type MeshHostLookup, MeshHosts, type RouteChanges } from "./mesh-hosts.ts";
export { type HostReads, RecordedHosts } from "./recorded-hosts.ts";
export { EVERYBODY, unitedDefaults, type Visibility } from "./visibility.ts";
