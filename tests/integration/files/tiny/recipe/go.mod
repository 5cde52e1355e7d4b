module observability.claude_code/build/tiny

go 1.21
