import { FENCE_API_VERSIONS, groupOf, SERVICE_FENCE } from "@fenceline/api";
import { ApiRefusal, listRoute, OneATurn, type PageSizes, parseQuery, quoted, type Route, sendJson } from "@fenceline/http-api";
import { type Names, type ReportSource, reportInSteps, reportSteps } from "./report-views.ts";
import { known } from "./views.ts";

const SIZES: PageSizes = { default: 100, max: 1_000 };
const FENCE = { group: groupOf(FENCE_API_VERSIONS[0]), resource: SERVICE_FENCE.plural };

/**
 * What enforcing fences would hide, save and risk: `/api/v1/report` for the mesh or a namespace,
 * and `/api/v1/report/<namespace>/<name>` (docs/report.md). A caller that may read a fence may read
 * its report. Hidden hosts are in other namespaces, so their names are only for callers that may
 * read those.
 *
 * @param read returns the source; undefined while it is not known yet
 */
export function reportRoutes(read: () => ReportSource | undefined): Route[] {
  const turns = new OneATurn();
  return [
    listRoute({
      path: "/api/v1/report",
      name: "reports",
      sizes: SIZES,
      right: { ...FENCE, verb: "list" },
      turns,
      steps: (page) => reportSteps(known(read()), page),
    }),
    {
      method: "GET",
      path: "/api/v1/report/{namespace}/{name}",
      right({ path: [namespace, name], query }) {
        return namesOf(query) === "All" ? { ...FENCE, verb: "list" } : { ...FENCE, verb: "get", namespace, name };
      },
      async answer({ path: [namespace = "", name = ""], query }, response) {
        const steps = reportInSteps(known(read()), { namespace, name }, namesOf(query));
        for (;;) {
          await turns.turn();
          const { done, value } = steps.next();
          if (!done) continue;
          if (value === undefined) throw new ApiRefusal(404, "FENCE_NOT_FOUND", `no ServiceFence ${quoted(`${namespace}/${name}`)}`);
          sendJson(response, 200, value);
          return;
        }
      },
    },
  ];
}

/** @throws {ApiRefusal} `PARAMETER_INVALID`, and those of {@link parseQuery} */
function namesOf(query: string): Names {
  const { hidden = "false" } = parseQuery(query, ["hidden"]);
  if (hidden !== "true" && hidden !== "false")
    throw new ApiRefusal(400, "PARAMETER_INVALID", `hidden=${quoted(hidden)} is not valid: it must be one of false, true`);
  return hidden === "true" ? "All" : "Shown";
}
