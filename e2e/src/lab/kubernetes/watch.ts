import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { createInterface } from "node:readline";
import { FencelineError } from "@fenceline/api";
import type { Connection } from "./connection.ts";
import type { KubernetesObject } from "./object.ts";

/** What happened to an object, and the object afterwards. */
export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: KubernetesObject;
}

/**
 * Follows the objects of a collection: existing ones come first, as added. It ends with the
 * connection; a suite that restarts its API server has to start it again.
 *
 * @param path of the collection, for example `/api/v1/namespaces/default/services`
 * @param ended called when the API server ends it; a new watch gets everything again
 * @returns ends it
 * @throws {FencelineError} `LAB_API_SERVER` when the API server refuses
 */
export async function watch(
  { host, port, token, certificates }: Connection,
  path: string,
  tell: (event: WatchEvent) => void,
  ended: () => void = () => {},
): Promise<() => void> {
  const headers = { authorization: `Bearer ${token}`, accept: "application/json" };
  const asked = request({ host, port, path: `${path}?watch=true`, headers, ca: certificates, agent: false });
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  // Ending it, or the end of the API server.
  asked.on("error", () => {});
  response.on("error", () => {});
  if (response.statusCode !== 200) {
    response.resume();
    throw new FencelineError("LAB_API_SERVER", { message: `the API server answered a watch of ${path} with ${response.statusCode}` });
  }
  createInterface({ input: response })
    .on("line", (line) => tell(JSON.parse(line) as WatchEvent))
    .on("error", () => {});
  let isOurs = false;
  response.once("close", () => {
    if (!isOurs) ended();
  });
  return () => {
    isOurs = true;
    asked.destroy();
  };
}
