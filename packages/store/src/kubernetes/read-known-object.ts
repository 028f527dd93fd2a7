import { EndpointSlice, InvalidResource, Namespace, Node, Service, ServiceCIDR, ServiceFence, safeParseObject } from "@fenceline/api";
import { keyText } from "./api/resource.ts";
import type { WireObject } from "./api/wire-object.ts";

/** Parsers of the kinds that make up a mesh. Each keeps the fields of its schema only, and throws {@link InvalidResource} naming the first fault. */
export const readNamespace = reader<Namespace>(Namespace);
export const readNode = reader<Node>(Node);
export const readServiceCIDR = reader<ServiceCIDR>(ServiceCIDR);
export const readService = reader<Service>(Service);
export const readEndpointSlice = reader<EndpointSlice>(EndpointSlice);
export const readServiceFence = reader<ServiceFence>(ServiceFence);

function reader<T>(schema: Parameters<typeof safeParseObject<T>>[0]): (object: WireObject) => T {
  return (object) => {
    const result = safeParseObject(schema, object);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    const { kind, metadata } = object;
    throw new InvalidResource(`${kind === "ServiceFence" ? "FENCE" : kind.toUpperCase()}_INVALID`, {
      at: { object: `${kind} ${keyText(metadata)}`, path: issue?.path.map(String).join(".") ?? "" },
      message: issue?.message ?? "not valid",
    });
  };
}
