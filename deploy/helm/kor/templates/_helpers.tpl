{{- define "kor.selector" -}}
app.kubernetes.io/name: kor
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
{{- define "kor.labels" -}}
app.kubernetes.io/name: kor
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: kor
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}
