export { AddressTable } from "./destination/address-table.ts";
export { createGlobalSidecar } from "./global-sidecar.ts";
export { createRegistryResolver } from "./resolve/registry-resolver.ts";
