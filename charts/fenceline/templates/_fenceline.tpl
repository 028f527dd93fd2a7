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
{{- toYaml (omit (merge $own (.more | default dict) .root.Values.commonLabels) "app" "sidecar.istio.io/inject" "istio.io/rev" "slime.io/serviceFenced") }}
{{- end }}

{{/* The image of a part: its own, else everybody's. Call with (dict "root" $ "part" .Values.collector "name" "collector"). */}}
{{- define "fenceline.image" -}}
{{- if and (not .part.image.repository) (or .part.image.tag .part.image.digest) }}
{{- fail (printf "%s.image has a tag or a digest, and no repository: set %s.image.repository, or image.tag and image.digest for every part" .name .name) }}
{{- end }}
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
  {{- toYaml (uniq .) | nindent 2 }}
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

{{/* Milliseconds of a duration, whose form the schema has checked. */}}
{{- define "fenceline.milliseconds" -}}
{{- $units := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 }}
{{- $sum := 0.0 }}
{{- range regexFindAll "[0-9.]+(ms|s|m|h)" . -1 }}
{{- $sum = addf $sum (mulf (regexFind "[0-9.]+" . | float64) (get $units (regexFind "[a-z]+" .))) }}
{{- end }}
{{- printf "%.0f" (round $sum 0) }}
{{- end }}

{{/*
A duration of the configuration that is out of its range, which no schema can say: the collector would refuse it when it starts, and stay down.
Call with (list path text shortest longest).
*/}}
{{- define "fenceline.checkDuration" -}}
{{- $length := include "fenceline.milliseconds" (index . 1) | float64 }}
{{- $least := include "fenceline.milliseconds" (index . 2) | float64 }}
{{- $most := include "fenceline.milliseconds" (index . 3) | float64 }}
{{- if or (lt $length $least) (gt $length $most) }}
{{- fail (printf "%s %s is out of range: from %s to %s" (index . 0) (index . 1) (index . 2) (index . 3)) }}
{{- end }}
{{- end }}

{{/*
Expressions of the configuration. Helm's are RE2 as Envoy's are, and an Envoy refuses the whole listener for one that it cannot read. There is no way
to catch the fault, so the message is Helm's own; the variable in it names the setting.
*/}}
{{- define "fenceline.checkExpressions" -}}
{{- $config := .Values.config }}
{{- if $config.fallback.match }}
{{- $_ := mustRegexMatch $config.fallback.match "" }}
{{- include "fenceline.checkCharacters" (list "$config.fallback.match" $config.fallback.match) }}
{{- end }}
{{- range $dispatch := $config.fallback.dispatches }}
{{- if hasKey $dispatch "domainRegex" }}
{{- $_ := mustRegexMatch $dispatch.domainRegex "" }}
{{- include "fenceline.checkCharacters" (list "$dispatch.domainRegex" $dispatch.domainRegex) }}
{{- end }}
{{- end }}
{{- end }}

{{/*
An escape of a character beyond \xff, outside of \Q…\E: Go matches characters of Unicode and takes it, Envoy matches bytes and refuses it.
Call with (list name expression).
*/}}
{{- define "fenceline.checkCharacters" -}}
{{- $before := `^(?s:[^\\]|\\[^Q]|\\Q.*?(?:\\E|$))*` }}
{{- $beyond := `\\(?:x\{0*[1-9A-Fa-f][0-9A-Fa-f]{2,}\}|[4-7][0-7][0-7])` }}
{{- if regexMatch (print $before $beyond) (index . 1) }}
{{- fail (printf "%s is no expression of RE2 as Envoy has it: there is no character beyond \\xff in %s" (index . 0) (index . 1)) }}
{{- end }}
{{- end }}

{{/* The ConfigMaps with Istio's MeshConfigs, as a JSON list: those that are named, else the one that istiod names after its revision. */}}
{{- define "fenceline.meshConfigMaps" -}}
{{- $revision := .Values.istio.revision | default "default" }}
{{- $named := concat (.Values.config.meshConfigMaps | default list) (list .Values.config.meshConfigMap) | compact | uniq }}
{{- $named | default (list (ternary "istio" (printf "istio-%s" $revision) (eq $revision "default"))) | toJson }}
{{- end }}

{{/*
Istio applies what stands in its root namespace to the selected pods of every namespace. The chart's EnvoyFilters and policies there would be for
whoever gives a pod the label `app: global-sidecar`.
*/}}
{{- define "fenceline.checkNamespace" -}}
{{- if has .Release.Namespace (list .Values.config.istioNamespace (.Values.config.rootNamespace | default "")) }}
{{- fail (printf "namespace %s is Istio's, and what the chart has there would count in every namespace: install Fenceline into a namespace of its own, for example with --namespace fenceline --create-namespace" .Release.Namespace) }}
{{- end }}
{{- end }}

{{/* The configuration file: the values, and what only the chart knows. */}}
{{- define "fenceline.config" -}}
{{- $own := dict "namespace" .Release.Namespace "meshConfigMaps" (include "fenceline.meshConfigMaps" . | fromJsonArray) "fallback" (dict "service" "global-sidecar" "serviceAccount" "global-sidecar") "collector" (dict "service" "fenceline-collector" "port" 18081) }}
{{- $config := mergeOverwrite (omit (deepCopy .Values.config) "meshConfigMap") $own }}
{{- $port := $config.fallback.port | default 80 | toString }}
{{- if not (has $port (.Values.globalSidecar.ports | toStrings)) }}
{{- fail (printf "config.fallback.port %s is not in globalSidecar.ports" $port) }}
{{- end }}
{{- include "fenceline.checkNamespace" . }}
{{- include "fenceline.checkExpressions" . }}
{{- include "fenceline.checkDuration" (list "config.telemetry.flushInterval" $config.telemetry.flushInterval "10ms" "10m") }}
{{- include "fenceline.checkDuration" (list "config.ageing.shortestWindow" $config.ageing.shortestWindow "100ms" "24h") }}
{{- include "fenceline.checkDuration" (list "config.ageing.idleWindow" $config.ageing.idleWindow $config.ageing.shortestWindow "87600h") }}
{{- include "fenceline.checkDuration" (list "config.ageing.keepDeleted" $config.ageing.keepDeleted "0s" "720h") }}
{{- include "fenceline.checkDuration" (list "config.switchOver.shortestPause" $config.switchOver.shortestPause "10ms" "10m") }}
{{- include "fenceline.checkDuration" (list "config.switchOver.longestPause" $config.switchOver.longestPause $config.switchOver.shortestPause "10m") }}
{{- include "fenceline.checkDuration" (list "config.switchOver.unobservedPause" $config.switchOver.unobservedPause "10ms" "10m") }}
{{- $prometheus := $config.telemetry.prometheus }}
{{- include "fenceline.checkDuration" (list "config.telemetry.prometheus.interval" $prometheus.interval "100ms" "1h") }}
{{- include "fenceline.checkDuration" (list "config.telemetry.prometheus.window" $prometheus.window $prometheus.interval "24h") }}
{{- include "fenceline.checkDuration" (list "config.telemetry.prometheus.history" $prometheus.history "0s" "720h") }}
{{- include "fenceline.checkDuration" (list "config.telemetry.prometheus.timeout" $prometheus.timeout "100ms" "5m") }}
{{- include "fenceline.checkDuration" (list "config.limiters.interval" $config.limiters.interval "100ms" "1h") }}
{{- include "fenceline.dispatchClusters" (list $config.fallback.dispatches .) }}
{{- toYaml $config }}
{{- end }}

{{/*
Names of clusters in dispatches may be templates, as in Slime's chart: outbound|80||egress.{{.Release.Namespace}}.svc.cluster.local. Sets them in place.
Call with (list dispatches root).
*/}}
{{- define "fenceline.dispatchClusters" -}}
{{- $root := index . 1 }}
{{- range $dispatch := index . 0 }}
{{- $cluster := tpl $dispatch.cluster $root }}
{{- if not (regexMatch "^[!-~]{1,512}$" $cluster) }}
{{- fail (printf "config.fallback.dispatches: %s becomes %q, which is no cluster of Envoy" $dispatch.cluster $cluster) }}
{{- end }}
{{- $_ := set $dispatch "cluster" $cluster }}
{{- end }}
{{- end }}

{{/*
Annotations of a pod: what it cannot do without, then those of the values, then what they may replace. Settings of its Envoy are one text of YAML, so
they are merged key by key. Call with (dict "own" $needed "replaceable" $usual "more" $values.podAnnotations "path" "collector.podAnnotations").
*/}}
{{- define "fenceline.podAnnotations" -}}
{{- $own := .own }}
{{- $proxy := "proxy.istio.io/config" }}
{{- with get .more $proxy }}
{{- $theirs := fromYaml . }}
{{- if or (hasKey $theirs "Error") (not $theirs) }}
{{- fail (printf "%s: %s is not a map in YAML, so the chart's own settings cannot be added to it" $.path $proxy) }}
{{- end }}
{{- $_ := set $own $proxy (printf "%s\n" (toYaml (merge (fromYaml (get $own $proxy)) $theirs))) }}
{{- end }}
{{- toYaml (merge $own .more .replaceable) }}
{{- end }}

{{/*
Refuses a name that the chart has itself, or that is there twice: the API server refuses the one, and takes the last of the other without a word.
Call with (dict "more" $values.extraEnv "own" (list "POD_NAME") "path" "collector.extraEnv" "key" "name").
*/}}
{{- define "fenceline.checkNames" -}}
{{- $taken := .own }}
{{- range .more }}
{{- $name := get . $.key | trimSuffix "/" }}
{{- if has $name $taken }}
{{- fail (printf "%s: the %s %s is the chart's own, or is there twice" $.path $.key $name) }}
{{- end }}
{{- $taken = append $taken $name }}
{{- end }}
{{- end }}
