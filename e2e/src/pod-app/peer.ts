/**
 * SPIFFE identity of whoever called this pod's Envoy, from `x-forwarded-client-cert`; empty without
 * one. The last element was written by the Envoy beside us; those before it came over the network.
 */
export function peerOf(forwardedClientCert: string | undefined): string {
  const last = forwardedClientCert?.split(",").at(-1) ?? "";
  const uri = last.split(";").find((field) => field.startsWith("URI="));
  return uri?.slice("URI=".length).replaceAll('"', "") ?? "";
}
