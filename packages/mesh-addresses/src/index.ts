export { meshAddressService } from "./service.ts";
export { watchMeshAddresses } from "./watch.ts";
