import { z } from "zod";
import { ObjectName, Quantity, ShortName } from "./names.ts";

const Mode = z.int().min(0).max(0o777);
const Items = z.array(z.strictObject({ key: z.string().min(1), path: z.string().min(1), mode: Mode.optional() })).meta({ id: "Items" });
/** Rare sources: the API server checks them. */
const Other = z.record(z.string(), z.unknown());
const OTHERS = [
  ["awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "downwardAPI", "ephemeral", "fc", "flexVolume", "flocker"],
  ["gcePersistentDisk", "gitRepo", "glusterfs", "image", "iscsi", "nfs", "photonPersistentDisk", "portworxVolume", "projected", "quobyte"],
  ["rbd", "scaleIO", "storageos", "vsphereVolume"],
].flat();

/** A Volume of Kubernetes' core/v1. Without a source it is an empty folder; it has at most one. */
export const Volume = z
  .strictObject({
    name: ShortName,
    configMap: z
      .strictObject({ name: ObjectName, items: Items.optional(), defaultMode: Mode.optional(), optional: z.boolean().optional() })
      .optional(),
    secret: z
      .strictObject({ secretName: ObjectName, items: Items.optional(), defaultMode: Mode.optional(), optional: z.boolean().optional() })
      .optional(),
    emptyDir: z.strictObject({ medium: z.string().optional(), sizeLimit: Quantity.optional() }).optional(),
    hostPath: z
      .strictObject({
        path: z.string().min(1),
        type: z.enum(["", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"]).optional(),
      })
      .optional(),
    persistentVolumeClaim: z.strictObject({ claimName: ObjectName, readOnly: z.boolean().optional() }).optional(),
    ...Object.fromEntries(OTHERS.map((source) => [source, Other.optional()])),
  })
  .meta({ id: "Volume", maxProperties: 2 });
