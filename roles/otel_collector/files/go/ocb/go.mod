module observability.claude_code/build/ocb

go 1.26.0

require go.opentelemetry.io/collector/cmd/builder v0.161.0
