import type { GatewayRoute, VirtualService } from "@fenceline/api";
import type { ObjectChange } from "@fenceline/api/vocabulary";

/**
 * A route of the Gateway API as istiod converts it: a VirtualService in its namespace for calls to
 * its parents, with the visibility of one without `exportTo` (pilot/pkg/config/kube/gateway). No
 * VirtualService of a person can have such a name.
 */
function asVirtualService({ kind, metadata, spec }: GatewayRoute, clusterDomain: string): VirtualService {
  const hostOf = ({ namespace, name }: GatewayRoute["spec"]["parents"][number]) => `${name}.${namespace}.svc.${clusterDomain}`;
  return {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "VirtualService",
    metadata: { ...metadata, name: `${kind}~${metadata.name}` },
    spec: {
      hosts: spec.parents.map(hostOf),
      gateways: [],
      exportTo: [],
      destinations: [...spec.backends.map(hostOf), ...spec.hosts],
      delegates: [],
    },
  };
}

/** The same for both sides of changes. A route without a Service as parent is left out. */
export function asVirtualServices(
  changes: readonly ObjectChange<GatewayRoute>[],
  clusterDomain: string,
): readonly ObjectChange<VirtualService>[] {
  const side = (route: GatewayRoute | undefined) =>
    route === undefined || route.spec.parents.length === 0 ? undefined : asVirtualService(route, clusterDomain);
  return changes
    .map(({ before, after }) => ({ before: side(before), after: side(after) }))
    .filter(({ before, after }) => before !== undefined || after !== undefined);
}
