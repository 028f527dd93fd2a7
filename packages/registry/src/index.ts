export * from "./authority.ts";
export * from "./destination.ts";
export { readinessChanged, servicesOfSlice } from "./endpoint-counts.ts";
export { type AddressedChanges, MeshAddressBook } from "./mesh-addresses.ts";
export * from "./port-protocol.ts";
export { type Reads, RecordedLookup, type ServiceLookup } from "./recorded-lookup.ts";
export * from "./registry.ts";
export { type ControlPlane, outboundEntries } from "./registry-only.ts";
export type { TcpLists } from "./tcp-services.ts";
