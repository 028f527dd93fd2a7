/** Label by which an EndpointSlice names its Service. */
export const SERVICE_NAME_LABEL = "kubernetes.io/service-name";

/** Of a ServiceEntry: `false` where istiod gives its hosts no addresses of its own. */
export const AUTO_ADDRESS_LABEL = "networking.istio.io/enable-autoallocate-ip";
