{{/*
Labels of every object. Call with (dict "root" $ "component" "collector"), and "more" for those of one part's pods. Ours win: selectors rely on them.
`app` is written by the templates themselves.
*/}}
{{- define "fenceline.labels" -}}
{{- $own := dict
  "app.kubernetes.io/version" .root.Chart.AppVersion
  "app.kubernetes.io/part-of" "fenceline"
  "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version)
}}
{{- toYaml (merge $own (include "fenceline.podLabels" . | fromYaml)) }}
{{- end }}

{{/* Labels of a pod. Without versions: they would restart every pod at every upgrade of the chart. */}}
{{- define "fenceline.podLabels" -}}
{{- $own := dict
  "app.kubernetes.io/name" (.root.Values.nameOverride | default .root.Chart.Name)
  "app.kubernetes.io/component" .component
  "app.kubernetes.io/instance" .root.Release.Name
}}
{{- toYaml (omit (merge $own (.more | default dict) .root.Values.commonLabels) "app" "sidecar.istio.io/inject" "istio.io/rev") }}
{{- end }}

{{/* The image of a part: its own, else everybody's. Call with (dict "root" $ "part" .Values.collector). */}}
{{- define "fenceline.image" -}}
{{- $image := ternary .part.image .root.Values.image (ne .part.image.repository "") }}
{{- if not $image.repository }}
{{- fail "image.repository is not set. No image of Fenceline is published yet: build one (docs/install.md), push it where the cluster can pull it, and add --set image.repository=REGISTRY/fenceline" }}
{{- end }}
{{- if $image.digest }}{{ $image.repository }}@{{ $image.digest }}{{ else }}{{ $image.repository }}:{{ $image.tag | default .root.Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "fenceline.serviceDomain" -}}
{{ .Release.Namespace }}.svc.{{ .Values.config.clusterDomain }}
{{- end }}

{{/* Labels by which Istio's webhook injects a pod, whatever its namespace says. */}}
{{- define "fenceline.injection" -}}
sidecar.istio.io/inject: "true"
{{- with .Values.istio.revision }}
istio.io/rev: {{ . | quote }}
{{- end }}
{{- end }}

{{/* Where pods run. Call with (dict "root" $ "component" .Values.collector "app" "fenceline-collector"). */}}
{{- define "fenceline.scheduling" -}}
topologySpreadConstraints:
  {{- with .component.topologySpreadConstraints }}
  {{- toYaml . | nindent 2 }}
  {{- else }}
  # Apart on nodes and zones where there are several; a small cluster still runs them all.
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector: { matchLabels: { app: {{ $.app }} } }
    matchLabelKeys: [pod-template-hash]
  {{- end }}
  {{- end }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .component.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .component.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .component.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .component.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/*
Sources of a rule of an AuthorizationPolicy that may read APIs and metrics. Never the global sidecar: it forwards what anybody sends, under its own
identity, and would be everybody's way in.
*/}}
{{- define "fenceline.apiSources" -}}
- from:
    - source:
        namespaces: [{{ .Release.Namespace }}]
        notPrincipals: ["*/ns/{{ .Release.Namespace }}/sa/global-sidecar"]
    {{- range .Values.authorization.api }}
    - source: {{ toJson . }}
    {{- end }}
{{- end }}

{{/* The configuration file: the values, and what only the chart knows. */}}
{{- define "fenceline.config" -}}
{{- $own := dict "namespace" .Release.Namespace "fallback" (dict "service" "global-sidecar" "serviceAccount" "global-sidecar") "collector" (dict "service" "fenceline-collector" "port" 18081) }}
{{- $config := mergeOverwrite (deepCopy .Values.config) $own }}
{{- $port := $config.fallback.port | default 80 | toString }}
{{- if not (has $port (.Values.globalSidecar.ports | toStrings)) }}
{{- fail (printf "config.fallback.port %s is not in globalSidecar.ports" $port) }}
{{- end }}
{{- toYaml $config }}
{{- end }}
