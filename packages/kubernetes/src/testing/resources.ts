/** What the tests keep in their API servers. */
import { NAMESPACE, SERVICE } from "@fenceline/api";
import { resourcesOf } from "../client/resource.ts";

export const [NAMESPACES] = resourcesOf(NAMESPACE);
export const [SERVICES] = resourcesOf(SERVICE);
