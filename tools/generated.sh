#!/usr/bin/env bash
# Fails when generated code differs from what its sources give.
set -euo pipefail
cd "$(dirname "$0")/.."

sum() { find api/oapi portal -type f \( -name '*.gen.go' -o -name '*_templ.go' \) -print0 | sort -z | xargs -0 sha256sum; }
before=$(sum)
make --no-print-directory generate >/dev/null
if [ "$before" != "$(sum)" ]; then
  echo "Generated code was not up to date; run 'make generate' and commit:" >&2
  diff <(echo "$before") <(sum) >&2 || true
  exit 1
fi
