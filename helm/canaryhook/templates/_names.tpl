{{/* The part of a name before the release's is added. */}}
{{- define "canaryhook.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{/* The name of the objects: the release's, with "canaryhook" in it. 40 characters leave room for the endings. */}}
{{- define "canaryhook.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "canaryhook.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "canaryhook.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "canaryhook.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "canaryhook.fullname" .) -}}
{{- end }}

{{- define "canaryhook.webhookService" -}}
{{- include "canaryhook.fullname" . }}-webhook
{{- end }}

{{/* Webhooks run in the order of these names. This one comes last, so that it sees what others change. */}}
{{- define "canaryhook.registration" -}}
zz-{{ include "canaryhook.fullname" . }}
{{- end }}

{{/* The Secret with the webhook's certificate, whoever makes it. */}}
{{- define "canaryhook.certificateSecret" -}}
{{- include "canaryhook.fullname" . }}-certificates
{{- end }}

{{- define "canaryhook.lease" -}}
{{- include "canaryhook.fullname" . }}-controller
{{- end }}

{{/* The names that the webhook is called by: a JSON list. */}}
{{- define "canaryhook.certificateNames" -}}
{{- $service := printf "%s.%s.svc" (include "canaryhook.webhookService" .) .Release.Namespace -}}
{{- $names := list $service (printf "%s.cluster.local" $service) -}}
{{- with .Values.webhook.url -}}
{{- $names = append $names (regexReplaceAll ":[0-9]+$" (urlParse .).host "" | trimPrefix "[" | trimSuffix "]") -}}
{{- end -}}
{{- $names | toJson -}}
{{- end }}

{{- define "canaryhook.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* What a Service selects: these never change in the life of a release. */}}
{{- define "canaryhook.selector" -}}
app.kubernetes.io/name: {{ include "canaryhook.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "canaryhook.labels" -}}
{{ include "canaryhook.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Of the pods of the Deployment. They change with the program's version, not with the chart's. */}}
{{- define "canaryhook.podLabels" -}}
{{ include "canaryhook.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Of a pod that works once. No Service and no budget selects it. (list . "uninstall") */}}
{{- define "canaryhook.jobLabels" -}}
{{- $work := index . 1 -}}
{{- with index . 0 -}}
app.kubernetes.io/name: {{ include "canaryhook.name" . }}-{{ $work }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end }}
