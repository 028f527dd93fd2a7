import { FENCE_API_VERSIONS, groupOf, SERVICE_FENCE } from "@fenceline/api";
import { ApiRefusal, listRoute, OneATurn, type PageSizes, parseQuery, quoted, type Route, sendJson } from "@fenceline/http-api";
import { edgesSteps, type FenceReader, fencesSteps, fenceView, known } from "./views.ts";

const FENCES: PageSizes = { default: 100, max: 1_000 };
const EDGES: PageSizes = { default: 1_000, max: 10_000 };

/**
 * A caller that may read a fence can read its edges in its status, too. A fence of Slime's older
 * group counts as one of ours.
 */
const FENCE = { group: groupOf(FENCE_API_VERSIONS[0]), resource: SERVICE_FENCE.plural };
const LIST = { ...FENCE, verb: "list" } as const;

/**
 * The routes for fences and edges: `/api/v1/fences`, `/api/v1/fences/<namespace>/<name>` and
 * `/api/v1/edges` (docs/api.md).
 *
 * @param read returns the source; undefined while it is not known yet
 */
export function fenceRoutes(read: () => FenceReader | undefined): Route[] {
  const turns = new OneATurn();
  return [
    listRoute({
      path: "/api/v1/fences",
      name: "fences",
      sizes: FENCES,
      right: LIST,
      turns,
      steps: (page) => fencesSteps(known(read()), page),
    }),
    listRoute({
      path: "/api/v1/edges",
      name: "edges",
      sizes: EDGES,
      right: LIST,
      turns,
      steps: (page) => edgesSteps(known(read()), page),
    }),
    {
      method: "GET",
      path: "/api/v1/fences/{namespace}/{name}",
      right: ({ path: [namespace, name] }) => ({ ...FENCE, verb: "get", namespace, name }),
      async answer({ path: [namespace = "", name = ""], query }, response) {
        parseQuery(query, []);
        const reader = known(read());
        await turns.turn();
        const fence = fenceView(reader, { namespace, name });
        if (fence === undefined) throw new ApiRefusal(404, "FENCE_NOT_FOUND", `no ServiceFence ${quoted(`${namespace}/${name}`)}`);
        sendJson(response, 200, fence);
      },
    },
  ];
}
