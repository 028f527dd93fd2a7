/** Label by which an EndpointSlice names its Service. */
export const SERVICE_NAME_LABEL = "kubernetes.io/service-name";
