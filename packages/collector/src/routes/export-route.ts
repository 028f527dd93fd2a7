import { FENCE_API_VERSIONS, groupOf, SERVICE_FENCE } from "@fenceline/api";
import { listRoute, OneATurn, type PageSizes, type Route } from "@fenceline/http-api";
import { EXPORT_FORMATS, type ExportFormat } from "@fenceline/render/exchange";
import { type ExportSource, exportSteps } from "./export-steps.ts";
import { known } from "./views.ts";

const SIZES: PageSizes = { default: 100, max: 1_000 };

/**
 * `/api/v1/export`: what was learned, as objects that can be applied elsewhere (docs/export.md). A
 * caller that may list fences may read it: it tells no more than fences do. An AuthorizationPolicy
 * names callers of all namespaces.
 *
 * @param read returns the source; undefined while it is not known yet
 */
export function exportRoute(read: () => ExportSource | undefined): Route {
  return listRoute({
    path: "/api/v1/export",
    name: "objects",
    sizes: SIZES,
    right: { group: groupOf(FENCE_API_VERSIONS[0]), resource: SERVICE_FENCE.plural, verb: "list" },
    turns: new OneATurn(),
    choices: { format: EXPORT_FORMATS, times: ["false", "true"] },
    tellsOfOthers: ({ chosen }) => chosen.format === "authorization-policy",
    steps(page) {
      const { format, times } = page.chosen;
      return exportSteps(known(read()), { ...page, format: format as ExportFormat, times: times === "true", now: Date.now() });
    },
  });
}
