import { isIP } from "node:net";
import { isLoopback, isNeverAService } from "@fenceline/registry";
import { Refusal } from "../refusals/refusal.ts";
import type { Address } from "../resolve/resolver.ts";

/** The check of an address for every caller: undefined when it may be dialled. */
export type AddressCheck = (address: Address) => Refusal | undefined;

/**
 * The check of resolved addresses that needs no knowledge of the mesh.
 *
 * @param allowLoopback see ServingPolicy
 * @param isSelf whether it is an address of Fenceline itself
 */
export function createAddressCheck(allowLoopback: boolean, isSelf: (address: Address) => boolean): AddressCheck {
  return (candidate) => {
    const { address } = candidate;
    if (isIP(address) === 0) return new Refusal("ADDRESS_REFUSED", "the endpoint is not an IP address");
    if (isSelf(candidate)) return new Refusal("DESTINATION_IS_SELF", "the host resolves to Fenceline itself");
    const never = isLoopback(address) ? !allowLoopback : isNeverAService(address);
    return never ? new Refusal("ADDRESS_REFUSED", "the host resolves to an address that no service can have") : undefined;
  };
}
