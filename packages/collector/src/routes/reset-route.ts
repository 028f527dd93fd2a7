import { FENCE_API_VERSIONS, groupOf, isEgressHost, NamespaceName, normalHost, ObjectName, SERVICE_FENCE } from "@fenceline/api";
import { ApiRefusal, OneATurn, parseQuery, quoted, type Route, sendJson } from "@fenceline/http-api";
import type { ResetSource } from "../fence/reset-source.ts";
import { known } from "./views.ts";

/**
 * `POST /api/v1/reset?namespace=N[&fence=F][&host=H]`: forgets what fences have learned, on any
 * replica (docs/api.md). A caller that may change a fence may do that: the annotation has the same
 * effect.
 *
 * @param read returns the source; undefined while the mesh is not known yet
 */
export function resetRoute(read: () => Pick<ResetSource, "fencesIn" | "reset"> | undefined): Route {
  const turns = new OneATurn();
  const resource = { group: groupOf(FENCE_API_VERSIONS[0]), resource: SERVICE_FENCE.plural };
  return {
    method: "POST",
    path: "/api/v1/reset",
    right({ query }) {
      const { namespace, fence: name } = parametersOf(query);
      return { ...resource, verb: "patch", namespace, name };
    },
    async answer({ query }, response) {
      const { namespace, fence, host } = parametersOf(query);
      const source = known(read());
      const fences = source.fencesIn(namespace).filter(({ name }) => fence === undefined || name === fence);
      if (fence !== undefined && fences.length === 0)
        throw new ApiRefusal(404, "FENCE_NOT_FOUND", `no ServiceFence ${quoted(`${namespace}/${fence}`)}`);
      for (const key of fences) {
        await turns.turn();
        if (!source.reset(key, host)) throw tooMany(`${namespace}/${key.name}`);
      }
      sendJson(response, 202, { fences });
    },
  };
}

function tooMany(fence: string): ApiRefusal {
  return new ApiRefusal(
    409,
    "RESETS_WAITING",
    `too many resets of ${quoted(fence)} wait for a leader: reset all of it, or try again later`,
  );
}

/** @throws {ApiRefusal} for parameters that are not valid */
function parametersOf(query: string) {
  const { namespace, fence, host } = parseQuery(query, ["namespace", "fence", "host"]);
  if (!NamespaceName.safeParse(namespace).success || namespace === undefined)
    throw invalid("namespace", namespace, "the name of a namespace");
  if (fence !== undefined && !ObjectName.safeParse(fence).success) throw invalid("fence", fence, "the name of a ServiceFence");
  const normal = host === undefined ? undefined : normalHost(host);
  if (normal !== undefined && !isEgressHost(normal)) throw invalid("host", host, "a host");
  return { namespace, fence, host: normal };
}

function invalid(name: string, value: string | undefined, wanted: string): ApiRefusal {
  const given = value === undefined ? "is missing" : `is ${quoted(value)}`;
  return new ApiRefusal(400, "PARAMETER_INVALID", `the parameter ${name} ${given}: it must be ${wanted}`);
}
