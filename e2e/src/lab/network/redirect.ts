/** The proxy's user: its own connections must not be redirected to it. */
export const PROXY_UID = 1337;

/** Envoy's listeners for captured connections. */
const OUTBOUND = 15_001;
const INBOUND = 15_006;
/** Admin, agent, health and metrics: called from outside, and not part of the mesh. */
const UNCAPTURED_INBOUND = [15_000, 15_020, 15_021, 15_090];

/**
 * Rules, for `iptables-restore`, that send a pod's TCP connections through its Envoy, as
 * istio-iptables does. Connections to the control plane stay out: a collector or a test reaches the
 * API server without mTLS.
 */
export function redirectRules(controlPlane: string): string {
  return `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m multiport --dports ${UNCAPTURED_INBOUND.join(",")} -j RETURN
-A PREROUTING -p tcp -j REDIRECT --to-ports ${INBOUND}
-A OUTPUT -m owner --uid-owner ${PROXY_UID} -j RETURN
-A OUTPUT -o lo -j RETURN
-A OUTPUT -d ${controlPlane}/32 -j RETURN
-A OUTPUT -p tcp -j REDIRECT --to-ports ${OUTBOUND}
COMMIT
`;
}

/**
 * Arguments for `iptables` that send the proxy's own connections to a ClusterIP on to a pod, as
 * kube-proxy does on a node.
 */
export function serviceRule(service: { readonly address: string; readonly port: number }, pod: typeof service): readonly string[] {
  const from = ["-p", "tcp", "-d", service.address, "--dport", String(service.port)];
  return [
    "-t",
    "nat",
    "-I",
    "OUTPUT",
    "-m",
    "owner",
    "--uid-owner",
    String(PROXY_UID),
    ...from,
    "-j",
    "DNAT",
    "--to-destination",
    `${pod.address}:${pod.port}`,
  ];
}
