export { type AddressFeed, meshAddressService } from "./service.ts";
export { type AddressWatch, type AddressWatchOptions, watchMeshAddresses } from "./watch.ts";
