import { type AnyObject, type Config, type FenceKey, fenceKeyOf, objectsByKind } from "@fenceline/api";
import type { Exported } from "@fenceline/render/exchange";
import { Mesh } from "./mesh.ts";
import { type ExportRequest, exportSteps } from "./routes/export-steps.ts";

/**
 * The export of the fences among some objects. What a fence has learned is in its status.
 *
 * @param serviceAccountOf default: none is known
 */
export function exportOfManifests(
  objects: readonly AnyObject[],
  config: Config,
  request: ExportRequest,
  serviceAccountOf: (fence: FenceKey) => string | undefined = () => undefined,
): readonly Exported[] {
  const mesh = new Mesh({ of: objectsByKind(objects).of, defaultSidecars: [], meshConfigs: [] }, config);
  const source = {
    fences: () => mesh.fences().map(fenceKeyOf),
    describe(key: FenceKey) {
      const fence = mesh.fence(key);
      return fence && { fence, status: fence.status };
    },
    mesh: () => mesh,
    serviceAccountOf,
  };
  return [...exportSteps(source, request)].flatMap((step) => step.map(({ value }) => value as Exported));
}
