/**
 * Parts of a NetworkPolicy, of Istio's AuthorizationPolicy and of a HorizontalPodAutoscaler that
 * the values may set.
 */
import { z } from "zod";
import { LabelSelector, Quantity } from "./names.ts";

const Cidr = z.union([z.cidrv4(), z.cidrv6()]);

/**
 * A NetworkPolicyPeer of networking.k8s.io/v1. The API server refuses an empty one, which matches
 * nothing.
 */
export const NetworkPeer = z
  .union([
    z.strictObject({ podSelector: LabelSelector.optional(), namespaceSelector: LabelSelector.optional() }).meta({ minProperties: 1 }),
    z.strictObject({ ipBlock: z.strictObject({ cidr: Cidr, except: z.array(Cidr).optional() }) }),
  ])
  .meta({ id: "NetworkPeer" });

const Values = z.array(z.string().min(1)).optional();

/** A Source of security.istio.io/v1. An empty one is everybody. */
export const AuthorizationSource = z
  .strictObject({
    principals: Values,
    notPrincipals: Values,
    requestPrincipals: Values,
    notRequestPrincipals: Values,
    namespaces: Values,
    notNamespaces: Values,
    serviceAccounts: Values,
    notServiceAccounts: Values,
    ipBlocks: Values,
    notIpBlocks: Values,
    remoteIpBlocks: Values,
    notRemoteIpBlocks: Values,
  })
  .meta({ id: "AuthorizationSource", minProperties: 1 });

const ScalingRules = z
  .strictObject({
    stabilizationWindowSeconds: z.int().min(0).max(3_600).optional(),
    selectPolicy: z.enum(["Max", "Min", "Disabled"]).optional(),
    policies: z
      .array(z.strictObject({ type: z.enum(["Pods", "Percent"]), value: z.int().min(1), periodSeconds: z.int().min(1).max(1_800) }))
      .min(1)
      .optional(),
    tolerance: Quantity.optional(),
  })
  .meta({ id: "ScalingRules" });

/** HorizontalPodAutoscalerBehavior of autoscaling/v2. */
export const ScalingBehavior = z
  .strictObject({ scaleUp: ScalingRules.optional(), scaleDown: ScalingRules.optional() })
  .meta({ id: "ScalingBehavior" });
