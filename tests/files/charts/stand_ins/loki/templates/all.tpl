{{- /* As much of the chart as the role relies on: names, labels, what becomes of the claim, and its values as they arrive. */ -}}
{{- $labels := dict "app.kubernetes.io/name" .Chart.Name "app.kubernetes.io/instance" .Release.Name }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: loki
  labels: {{ merge dict $labels .Values.commonLabels | toJson }}
data:
  values: {{ .Values | toJson | quote }}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: loki
  labels: {{ $labels | toJson }}
spec:
  serviceName: loki-headless
  selector:
    matchLabels: {{ $labels | toJson }}
  template:
    metadata:
      labels: {{ $labels | toJson }}
    spec:
      automountServiceAccountToken: false
      securityContext: {{ .Values.loki.podSecurityContext | toJson }}
      containers:
        - name: main
          image: registry.invalid/loki:1
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
  volumeClaimTemplates:
    - metadata: {name: storage, labels: {{ .Values.singleBinary.persistence.labels | toJson }}}
      spec:
        accessModes: [ReadWriteOnce]
        resources: {requests: {storage: {{ .Values.singleBinary.persistence.size }}}}
